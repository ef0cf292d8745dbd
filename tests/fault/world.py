# SPDX-License-Identifier: GPL-3.0-or-later
"""A place of its own for a proof: mount and network namespace, bpffs, database; and what must hold there.

Everything is in a mount namespace of this process: when it ends, however it does, its mounts go, and
with the bpffs every pin.
"""
import ctypes
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/e2e"))
sys.dont_write_bytecode = True
import census  # noqa: E402  (of the end-to-end tests: what the kernel holds)

BPFMAN = os.path.abspath(os.environ.get("BPFMAN") or TOP / "build/bpfman")
WORKER = os.path.abspath(os.environ.get("BPFMAN_WORKER") or TOP / "build/bpfman-kernel")
EXAMPLES = pathlib.Path(os.path.abspath(os.environ.get("BPFMAN_EXAMPLES") or TOP / "build/examples"))

CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
CRASHED = 128  # an exit status from here on is a signal's


def refusal():
    """Why the proofs cannot run here, or None."""
    if os.geteuid():
        return "it needs root"
    for program in (BPFMAN, WORKER):
        if not os.access(program, os.X_OK):
            return f"{program} is not built"
    return census.refusal()


class Said:
    """What a command answered."""

    def __init__(self, process, out, err):
        self.status = process.returncode if process.returncode >= 0 else CRASHED - process.returncode
        self.out, self.err = out, err

    @property
    def crashed(self):
        return self.status > CRASHED and self.status != 130

    def documents(self):
        """The whole lines of JSON that it wrote."""
        return [json.loads(line) for line in self.out.decode(errors="replace").split("\n")[:-1]]


class World:
    """db: where the database is, made by the first command."""

    def __init__(self, name):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) or \
                libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
            raise OSError(ctypes.get_errno(), "namespaces of our own")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"bpfman-{name}-"))
        self.bpffs = self.dir / "bpf"
        self.mount("bpf", self.bpffs, "-o", "mode=0700")
        self.root = self.bpffs / "root"
        self.db = self.dir / "db/bpfman.db"

    def mount(self, kind, at, *options):
        at.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", kind, *options, kind, at], check=True)

    def close(self):
        """Unmounts all that is below, and removes the directory."""
        with open("/proc/self/mountinfo", encoding="utf-8") as lines:
            points = [line.split()[4] for line in lines]
        for point in sorted((p for p in points if p.startswith(f"{self.dir}/")), reverse=True):
            subprocess.run(["umount", "-l", point], check=True)
        shutil.rmtree(self.dir)

    def environment(self, **more):
        keep = {k: os.environ[k] for k in ("PATH", "LC_ALL", "ASAN_OPTIONS", "LSAN_OPTIONS")
                if k in os.environ}
        return {**keep, "HOME": str(self.dir), "TERM": "dumb", "BPFMAN_DB": str(self.db),
                "BPFMAN_PIN_ROOT": str(self.root), "BPFMAN_WORKER": WORKER, **more}

    def start(self, *argv, **options):
        return subprocess.Popen([BPFMAN, *map(str, argv)], env=self.environment(),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def run(self, *argv):
        process = self.start(*argv, stdin=subprocess.DEVNULL)
        out, err = process.communicate(timeout=300)
        return Said(process, out, err)

    def ok(self, *argv):
        said = self.run(*argv)
        if said.status:
            raise RuntimeError(f"{' '.join(map(str, argv))}: {said.status}: {said.err.decode()}")
        return said

    def clear(self):
        """No pins and no database, whatever state they are in. Links are let go of as well."""
        if self.root.exists():
            shutil.rmtree(self.root)
        shutil.rmtree(self.db.parent, ignore_errors=True)

    # ---- the database, not through bpfman ----

    def rows(self, sql, db=None):
        """None where there is no database, or one that never got its tables."""
        db = db or self.db
        if not db.exists() or not db.stat().st_size:
            return None
        connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=30)
        connection.text_factory = os.fsdecode
        try:
            if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                return None
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def objects(self, db=None):
        """Names of the objects that are loaded, by the database."""
        return {row[0] for row in self.rows(
            "SELECT name FROM objects WHERE state = 'loaded'", db) or ()}

    def disagreements(self):
        """What pins and rows say of each other that is not so. Nobody may be changing things."""
        found = []
        pins = census.pins(self.root) if self.root.exists() else {}
        pins = {path: what for path, what in pins.items()
                if not path.startswith("owner_") and path != "by_name"}
        expected = {}
        rows = self.rows("""
            SELECT 'prog', kernel_id, ino, pin, state FROM programs UNION ALL
            SELECT 'map', kernel_id, ino, pinned_path, state FROM maps UNION ALL
            SELECT 'link', kernel_id, ino, pinned_path, state FROM links""") or []
        for kind, kernel_id, inode, path, state in rows:
            if state != "loaded":
                found.append(f"a {kind} is {state}")
                continue
            expected[os.path.relpath(path, self.root)] = (inode, (kind, kernel_id))
        for path, in self.rows("SELECT pin_dir FROM objects WHERE state = 'loaded'") or []:
            expected[os.path.relpath(path, self.root)] = ("dir",)
        for state, in self.rows("SELECT state FROM objects WHERE state <> 'loaded'") or []:
            found.append(f"an object is {state}")
        for path in sorted(expected.keys() | pins.keys()):
            if path not in pins:
                found.append(f"{path} is not there, though a row says so")
            elif path not in expected:
                found.append(f"{path}: no row knows it")
            elif pins[path] != expected[path]:
                found.append(f"{path} is {pins[path]}, not {expected[path]}")
        for problem, in self.rows("SELECT quick_check FROM pragma_quick_check") or []:
            if problem != "ok":
                found.append(f"the database: {problem}")
        return found


class Table:
    """Proofs as rows: what, points, bad, seconds; the last line is the count of rows."""

    def __init__(self, title):
        self.bad = self.good = 0
        print(f"{title:<44} {'points':>7} {'bad':>5} {'seconds':>8}", flush=True)

    def row(self, what, points, found, began, must_find=False):
        """found: texts of what is wrong. must_find: a control, which fails when nothing is found."""
        failed = not found if must_find else bool(found)
        self.bad, self.good = self.bad + failed, self.good + (not failed)
        print(f"{what:<44} {points:>7} {len(found):>5} {time.monotonic() - began:>8.1f}"
              f"{'  FAILED' if failed else ''}", flush=True)
        for text in found[:0 if must_find else 20]:
            print(f"    {text}", flush=True)

    def finish(self):
        print(f"{self.good} passed, {self.bad} failed, 0 skipped")
        return 1 if self.bad else 0


def main(run):
    """Runs run(long) or says why not; the exit status."""
    why = refusal()
    if why:
        print(f"skipped: {why}\n0 passed, 0 failed, 1 skipped")
        return 1 if os.environ.get("CI") == "true" else 0
    if sys.argv[1:] not in ([], ["--short"], ["--long"]):
        print(f"usage: {sys.argv[0]} [--short | --long]", file=sys.stderr)
        return 2
    return run("--long" in sys.argv)

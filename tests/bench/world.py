# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benches work in: a bpffs and a directory of their own, the programs, and the peers."""
import collections
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from measure import Failed

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/e2e"))
import census  # noqa: E402

IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs")
GONE_WITHIN = 30  # seconds in which the kernel frees what is no longer pinned


class Missing(Exception):
    """A bench cannot run here, and this is why."""


def file_system(path):
    """Type of the file system that holds path, as mount(8) calls it."""
    path, best = os.path.realpath(path), ("", "unknown")
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            left, _, right = line.partition(" - ")
            point = left.split()[4].encode().decode("unicode_escape")
            inside = path == point or path.startswith(point.rstrip("/") + "/")
            if inside and len(point) >= len(best[0]):
                best = (point, right.split()[0])
    return best[1]


def mount_point(wanted):
    """Where a file system of that type is mounted, or None."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            left, _, right = line.partition(" - ")
            if right.startswith(wanted + " "):
                return pathlib.Path(left.split()[4])
    return None


def directory_on_disk():
    """Where temporary files survive a power cut, as a database does; else where they can be."""
    places = [p for p in (os.environ.get("TMPDIR"), "/var/tmp", str(TOP)) if p and os.path.isdir(p)]
    return next((p for p in places if file_system(p) not in IN_MEMORY), places[0])


class Store:
    """A database of bpfman with its pin root."""

    def __init__(self, world, name):
        self.world = world
        self.database = world.directory / name / "bpfman.db"
        self.pins = world.bpffs / name
        self.filled = False
        self.environment = dict(os.environ, BPFMAN_DB=str(self.database),
                                BPFMAN_PIN_ROOT=str(self.pins), BPFMAN_WORKER=world.worker)

    def bpfman(self, *words):
        """Runs a command outside the clock; what it printed."""
        return self.world.output(self.world.bpfman, *words, environment=self.environment)

    def script(self, name, lines):
        """Writes a script; its path."""
        path = self.world.directory / name
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return path

    def fill(self, path, count, prefix="managed"):
        """Makes it manage count objects of one program, all from one file."""
        self.bpfman("-q", "-f", self.script(prefix, (
            f"load {path} --name {prefix}{i}" for i in range(count))))
        self.filled = True

    def unload_all(self):
        self.bpfman("-q", "unload", "--all")


class World:
    """Use it in "with": the namespace must be one of our own already."""

    def __enter__(self):
        if os.geteuid() != 0:
            raise Missing("not root")
        reason = census.refusal()
        if reason:
            raise Missing(reason)
        self.bpfman = self._program("BPFMAN", "build/bpfman")
        self.worker = self._program("BPFMAN_WORKER", "build/bpfman-kernel")
        self.examples = pathlib.Path(os.environ.get("BPFMAN_EXAMPLES") or TOP / "build/examples")
        self.bpftool = shutil.which(os.environ.get("BPFTOOL") or "bpftool")
        if not self.bpftool:
            raise Missing("no bpftool to compare with")
        self.before = census.ids()
        self.stores, self.compiled, self.peers = {}, {}, 0
        self.stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            self.directory = pathlib.Path(stack.enter_context(
                tempfile.TemporaryDirectory(prefix="bpfman-bench-", dir=directory_on_disk())))
            self.bpffs = self.directory / "bpffs"
            self.bpffs.mkdir()
            subprocess.run(["mount", "-t", "bpf", "-o", "mode=0700", "bpffs", self.bpffs],
                           check=True)
            stack.callback(self._unmount)
            self.results = str(self.directory / "output")
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self.stack.close()
        self._wait_until_freed()

    def _program(self, variable, default):
        path = os.path.abspath(os.environ.get(variable) or TOP / default)
        if not os.access(path, os.X_OK):
            raise Missing(f"{path} is not built: run scripts/build build, or set {variable}")
        return path

    def _unmount(self):
        mine = census.pins(self.bpffs) if os.path.ismount(self.bpffs) else {}
        self.mine = {what[1] for what in mine.values() if what[0] != "dir" and what[1]}
        subprocess.run(["umount", "-l", self.bpffs], check=True)

    def _wait_until_freed(self):
        """The kernel frees programs after the last reader: later measurements should not see it."""
        mine = self.mine - self.before
        end = time.monotonic() + GONE_WITHIN
        while mine & census.ids() and time.monotonic() < end:
            time.sleep(0.05)
        left = mine & census.ids()
        if left:
            print(f"{len(left)} programs and maps are still in the kernel", file=sys.stderr)

    # ---- what runs ----

    def output(self, *argv, environment=None):
        """Runs a command outside the clock; what it printed."""
        done = subprocess.run([str(a) for a in argv], capture_output=True, env=environment,
                              stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise Failed(f"{' '.join(map(str, argv))[:200]}: exit status {done.returncode}: "
                         + done.stderr.decode(errors="replace")[:2000].strip())
        return done.stdout.decode(errors="replace")

    def store(self, name):
        """The store of that name: the same one for all benches."""
        return self.stores.setdefault(name, Store(self, name))

    def example(self, name):
        path = (self.examples / (name + ".bpf.o")).resolve()
        if not path.exists():
            raise Missing(f"{path} is not built: run scripts/build build with clang installed, "
                          "or set BPFMAN_EXAMPLES")
        return path

    def helper(self, name):
        """Compiles one of the C programs beside this file; its path."""
        if name not in self.compiled:
            path = str(self.directory / name)
            source = pathlib.Path(__file__).parent / (name + ".c")
            words = [os.environ.get("CC") or "cc", "-O2", "-o", path, source, "-lbpf"]
            done = subprocess.run(words, capture_output=True, check=False)
            if done.returncode:
                raise Missing(f"cannot compile {source.name}: "
                              + done.stderr.decode(errors="replace")[:500].strip())
            self.compiled[name] = path
        return self.compiled[name]

    def peer_directory(self):
        """A fresh directory of our bpffs, for a peer's pins."""
        self.peers += 1
        path = self.bpffs / f"peer{self.peers}"
        path.mkdir()
        return path

    def interfaces(self, count):
        """Makes a network namespace with so many interfaces; their names, and its own."""
        name = f"bpfman-bench-{os.getpid()}"
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.stack.callback(subprocess.run, ["ip", "netns", "del", name], check=False)
        names = [f"veth{i}" for i in range(count)]
        pairs = zip(names[::2], [*names[1::2], "spare"])
        subprocess.run(["ip", "-n", name, "-batch", "-"], check=True, text=True, input="".join(
            f"link add {a} type veth peer name {b}\n" for a, b in pairs))
        return names, name

    def cgroups(self, count):
        """Makes so many child control groups; their paths."""
        top = mount_point("cgroup2")
        if not top:
            raise Missing("no cgroup2 is mounted")
        paths = [top / f"bpfman-bench-{os.getpid()}-{i}" for i in range(count)]
        for path in paths:
            path.mkdir()
            self.stack.callback(path.rmdir)
        return [str(path) for path in paths]

    def links(self, program, wanted):
        """How many links the kernel has of the program with this id, once it has freed the rest."""
        end = time.monotonic() + GONE_WITHIN
        while True:
            shown = json.loads(self.output(self.bpftool, "-j", "link", "show") or "[]")
            found = sum(link.get("prog_id") == program for link in shown)
            if found <= wanted or time.monotonic() >= end:
                return found
            time.sleep(0.02)

    def environment(self):
        return {
            "kernel": os.uname().release,
            "processors": os.cpu_count(),
            "load_average": os.getloadavg(),
            "database_on": file_system(self.directory),
            "bpftool": self.output(self.bpftool, "version").splitlines()[0],
        }

    # ---- the same work ----

    def held(self, top):
        """What is pinned below a directory: a multiset of what each program and each map is.

        A program is its type, name, tag and the maps it uses, which must all be pinned there too.
        """
        pinned = {what[1] for what in census.pins(top).values() if what[0] != "dir"}
        programs = {p["id"]: p for p in json.loads(self.output(self.bpftool, "-j", "prog", "show"))}
        maps = {m["id"]: m for m in json.loads(self.output(self.bpftool, "-j", "map", "show"))}
        found = collections.Counter()
        for kind, number in pinned:
            if kind == "map":
                found["map", *self._map(maps[number])] += 1
                continue
            program = programs[number]
            used = program.get("map_ids", [])
            for other in used:
                if ("map", other) not in pinned:
                    raise Failed(f"map {other} of program {number} below {top} is not pinned")
            found["program", program["type"], program["name"], program["tag"],
                  tuple(sorted(self._map(maps[other]) for other in used))] += 1
        return found

    @staticmethod
    def _map(m):
        return (m["type"], m.get("name", ""), m["bytes_key"], m["bytes_value"], m["max_entries"])

    def same_work(self, tops, programs):
        """Compares what is below some directories, each with so many programs."""
        first = None
        for top in tops:
            held = self.held(top)
            count = sum(n for what, n in held.items() if what[0] == "program")
            if count != programs:
                raise Failed(f"{count} programs are pinned below {top}, not {programs}")
            if first is not None and held != first:
                raise Failed(f"not the same work: {dict(first)} below {tops[0]}, "
                             f"{dict(held)} below {top}")
            first = held


def remove_tree(top):
    """Unpins all below a directory, which stays."""
    for directory, directories, names in os.walk(top, topdown=False):
        for name in names:
            os.unlink(os.path.join(directory, name))
        for name in directories:
            os.rmdir(os.path.join(directory, name))

# SPDX-License-Identifier: GPL-3.0-or-later
"""The database: refused ones, full disks, the lock, many sessions, and runs that change nothing."""
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import time

import pytest

from conftest import BOOKKEEPING, BPFMAN, missing
from helpers import (TRIVIAL, assert_error_document, assert_failed, assert_said, listed, only, text)

pytestmark = pytest.mark.usefixtures("need_bpf")


# ---- refused ----


def made(env, example):
    """A real database, closed and of one file, with an object that is loaded."""
    env.ok("load", example("xdp_pass"))
    with contextlib.closing(sqlite3.connect(env.db)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    return env.db


def changed(sql):
    def make(env, example):
        with contextlib.closing(sqlite3.connect(made(env, example))) as db:
            db.execute(sql)
            db.commit()
    return make


def overwritten(start, content):
    def make(env, example):
        path = made(env, example)
        with open(path, "r+b") as file:
            file.seek(start if start >= 0 else path.stat().st_size + start)
            file.write(content)
    return make


def truncated(part):
    def make(env, example):
        path = made(env, example)
        os.truncate(path, int(path.stat().st_size * part))
    return make


def in_its_place(make):
    def place(env, example):
        env.db.parent.mkdir()
        make(env.db)
    return place


def foreign(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1);")


def foreign_and_named(path):
    foreign(path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript("PRAGMA application_id = 252006674; PRAGMA user_version = 7;")


DATABASES = {
    "not SQLite": (in_its_place(lambda path: path.write_bytes(b"hello\n" * 1000)),
                   "not a database|SQLite"),
    "short": (in_its_place(lambda path: path.write_bytes(b"x" * 50)), "not a database|SQLite"),
    "directory": (in_its_place(lambda path: path.mkdir()), "directory"),
    "FIFO": (in_its_place(os.mkfifo), "not a (regular )?file"),
    "device": (in_its_place(lambda path: os.symlink("/dev/null", path)),
               "not a (regular )?file|symbolic link"),
    "loop of links": (in_its_place(lambda path: os.symlink(path, path)), "symbolic link|links"),
    "foreign": (in_its_place(foreign), "belongs to another program"),
    "foreign with an id": (in_its_place(foreign_and_named), "belongs to another program", "0x0f05"),
    "newer": (changed("PRAGMA user_version = 999999"), "newer|999999"),
    "other program's id": (changed("PRAGMA application_id = 12345678"), "another program"),
    "header damaged": (overwritten(0, b"SQLate format 3\0"), "not a database|SQLite|damaged"),
    "schema damaged": (overwritten(100, b"\xff" * 300), "damaged|malformed|corrupt"),
    "half": (truncated(0.5), "damaged|malformed|corrupt"),
    "one page": (truncated(0.05), "damaged|malformed|corrupt"),
}


@pytest.mark.parametrize("name", DATABASES)
def test_refused_databases_stay_as_they_are(env, example, unchanged, name):
    make, *said = DATABASES[name]
    make(env, example)

    def state():
        return {path.name: (os.lstat(path).st_size, os.lstat(path).st_mode,
                            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
                for path in env.db.parent.iterdir() if path.name != "bpfman.db.lock"}
    before = state()
    with unchanged(env):
        for words in (["list"], ["load", example("tc_count")], ["unload", "--all"], ["log"],
                      ["-n", "load", example("tc_count")]):
            assert_failed(env.run(*words, timeout=20), 3, re.escape(str(env.db)), *said)
            assert state() == before, words
        assert_error_document(env.run("-j", "list"), 3, re.escape(str(env.db)), *said)
        assert_failed(env.run("-k", "-c", "list; list maps"), 3, "-c:1: (.|\n)*-c:1: ")
    assert state() == before


def test_a_database_of_an_interrupted_first_start_is_used(env, example):
    env.db.parent.mkdir()
    env.db.touch()
    env.ok("load", example("xdp_pass"))
    assert only(listed(env))["name"] == "xdp_pass"


def test_pages_that_were_damaged_are_told_not_followed(env, example):
    path = made(env, example)
    size = path.stat().st_size
    for start in range(4096, size, 3 * 4096):
        with open(path, "r+b") as file:
            file.seek(start)
            page = file.read(4096)
            file.seek(start)
            file.write(b"\xa5" * 4096)
        for words in (["list"], ["list", "maps"], ["log"], ["show", "xdp_pass"]):
            result = env.run(*words)
            assert result.status in (0, 1, 3), repr(result)
            if result.status:
                assert_said(text(result), "bpfman.db|named|no log")
        with open(path, "r+b") as file:
            file.seek(start)
            file.write(page)
    assert only(listed(env))["name"] == "xdp_pass"


def test_a_root_of_another_database(env, example, unchanged):
    env.ok("load", example("xdp_pass"))
    other = env.db.parent.with_name("other") / "bpfman.db"
    words = ["load", example("tc_count"), "--db", other]
    said = re.escape(str(env.root)), "belongs to another database", "--db FILE", "--pin-root"
    with unchanged(env):
        assert_failed(env.run(*words), 3, *said)
        assert_error_document(env.run("-j", *words), 3, *said)
        assert env.ok("--db", other, "list").out == "no programs\n"
    assert only(listed(env))["state"] == "loaded"
    owner, = [name for name in os.listdir(env.root) if name.startswith("owner_")]
    uuid, = [row["value"] for row in env.rows("meta") if row["key"] == "uuid"]
    assert owner == "owner_" + uuid


def test_a_database_has_one_root(env, example, unchanged):
    """Else a load that was killed under one root would not be taken back under another."""
    other = env.pins / "other"
    env.ok("load", example("xdp_pass"))
    with contextlib.closing(sqlite3.connect(env.db)) as db:
        db.execute("UPDATE objects SET state = 'pending'")
        db.execute("DELETE FROM programs")
        db.execute("DELETE FROM maps")
        db.commit()
    other.mkdir()
    with unchanged(env):
        words = ["load", example("tc_count"), "--pin-root", other]
        said = f"pinned under {env.root}, not under {other}", f"--pin-root {env.root}"
        assert_failed(env.run(*words), 3, *said)
        assert_error_document(env.run("-j", *words), 3, *said)
    env.ok("load", example("tc_count"))
    assert not (env.root / "1").exists(), "taken back"
    env.ok("unload", "--all")
    env.ok(*words)  # with nothing left to lose it may move
    env.ok("unload", "--all", "--pin-root", other)


# ---- a full disk ----


@pytest.fixture(params=[1024, 4096])
def small_disk(env, request):
    """A file system of 4 MiB, mounted; its blocks have 1 or 4 KiB."""
    image, point = env.db.parent.with_name("image"), env.db.parent.with_name("disk")
    point.mkdir()
    with open(image, "wb") as file:
        file.truncate(4 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m0", "-b", str(request.param), "-O^has_journal", image],
                   check=True)
    mounted = subprocess.run(["mount", "-o", "loop", image, point], capture_output=True)
    if mounted.returncode:
        missing("no loop mount: " + mounted.stderr.decode(errors="replace").strip())
    try:
        yield point
    finally:
        subprocess.run(["umount", "-l", point], check=True)
        image.unlink()
        point.rmdir()


def fill(path, leave):
    """Fills the disk of path up to leave bytes."""
    with open(path, "wb", buffering=0) as file:
        free = os.statvfs(path.parent)
        left = free.f_bavail * free.f_frsize - leave
        with contextlib.suppress(OSError):
            while left > 0:
                left -= file.write(b"x" * min(left, 65536))


@pytest.mark.parametrize("leave", [0, 16 << 10, 64 << 10, 128 << 10, 256 << 10])
def test_full_disk(env, build_bpf, small_disk, unchanged, leave):
    """An object of a quarter of a megabyte does not fit."""
    bulky = build_bpf(TRIVIAL + '__attribute__((used, section(".rodata.bulk"))) static const char '
                      "bulk[300000] = {1};\n", "bulky")
    small = build_bpf(TRIVIAL, "small")
    env.db = small_disk / "state/bpfman.db"
    with unchanged(env, ignore=(*BOOKKEEPING, "files")):
        env.ok("load", small, "--name", "before")
        before = env.ok("-j", "list", "objects").json()
        full = small_disk / "full"
        fill(full, leave)
        for words in (["load", bulky], ["-j", "load", bulky]):
            result = env.run(*words)
            assert result.status in (1, 3), repr(result)
            assert_said(result.err + result.out, "full|[Nn]o space|ENOSPC")
        # Reading a WAL needs its index, 32 KiB: SQLite makes that anew where no session has it open.
        looked = env.run("-j", "list", "objects")
        if looked.status:
            assert_error_document(looked, 3, "No space left on device", "free some space")
        else:
            assert looked.json() == before
        assert sorted(os.listdir(env.root / "1")) == ["p2_pass"]
        assert [name for name in os.listdir(env.root) if name[0] in "s123456789"] == ["1"]
        full.unlink()
        assert env.ok("-j", "list", "objects").json() == before
        env.ok("load", small, "--name", "after")
        assert len(listed(env)) == 2
        env.ok("unload", "--all")


def test_unload_on_a_full_disk_can_be_done_again(env, build_bpf, small_disk):
    env.db = small_disk / "state/bpfman.db"
    env.ok("load", build_bpf(TRIVIAL, "small"))
    fill(small_disk / "full", 0)
    result = env.run("unload", "--all")
    assert result.status in (0, 1, 3), repr(result)
    (small_disk / "full").unlink()
    env.ok("unload", "--all")
    assert listed(env) == [] and not (env.root / "1").exists()


# ---- changing nothing ----


def test_looking_creates_nothing(env, example):
    for words in (["list"], ["list", "maps"], ["show", "x"], ["log"],
                  ["show", "file", example("multi")], ["verify", example("xdp_pass")],
                  ["help"], ["complete", "unload "], ["set"],
                  ["-n", "load", example("xdp_pass")], ["-n", "unload", "--all"]):
        env.run(*words)
        assert not env.db.parent.exists() and not env.root.exists(), words


def test_dry_run_resolves_what_the_script_itself_creates(env, example, unchanged):
    script = (f"load '{example('multi')}' --name web --label team=net; show web/multi_xdp; list; "
              "unload multi_egress; list objects; unload object:web; list")
    for exists in (False, True):
        with unchanged(env, ignore=()):
            before = env.db.read_bytes() if exists else None
            documents = env.ok("-j", "-n", "-c", script).documents()
            assert documents[0]["changed"] is True
            assert [p["name"] for p in documents[0]["programs"]] == \
                ["multi_xdp", "multi_ingress", "multi_egress"]
            assert documents[1]["program"]["name"] == "multi_xdp"
            added = [p["name"] for p in documents[2]["programs"]]
            assert added == ["xdp_pass"] * exists + ["multi_xdp", "multi_ingress", "multi_egress"]
            assert len(only([o for o in documents[4]["objects"] if o["name"] == "web"])
                       ["programs"]) == 2
            assert len(documents[6]["programs"]) == exists
            assert (env.db.read_bytes() if exists else None) == before
        if not exists:
            assert not env.db.parent.exists() and not env.root.exists()
            env.ok("load", example("xdp_pass"))
            env.ok("list")


def test_dry_run_finds_the_mistakes_of_names(env, example):
    file = example("xdp_pass")
    env.ok("load", file)
    assert_failed(env.run("-n", "load", file), 1, "taken")
    assert_failed(env.run("-n", "load", file, "--name", "x", "--program", "nothing"), 1, "nothing")
    assert_failed(env.run("-n", "unload", "nothing"), 1, "nothing")
    result = env.run("-n", "-c", "unload xdp_pass; show xdp_pass")
    assert result.status == 1 and "nothing was unloaded" in result.out, repr(result)
    assert_said(text(result), "^-c:1: show: ")
    assert_failed(env.run("-n", "load", "/bin/true"), 1, "not for BPF")
    assert only(listed(env))["state"] == "loaded"


def test_ephemeral_leaves_nothing(env, example, unchanged):
    with unchanged(env):
        documents = env.ok("-j", "--ephemeral", "-c", f"load '{example('multi')}'; list; "
                           f"load '{example('by_name')}' --pin-path {env.pins}/x/y").documents()
        rows = documents[1]["programs"]
        assert [row["state"] for row in rows] == ["loaded"] * 3
        assert str(env.root) not in rows[0]["pinned_path"]
        assert env.run("--ephemeral", "load", example("rejected")).status == 1
        assert env.ok("--ephemeral", "list").out == "no programs\n"
        assert not list(pathlib.Path(env.variables()["TMPDIR"]).glob("bpfman_ephemeral*"))
    assert not env.db.parent.exists() and not env.root.exists()


def test_an_ephemeral_dry_run_sees_nothing_and_makes_nothing(env, example):
    env.ok("load", example("xdp_pass"))
    script = f"list; load '{example('xdp_pass')}'; list objects"
    documents = env.ok("-j", "-n", "--ephemeral", "-c", script).documents()
    assert documents[0]["programs"] == [] and documents[1]["changed"] is True
    assert only(documents[2]["objects"])["id"] == 1
    assert not list(pathlib.Path(env.variables()["TMPDIR"]).glob("bpfman_ephemeral*"))
    assert not list(env.pins.glob("bpfman_ephemeral*"))


# ---- several sessions ----


def spawn(env, *words):
    return subprocess.Popen([BPFMAN, *map(str, words)], env=env.variables(), cwd=env.dir,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@contextlib.contextmanager
def locked(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def test_the_second_session_waits_and_says_so(env, example):
    file = example("xdp_pass")
    env.ok("-c", f"load '{file}'; unload --all")
    with locked(str(env.db) + ".lock"):
        begun = time.monotonic()
        result = env.run("load", file, "--lock-timeout", "1")
        assert time.monotonic() - begun >= 1
        assert_failed(result, 1, "another session", "--lock-timeout")
        result = env.run("load", file, "--lock-timeout", "0")
        assert_failed(result, 1, "^bpfman: load: another session")
        assert_error_document(env.run("-j", "load", file, "--lock-timeout", "1"), 1,
                              "another session")
        assert env.ok("list", "--lock-timeout", "0").out == "no programs\n", "reading never waits"
        waiting = spawn(env, "load", file)
        try:
            line = waiting.stderr.readline()
            assert line == b"bpfman: waiting for another bpfman session to finish its change\n"
            assert waiting.poll() is None
        except AssertionError:
            waiting.kill()
            raise
    out, err = waiting.communicate(timeout=20)
    assert (waiting.returncode, err) == (0, b""), (out, err)
    assert only(listed(env))["name"] == "xdp_pass"
    with locked(env.root):
        assert_failed(env.run("unload", "--all", "--lock-timeout", "0"), 1, "another session")


def test_waiting_can_be_interrupted(env, example):
    env.ok("-c", f"load '{example('xdp_pass')}'; unload --all")
    with locked(str(env.db) + ".lock"):
        waiting = spawn(env, "load", example("xdp_pass"))
        assert b"waiting" in waiting.stderr.readline()
        waiting.send_signal(signal.SIGINT)
        out, err = waiting.communicate(timeout=20)
    assert waiting.returncode == 130 and b"interrupted" in err, (out, err)
    assert listed(env) == []


def test_sessions_in_parallel_lose_nothing(env, build_bpf, unchanged):
    file = build_bpf(TRIVIAL, "small")
    with unchanged(env):
        scripts = ["".join(f"load '{file}' --name s{i}_{k} --pin-path {env.pins}/x/s{i}_{k}\n"
                           for k in range(10)) for i in range(8)]
        sessions = [spawn(env, "-j") for _ in scripts]
        for session, script in zip(sessions, scripts):
            session.stdin.write(script.encode())
            session.stdin.close()
            session.stdin = None
        acknowledged = {}
        for session in sessions:
            out, err = session.communicate(timeout=100)
            assert (session.returncode, err) == (0, b""), (out, err)
            for line in out.splitlines():
                row = only(json.loads(line)["programs"])
                acknowledged[row["id"]] = row
        assert len(acknowledged) == 80
        assert {row["id"]: row for row in listed(env)} == acknowledged
        assert len(os.listdir(env.pins / "x")) == 80
        unloading = [spawn(env, "-j", "-c", "; ".join(f"unload object:s{i}_{k}" for k in range(10)))
                     for i in range(8)]
        for session in unloading:
            out, err = session.communicate(timeout=100)
            assert (session.returncode, err) == (0, b""), (out, err)
        assert listed(env) == []
    env.assert_sane()


def test_readers_and_writers_do_not_meet_busy_databases(env, build_bpf, small_disk):
    """In both journal modes: WAL, and TRUNCATE where blocks are small."""
    env.db = small_disk / "state/bpfman.db"
    file = build_bpf(TRIVIAL, "small")
    env.ok("load", file, "--name", "first")
    mode = {1024: "truncate", 4096: "wal"}[os.statvfs(small_disk).f_frsize]
    with contextlib.closing(sqlite3.connect(env.db)) as db:
        assert only(only(db.execute("PRAGMA journal_mode").fetchall())) in (mode, "delete")
    writing = ["; ".join(f"load '{file}' --name s{i}_{k}; unload object:s{i}_{k}" for k in range(8))
               for i in range(3)]
    sessions = [spawn(env, "-j", "-c", script) for script in writing + ["list; " * 100] * 3]
    for session in sessions:
        out, err = session.communicate(timeout=100)
        assert (session.returncode, err) == (0, b""), (out[-2000:], err)
    for document in map(json.loads, out.splitlines()):
        assert document["programs"][0]["name"] == "pass"
    assert only(listed(env, "objects"))["name"] == "first"


def test_a_restored_database_does_not_touch_what_it_does_not_know(env, example):
    """A copy of the database gives ids again: whose pins are there already must not be touched."""
    env.ok("load", example("xdp_pass"), "--name", "first")
    with contextlib.closing(sqlite3.connect(env.db)) as db, \
            contextlib.closing(sqlite3.connect(env.dir / "copy")) as copy:
        db.backup(copy)
    env.ok("load", example("by_name"))
    later = only([row for row in listed(env, "objects") if row["name"] == "by_name"])
    for suffix in ("-wal", "-shm"):
        pathlib.Path(f"{env.db}{suffix}").unlink(missing_ok=True)
    os.replace(env.dir / "copy", env.db)
    there = sorted(pathlib.Path(later["pin_dir"]).iterdir())
    result = env.run("load", example("tc_count"))
    assert result.status == 1, repr(result)
    assert_said(text(result), f"{later['pin_dir']} exists", "hint: ")
    assert sorted(pathlib.Path(later["pin_dir"]).iterdir()) == there and there
    assert [row["name"] for row in listed(env, "objects")] == ["first"]

# SPDX-License-Identifier: GPL-3.0-or-later
"""The harness of the end-to-end tests: the programs as built, a bpffs of their own, and cleanup.

    BPFMAN, BPFMAN_WORKER   the two programs (default: those in build/ of this tree)
    BPFMAN_EXAMPLES         directory of the built examples (default: build/examples)
    BPFMAN_OBJECTS          directory where objects compiled for tests are kept, and found again
                            where there is no compiler
    CI=true                 what would be skipped for lack of privilege or tools fails instead

Each pytest process moves into a mount namespace of its own first, so no mount outlives it, not even
when it is killed. Tests do not share state and may run in parallel (pytest -n).
"""
import contextlib
import ctypes
import hashlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid

import pytest

sys.dont_write_bytecode = True
import census  # noqa: E402

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored under nohup, and inherited
signal.signal(signal.SIGHUP, signal.SIG_DFL)
TOP = pathlib.Path(__file__).resolve().parents[2]
BPFMAN = os.path.abspath(os.environ.get("BPFMAN") or TOP / "build/bpfman")
WORKER = os.path.abspath(os.environ.get("BPFMAN_WORKER") or TOP / "build/bpfman-kernel")
EXAMPLES = os.path.abspath(os.environ.get("BPFMAN_EXAMPLES") or TOP / "build/examples")
CI = os.environ.get("CI") == "true"
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
# Tables that a failed command may write to: logs of failures, events, when the database was made
# durable.
BOOKKEEPING = ("changes", "events", "logs", "meta", "sqlite_sequence")


def missing(reason):
    """Skips the test; in CI, where nothing may be missing, fails it."""
    if CI:
        pytest.fail(f"in CI this must not be missing: {reason}", pytrace=False)
    pytest.skip(reason)


def need_user_namespaces():
    """Inside a chroot, and where a sysctl forbids them, there are none."""
    if subprocess.run(["unshare", "-Ur", "true"], capture_output=True).returncode:
        missing("no user namespaces")


def wait_until(condition, timeout=5.0, step=0.02):
    """Calls condition until it is true; its last value."""
    end = time.monotonic() + timeout
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(step)
    return value


def pytest_configure(config):
    config.addinivalue_line("markers", "short: in the short run in virtual machines too")


def pytest_sessionstart(session):
    for program in (BPFMAN, WORKER):
        if not os.access(program, os.X_OK):
            pytest.exit(f"{program} is not built: run scripts/build build, or set BPFMAN, "
                        "BPFMAN_WORKER and BPFMAN_EXAMPLES", 3)


# ---- the machine ----


@pytest.fixture(scope="session")
def privileges():
    """Why BPF cannot be used here, or None; moves root into a mount namespace of its own."""
    if os.geteuid() != 0:
        return "not root"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        return "no mount namespace of our own: " + os.strerror(ctypes.get_errno())
    return census.refusal()


@pytest.fixture(scope="session")
def bpffs(privileges):
    """A bpffs of this session's own, as a pathlib.Path; None where BPF is not permitted."""
    if privileges:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="bpfman-test-bpffs-") as directory:
        subprocess.run(["mount", "-t", "bpf", "-o", "mode=0755", "bpffs", directory], check=True)
        try:
            yield pathlib.Path(directory)
        finally:
            subprocess.run(["umount", "-l", directory], check=True)


@pytest.fixture
def need_bpf(privileges):
    """For tests that need root and a kernel that permits BPF."""
    if privileges:
        missing(privileges)


@pytest.fixture
def tracefs(need_bpf):
    """Path of tracefs, mounted (in our namespace) if it was not."""
    path = pathlib.Path("/sys/kernel/tracing")
    if not (path / "events").is_dir():
        mounted = subprocess.run(["mount", "-t", "tracefs", "tracefs", path], capture_output=True)
        if mounted.returncode:
            missing("no tracefs: " + mounted.stderr.decode(errors="replace").strip())
    return path


class Namespace:
    """A network namespace with one end of a veth pair; the other end is in a second one, its peer."""

    def __init__(self, name, interface, address):
        self.name, self.interface, self.address = name, interface, address
        self.path = f"/run/netns/{name}"
        self.peer = None
        # Not "ip netns exec": that mounts /sys again, and bpffs would be hidden.
        self.prefix = ["nsenter", f"--net={self.path}"]

    def run(self, *argv, **options):
        return subprocess.run([*self.prefix, *map(str, argv)], check=True, capture_output=True,
                              timeout=30, **options)

    def cookie(self):
        """Its cookie, as text: SO_NETNS_COOKIE of a socket in it."""
        code = ("import socket; print(int.from_bytes("
                "socket.socket(socket.AF_UNIX).getsockopt(socket.SOL_SOCKET, 71, 8), 'little'))")
        return self.run(sys.executable, "-c", code, text=True).stdout.strip()

    def ping(self, count=1):
        """The peer sends count packets here and gets them back."""
        self.peer.run("ping", "-q", "-c", count, "-i", "0.01", "-W", 2, self.address)


@pytest.fixture
def netns(need_bpf):
    tag = uuid.uuid4().hex[:8]
    ends = [Namespace(f"bpfman-{tag}{end}", f"veth{i}", f"10.77.0.{i + 1}")
            for i, end in enumerate("ab")]
    ends[0].peer, ends[1].peer = ends[1], ends[0]

    def ip(*argv):
        subprocess.run(["ip", *argv], check=True, capture_output=True, timeout=30)
    try:
        for end in ends:
            ip("netns", "add", end.name)
        ip("-n", ends[0].name, "link", "add", "veth0", "type", "veth",
           "peer", "name", "veth1", "netns", ends[1].name)
        for end in ends:
            ip("-n", end.name, "addr", "add", end.address + "/24", "dev", end.interface)
            ip("-n", end.name, "link", "set", "lo", "up")
            ip("-n", end.name, "link", "set", end.interface, "up")
        yield ends[0]
    finally:
        for end in ends:
            subprocess.run(["ip", "netns", "del", end.name], capture_output=True, timeout=30)


class Cgroup:
    """A control group below the root: .path, and run() for a command inside it."""

    def __init__(self, path):
        self.path = path

    def _enter(self):
        (self.path / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")

    def run(self, *argv, **options):
        return subprocess.run([*map(str, argv)], check=True, capture_output=True, timeout=30,
                              preexec_fn=self._enter, **options)


def _cgroup2():
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        for line in lines:
            left, _, right = line.partition(" - ")
            if right.startswith("cgroup2 "):
                return pathlib.Path(left.split()[4])
    return None


@pytest.fixture
def cgroup(need_bpf):
    top = _cgroup2()
    if not top:
        missing("no cgroup2 is mounted")
    path = top / f"bpfman-test-{uuid.uuid4().hex[:8]}"
    path.mkdir()
    try:
        yield Cgroup(path)
    finally:
        for pid in (path / "cgroup.procs").read_text(encoding="ascii").split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        wait_until(lambda: not (path / "cgroup.procs").read_text(encoding="ascii"))
        path.rmdir()


# ---- objects to load ----


@pytest.fixture(scope="session")
def example():
    """example("xdp_pass"): path of a built example."""
    def path(name):
        built = os.path.join(EXAMPLES, name + ".bpf.o")
        if not os.path.exists(built):
            missing(f"{built} is not built (no clang for BPF)")
        return built
    return path


@pytest.fixture(scope="session")
def build_bpf():
    """build_bpf(source, "name"): path of name.bpf.o, compiled from C text; once per session."""
    multiarch = ""
    if shutil.which("cc"):
        multiarch = subprocess.run(["cc", "-print-multiarch"], capture_output=True,
                                   text=True).stdout
    machine = {"x86_64": "x86", "aarch64": "arm64", "riscv64": "riscv", "s390x": "s390",
               "ppc64le": "powerpc"}.get(os.uname().machine, os.uname().machine)
    compiler = os.environ.get("CLANG") or shutil.which("clang")
    temporary = tempfile.TemporaryDirectory(prefix="bpfman-test-objects-")
    directory = os.environ.get("BPFMAN_OBJECTS") or temporary.name
    os.chmod(directory, 0o755)

    def build(source, name="test", flags=()):
        key = hashlib.sha256("\0".join([source, *flags]).encode()).hexdigest()[:16]
        built = pathlib.Path(directory, key, name + ".bpf.o")
        if built.exists():
            return str(built)
        if not compiler:
            missing("no clang")
        built.parent.mkdir(exist_ok=True)
        text = pathlib.Path(temporary.name, key + ".c")
        text.write_text(source, encoding="utf-8")
        part = built.with_suffix(f".{os.getpid()}")
        subprocess.run([compiler, "-O2", "-g", "-target", "bpf", f"-D__TARGET_ARCH_{machine}",
                        "-idirafter", "/usr/include/" + multiarch.strip(), *flags,
                        "-c", text, "-o", part], check=True, timeout=60)
        part.rename(built)
        return str(built)
    with temporary:
        yield build


# ---- running the programs ----


class Result:
    """How a program ended: .status (negative: a signal), .out and .err as text, .argv."""

    def __init__(self, argv, status, out, err):
        self.argv, self.status, self.raw_out, self.raw_err = argv, status, out, err
        self.out = out.decode("utf-8", "surrogateescape")
        self.err = err.decode("utf-8", "surrogateescape")

    def json(self):
        """Standard output as the one document it is."""
        return json.loads(self.raw_out)

    def documents(self):
        """Standard output as a list of documents, one a line."""
        return [json.loads(line) for line in self.raw_out.splitlines()]

    def __repr__(self):
        return f"{self.argv} ended with {self.status}\n--- out\n{self.out}\n--- err\n{self.err}"


class Environment:
    """One test's own database, pin root and directory, and the programs that run with them.

    .dir        a directory for files; programs run in it
    .db         where the database will be (in a directory that does not exist yet)
    .pins       the test's directory on bpffs (None without BPF)
    .root       where the pin root will be, below .pins
    """

    def __init__(self, directory, bpffs):
        self.mark = uuid.uuid4().hex
        self._base = pathlib.Path(directory)
        self._reports = self._base / "sanitizer"
        self.dir = self._base / "files"
        self.dir.mkdir()
        self._reports.mkdir()
        self._reports.chmod(0o777)
        self.db = self._base / "state/bpfman.db"
        self.pins = bpffs / self.mark if bpffs else None
        if self.pins:
            self.pins.mkdir()
        self.root = (self.pins or self._base / "no-bpffs") / "root"
        self._spawned = []

    def variables(self, changes=None):
        """The environment of programs; changes are set, or removed where the value is None."""
        variables = {k: v for k, v in os.environ.items() if not k.startswith("BPFMAN")}
        variables.update(
            BPFMAN_DB=str(self.db), BPFMAN_PIN_ROOT=str(self.root), BPFMAN_WORKER=WORKER,
            BPFMAN_TEST=self.mark, HOME=str(self._base), TMPDIR=str(self._base), LC_ALL="C.UTF-8",
            TERM="xterm-256color",
            ASAN_OPTIONS=f"log_path={self._reports}/asan:exitcode=99",
            UBSAN_OPTIONS=f"log_path={self._reports}/ubsan:print_stacktrace=1:exitcode=99")
        variables.pop("XDG_CONFIG_HOME", None)
        for name, value in (changes or {}).items():
            variables.pop(name, None)
            if value is not None:
                variables[name] = str(value)
        return variables

    def _run(self, argv, stdin, env, check, timeout, cwd, stdout):
        argv = [os.fspath(a) if isinstance(a, os.PathLike) else a if isinstance(a, bytes)
                else str(a) for a in argv]
        if isinstance(stdin, str):
            stdin = stdin.encode("utf-8", "surrogateescape")
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd or self.dir,
            env=self.variables(env), start_new_session=True)
        try:
            out, err = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(f"not done after {timeout} s: "
                                 f"{Result(argv, None, out or b'', err)}") from None
        result = Result(argv, process.returncode, out or b"", err)
        self.assert_sane(result)
        if check:
            assert result.status == 0, repr(result)
        return result

    def run(self, *argv, stdin=None, env=None, check=False, timeout=60, cwd=None, stdout=None,
            prefix=()):
        """Runs bpfman with argv. check: it must end with 0. prefix: a command to run it with."""
        return self._run([*prefix, BPFMAN, *argv], stdin, env, check, timeout, cwd, stdout)

    def ok(self, *argv, **options):
        return self.run(*argv, check=True, **options)

    def worker(self, requests, env=None, check=True, timeout=60, prefix=()):
        """Runs the worker with requests (objects, or lines as bytes or text): its answers.

        They are a list; the result of the process itself is in its attribute .result.
        """
        lines = [r.encode("utf-8", "surrogateescape") if isinstance(r, str)
                 else r if isinstance(r, bytes) else json.dumps(r).encode() for r in requests]
        result = self._run([*prefix, WORKER], b"".join(line + b"\n" for line in lines), env, check,
                           timeout, None, None)
        answers = Answers(result.documents())
        answers.result = result
        return answers

    def spawn(self, *argv, env=None, rows=24, columns=80, timeout=10):
        """Runs bpfman on a terminal: a pexpect.spawn, closed when the test ends."""
        import pexpect
        child = pexpect.spawn(BPFMAN, [str(a) for a in argv], env=self.variables(env),
                              cwd=str(self.dir), dimensions=(rows, columns), timeout=timeout,
                              encoding="utf-8", codec_errors="surrogateescape")
        self._spawned.append(child)
        return child

    def file(self, name, content=b"", mode=0o644):
        """A file of the test's own, by its path."""
        path = self.dir / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def rows(self, table):
        """All rows of a table as a list of dicts; none where there is no database."""
        if not self.db.exists():
            return []
        with contextlib.closing(sqlite3.connect(f"file:{self.db}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            db.text_factory = lambda b: b.decode("utf-8", "surrogateescape")
            return [dict(row) for row in db.execute(f'SELECT * FROM "{table}"')]

    def processes(self):
        """Pids of this test's programs that still live."""
        return census.marked(b"BPFMAN_TEST=" + self.mark.encode())

    def assert_sane(self, result=None):
        """No sanitizer has reported anything."""
        reports = "".join(path.read_text(errors="replace")
                          for path in sorted(self._reports.iterdir()))
        assert not reports, f"{reports}\nafter {result!r}"

    def close(self):
        for child in self._spawned:
            child.close(force=True)
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.processes())
        if self.pins:
            for directory, directories, names in os.walk(self.pins, topdown=False):
                for name in names:
                    os.unlink(os.path.join(directory, name))
                for name in directories:
                    path = os.path.join(directory, name)
                    (os.unlink if os.path.islink(path) else os.rmdir)(path)
            self.pins.rmdir()
        self.assert_sane()


class Answers(list):
    result = None


@pytest.fixture
def env(bpffs):
    with tempfile.TemporaryDirectory(prefix="bpfman-test-") as directory:
        os.chmod(directory, 0o755)
        environment = Environment(directory, bpffs)
        try:
            yield environment
        finally:
            environment.close()


# ---- nothing left behind ----


class Snapshot:
    """The three stores and the test's files at one moment."""

    def __init__(self, env, ignore):
        self.env, self.ignore, self.theirs = env, ignore, set()
        self.pins = census.pins(env.pins) if env.pins else {}
        self.files = self._files()
        self.rows = self._rows()
        self.ids = census.ids() if env.pins else set()

    def _files(self):
        found = {}
        for directory, directories, names in os.walk(self.env.dir):
            for name in directories + names:
                path = os.path.join(directory, name)
                status = os.lstat(path)
                found[os.path.relpath(path, self.env.dir)] = (
                    status.st_ino, status.st_mode, status.st_uid,
                    None if name in directories else (status.st_size, status.st_mtime_ns))
        return found

    def _rows(self):
        """Tables that have rows; what is no database of SQLite, by the hash of its bytes."""
        if not self.env.db.is_file():
            return {}
        try:
            tables = [row["name"] for row in self.env.rows("sqlite_master")
                      if row["type"] == "table" and row["name"] not in self.ignore]
            return {table: rows for table in tables if (rows := self.env.rows(table))}
        except sqlite3.Error:
            return {"unreadable": hashlib.sha256(self.env.db.read_bytes()).hexdigest()}

    def leaked(self, later):
        """Kernel objects that are new, and that nobody else holds."""
        new = (later - self.ids - self.theirs) & census.ids()
        if new:  # what others were once seen to hold is not ours, now that they let it go
            device = os.stat(self.env.pins).st_dev
            self.theirs |= census.held_by_others(self.env.processes(), device)
        return new - self.theirs


def _difference(before, after):
    lines = []
    for key in sorted(before.keys() | after.keys()):
        if key not in after:
            lines.append(f"  gone: {key}: {before[key]}")
        elif key not in before:
            lines.append(f"  new: {key}: {after[key]}")
        elif before[key] != after[key]:
            lines.append(f"  changed: {key}: {before[key]} -> {after[key]}")
    return "\n".join(lines)


def _settled(env, before, after):
    """Pins after, without what the first change makes for good: the root and its owner's mark."""
    root = os.path.relpath(env.root, env.pins)
    return {path: what for path, what in after.items()
            if path in before or not (path == root or path == f"{root}/by_name" or
                                      (path.startswith(f"{root}/owner_")))}


@pytest.fixture
def unchanged():
    """with unchanged(env): the block leaves pins, files, rows, kernel objects, processes as they were.

    ignore: tables that may change. What the kernel frees a little later is waited for.
    """
    @contextlib.contextmanager
    def block(env, ignore=BOOKKEEPING):
        before = Snapshot(env, ignore)
        yield before
        processes = wait_until(lambda: not env.processes()) or env.processes()
        assert processes is True, f"processes live on: {processes}"
        after = Snapshot(env, ignore)
        if env.pins:
            pins = _difference(before.pins, _settled(env, before.pins, after.pins))
            assert not pins, "pins differ:\n" + pins
        assert before.files == after.files, \
            "files differ:\n" + _difference(before.files, after.files)
        assert before.rows == after.rows, "rows differ:\n" + _difference(before.rows, after.rows)
        if env.pins:
            gone = {id for what in before.pins.values() if what != ("dir",)
                    for id in [what[1]] if id and id[0] in census.KINDS} - after.ids
            assert not gone, f"pinned kernel objects are gone: {gone}"
            wait_until(lambda: not before.leaked(after.ids))
            leaked = before.leaked(after.ids)
            assert not leaked, f"kernel objects were left behind: {sorted(leaked)}"
        env.assert_sane()
    return block

# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be missing where bpfman runs: privilege, bpffs, bpf(2), a worker, room for output."""
import errno
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest

import census
from conftest import BPFMAN, WORKER, need_user_namespaces
from helpers import (TRIVIAL, assert_error_document, assert_failed, assert_said, listed, only,
                     slow_source, text, verifying, wait_for)

pytestmark = pytest.mark.usefixtures("need_bpf")

NOBODY = 65534
NO_CAPABILITY = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


def without(*capabilities):
    return ["setpriv", "--bounding-set=" + ",".join("-" + c for c in capabilities),
            "--inh-caps=-all"]


@pytest.fixture
def refused(env, unchanged):
    """refused(words, *patterns): a failure of the environment, told in both forms."""
    def check(words, *patterns, status=3, **options):
        with unchanged(env):
            assert_failed(env.run(*words, **options), status, *patterns)
            return assert_error_document(env.run("-j", *words, **options), status, *patterns)
    return check


# ---- privilege ----


@pytest.mark.parametrize("prefix, said", [
    (NO_CAPABILITY, "CAP_BPF"),
    (without("bpf", "sys_admin"), "CAP_BPF"),
    (without("net_admin", "sys_admin"), "CAP_NET_ADMIN"),
    (without("bpf", "net_admin", "sys_admin"), "CAP_(BPF|NET_ADMIN).*CAP_(BPF|NET_ADMIN)"),
], ids=["none", "no bpf", "no net_admin", "neither"])
def test_missing_capabilities_are_named(env, example, refused, prefix, said):
    refused(["load", example("xdp_pass")], said, "missing", prefix=prefix)
    assert listed(env) == []


def test_privileges_that_suffice(env, example):
    keep = "-all,+bpf,+net_admin"
    prefix = ["setpriv", f"--bounding-set={keep}", "--inh-caps=-all"]
    row = only(env.ok("-j", "load", example("tc_count"), prefix=prefix).json()["programs"])
    assert row["state"] == "loaded"
    env.ok("unload", "tc_count", prefix=NO_CAPABILITY)
    assert listed(env) == []
    # It subtracts packet pointers.
    assert_failed(env.run("load", example("xdp_pass"), prefix=prefix), 1, "prohibited",
                  "CAP_PERFMON")


@pytest.fixture
def nobody(env):
    """nobody(*argv): runs a copy of bpfman as uid 65534, without any capability."""
    for program in (BPFMAN, WORKER):
        shutil.copy(program, env.dir)

    def run(*argv, **options):
        prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                  "--bounding-set=-all", "--inh-caps=-all", "env",
                  "BPFMAN_WORKER=" + str(env.dir / os.path.basename(WORKER)),
                  env.dir / os.path.basename(BPFMAN)]
        return env._run([*prefix, *argv], None, None, False, 60, env.dir, None, **options)
    return run


def test_an_owner_without_privilege_may_list_and_look(env, example, nobody, unchanged):
    env.ok("load", example("multi"))
    expected = env.ok("-j", "list").json()
    directory = env.db.parent
    assert directory.stat().st_mode & 0o777 == 0o700 and env.db.stat().st_mode & 0o777 == 0o600
    with unchanged(env):
        assert_failed(nobody("list"), 3, re.escape(str(env.db)), "Permission denied")
        assert_error_document(nobody("-j", "list"), 3, re.escape(str(env.db)), "Permission denied")
    for path in [directory, *directory.iterdir()]:
        os.chown(path, NOBODY, NOBODY)
    result = nobody("-j", "list")
    assert result.status == 0, repr(result)
    assert [row["id"] for row in result.json()["programs"]] == \
        [row["id"] for row in expected["programs"]]
    # Its pins are behind a directory of root's own: that is no reason to call them lost.
    assert {(row["state"]) for row in result.json()["programs"]} == {"unknown"}
    assert all("permission" in row["lost_reason"] for row in result.json()["programs"])
    result = nobody("show", "file", shutil.copy(example("multi"), env.dir))
    assert result.status == 0 and "multi_egress" in result.out, repr(result)
    result = nobody("load", shutil.copy(example("xdp_pass"), env.dir))
    assert_failed(result, 3, "pin root", "Permission denied")


def test_without_any_privilege_nothing_is_made(env, example, nobody, unchanged):
    with unchanged(env):
        copy = env.dir / "x.o"
        shutil.copy(example("xdp_pass"), copy)
        assert_failed(nobody("load", copy), 3, "Permission denied", "root|--db")
        assert nobody("list").out == "no programs\n"
        os.unlink(copy)
    assert not env.db.parent.exists()


DENY = """
import ctypes, os, struct, sys
number, error = int(sys.argv[1]), int(sys.argv[2])
filter = b"".join(struct.pack("=HBBI", *row) for row in (
    (0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x50000 | error), (0x06, 0, 0, 0x7fff0000)))
held = ctypes.create_string_buffer(filter)
program = ctypes.create_string_buffer(struct.pack("@HP", len(filter) // 8, ctypes.addressof(held)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
    sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.argv[3], sys.argv[3:])
"""


@pytest.mark.parametrize("error", ["EPERM", "ENOSYS", "EACCES"])
def test_bpf_denied_by_a_filter(refused, example, env, error):
    prefix = [sys.executable, "-c", DENY, census._BPF, getattr(errno, error)]
    refused(["load", example("xdp_pass")], f"bpf\\(2\\) answers {error}", "seccomp", prefix=prefix)
    refused(["verify", example("xdp_pass")], f"bpf\\(2\\) answers {error}", prefix=prefix)
    assert "xdp_pass" in env.ok("show", "file", example("xdp_pass"), prefix=prefix).out
    assert env.ok("list", prefix=prefix).out == "no programs\n"


def test_user_namespaces_are_told(example, env):
    need_user_namespaces()
    result = env.run("verify", example("xdp_pass"), prefix=["unshare", "-U", "-r"])
    assert_failed(result, 3, "user namespace")


# ---- bpffs ----


def test_no_bpffs_at_the_pin_root(env, example, refused):
    for root in (env.dir / "root", env.dir, "/nothing/root", "/proc"):
        refused(["load", example("xdp_pass"), "--pin-root", root], re.escape(str(root)),
                "not on bpffs", "mount -t bpf")
    assert not os.path.exists("/nothing")
    refused(["load", example("xdp_pass")], "bpffs|maps.debug|pin root",
            env={"BPFMAN_PIN_ROOT": env.file("file")})


def test_a_pin_root_whose_name_bpffs_does_not_take(env, example, refused):
    refused(["load", example("xdp_pass"), "--pin-root", env.pins / "a.b"], r"pin root .*/a\.b",
            "no name with a '\\.'")
    refused(["load", example("xdp_pass"), "--pin-root", example("xdp_pass") + "/root"],
            "pin root", "Not a directory")


def test_default_root_gets_its_bpffs_and_says_so(env, example):
    script = ('umount -l /sys/fs/bpf 2>/dev/null; '
              '"$@" && grep -c " /sys/fs/bpf .* - bpf " /proc/self/mountinfo')
    result = env.run("-c", f"load '{example('xdp_pass')}'; unload --all",
                     prefix=["unshare", "-m", "bash", "-c", script, "bash"],
                     env={"BPFMAN_PIN_ROOT": None})
    assert result.status == 0 and result.out.endswith("\n1\n"), repr(result)
    assert_said(text(result), "^bpfman: mounted bpffs at /sys/fs/bpf\n")


# ---- the worker ----


def test_no_worker(env, example, refused):
    file = example("xdp_pass")
    refused(["load", file], "/nothing", "No such file", "--worker",
            env={"BPFMAN_WORKER": "/nothing"})
    refused(["load", file, "--worker", env.file("plain", mode=0o644)], "plain", "Permission denied")
    refused(["load", file, "--worker", env.dir], "Permission denied|directory")
    refused(["load", file, "--worker", env.file("text", "hello\n", mode=0o755)], "text",
            "Exec format error|answering")
    assert env.ok("list", "--worker", "/nothing").out == "no programs\n"


def test_a_relative_worker_is_not_looked_up_in_path(env, example, refused):
    env.file("bpfman-kernel", "#!/bin/sh\ntouch ran\n", mode=0o755)
    refused(["load", example("xdp_pass"), "--worker", "no-such-worker"], "no-such-worker",
            env={"PATH": f"{os.path.dirname(WORKER)}:{os.environ['PATH']}"})
    assert not (env.dir / "ran").exists()


# What a worker may do instead of answering; "$line" is the request, "$answer" the real answer.
MISDEEDS = {
    "segfault": ("kill -SEGV $$", 1, "signal 11"),
    "killed": ("kill -KILL $$", 1, "signal 9"),
    "status 7": ("exit 7", 1, "status 7"),
    "status 0": ("exit 0", 1, "status 0"),
    "garbage": ("echo hello", 1, "not its protocol"),
    "array": ("echo '[1]'", 1, "not its protocol"),
    "no ok": ("echo '{}'", 1, "not its protocol"),
    "ok is no boolean": ("echo '{\"ok\":1}'", 1, "not its protocol"),
    "NUL": (r"printf '{\"ok\":true\0}\n'", 1, "not its protocol"),
    "partial line": ("printf '{\"ok\":tr'; exit 0", 1, "status 0"),
    # In one write: a second answer that comes later is told by its id.
    "two answers": ('printf "%s\\n%s\\n" "$answer" "$answer" | '
                    "dd bs=1M iflag=fullblock status=none", 1, "not its protocol"),
    "no result": ("echo '{\"id\":null,\"ok\":true}'", 1, "not its protocol|facts"),
    "empty result": ("echo '{\"ok\":true,\"result\":{}}'", 1, "not its protocol|facts"),
    "wrong types": ("echo '{\"ok\":true,\"result\":{\"programs\":7,\"maps\":\"x\"}}'",
                    1, "not its protocol|facts"),
    "nameless rows": ("echo '{\"ok\":true,\"result\":{\"programs\":[{}],\"maps\":[]}}'",
                      1, "not its protocol|facts"),
    "other ids": ("echo \"$answer\" | sed 's/\"id\":[0-9]*/\"id\":77/g'", 1,
                  "numbered|not its protocol"),
    "answer lost": (": \"$answer\"; kill -SEGV $$", 1, "signal 11"),
    "answer cut": ("printf %.200s \"$answer\"; exit 1", 1, "status 1"),
    "failure without a reason": ("echo '{\"ok\":false}'", 1,
                                 "without a reason|not its protocol"),
}


@pytest.fixture
def bad_worker(env):
    """bad_worker(misdeed): a worker that does it once, and is the real one from then on."""
    def make(misdeed):
        work = f'answer=$(printf "%s\\n" "$line" | {WORKER}); ' if "$answer" in misdeed else ""
        return env.file("worker", f"#!/bin/bash\nmkdir once 2>/dev/null || exec {WORKER}\n"
                        f"read -r line\n{work}{misdeed}\nexec {WORKER}\n", mode=0o755)
    return make


@pytest.mark.parametrize("name", MISDEEDS)
def test_a_worker_that_fails_costs_one_command(env, example, build_bpf, bad_worker, unchanged,
                                               name):
    misdeed, status, said = MISDEEDS[name]
    file, pin = build_bpf(TRIVIAL, "other"), env.pins / "made/pin"
    with unchanged(env):
        worker = bad_worker(misdeed)
        result = env.run("-k", "--worker", worker, "-c",
                         f"load '{example('xdp_pass')}' --pin-path {pin}; "
                         f"load '{file}' --name after; list; unload after; list", timeout=20)
        assert result.status == status, repr(result)
        assert_said(text(result), "^-c:1: load: ", said, "xdp_pass|without a reason|worker")
        assert result.err.count("-c:1: ") == 1, repr(result)
        assert_said(text(result, "out"), '"after" loaded', "pass .*loaded +after", "no programs\n$")
        assert not pin.parent.exists()
        os.rmdir(env.dir / "once")
        result = env.run("-j", "--worker", worker, "load", example("xdp_pass"))
        error = assert_error_document(result, 1, said)
        assert error["where"] == "bpfman"
        os.rmdir(env.dir / "once")
        os.unlink(worker)


def test_worker_killed_while_it_verifies(env, build_bpf, example, unchanged):
    slow = build_bpf(slow_source(12), "slow")
    with unchanged(env):
        process = subprocess.Popen(
            [BPFMAN, "-j", "-k", "-c",
             f"load '{slow}'; load '{example('xdp_pass')}'; unload --all"],
            env=env.variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        worker = wait_for(lambda: verifying(process.pid), "the worker verifies")
        os.kill(worker, signal.SIGKILL)
        out, err = process.communicate(timeout=30)
        first, second, third = map(json.loads, out.splitlines())
        assert (process.returncode, err) == (1, b"")
        assert_said(first["error"]["message"], r"slow\.bpf\.o", "signal 9")
        assert second["changed"] and only(third["unloaded"])["name"] == "xdp_pass"
        env.assert_sane()


def test_a_worker_that_answers_without_end(env, example, bad_worker, unchanged):
    with unchanged(env):
        worker = bad_worker("exec tr '\\0' x </dev/zero")
        result = env.run("--worker", worker, "load", example("xdp_pass"), timeout=30)
        assert_failed(result, 1, "answered without end")
        os.rmdir(env.dir / "once")
        os.unlink(worker)


# ---- standard output ----


@pytest.mark.parametrize("words", [["list"], ["-j", "list"], ["--help"], ["help"], ["--version"],
                                   ["-c", "list; list maps"], ["-x", "list"], ["set"]],
                         ids=lambda words: " ".join(words))
def test_output_that_cannot_be_written(env, unchanged, words):
    # In the form of JSON nothing but documents is written, and there is no place for one.
    silent = "-j" in words

    def assert_failure_says(result, said):
        assert result.status == 1, repr(result)
        assert_said(text(result), "^$" if silent else said)
    with unchanged(env):
        with open("/dev/full", "wb") as full:
            assert_failure_says(env.run(*words, stdout=full), "No space left on device")
        closed = env.run(*words, prefix=["bash", "-c", 'exec "$@" >&-', "bash"])
        assert_failure_says(closed, "Bad file descriptor")
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, "wb") as pipe:
            assert_failure_says(env.run(*words, stdout=pipe), "Broken pipe")


def test_a_load_whose_answer_cannot_be_written_is_kept_and_a_failure(env, example):
    with open("/dev/full", "wb") as full:
        result = env.run("load", example("xdp_pass"), stdout=full)
    assert result.status == 1, repr(result)
    assert only(listed(env))["state"] == "loaded"


def test_standard_error_that_cannot_be_written(env):
    result = env.run("show", "99", prefix=["bash", "-c", 'exec "$@" 2>&-', "bash"])
    assert (result.status, result.out, result.err) == (1, "", "")
    result = env.run("list", prefix=["bash", "-c", 'exec "$@" <&- 2>&-', "bash"])
    assert (result.status, result.out) == (0, "no programs\n")
    assert env.run("-c", "list", prefix=["bash", "-c", 'exec "$@" <&-', "bash"]).status == 0
    for shut, status in (("<&-", 0), ("<&- >&-", 1), (">&- 2>&-", 1), ("<&- >&- 2>&-", 1)):
        result = env.run("list", prefix=["bash", "-c", f'exec "$@" {shut}', "bash"])
        assert result.status == status, (shut, result)
    result = env.run(prefix=["bash", "-c", 'exec "$@" <&-', "bash"])
    assert_failed(result, 1, "^bpfman: cannot read standard input: Bad file descriptor")


def test_few_descriptors_and_little_memory(env, example, unchanged):
    sanitizer = b"__asan_init" in pathlib.Path(BPFMAN).read_bytes()
    with unchanged(env):
        # A sanitizer reserves terabytes of addresses before it runs anything.
        for limit in ("-n 3", "-n 6", "-n 10", "-f 8") + (("-v 40000",) if not sanitizer else ()):
            result = env.run("load", example("xdp_pass"),
                             prefix=["bash", "-c", f'ulimit {limit}; exec "$@"', "bash"])
            assert result.status in (0, 1, 3, 127), (limit, result)
            if result.status == 0:
                env.ok("unload", "--all")
            else:
                assert text(result).strip(), (limit, result)
        env.ok("unload", "--all")

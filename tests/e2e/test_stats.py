# SPDX-License-Identifier: GPL-3.0-or-later
"""stats: how often programs run, counted by the kernel while somebody looks."""
import json
import os
import pathlib
import re
import signal
import subprocess

import pytest

from conftest import BPFMAN, WORKER, missing
from helpers import (TRIVIAL, assert_failed, assert_said, kernel_program, listed, map_values, only,
                     pin_stranger, run_program, wait_for)

pytestmark = pytest.mark.usefixtures("need_bpf")

KEYS = {"id", "kernel_id", "name", "type", "object", "object_id", "state", "lost_reason", "managed",
        "interval_runs", "interval_time_ns", "runs_per_s", "ns_per_run", "cpu_percent", "run_cnt",
        "run_time_ns", "recursion_misses", "memlock_bytes"}
RATES = ("interval_runs", "interval_time_ns", "runs_per_s", "ns_per_run", "cpu_percent")
TOTALS = ("run_cnt", "run_time_ns", "recursion_misses")


def counts(pid):
    """Whether a process has the kernel count."""
    try:
        return any(os.readlink(f"/proc/{pid}/fd/{fd}") == "anon_inode:bpf-stats"
                   for fd in os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return False


class Watching:
    """bpfman stats, a document at a time; it counts from the beginning of the block."""

    def __init__(self, env, *words):
        self.env = env
        self.process = subprocess.Popen(
            [BPFMAN, "-j", "stats", "--interval", "0.1", "--count", "1000", *map(str, words)],
            env=env.variables(), cwd=env.dir, stdout=subprocess.PIPE)

    def document(self):
        return json.loads(self.process.stdout.readline())

    def __enter__(self):
        self.document()
        return self

    def __exit__(self, *exception):
        self.process.send_signal(signal.SIGINT)
        rest = self.process.communicate(timeout=30)[0]
        if not exception[0]:
            assert self.process.returncode == 130
            assert json.loads(rest.splitlines()[-1])["error"]["code"] == "EINTR"
            assert not self.env.processes()


def uncounted():
    path = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
    if not path.exists() or path.read_text(encoding="ascii").strip() != "0":
        missing("kernel.bpf_stats_enabled is not 0")


def test_runs_are_counted_and_rates_follow(env, example):
    uncounted()
    row = only(env.ok("-j", "load", example("xdp_pass")).json()["programs"])
    runs = time = 0
    with Watching(env) as watching:
        assert any(map(counts, env.processes()))
        run_program(row["pinned_path"], bytes(64), 5000, env.dir)
        while runs < 5000:
            document = watching.document()
            shown = only(document["programs"])
            assert document["counting"] == "held" and document["not_enabled"] is None
            assert set(shown) == KEYS
            interval = int(document["interval_ns"])
            runs += int(shown["interval_runs"])
            time += int(shown["interval_time_ns"])
            per_second = int(shown["interval_runs"]) * 10**9 / interval
            assert abs(int(shown["runs_per_s"]) - per_second) <= 1
            assert abs(shown["cpu_percent"] -
                       int(shown["interval_time_ns"]) * 100 / interval) <= 0.01
            if int(shown["interval_runs"]):
                assert abs(int(shown["ns_per_run"]) - int(shown["interval_time_ns"]) /
                           int(shown["interval_runs"])) <= 1
            else:
                assert shown["ns_per_run"] is None and shown["runs_per_s"] == "0"
    kernel = kernel_program(row["kernel_id"])
    assert runs == 5000 == kernel["run_cnt"] == int(shown["run_cnt"])
    assert time == kernel["run_time_ns"] == int(shown["run_time_ns"]) > 0
    assert shown["recursion_misses"] == "0"
    assert shown["memlock_bytes"] == str(kernel["bytes_memlock"])
    assert (shown["id"], shown["kernel_id"], shown["managed"]) == (2, row["kernel_id"], True)


def test_real_traffic_is_counted(env, example, netns):
    row = only(env.ok("-j", "load", example("xdp_pass")).json()["programs"])
    counters = only(listed(env, "maps"))["pinned_path"]
    seen = 0
    with Watching(env, "xdp_pass") as watching:
        netns.run("ip", "link", "set", "dev", netns.interface, "xdp", "pinned",
                  row["pinned_path"])
        netns.ping(20)
        netns.run("ip", "link", "set", "dev", netns.interface, "xdp", "off")
        packets = map_values(counters)[0]
        assert packets >= 20
        while seen < packets:
            seen += int(only(watching.document()["programs"])["interval_runs"])
    assert seen == packets


def test_programs_come_and_go_while_one_looks(env, example):
    env.ok("load", example("xdp_pass"))
    with Watching(env) as watching:
        env.ok("load", example("tc_count"))
        wait_for(lambda: len(rows := watching.document()["programs"]) == 2 and
                 rows[1]["runs_per_s"] == "0", "the second has a rate")
        kernel_id = listed(env)[0]["kernel_id"]
        env.ok("unload", "xdp_pass")
        wait_for(lambda: [row["name"] for row in watching.document()["programs"]] == ["tc_count"],
                 "the first is gone")
        # Looking at it holds it no longer than to the next reading.
        watching.document()
        wait_for(lambda: not kernel_program(kernel_id), "the kernel has freed it")


def test_table(env, example):
    env.ok("load", example("multi"))
    out = env.ok("stats", "--interval", "0.1").out
    assert out.splitlines()[0].split() == ["ID", "NAME", "TYPE", "RUNS/S", "NS/RUN", "%CPU", "RUNS",
                                           "TIME", "MEMORY", "OBJECT"]
    assert_said(out, r"(?m)^ *2 +multi_xdp +xdp +0 +- +0\.00 +\d+ +\d.* ns +\S+ +multi$")
    assert len(env.ok("stats", "multi_ingress", "2", "--interval", "0.1").out.splitlines()) == 3
    assert env.ok("--ephemeral", "stats", "--interval", "0.1").out == "no programs\n"


def test_off_is_never_0(env, example):
    uncounted()
    if subprocess.run(["setpriv", "--version"], capture_output=True).returncode:
        missing("no setpriv")
    env.ok("load", example("xdp_pass"))
    less = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"]
    words = ["stats", "--interval", "0.1"]
    document = env.ok("-j", *words, "--all", prefix=less).json()
    row = only(document["programs"])
    assert document["counting"] is None
    assert_said(document["not_enabled"], "only with CAP_SYS_ADMIN")
    assert_said(document["incomplete"], "only with CAP_SYS_ADMIN")
    assert [row[key] for key in RATES + TOTALS] == [None] * 8
    assert int(row["memlock_bytes"]) > 0
    assert_said(env.ok(*words, prefix=less).out, r"xdp_pass +xdp +off +- +- +- +- +\S+ +xdp_pass",
                "the kernel does not count: .*CAP_SYS_ADMIN")


def test_a_lost_program_has_no_figures(env, example):
    pin = only(env.ok("-j", "load", example("xdp_pass")).json()["programs"])["pinned_path"]
    os.unlink(pin)
    row = only(env.ok("-j", "stats", "--interval", "0.1").json()["programs"])
    assert (row["state"], row["lost_reason"], row["kernel_id"]) == ("lost", "unpinned", None)
    assert [row[key] for key in RATES + TOTALS] == [None] * 8
    assert row["memlock_bytes"] is None
    assert_said(env.ok("stats", "--interval", "0.1").out, r"xdp_pass +xdp +lost +- +- +- +- +- +-")
    pin_stranger(pin, example("xdp_pass"))  # another one at its place is not it
    assert only(env.ok("-j", "stats", "--interval", "0.1").json()["programs"])["run_cnt"] is None


def test_all_has_those_of_others_too(env, example, build_bpf):
    name = "with_a_name_that_the_kernel_cuts"
    file = build_bpf(TRIVIAL.replace("pass", name), "theirs")
    kernel_id = pin_stranger(env.pins / "theirs", file)
    env.ok("load", example("xdp_pass"))
    document = env.ok("-j", "stats", "--all", "--interval", "0.1").json()
    assert document["incomplete"] is None
    row = only([row for row in document["programs"] if row["kernel_id"] == kernel_id])
    assert set(row) == KEYS
    assert (row["id"], row["managed"], row["name"]) == (None, False, name)
    assert only([row for row in document["programs"] if row["managed"]])["name"] == "xdp_pass"
    ids = [row["kernel_id"] for row in document["programs"]]
    assert len(ids) == len(set(ids))
    assert_said(env.ok("stats", "--all", "--interval", "0.1").out, rf"k:{kernel_id} +{name} +xdp ")


@pytest.mark.parametrize("words, status, pattern", [
    (["nobody"], 1, 'no program is named "nobody"'),
    (["7"], 1, "nothing has the id 7"),
    (["x", "--all"], 2, "exclude each other"),
    (["--interval", "0"], 2, "from 0.05"),
    (["--count", "0"], 2, "from 1"),
    (["--al"], 2, "did you mean .--all"),
])
def test_bad_input(env, unchanged, words, status, pattern):
    with unchanged(env):
        assert_failed(env.run("stats", *words), status, pattern)


# ---- the worker's side ----


def pin_field(pin, **changes):
    status = os.lstat(pin)
    return {"path": str(pin), "pin_dev": str(status.st_dev), "pin_ino": str(status.st_ino),
            **changes}


def test_worker_holds_for_as_long_as_it_was_asked(env, example):
    row = only(env.ok("-j", "load", example("xdp_pass")).json()["programs"])
    worker = subprocess.Popen([WORKER], env=env.variables(), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)

    def ask(**fields):
        worker.stdin.write(json.dumps({"op": "stats", **fields}).encode() + b"\n")
        worker.stdin.flush()
        return json.loads(worker.stdout.readline())["result"]

    def held():
        names = [os.readlink(f"/proc/{worker.pid}/fd/{fd}")
                 for fd in os.listdir(f"/proc/{worker.pid}/fd")]
        return sorted(name for name in names if "bpf" in name)
    both = ["anon_inode:bpf-prog", "anon_inode:bpf-stats"]
    pins = [pin_field(row["pinned_path"])]
    assert ask(pins=pins, enable=True, hold_ms=60000)["counting"] == "held"
    assert held() == both
    assert ask(pins=pins, enable=True, hold_ms=60000)["programs"][0]["why"] is None
    assert held() == both
    ask(enable=True, hold_ms=60000)  # what a request does not name is let go
    assert held() == both[1:]
    ask(pins=pins, hold_ms=60000)
    assert held() == both[:1]
    ask(pins=pins, enable=True)
    assert held() == []
    ask(pins=pins, enable=True, hold_ms=1)  # nobody asks again
    wait_for(lambda: held() == [], "what was held is closed")
    assert worker.poll() is None
    worker.stdin.close()
    assert worker.wait(30) == 0
    worker.stdout.close()


def test_worker_tells_what_is_no_program_or_another_pin(env, example):
    env.ok("load", example("xdp_pass"))
    program = only(listed(env))["pinned_path"]
    a_map = only(listed(env, "maps"))["pinned_path"]
    rows = env.worker([{"op": "stats", "pins": [
        pin_field(program), pin_field(program, pin_ino="1"), pin_field(a_map),
        pin_field(program, path=str(env.pins / "none")), pin_field(program, path="/etc/passwd"),
        pin_field(program, pin_dev="", pin_ino="")]}])[0]["result"]["programs"]
    patterns = [None, "another pin by now", "is no program", "none does not exist",
                "not in a BPF file system", None]
    for row, pattern in zip(rows, patterns):
        assert (row["why"] is None) == (pattern is None) == (row["run_cnt"] is not None)
        if pattern:
            assert_said(row["why"], pattern)


@pytest.mark.parametrize("fields, pattern", [
    ({"op": "stats", "pins": [{"path": "/x", "pin_dev": "1x", "pin_ino": ""}]}, "pin_dev '1x'"),
    ({"op": "stats", "hold_ms": 2**40}, "hold_ms"),
    ({"op": "stats", "enable": 1}, "enable"),
    ({"op": "kernel_list", "kinds": ["program", "lnk"]}, "'lnk' is none of"),
    ({"op": "kernel_list", "kernel_id": 2**40}, "kernel_id"),
])
def test_worker_refuses_bad_requests(env, fields, pattern):
    answer = env.worker([fields, {"op": "stats"}])
    assert answer[0]["error"]["reason"] == "request"
    assert re.search(pattern, answer[0]["error"]["message"])
    assert answer[1]["ok"] and answer[1]["result"]["programs"] == []

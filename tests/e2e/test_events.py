# SPDX-License-Identifier: GPL-3.0-or-later
"""events: who did what, when, with what result."""
import os
import re
import signal
import sqlite3

import pytest

from helpers import (TWO, assert_failed, assert_said, listed, only, slow_source, text, verifying,
                     wait_for)
from conftest import BPFMAN

KEYS = {"id", "created_at", "uid", "user", "login_uid", "login", "action", "command", "kind",
        "target_id", "name", "ok", "message"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def events(env, *options):
    return env.ok("-j", "events", *options).json()["events"]


def told(event):
    return tuple(event[key] for key in ("action", "kind", "target_id", "name", "ok"))


def test_no_database_has_no_events(env):
    assert events(env) == []
    assert env.ok("events").out == "no events\n"
    assert not env.db.exists()


def test_each_change_is_told_with_who_and_what(env, need_bpf, example, build_bpf):
    load = f"load   '{example('xdp_pass')}' --name 'a b'"
    env.ok("-c", load)
    env.ok("load", build_bpf(TWO, "two"))
    env.ok("-c", "unload two/first; list; show two")
    env.ok("unload", "--all")
    rows = events(env)
    assert [told(row) for row in rows] == [
        ("load", "object", 1, "a b", True),
        ("load", "object", 4, "two", True),
        ("unload", "program", 5, "first", True),
        ("unload", "object", 1, "a b", True),
        ("unload", "object", 4, "two", True)]
    assert [row["command"] for row in rows] == [
        load, f"load {build_bpf(TWO, 'two')}", "unload two/first", "unload --all", "unload --all"]
    for number, row in enumerate(rows, 1):
        assert set(row) == KEYS and row["id"] == number and row["message"] is None
        assert TIME.fullmatch(row["created_at"])
        assert (row["uid"], row["user"]) == (0, "root")
    assert [row["created_at"] for row in rows] == sorted(row["created_at"] for row in rows)
    assert events(env, "--limit", "2") == rows[3:]
    assert events(env, "--limit", "99") == rows


def test_failures_are_told_with_their_reason(env, need_bpf, example, unchanged):
    env.ok("load", example("xdp_pass"))
    with unchanged(env):
        env.run("-k", "-c", f"load {env.dir}/none.o; load '{example('rejected')}'; unload nobody; "
                f"load '{example('xdp_pass')}'")
        assert_failed(env.run("unload", "xdp_pas"), 1, "did you mean")
    rows = events(env)[1:]
    assert [told(row) for row in rows] == [
        ("load", None, None, None, False),
        ("load", "object", None, "rejected", False),
        ("unload", None, None, None, False),
        ("load", "object", None, "xdp_pass", False),
        ("unload", None, None, None, False)]
    for row, reason in zip(rows, ("none.o: No such file", "invalid mem access", '"nobody"',
                                  "is taken by object 1", '"xdp_pas"')):
        assert_said(row["message"], reason)
    assert rows[4]["command"] == "unload xdp_pas"
    assert_said(env.ok("events").out, r"(?m)root +load +1 +xdp_pass +ok +load .*xdp_pass.bpf.o$",
                r"(?m)unload +- +- +no program or object is named \"xdp_pas\" +unload xdp_pas$")


def test_what_changes_nothing_is_no_event(env, need_bpf, example):
    file = example("xdp_pass")
    env.ok("load", file)
    one = events(env)
    env.ok("load", file, "--ensure")
    env.ok("unload", "nobody", "--if-exists")
    env.ok("-n", "unload", "xdp_pass")
    assert env.run("-n", "load", file).status == 1
    env.ok("-c", "list; show xdp_pass; log; verify " + file)
    assert env.run("show", "nobody").status == 1
    assert env.run("unload").status == 2
    assert events(env) == one


def test_no_database_is_made_for_a_failure(env, example):
    assert_failed(env.run("load", env.dir / "none.o"), 1, "No such file")
    assert_failed(env.run("unload", "nobody"), 1, "nobody")
    assert not env.db.exists()


def test_a_failure_that_cannot_be_told_is_the_same_failure(env, need_bpf, example):
    env.ok("load", example("xdp_pass"))
    busy = sqlite3.connect(env.db)
    busy.execute("CREATE TRIGGER no BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no'); END")
    busy.close()
    assert_failed(env.run("unload", "nobody"), 1, 'no program or object is named "nobody"')
    assert len(events(env)) == 1
    assert only(listed(env))["state"] == "loaded"


def test_hostile_text_is_escaped(env, need_bpf, example):
    env.ok("load", example("xdp_pass"))
    assert env.run("unload", "x\x1b[31m\n\u202ey").status == 1
    row = events(env)[-1]
    assert row["command"] == 'unload "x\\x1b[31m\\x0a\\xe2\\x80\\xaey"'
    assert "\x1b[31m" in row["message"]
    out = text(env.ok("events"), "out")
    assert_said(out, r"x\\x1b\[31m\\x0a")
    assert len(out.splitlines()) == 3


@pytest.mark.parametrize("moment", ["load", "unload"])
def test_what_a_later_session_settles_is_told_as_recovery(env, need_bpf, example, build_bpf,
                                                          moment):
    import subprocess
    if moment == "load":
        file = build_bpf(slow_source(2), "slow")
        process = subprocess.Popen([BPFMAN, "load", file], env=env.variables(), cwd=env.dir,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: verifying(process.pid), "the worker verifies")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        wait_for(lambda: not env.processes(), "the worker ends")
        expected = ("recover", "object", 1, "slow", True)
    else:
        env.ok("load", example("xdp_pass"))
        with sqlite3.connect(env.db) as db:  # marked, and killed before anything was removed
            for table in ("objects", "programs", "maps"):
                db.execute(f"UPDATE {table} SET state = 'unloading'")
        db.close()
        expected = ("recover", "object", 1, "xdp_pass", True)
    env.ok("load", example("tc_count"))
    rows = [row for row in events(env) if row["action"] == "recover"]
    assert told(only(rows)) == expected
    assert only(rows)["command"] is None
    assert_said(only(rows)["message"], f"an unfinished {moment} was")
    assert listed(env, "objects")[0]["name"] == "tc_count"

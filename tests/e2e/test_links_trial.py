# SPDX-License-Identifier: GPL-3.0-or-later
"""attach --try and keep: what is not kept in time goes, whatever became of bpfman and the terminal."""
import os
import pathlib
import signal
import time

import pytest
from conftest import wait_until
from helpers import HEAD, assert_failed, listed, only
from test_links import gone

TWO = HEAD + 'SEC("xdp") int one(void *ctx) { return 2; }\nSEC("tc") int two(void *ctx) { return -1; }\n'


@pytest.fixture
def at(env, netns, build_bpf):
    """Words that attach program one on trial, when the seconds are added."""
    env.ok("load", build_bpf(TWO, "two"))
    return ["attach", "one", "veth0", "--netns", netns.name, "--try"]


def waiters(env):
    return [pid for pid in env.processes()
            if b"--expired" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]


def expire_now(env, link):
    """The clock cannot be turned, so the row is."""
    import sqlite3
    with sqlite3.connect(env.db, isolation_level=None) as db:
        db.execute("UPDATE links SET expires_at = 1 WHERE id = ?", (link,))


def test_goes_by_itself(env, at):
    link = env.ok("-j", *at, "0.5").json()["link"]
    assert link["state"] == "attached" and link["expires_at"] > link["created_at"]
    assert gone(link["kernel_id"]), "nobody ran a command"
    assert wait_until(lambda: not env.processes())
    assert listed(env, "links") == [] and not os.path.exists(link["pinned_path"])
    assert only([p for p in listed(env) if p["name"] == "one"])["state"] == "loaded"
    done = env.ok("-j", "events").json()["events"][-1]
    assert (done["action"], done["kind"], done["target_id"]) == ("recover", "link", link["id"])
    assert "trial" in done["message"]


def test_is_shown(env, at):
    out = env.ok(*at, "600").out
    assert "on trial" in out and "keep" in out
    shown = env.ok("list", "links").out
    assert "ON TRIAL UNTIL" in shown
    link = only(listed(env, "links"))
    assert "On trial until" in env.ok("show", str(link["id"])).out
    env.ok("detach", str(link["id"]))
    assert wait_until(lambda: not waiters(env)), "who waits sees that it is over"
    assert "ON TRIAL" not in env.ok("list", "links").out


def test_kept_in_time_it_stays(env, at):
    link = env.ok("-j", *at, "2").json()["link"]
    kept = env.ok("-j", "keep", "one").json()
    assert kept["changed"] is True
    assert only(kept["links"]) == {**link, "expires_at": None}
    assert wait_until(lambda: not env.processes())
    time.sleep(2.2)
    assert only(listed(env, "links")) == only(kept["links"])
    assert env.ok("-j", "keep", str(link["id"])).json()["changed"] is False
    env.ok("unload", "--all")


def test_the_next_command_does_it_where_nobody_waits(env, at):
    link = env.ok("-j", *at, "600").json()["link"]
    for pid in waiters(env):
        os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not env.processes())
    expire_now(env, link["id"])
    assert only(listed(env, "links"))["state"] == "attached", "looking changes nothing"
    result = env.run("keep", str(link["id"]))
    assert_failed(result, 1, "no longer there", "trial")
    assert gone(link["kernel_id"]) and listed(env, "links") == []


def test_waits_for_the_locks(env, at):
    """Its time comes while another session changes things: it goes all the same."""
    import fcntl
    link = env.ok("-j", *at, "0.3").json()["link"]
    with open(f"{env.db}.lock", "rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        time.sleep(0.6)
        assert only(listed(env, "links"))["id"] == link["id"]
    assert gone(link["kernel_id"])
    assert wait_until(lambda: listed(env, "links") == [])


def test_nobody_left_when_it_fails(env, at, unchanged):
    with unchanged(env):
        assert_failed(env.run("attach", "one", "veth9", *at[3:], "600"), 1, "veth9")
    for wrong in ("0", "-1", "soon", ""):
        assert env.run(*at, wrong).status == 2
    with unchanged(env):
        env.ok("-n", *at, "600")


@pytest.mark.parametrize("how", [signal.SIGHUP, signal.SIGKILL])
def test_terminal_goes(env, at, how):
    """The session that attached ends, with its terminal, before the trial does."""
    child = env.spawn("--line")
    child.expect("bpfman> ")
    child.sendline(" ".join([*at, "1"]))
    child.expect("on trial")
    link = only(listed(env, "links"))
    os.kill(child.pid, how)
    child.close(force=True)
    assert gone(link["kernel_id"])
    assert wait_until(lambda: not env.processes()) and listed(env, "links") == []


def test_ephemeral(env, netns, build_bpf):
    """What an ephemeral session attaches goes with it, on trial or not, and nobody waits on."""
    two = build_bpf(TWO, "two")
    where = f"veth0 --netns {netns.name}"
    out = env.ok("-j", "--ephemeral", "-c", f"load {two}; attach one {where} --try 600; "
                 f"attach two {where} --ingress; list links").documents()
    assert [row["state"] for row in out[3]["links"]] == ["attached"] * 2
    assert all(gone(row["kernel_id"]) for row in out[3]["links"])
    assert wait_until(lambda: not env.processes())


def test_the_clock_set_back_makes_it_no_longer(env, at):
    """The clock cannot be turned, so the row is: by an hour, while somebody waits."""
    import sqlite3
    link = env.ok("-j", *at, "1.5").json()["link"]
    assert wait_until(lambda: waiters(env))
    time.sleep(0.7)  # it has seen how long it waits
    with sqlite3.connect(env.db, isolation_level=None) as db:
        db.execute("UPDATE links SET expires_at = expires_at + 3600000000000 WHERE id = ?",
                   (link["id"],))
    assert gone(link["kernel_id"])
    assert wait_until(lambda: not env.processes()) and listed(env, "links") == []
    assert "trial" in env.ok("-j", "events").json()["events"][-1]["message"]

# SPDX-License-Identifier: GPL-3.0-or-later
"""--atomic: all of a script or nothing of it, whatever fails, and whoever is killed in the middle."""
import os
import signal
import subprocess
import time

import pytest

from conftest import BPFMAN, wait_until
from helpers import (HEAD, assert_error_document, assert_failed, assert_said, bpftool, listed, only,
                     slow_source, text, verifying, wait_for, worker_of)

pytestmark = pytest.mark.usefixtures("need_bpf")

FIREWALL = HEAD + """
ARRAY(seen, 1);
#define PROGRAM(section, name, value) SEC(section) int name(void *ctx) { __u32 zero = 0; \\
	__u64 *n = bpf_map_lookup_elem(&seen, &zero); \\
	if (n) __sync_fetch_and_add(n, 1); return value; }
PROGRAM("xdp", fw, 2)
PROGRAM("tcx/ingress", tc, -1)
PROGRAM("raw_tp/sys_enter", raw, 0)
"""


@pytest.fixture
def firewall(build_bpf):
    return build_bpf(FIREWALL, "firewall")


def kernel_link(row):
    return bpftool("link", "show", "id", row["kernel_id"])


@pytest.fixture
def at(netns):
    """Words that attach to the test's own interface."""
    return f"veth0 --netns {netns.name}"


@pytest.fixture
def old(env, firewall, at):
    """An object with two links, a second one without: what is there before."""
    env.ok("-c", f"load {firewall} --name old; attach old/fw {at}; attach old/tc {at} --ingress; "
           f"load {firewall} --name other")
    return {row["program"]: row for row in listed(env, "links")}


def five(firewall, example, at):
    """A script of five, which starts from what `old` made."""
    return [f"load {firewall} --name new", f"attach new/fw {at}", "detach old/tc", "unload old",
            f"load {example('xdp_pass')} --name last"], ["detach old/fw"]


def script(commands):
    return "\n".join(commands) + "\n"


def names(env):
    return [row["name"] for row in listed(env, "objects")]


def undecided(env):
    return env.rows("atomic_runs")


# ---- all of it ----


def test_all_of_it(env, old, firewall, example, at):
    commands, first = five(firewall, example, at)
    documents = env.run("-1", "-j", "-f", "-", stdin=script(first + commands),
                        check=True).documents()
    assert [set(d) & {"object", "link", "unloaded", "detached"} for d in documents] == [
        {"detached"}, {"object"}, {"link"}, {"detached"}, {"unloaded"}, {"object"}]
    assert names(env) == ["other", "new", "last"]
    link = only(listed(env, "links"))
    assert (link["object"], link["program"], link["state"]) == ("new", "fw", "attached")
    assert link["kernel_id"] == old["fw"]["kernel_id"], "the same link: no packet was unprotected"
    program = only([p for p in listed(env) if p["object"] == "new" and p["name"] == "fw"])
    assert kernel_link(link)["prog_id"] == program["kernel_id"]
    assert kernel_link(old["tc"]) is None or not os.path.exists(old["tc"]["pinned_path"])
    assert not undecided(env)
    for table in ("objects", "programs", "maps", "links"):
        assert {row["state"] for row in env.rows(table)} <= {"loaded"}, table
    assert not (env.root / str(old["fw"]["id"])).exists()
    events = env.ok("-j", "events").json()["events"][-6:]
    assert [(e["action"], e["ok"]) for e in events] == [
        ("detach", True), ("load", True), ("attach", True), ("detach", True), ("unload", True),
        ("load", True)]
    assert events[4]["name"] == "old" and events[4]["command"] == "unload old"
    env.ok("unload", "--all")
    assert kernel_link(link) is None or wait_until(lambda: kernel_link(link) is None)
    assert env.rows("things") == [] and env.rows("files") == []


@pytest.mark.parametrize("position", range(7))
@pytest.mark.parametrize("wrong", ["load /nowhere.o", "attach new/fw nowhere0", "unload nobody"])
def test_a_failure_anywhere_takes_all_back(env, old, firewall, example, at, unchanged, position,
                                           wrong):
    commands, first = five(firewall, example, at)
    commands = first + commands
    commands.insert(position, wrong)
    with unchanged(env):
        result = env.run("-1", "-f", "-", stdin=script(commands))
        assert result.status == 1, repr(result)
        assert_said(text(result), f"-:{position + 1}: ", "\n  nothing was changed")
    for row in old.values():
        there = only([p for p in listed(env) if p["id"] == row["program_id"]])
        assert kernel_link(row)["prog_id"] == there["kernel_id"], "it runs what it ran before"
    events = env.ok("-j", "events").json()["events"]
    assert not events[-1]["ok"] and events[-1]["command"] == wrong
    assert [e["action"] for e in events[:-1]] == ["load", "attach", "attach", "load"], \
        "what was taken back did not happen"


def test_several_texts_are_one(env, firewall, example, unchanged):
    words = ["-1", "-c", f"load {firewall} --name one", "-c", f"load {example('xdp_pass')}"]
    with unchanged(env):
        assert env.run(*words, "-c", "unload nobody").status == 1
    env.ok(*words)
    assert names(env) == ["one", "xdp_pass"]
    with unchanged(env):
        assert_failed(env.run("-1", "load", firewall, "--name", "one"), 1, "taken",
                      "nothing was changed")
    env.ok("-1", "unload", "one")
    assert names(env) == ["xdp_pass"]
    with unchanged(env):
        result = env.run("-1", stdin=f"load {firewall}\nunload nobody\n")
        assert result.status == 1 and "nothing was changed" in text(result)


def test_documents_of_a_failure(env, firewall, unchanged):
    with unchanged(env):
        result = env.run("-1", "-j", "-c", f"load {firewall}; unload nobody")
        assert result.status == 1 and result.err == ""
        loaded, failed = result.documents()
        assert loaded["object"]["state"] == "loaded"
        assert failed["error"]["details"] == ["nothing was changed"]
        assert failed["error"]["where"] == "-c:1"


def test_an_answer_that_is_a_no_takes_all_back(env, firewall, unchanged):
    env.ok("load", firewall, "--name", "old")
    with unchanged(env):
        result = env.run("-1", "-c", f"load {firewall} --name new; "
                         "map get old/seen 0 --expect =7 --timeout 0.1")
        assert result.status == 1
        assert_said(text(result), "nothing was changed")


def test_writing_that_fails_takes_all_back(env, firewall, unchanged):
    env.ok("load", firewall, "--name", "old")
    with unchanged(env), open("/dev/full", "wb") as full:
        result = env.run("-1", "-c", f"load {firewall} --name new; unload old", stdout=full)
        assert result.status == 1
        assert_said(text(result), "nothing was changed")


# ---- what the run itself sees ----


def test_to_itself_it_is_done(env, old, firewall, at):
    documents = env.ok("-1", "-j", "-c", f"unload old; load {firewall} --name old; list objects; "
                       f"list links; attach old/fw {at}; list links; list programs; list maps; "
                       "detach old/fw; list links; show object:old").documents()
    by_name = {o["name"]: o for o in documents[2]["objects"]}
    assert set(by_name) == {"other", "old"} and by_name["old"]["state"] == "loaded"
    assert by_name["old"]["id"] > by_name["other"]["id"]
    assert documents[3]["links"] == []
    assert only(documents[5]["links"])["state"] == "attached"
    mine = [p for p in documents[6]["programs"] if p["object"] == "old"]
    assert len(mine) == 3 and {p["state"] for p in mine} == {"attached", "loaded"}
    for row in documents[7]["maps"]:
        assert set(row["programs"]) <= {p["id"] for p in documents[6]["programs"]}
    assert documents[9]["links"] == [] and documents[10]["object"]["state"] == "loaded"
    assert listed(env, "links") == [] and names(env) == ["other", "old"]
    for row in old.values():
        assert wait_until(lambda: kernel_link(row) is None)


def test_what_is_gone_is_not_found(env, old, unchanged):
    with unchanged(env):
        for again in ("unload old", f"unload {old['fw']['program_id']}", "detach old/fw",
                      f"detach {old['fw']['id']}", "show object:old",
                      f"show {old['fw']['program_id']}"):
            result = env.run("-1", "-c", f"unload old; {again}")
            assert result.status == 1, again
            assert_said(text(result), "no |nothing has the id|gone")


def test_made_and_unloaded_again(env, old, firewall, at, unchanged):
    same = f"load {firewall} --name new; attach new/raw; unload new; load {firewall} --name new; " \
           "attach new/raw; unload new"
    with unchanged(env):
        assert env.run("-1", "-c", same + "; unload nobody").status == 1
    with unchanged(env):
        env.ok("-1", "-c", same)


def test_a_link_that_moves_twice(env, old, firewall, at, unchanged):
    moves = (f"detach old/fw; load {firewall} --name b; attach b/fw {at}; detach b/fw; "
             f"attach other/fw {at}")
    with unchanged(env):
        assert env.run("-1", "-c", moves + "; unload nobody").status == 1
    assert kernel_link(old["fw"])["prog_id"] == \
        only([p for p in listed(env) if p["id"] == old["fw"]["program_id"]])["kernel_id"]
    env.ok("-1", "-c", moves)
    link = only([row for row in listed(env, "links") if row["program"] == "fw"])
    assert link["object"] == "other" and link["kernel_id"] == old["fw"]["kernel_id"]
    env.ok("detach", "other/fw")
    assert wait_until(lambda: kernel_link(link) is None)


def test_load_attach_takes_a_link_over(env, old, firewall, at, unchanged):
    words = f"unload old; load {firewall} --name old --attach 'fw={at}' --attach 'tc={at} --ingress'"
    with unchanged(env):
        assert env.run("-1", "-c", words + "; unload nobody").status == 1
    env.ok("-1", "-c", words)
    links = {row["program"]: row for row in listed(env, "links")}
    assert {n: row["kernel_id"] for n, row in links.items()} == \
        {n: row["kernel_id"] for n, row in old.items()}
    with unchanged(env):
        assert_failed(env.run("-1", "-c", f"load {firewall} --name x --attach nope=lo"), 1,
                      "no program of that name")


def test_a_place_in_the_order_is_a_link_of_its_own(env, old, firewall, at):
    env.ok("-1", "-c", f"detach old/tc; attach other/tc {at} --ingress --first")
    link = only([row for row in listed(env, "links") if row["program"] == "tc"])
    assert link["object"] == "other" and link["kernel_id"] != old["tc"]["kernel_id"]
    assert wait_until(lambda: kernel_link(old["tc"]) is None)


def test_links_that_cannot_move(env, firewall, unchanged):
    """A raw tracepoint's: both run until the run is decided."""
    env.ok("-c", f"load {firewall}; attach raw")
    before = only(listed(env, "links"))
    with unchanged(env):
        assert env.run("-1", "-c", "detach raw; attach raw; unload nobody").status == 1
    env.ok("-1", "-c", "detach raw; attach raw")
    assert only(listed(env, "links"))["kernel_id"] != before["kernel_id"]
    assert wait_until(lambda: kernel_link(before) is None)


def test_maps_pinned_by_name(env, example, unchanged):
    by_name = example("by_name")
    env.ok("load", by_name, "--name", "one")
    shared = only(listed(env, "maps"))
    words = f"unload one; load {by_name} --name two; unload two; load {by_name} --name three"
    with unchanged(env):
        assert env.run("-1", "-c", words + "; unload nobody").status == 1
    env.ok("-1", "-c", words)
    assert only(listed(env, "maps"))["id"] == shared["id"]
    assert only(listed(env, "maps"))["state"] == "loaded"
    with unchanged(env):
        env.ok("-1", "-c", f"load {by_name} --name four; unload four")
    env.ok("-1", "unload", "--all")
    assert env.rows("maps") == [] and os.listdir(env.root / "by_name") == []
    with unchanged(env):
        assert env.run("-1", "-c", f"load {by_name}; unload nobody").status == 1


def test_outside_pins(env, example, unchanged):
    path = env.pins / "deep/down/prog"
    load = f"load {example('xdp_pass')} --name %s --program xdp_pass --pin-path {path}"
    with unchanged(env):
        assert env.run("-1", "-c", load % "a" + "; unload nobody").status == 1
    env.ok("-1", "-c", load % "a")
    assert path.exists()
    with unchanged(env):
        # The name is free only once the run is decided: until then the old program needs it.
        assert_failed(env.run("-1", "-q", "-c", "unload a; " + load % "b"), 1, str(path),
                      "nothing was changed")
    env.ok("-1", "unload", "a")
    assert not path.exists() and not path.parent.exists()


# ---- what is refused ----


@pytest.mark.parametrize("command", ["map set seen 0 1", "map delete seen 0", "keep fw",
                                     "run fw", "upgrade old FILE"])
def test_what_cannot_be_taken_back_is_refused(env, firewall, unchanged, command):
    command = command.replace("FILE", firewall)
    with unchanged(env):
        assert_failed(env.run("-1", "-c", f"load {firewall}; {command}"), 2,
                      "cannot be taken back", "--atomic", "hint: ")
        assert_error_document(env.run("-1", "-j", *command.split()), 2, "cannot be taken back")
        inner = env.file("inner.bpfman", f"load {firewall}\n{command}\n")
        result = env.run("-1", "-c", f"load {firewall} --name a; source {inner}")
        assert result.status == 1, repr(result)
        assert_said(text(result), "inner.bpfman:2", "cannot be taken back", "nothing was changed")
        inner.unlink()
    assert "undoable" in env.ok("-j", "help", "load").json()["commands"][0]


def test_usage(env, firewall, unchanged):
    with unchanged(env):
        assert_failed(env.run("-1", "-k", "-c", "list"), 2, "exclude each other")
        assert_failed(env.run("--atomic=yes", "list"), 2, "takes no value")
        assert_failed(env.run("-1", "-c", f"load {firewall}; lst"), 2, "unknown command")
        result = env.run("-1", "-c", f"load {firewall}; set keep-going on; unload nobody")
        assert result.status == 1
        assert_said(text(result), "keep-going", "nothing was changed")
        assert_failed(env.run("-c", "set atomic on"), 2, "only when bpfman starts")
    child = env.spawn("-1")
    child.expect("--atomic needs all commands at once")
    child.expect_exact("-c or -f")
    child.wait()
    assert child.exitstatus == 2


def test_sourced_files_are_part_of_it(env, firewall, unchanged):
    good = env.file("good.bpfman", f"load {firewall} --name inner\n")
    bad = env.file("bad.bpfman", "unload nobody\n")
    with unchanged(env):
        result = env.run("-1", "-c", f"source {good}; source {bad}")
        assert result.status == 1
        assert_said(text(result), "bad.bpfman:1", "nothing was changed")
    env.ok("-1", "-c", f"source {good}; quit; unload nobody")
    assert names(env) == ["inner"]


def test_reading_takes_no_lock(env, firewall):
    assert env.ok("-1", "-c", "list; help load").status == 0
    assert not env.db.exists() and not env.root.exists(), "nothing is made to read"


def test_dry_run(env, old, firewall, at, unchanged):
    with unchanged(env):
        env.ok("-1", "-n", "-c", f"unload old; load {firewall} --name old; attach old/fw {at}")
        assert env.run("-1", "-n", "-c", "unload old; unload old").status == 1
        assert_failed(env.run("-1", "-n", "-c", "map set old/seen 0 1"), 2, "cannot be taken back")


def test_ephemeral(env, firewall):
    documents = env.ok("-1", "-j", "--ephemeral", "-c", f"load {firewall}; list").documents()
    assert len(documents[1]["programs"]) == 3
    assert env.run("-1", "--ephemeral", "-c", f"load {firewall}; unload nobody").status == 1


# ---- others ----


class Running:
    """An atomic run that is in the middle: it verifies for seconds, or waits until it is ended."""

    def __init__(self, env, *commands):
        self.process = subprocess.Popen([BPFMAN, "-1", "-f", "-"], env=env.variables(),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, cwd=env.dir)
        self.process.stdin.write(script(commands).encode())
        self.process.stdin.close()
        self.process.stdin = None

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def end(self):
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out.decode(), err.decode()


@pytest.fixture
def running(env, old, firewall, example, at):
    """A run that has done its five, and now waits for a value that does not come."""
    commands, first = five(firewall, example, at)
    run = Running(env, *first, *commands, "map get other/seen 0 --expect =999999999 --timeout 30")
    # The last thing it made is there.
    wait_for(lambda: any(o["name"] == "last" and o["pin_dir"] and
                         os.path.isdir(o["pin_dir"]) and
                         any(p["object_id"] == o["id"] for p in env.rows("programs"))
                         for o in env.rows("objects")), "five commands have run")
    yield run
    if run.process.poll() is None:
        run.kill()


def test_others_see_it_as_pending(env, running):
    objects = {(o["name"], o["state"]) for o in listed(env, "objects")}
    assert objects == {("old", "pending"), ("other", "attached"), ("new", "pending"),
                       ("last", "pending")} or \
        objects == {("old", "pending"), ("other", "loaded"), ("new", "pending"),
                    ("last", "pending")}
    assert {row["state"] for row in listed(env, "links")} == {"pending"}
    assert {p["state"] for p in listed(env) if p["object"] in ("old", "new", "last")} == {"pending"}
    # Reading never waits, changing does.
    for words in (["list", "maps"], ["show", "object:other"], ["events"], ["log"]):
        env.ok(*words, "--lock-timeout", "0")
    assert_failed(env.run("unload", "other", "--lock-timeout", "0"), 1, "another session")
    result = env.run("unload", "other", "--lock-timeout", "2")
    assert_failed(result, 1, "waiting for another bpfman session", "another session")


def test_killed_in_the_middle(env, running, old):
    running.kill()
    assert undecided(env), "nobody has taken it back yet"
    result = env.run("-j", "doctor")
    told = {f["name"] for f in result.json()["findings"] if "not decided" in f["message"]}
    assert result.status == 1 and {"old", "new", "last"} <= told, repr(result)
    env.ok("load", env.rows("objects")[0]["path"], "--name", "probe")
    assert names(env) == ["old", "other", "probe"]
    assert {row["state"] for row in listed(env, "links")} == {"attached"}
    assert {row["id"]: row["kernel_id"] for row in listed(env, "links")} == \
        {row["id"]: row["kernel_id"] for row in old.values()}
    for row in old.values():
        there = only([p for p in listed(env) if p["id"] == row["program_id"]])
        assert kernel_link(row)["prog_id"] == there["kernel_id"]
    assert not undecided(env)
    recovered = [e for e in env.ok("-j", "events").json()["events"] if e["action"] == "recover"]
    assert {(e["name"], e["kind"]) for e in recovered} == \
        {("new", "object"), ("last", "object"), ("fw", "link")}


def test_interrupted_in_the_middle(env, running, old):
    running.process.send_signal(signal.SIGINT)
    status, _, err = running.end()
    assert status == 130 and "nothing was changed" in err, (status, err)
    assert names(env) == ["old", "other"] and not undecided(env)
    assert {row["state"] for row in listed(env, "links")} == {"attached"}


def test_who_waits_goes_on_afterwards(env, running):
    waiting = subprocess.Popen([BPFMAN, "unload", "other"], env=env.variables(), cwd=env.dir,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.3)
    assert waiting.poll() is None
    running.process.send_signal(signal.SIGTERM)
    running.end()
    assert waiting.wait(timeout=30) == 0, waiting.stderr.read()
    assert names(env) == ["old"]


def test_the_worker_dies_in_the_middle(env, old, build_bpf, firewall, at):
    slow = build_bpf(slow_source(16), "slow")
    run = Running(env, "detach old/fw", f"load {firewall} --name new", f"attach new/fw {at}",
                  f"load {slow}")
    worker = wait_for(lambda: verifying(run.process.pid), "it verifies")
    os.kill(worker, signal.SIGKILL)
    status, _, err = run.end()
    assert status == 1 and "nothing was changed" in err, (status, err)
    assert names(env) == ["old", "other"] and not undecided(env)
    assert {row["state"] for row in listed(env, "links")} == {"attached"}
    assert worker_of(os.getpid()) is None

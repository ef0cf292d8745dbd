# SPDX-License-Identifier: GPL-3.0-or-later
"""attach, detach, list and show of links: against real traffic, with bpftool and the kernel as witnesses."""
import concurrent.futures
import os
import re
import sqlite3
import subprocess

import census
import pytest
from conftest import wait_until
from helpers import (LINK_KEYS, HEAD, assert_error_document, assert_failed, assert_said, bpftool,
                     listed, map_values, only, pin_stranger)

# Counts packets at each of its places: key 0 xdp, 1 ingress, 2 egress.
PLACES = HEAD + """
ARRAY(packets, 3);
static __always_inline int count(__u32 place)
{
	__u64 *n = bpf_map_lookup_elem(&packets, &place);

	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}
SEC("xdp") int at_xdp(void *ctx) { count(0); return 2; }
SEC("tc") int at_ingress(void *ctx) { count(1); return -1; }
SEC("tc") int at_egress(void *ctx) { count(2); return -1; }
"""


def packets(env):
    path = only(listed(env, "maps"))["pinned_path"]
    values = map_values(path)
    return [values[i] for i in range(3)]


def link_ids():
    return {number for kind, number in census.ids() if kind == "link"}


def gone(kernel_id, timeout=5.0):
    """Whether the kernel has let go of a link."""
    return wait_until(lambda: kernel_id not in link_ids(), timeout)


# ---- attached, and it runs without us ----


def test_xdp_and_tcx_count_real_packets(env, netns, build_bpf):
    env.ok("load", build_bpf(PLACES, "places"))
    netns.ping()
    assert packets(env) == [0, 0, 0]
    attached = env.ok("-j", "attach", "at_xdp", "veth0", "--netns", netns.name).json()
    assert set(attached) == {"link", "order", "changed"} and attached["changed"] is True
    assert set(attached["link"]) == LINK_KEYS
    row = attached["link"]
    assert (row["program"], row["object"], row["type"], row["state"]) == \
        ("at_xdp", "places", "xdp", "attached")
    assert row["target"]["interface"] == "veth0" and row["target"]["netns"] == netns.path
    assert row["target_text"] == f"veth0 --netns {netns.name}"
    assert row["expires_at"] is None and row["lost_reason"] is None
    env.ok("attach", "at_ingress", "veth0", "--ingress", "--netns", netns.path)
    env.ok("attach", "at_egress", "veth0", "--egress", "--netns", netns.name)
    assert wait_until(lambda: not env.processes()), "bpfman has exited, and so has its worker"
    before = packets(env)
    netns.ping(5)
    assert all(after >= 5 + first for first, after in zip(before, packets(env)))
    # Another witness: the kernel's own view of each pin.
    for link in listed(env, "links"):
        assert bpftool("link", "show", "pinned", link["pinned_path"])["id"] == link["kernel_id"]
    program = bpftool("link", "show", "pinned", row["pinned_path"])["prog_id"]
    assert program == only([p for p in listed(env) if p["name"] == "at_xdp"])["kernel_id"]

    states = {p["name"]: (p["state"], p["links"]) for p in listed(env)}
    assert states["at_xdp"] == ("attached", [row["id"]])
    assert only(listed(env, "objects"))["state"] == "attached"
    assert "attached 3/3" in env.ok("list", "objects").out
    env.ok("detach", str(row["id"]))
    assert gone(row["kernel_id"]) and not os.path.exists(row["pinned_path"])
    assert "attached 2/3" in env.ok("list", "objects").out
    before = packets(env)
    netns.ping(3)
    after = packets(env)
    assert after[0] == before[0] and after[1] >= before[1] + 3
    kernel_ids = [link["kernel_id"] for link in listed(env, "links")]
    env.ok("unload", "places")
    assert listed(env, "links") == [] and all(gone(i) for i in kernel_ids)
    netns.ping()


def test_tcx_order(env, netns, build_bpf):
    names = ("one", "two", "three", "four")
    env.ok("load", build_bpf(HEAD + "".join(
        f'SEC("tc") int {name}(void *ctx) {{ return -1; }}\n' for name in names), "order"))
    where = ["veth0", "--ingress", "--netns", netns.name]
    one = env.ok("-j", "attach", "one", *where).json()
    assert [row["name"] for row in one["order"]] == ["one"]
    env.ok("attach", "two", *where, "--first")
    env.ok("attach", "three", *where, "--before", str(one["link"]["id"]))
    four = env.ok("-j", "attach", "four", *where, "--after", "two").json()
    assert [row["name"] for row in four["order"]] == ["two", "four", "three", "one"]
    out = env.ok("attach", "one", "veth1", "--ingress", "--netns", netns.peer.name, "--last").out
    assert "ORDER" not in out, "alone, there is no order to show"
    ids = {row["program"]: row["id"] for row in listed(env, "links") if "veth0" in
           row["target_text"]}
    env.ok("detach", *map(str, ids.values()))
    assert [row["program"] for row in listed(env, "links")] == ["one"]


def test_cgroup(env, cgroup, example):
    env.ok("load", example("cgroup_skb"))
    programs = [row["name"] for row in listed(env)]
    for program in programs:
        env.ok("attach", program, cgroup.path)
    rows = listed(env, "links")
    assert {row["type"] for row in rows} == {"cgroup"}
    assert all(row["target"]["path"] == str(cgroup.path) and row["state"] == "attached"
               for row in rows)
    before = str(bpftool("map", "dump", "pinned", only(listed(env, "maps"))["pinned_path"]))
    cgroup.run("ping", "-q", "-c", 3, "-i", "0.01", "127.0.0.1")
    after = str(bpftool("map", "dump", "pinned", only(listed(env, "maps"))["pinned_path"]))
    assert before != after
    env.ok("detach", programs[0])
    env.ok("unload", "--all")
    assert all(gone(row["kernel_id"]) for row in rows)


def test_tracepoint_that_the_section_names(env, tracefs, example):
    env.ok("load", example("trace_open"), "--attach")
    row = only(listed(env, "links"))
    assert row["type"] == "tracepoint" and row["target"]["name"] == "sys_enter_openat"
    counters = only(listed(env, "maps"))["pinned_path"]
    subprocess.run(["cat", "/dev/null"], check=True)
    assert bpftool("map", "dump", "pinned", counters)
    env.ok("detach", "trace_open")
    assert gone(row["kernel_id"]) and only(listed(env))["state"] == "loaded"
    env.ok("attach", "trace_open")
    env.ok("attach", "trace_open", "syscalls:sys_enter_openat2")
    # What is typed like what is shown is found.
    assert_failed(env.run("detach", "trace_open"), 1, "ambiguous: it names 2 links", "openat2")
    env.ok("detach", "trace_open", "syscalls:sys_enter_openat2")
    assert only(listed(env, "links"))["target"]["name"] == "sys_enter_openat"


def test_two_words_are_a_program_and_its_target_before_two_links(env, cgroup, build_bpf):
    source = HEAD + 'SEC("cgroup_skb/ingress") int NAME(void *ctx) { return 1; }\n'
    inner = cgroup.path / "second one"
    inner.mkdir()
    try:
        for name in ("first", "second"):
            env.ok("load", build_bpf(source.replace("NAME", name), name))
            env.ok("attach", name, inner)
        env.ok("detach", "first", "second")
        assert listed(env, "links") == [], "there is no target of that name: two links were meant"
        env.ok("attach", "first", inner)
        env.ok("attach", "first", cgroup.path)
        env.ok("detach", "first", inner)
        assert only(listed(env, "links"))["target"]["path"] == str(cgroup.path)
        ids = [env.ok("-j", "attach", name, inner).json()["link"]["id"] for name in
               ("first", "second")]
        env.ok("detach", *map(str, ids))
        assert only(listed(env, "links"))["target"]["path"] == str(cgroup.path)
    finally:
        env.ok("unload", "--all")
        inner.rmdir()


# ---- load --attach ----


def test_load_attaches_all_or_nothing(env, netns, build_bpf, unchanged):
    places = build_bpf(PLACES, "places")
    where = f"veth0 --netns {netns.name}"
    with unchanged(env):
        for wrong in (f"at_egress=nothere --egress --netns {netns.name}", "at_egress=veth0",
                      f"at_exit={where}"):
            result = env.run("load", places, "--attach", f"at_xdp={where}", "--attach",
                             f"at_ingress={where} --ingress", "--attach", wrong)
            assert_failed(result, 1, "at_e")
        result = env.run("load", places, "--attach", f"at_xdp={where}", "--attach")
        assert_failed(result, 1, "attaching at_(in|e)gress")
    assert_said(env.run("log", "places").out + env.run("log", "places").err, "attach")
    loaded = env.ok("-j", "load", places, "--attach", f"at_xdp={where}", "--attach",
                    f"at_egress={where} --egress").json()
    assert [set(row) for row in loaded["links"]] == [LINK_KEYS] * 2
    assert [row["state"] for row in loaded["programs"]] == ["attached", "loaded", "attached"]
    assert loaded["object"]["state"] == "attached"
    assert [row["id"] for row in loaded["links"]] == [p["links"][0] for p in loaded["programs"]
                                                     if p["links"]]
    assert {row["id"] for row in loaded["links"]} == {row["id"] for row in env.rows("links")}
    for row in loaded["links"]:
        assert re.search(rf"/l{row['id']}_{row['program']}$", row["pinned_path"])
        assert bpftool("link", "show", "pinned", row["pinned_path"])["id"] == row["kernel_id"]
    netns.ping(3)
    first = packets(env)
    assert first[0] >= 3 and first[1] == 0 and first[2] >= 3
    again = env.ok("-j", "load", places, "--ensure", "--attach", f"at_xdp={where}", "--attach",
                   f"at_egress={where} --egress").json()
    assert again["changed"] is False and again["links"] == loaded["links"]
    env.ok("detach", "at_xdp")
    out = env.ok("load", places, "--ensure", "--attach", f"at_xdp={where}", "--attach",
                 f"at_egress={where} --egress").out
    assert "is loaded already, and is attached again" in out
    links = {row["program"]: row for row in listed(env, "links")}
    assert set(links) == {"at_xdp", "at_egress"} and links["at_egress"] == loaded["links"][1]
    assert links["at_xdp"]["id"] > loaded["links"][0]["id"]
    assert_failed(env.run("load", places, "--ensure", "--attach", f"at_xdp={where}"), 1,
                  "taken", "differs in --attach")
    env.ok("unload", "places")


# ---- ensure, dry runs, two sessions ----


def test_ensure(env, netns, build_bpf, unchanged):
    env.ok("load", build_bpf(PLACES, "places"))
    where = ["veth0", "--netns", netns.name]
    first = env.ok("-j", "attach", "at_xdp", *where, "--ensure").json()
    assert first["changed"] is True
    with unchanged(env, ignore=("logs", "meta", "sqlite_sequence")):
        again = env.ok("-j", "attach", "at_xdp", *where, "--ensure").json()
    assert again == {**first, "changed": False}
    assert "is attached" in env.ok("attach", "at_xdp", "veth0", "--netns", netns.path,
                                   "--ensure").out
    other = env.ok("-j", "attach", "at_ingress", *where, "--ingress", "--ensure").json()
    assert other["changed"] is True and other["link"]["id"] != first["link"]["id"]
    env.ok("detach", str(first["link"]["id"]))
    assert env.ok("-j", "attach", "at_xdp", *where, "--ensure").json()["changed"] is True


def test_dry_run(env, netns, build_bpf, unchanged):
    places = build_bpf(PLACES, "places")
    env.ok("load", places)
    link = env.ok("-j", "attach", "at_ingress", "veth0", "--ingress", "--netns", netns.name).json()
    with unchanged(env):
        out = env.ok("-n", "attach", "at_xdp", "veth0", "--netns", netns.name).out
        assert "would attach at_xdp to veth0" in out
        assert_failed(env.run("-n", "attach", "at_xdp", "veth9", "--netns", netns.name), 1, "veth9")
        out = env.ok("-n", "detach", "at_ingress").out
        assert "nothing was detached" in out
        # What the script itself would make counts.
        env.ok("-n", "-c", f"load {places} --name other; attach other/at_xdp veth0 "
               f"--netns {netns.name}; detach other/at_xdp; unload other; detach at_ingress; "
               f"attach at_ingress veth0 --ingress --netns {netns.name}")
        planned = env.ok("-n", "-j", "load", places, "--name", "third", "--attach",
                         f"at_xdp=veth0 --netns {netns.name}").json()["links"]
        assert only(planned)["target"]["interface"] == "veth0"
        assert only(planned)["target_text"] == f"veth0 --netns {netns.name}"
        assert_failed(env.run("-n", "load", places, "--name", "third", "--attach", "at_xdp=veth9"),
                      1, "attaching at_xdp", "veth9")
        assert_failed(env.run("-n", "load", places, "--name", "third", "--attach", "at_xpd=lo"), 1,
                      "no program of that name", 'did you mean "at_xdp"')
        assert_failed(env.run("-n", "load", places, "--name", "third", "--attach"), 1, "attaching")
        for where, said in (("veth9", "veth9"), ("lo --type tracepoint", "tracepoint")):
            assert_failed(env.run("-n", "-q", "-c", f"load {places} --name other; "
                                  f"attach other/at_xdp {where}"), 1, said)
    assert only(listed(env, "links")) == link["link"]


def test_two_sessions(env, netns, build_bpf):
    """Two sessions attach and detach at the same hook at once; each waits for the other's change."""
    env.ok("load", build_bpf(PLACES, "places"))

    def session(program):
        for _ in range(4):
            row = env.ok("-j", "attach", program, "veth0", "--ingress", "--netns",
                         netns.name).json()
            env.ok("detach", str(row["link"]["id"]))
            assert gone(row["link"]["kernel_id"])
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(session, ("at_ingress", "at_egress")))
    assert listed(env, "links") == [] and env.rows("links") == []


# ---- names ----


def test_names_of_links(env, netns, build_bpf):
    env.ok("load", build_bpf(PLACES, "places"))
    where = ["veth0", "--netns", netns.name]
    xdp = env.ok("-j", "attach", "at_xdp", *where).json()["link"]
    for name in (str(xdp["id"]), f"kernel:{xdp['kernel_id']}", f"k:{xdp['kernel_id']}", "at_xdp",
                 "places/at_xdp", xdp["pinned_path"], str(xdp["program_id"])):
        assert env.ok("-j", "show", "link", name).json()["link"]["id"] == xdp["id"]
    assert env.ok("-j", "show", str(xdp["id"])).json()["link"]["target"] == xdp["target"]
    assert env.ok("-j", "show", "at_xdp").json()["program"]["links"] == [xdp["id"]]
    a = env.ok("-j", "attach", "at_ingress", *where, "--ingress").json()["link"]
    b = env.ok("-j", "attach", "at_ingress", *where, "--egress").json()["link"]
    assert_failed(env.run("show", "link", "at_ingress"), 1, "it names 2 links",
                  f"{a['id']}  places/at_ingress veth0 --ingress", f"{b['id']}  places/at_ingress")
    assert_failed(env.run("show", "link", "at_egress"), 1, 'no link is named "at_egress"')
    assert_failed(env.run("detach", "at_egress"), 1, 'program "at_egress" has no link')
    assert_failed(env.run("detach", "at_igress"), 1, 'no link is named "at_igress"', "at_ingress")
    assert_failed(env.run("detach", "at_ingress", "veth1"), 1, "not attached there", "--egress")
    assert_failed(env.run("detach", "at_ingress", "veth0"), 1, "it names 2 links", "--egress")
    env.ok("detach", "at_ingress", "veth0", "--egress")
    assert [row["id"] for row in listed(env, "links")] == [xdp["id"], a["id"]]
    assert [row["id"] for row in listed(env, "links", "--type", "tcx")] == [a["id"]]
    assert [row["id"] for row in listed(env, "links", "--program", "at_xdp")] == [xdp["id"]]
    assert listed(env, "links", "--state", "lost") == []
    assert len(listed(env, "links", "--state", "attached")) == 2
    assert [row["id"] for row in listed(env, "links", "--sort", "type")] == [a["id"], xdp["id"]]
    assert listed(env, "links", "--label", "a=b") == []
    env.ok("detach", *[str(row["id"]) for row in listed(env, "links")])
    assert listed(env, "links") == []


def test_completion(env, netns, cgroup, tracefs, build_bpf, example):
    places = build_bpf(PLACES, "places")
    env.ok("-c", f"load {places}; load {example('trace_open')}; load {example('cgroup_skb')}; "
           f"attach at_xdp veth0 --netns {netns.name}")

    def offered(line):
        return env.ok("complete", line).out.splitlines()
    assert {"at_xdp", "at_ingress", "trace_open"} <= set(offered("attach "))
    assert "lo" in offered("attach at_xdp l") and "lo" in offered("attach at_ingress l")
    assert offered("attach trace_open syscalls:sys_enter_openat2") == \
        ["syscalls:sys_enter_openat2"]
    assert "sched:" in offered("attach trace_open s") and offered("attach at_xdp sched") == []
    skb = [row["name"] for row in listed(env) if row["object"] == "cgroup_skb"][0]
    assert f"{cgroup.path}/" in offered(f"attach {skb} {cgroup.path}")
    assert netns.name in offered("attach at_xdp veth0 --netns bpfman-")
    assert "--ingress" in offered("attach at_xdp veth0 --in")
    assert "tracepoint" in offered("attach at_xdp --type t")
    assert offered("keep ") == ["at_xdp"] == offered("attach at_ingress lo --before ")
    assert "at_xdp" in offered("detach at_") and offered("show link at_x") == ["at_xdp"]
    assert offered(f"load {places} --attach at_x") == ["at_xdp="]
    link = only(listed(env, "links"))
    assert str(link["id"]) in offered(f"detach {str(link['id'])[0]}")


def test_events(env, netns, build_bpf):
    env.ok("load", build_bpf(PLACES, "places"))
    link = env.ok("-j", "attach", "at_xdp", "veth0", "--netns", netns.name).json()["link"]
    env.ok("attach", "at_xdp", "veth0", "--netns", netns.name, "--ensure")
    env.run("attach", "at_xdp", "veth9", "--netns", netns.name)
    env.ok("detach", "at_xdp")
    events = env.ok("-j", "events").json()["events"][1:]
    assert [(e["action"], e["kind"], e["target_id"], e["name"], e["ok"]) for e in events] == [
        ("attach", "link", link["id"], "at_xdp", True),
        ("attach", "program", link["program_id"], "at_xdp", False),
        ("detach", "link", link["id"], "at_xdp", True)]


# ---- gone ----


def test_target_gone(env, netns, cgroup, example, build_bpf):
    env.ok("-c", f"load {build_bpf(PLACES, 'places')}; load {example('cgroup_skb')}")
    skb = [row["name"] for row in listed(env) if row["object"] == "cgroup_skb"][0]
    child = cgroup.path / "child"
    child.mkdir()
    env.ok("attach", "at_xdp", "veth0", "--netns", netns.name)
    env.ok("attach", "at_ingress", "veth1", "--ingress", "--netns", netns.peer.name)
    env.ok("attach", "at_egress", "lo", "--egress", "--netns", netns.peer.name)
    env.ok("attach", skb, child)
    assert {row["state"] for row in listed(env, "links")} == {"attached"}
    child.rmdir()
    netns.run("ip", "link", "del", "veth0")
    reasons = {row["program"]: (row["state"], row["lost_reason"]) for row in listed(env, "links")}
    assert reasons == {"at_xdp": ("target_gone", "interface"),
                       "at_ingress": ("target_gone", "interface"),
                       "at_egress": ("attached", None), skb: ("target_gone", "cgroup")}
    subprocess.run(["ip", "netns", "del", netns.peer.name], check=True)
    assert wait_until(lambda: only(listed(env, "links", "--program", "at_egress"))["state"] ==
                      "target_gone")
    assert only(listed(env, "links", "--program", "at_egress"))["lost_reason"] == "netns"
    assert {row["state"] for row in listed(env)} == {"loaded"}
    assert len(listed(env, "links", "--state", "target_gone")) == 4
    assert_failed(env.run("attach", "at_xdp", "veth0", "--netns", netns.name), 1, "veth0")
    env.ok("detach", *[str(row["id"]) for row in listed(env, "links")])
    assert listed(env, "links") == [] == env.rows("links")
    env.ok("unload", "--all")


def test_lost_links(env, netns, build_bpf, unchanged):
    places = build_bpf(PLACES, "places")
    env.ok("load", places)
    where = ["veth0", "--netns", netns.name]
    rows = [env.ok("-j", "attach", name, *where, *more).json()["link"] for name, *more in
            (("at_xdp",), ("at_ingress", "--ingress"), ("at_egress", "--egress"))]
    os.unlink(rows[0]["pinned_path"])
    os.unlink(rows[1]["pinned_path"])
    pin_stranger(rows[1]["pinned_path"], places.replace("places", "places"))
    found = {row["program"]: (row["state"], row["lost_reason"], row["kernel_id"])
             for row in listed(env, "links")}
    assert found["at_xdp"] == ("lost", "unpinned", None)
    assert found["at_ingress"] == ("lost", "replaced", None)
    assert found["at_egress"][0] == "attached"
    with unchanged(env):
        assert_failed(env.run("attach", "at_egress", *where, "--egress", "--before",
                              str(rows[1]["id"])), 1, "not attached any more", "replaced")
    out = env.ok("detach", "at_ingress").out
    assert "left" in out and "another object" in out
    assert os.path.exists(rows[1]["pinned_path"])
    os.unlink(rows[1]["pinned_path"])
    env.ok("detach", "at_xdp")
    env.ok("attach", "at_xdp", *where)
    env.ok("unload", "--all")


def test_after_a_reboot(env, netns, build_bpf):
    """Rows of another boot: nothing is touched, and the row can be forgotten."""
    env.ok("load", build_bpf(PLACES, "places"), "--attach", f"at_xdp=veth0 --netns {netns.name}")
    env.ok("attach", "at_egress", "veth0", "--egress", "--netns", netns.name, "--try", "600")
    xdp, egress = listed(env, "links")
    with sqlite3.connect(env.db, isolation_level=None) as db:
        db.execute("UPDATE links SET boot_id = 'other'")
        db.execute("UPDATE objects SET boot_id = 'other'")
    for row in listed(env, "links"):
        assert (row["state"], row["lost_reason"], row["kernel_id"]) == ("lost", "reboot", None)
    assert_failed(env.run("attach", "at_xdp", "veth0", "--netns", netns.name), 1, "lost .reboot.")
    env.ok("detach", "at_xdp")
    assert os.path.exists(xdp["pinned_path"]) and not gone(xdp["kernel_id"], 0.1)
    env.ok("unload", "places")
    assert env.rows("links") == [] and os.path.exists(egress["pinned_path"])
    assert wait_until(lambda: not env.processes())


# ---- mistakes ----


@pytest.mark.parametrize("words, says", [
    (["at_xdp", "veth9"], ["no interface 'veth9'", "did you mean 'veth0'"]),
    (["at_xdp"], ["interface"]),
    (["at_xdp", "veth0", "--ingress"], ["xdp"]),
    (["at_ingress", "veth0"], ["ingress"]),
    (["at_ingress", "veth0", "--ingress", "--before", "at_egress"], ["no link is named"]),
    (["at_ingress", "veth0", "--ingress", "--before", "kernel:4294967290"], ["4294967290"]),
    (["at_xdp", "veth0", "--type", "xpd"], ["xpd"]),
    (["at_xdp", "veth0", "--type", "cgroup"], ["cgroup"]),
    (["at_nothing", "veth0"], ["no program is named"]),
    (["99", "veth0"], ["nothing has the id 99"]),
])
def test_cannot_attach(env, netns, build_bpf, unchanged, words, says):
    env.ok("load", build_bpf(PLACES, "places"))
    with unchanged(env):
        assert_failed(env.run("attach", *words, "--netns", netns.name), 1, *says)
        assert_error_document(env.run("-j", "attach", *words, "--netns", netns.name), 1, *says)


def test_hostile_target(env, netns, build_bpf, unchanged):
    env.ok("load", build_bpf(PLACES, "places"))
    with unchanged(env):
        assert_failed(env.run("attach", "at_xdp", "ve\x1bth", "--netns", netns.name), 1,
                      r"ve\\x1bth")
        assert_failed(env.run("attach", "at_xdp", b"ve\xffth", "--netns", netns.name), 1,
                      r"ve\\xffth")


def test_netns_that_is_not_there(env, netns, build_bpf, unchanged):
    env.ok("load", build_bpf(PLACES, "places"))
    with unchanged(env):
        for name, says in (("no-such-netns", "no-such-netns"), ("pid:0", "pid:0"),
                           ("/dev/null", "/dev/null"), ("pid:4194304", "4194304")):
            assert_failed(env.run("attach", "at_xdp", "veth0", "--netns", name), 1, says)


def test_second_native_xdp(env, netns, build_bpf, unchanged):
    env.ok("load", build_bpf(PLACES, "places"))
    env.ok("attach", "at_xdp", "veth0", "--netns", netns.name)
    with unchanged(env):
        assert_failed(env.run("attach", "at_xdp", "veth0", "--netns", netns.name), 1,
                      "is attached there", "detach that one first")

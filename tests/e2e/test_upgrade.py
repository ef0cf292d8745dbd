# SPDX-License-Identifier: GPL-3.0-or-later
"""upgrade: another build in an object's place, with its maps, links and ids, or not at all."""
import json
import subprocess
import sys

import pytest

from conftest import TOP
from helpers import (HEAD, assert_failed, assert_said, bpftool, kernel_program, listed,
                     map_values, only, run_program, text, wait_for)

pytestmark = pytest.mark.usefixtures("need_bpf")

# Adds STEP to counters[0] for each packet. Globals of its own make .bss and .rodata.
COUNT = HEAD + """
#ifndef STEP
#define STEP 1
#endif
#ifndef ENTRIES
#define ENTRIES 4
#endif
#ifndef PROGRAM
#define PROGRAM count
#endif
ARRAY(counters, ENTRIES);
#ifdef EXTRA
ARRAY(extra, 1);
#endif
const volatile __u32 step = STEP;
__u64 seen;
static __always_inline int add(void)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&counters, &zero);

	__sync_fetch_and_add(&seen, 1);
	if (value)
		__sync_fetch_and_add(value, step);
#ifdef EXTRA
	bpf_map_lookup_elem(&extra, &zero);
#endif
	return 2;
}
SEC("xdp") int PROGRAM(struct xdp_md *ctx) { return add(); }
#ifdef SECOND
SEC("xdp") int second(struct xdp_md *ctx) { return 1; }
#endif
"""

PACKET = b"\0" * 64


@pytest.fixture
def build(build_bpf):
    """build("STEP=2", "SECOND"): an object called count, of that build."""
    return lambda *defines: build_bpf(COUNT, "count", ["-D" + d for d in defines])


def count_of(env):
    """counters[0], read by somebody else than bpfman."""
    row = only([m for m in listed(env, "maps") if m["name"] == "counters"])
    return int(map_values(row["pinned_path"])[0])


def run(env, times=1, name="count"):
    row = only([p for p in listed(env) if p["name"] == name])
    return run_program(row["pinned_path"], PACKET, times, env.dir)


def rows(env):
    """Programs and maps by name."""
    return ({p["name"]: p for p in listed(env)}, {m["name"]: m for m in listed(env, "maps")})


def test_programs_change_and_maps_stay(env, build):
    env.ok("load", build())
    assert run(env, 3) == 2
    programs, maps = rows(env)
    answer = env.ok("-j", "upgrade", "count", build("STEP=10")).json()
    assert set(answer) == {"object", "programs", "maps", "links", "changed", "kept"}
    assert answer["kept"] == []
    assert answer["changed"] is True and answer["links"] == []
    now_programs, now_maps = rows(env)
    assert only(answer["programs"]) == now_programs["count"]
    assert answer["object"]["sha256"] == only(listed(env, "objects"))["sha256"]
    before, after = programs["count"], now_programs["count"]
    for key in ("id", "pinned_path", "object_id", "created_at", "section"):
        assert before[key] == after[key]
    assert before["kernel_id"] != after["kernel_id"]
    assert kernel_program(after["kernel_id"])["tag"] == after["tag"]
    for name in ("counters", ".bss"):
        assert maps[name] == now_maps[name]
    assert maps[".rodata"]["id"] == now_maps[".rodata"]["id"]
    assert maps[".rodata"]["kernel_id"] != now_maps[".rodata"]["kernel_id"]
    assert sorted(after["maps"]) == sorted(m["id"] for m in now_maps.values())
    run(env, 1)
    assert count_of(env) == 13
    wait_for(lambda: kernel_program(before["kernel_id"]) is None, "the old program is gone")
    # And all of it can go.
    env.ok("unload", "count")
    assert listed(env) == listed(env, "maps") == listed(env, "objects") == []
    assert env.rows("files") == []


def test_back_and_forth(env, build):
    first, second = build(), build("STEP=10")
    env.ok("load", first)
    tag = only(listed(env))["tag"]
    env.ok("upgrade", "count", second)
    assert len(env.rows("files")) == 2
    assert only(listed(env))["tag"] == tag  # the step is data, not text
    run(env)
    assert env.ok("-j", "upgrade", "count", "--back").json()["object"]["path"] == first
    run(env)
    assert env.ok("-j", "upgrade", "count", "--back").json()["object"]["path"] == second
    run(env)
    assert count_of(env) == 21
    # A third build takes the place of the one kept.
    env.ok("upgrade", "count", build("STEP=100"))
    assert len(env.rows("files")) == 2
    env.ok("upgrade", "count", "--back")
    assert only(listed(env, "objects"))["path"] == second


def test_the_same_build_changes_nothing(env, build, unchanged):
    env.ok("load", build())
    with unchanged(env):
        answer = env.ok("-j", "upgrade", "count", build()).json()
        assert answer["changed"] is False
        assert_said(env.ok("upgrade", "count", build()).out, "already")


def test_programs_come_and_go(env, build):
    env.ok("load", build("SECOND", "EXTRA"))
    programs, maps = rows(env)
    assert set(programs) == {"count", "second"} and "extra" in maps
    env.ok("upgrade", "count", build("STEP=3"))
    programs2, maps2 = rows(env)
    assert set(programs2) == {"count"} and "extra" not in maps2
    assert env.ok("-j", "show", "map", "counters").json()["map"]["programs"] == \
        [programs["count"]["id"]]
    env.ok("upgrade", "count", build("SECOND", "EXTRA", "STEP=4"))
    programs3, maps3 = rows(env)
    assert set(programs3) == {"count", "second"}
    # Ids are never given out again.
    assert programs3["second"]["id"] > max(m["id"] for m in maps.values())
    assert programs3["count"]["id"] == programs["count"]["id"]
    assert bpftool("prog", "show", "pinned", programs3["second"]["pinned_path"])["id"] == \
        programs3["second"]["kernel_id"]
    assert bpftool("map", "show", "pinned", maps3["extra"]["pinned_path"])["id"] == \
        maps3["extra"]["kernel_id"]


def test_the_second_name_follows(env, build):
    pin = env.pins / "test/deep/prog"
    env.ok("load", build(), "--program", "count", "--pin-path", pin)
    for defines in (["STEP=2"], ["STEP=3"]):
        env.ok("upgrade", "count", build(*defines))
        row = only(listed(env))
        assert row["pinned_path"] == str(pin)
        assert bpftool("prog", "show", "pinned", pin)["id"] == row["kernel_id"]
        assert sorted(p.name for p in pin.parent.iterdir()) == ["prog"]
    env.ok("unload", "count")
    assert not pin.parent.exists()


def test_a_map_that_differs_is_an_error_that_says_how(env, build, unchanged):
    env.ok("load", build())
    run(env, 5)
    with unchanged(env):
        result = env.run("upgrade", "count", build("ENTRIES=8"))
        assert_failed(result, 1, "counters", "max_entries: 8 in the object, 4 ", "--reset-map")
    before = rows(env)[1]
    env.ok("upgrade", "count", build("ENTRIES=8"), "--reset-map", "counters")
    after = rows(env)[1]
    assert before["counters"]["id"] == after["counters"]["id"]
    assert after["counters"]["max_entries"] == 8
    assert before[".bss"] == after[".bss"]
    assert count_of(env) == 0
    run(env)
    assert count_of(env) == 1


@pytest.mark.parametrize("case", ["reset", "back", "object", "file", "verifier", "no programs",
                                  "garbage", "both", "neither"])
def test_what_cannot_be_upgraded(env, build, example, unchanged, case):
    env.ok("load", build())
    arguments, status, said = {
        "reset": (["count", build("STEP=2"), "--reset-map", "conters"], 1,
                  ["no map conters", 'did you mean "counters"']),
        "back": (["count", "--back"], 1, ["no build before"]),
        "object": (["cout", build("STEP=2")], 1, ["no object", 'did you mean "count"']),
        "file": (["count", "/nowhere.o"], 1, ["/nowhere.o"]),
        "verifier": (["count", example("rejected")], 1, ["invalid mem access"]),
        "no programs": (["count", env.file("empty.o")], 1, ["empty"]),
        "garbage": (["count", "/bin/true"], 1, ["not for BPF"]),
        "both": (["count", build("STEP=2"), "--back"], 2, ["--back"]),
        "neither": (["count"], 2, ["FILE"]),
    }[case]
    with unchanged(env):
        assert_failed(env.run("upgrade", *arguments), status, *said)
    assert run(env) == 2


def test_a_lost_object_is_not_upgraded(env, build, unchanged):
    env.ok("load", build())
    (env.pins / only(listed(env))["pinned_path"]).unlink()
    with unchanged(env):
        assert_failed(env.run("upgrade", "count", build("STEP=2")), 1, "lost", "unpinned")


def test_a_dry_run_changes_nothing(env, build, unchanged):
    env.ok("load", build())
    with unchanged(env):
        assert_said(env.ok("-n", "upgrade", "count", build("STEP=2")).out, "would upgrade")
        assert_failed(env.run("-n", "upgrade", "count", build("PROGRAM=other"), "--reset-map", "x"),
                      1, "no map x")


def test_a_dry_run_finds_what_an_upgrade_would(env, build, build_bpf, netns, unchanged):
    env.ok("load", build(), "--global", "step=3")
    with unchanged(env):
        for run in (["upgrade"], ["-n", "upgrade"]):
            assert_failed(env.run(*run, "count", build("ENTRIES=8")), 1, "map 'counters' differs",
                          "max_entries: 8 in the object, 4 pinned", "--reset-map")
            other = build_bpf(COUNT.replace("step = STEP", "stop = STEP")
                              .replace("value, step", "value, stop"), "count")
            assert_failed(env.run(*run, "count", other), 1, "no global variable 'step'")
        env.ok("-n", "upgrade", "count", build("ENTRIES=8"), "--reset-map", "counters")
        env.ok("-n", "upgrade", "count", build("STEP=2"))
        # Of what is only planned there is nothing to hold a map against.
        env.ok("-n", "-c", f"load {build()} --name other; upgrade other {build('ENTRIES=8')}")
    env.ok("attach", "count", "veth0", "--netns", netns.name)
    with unchanged(env):
        assert_failed(env.run("-n", "upgrade", "count", build("PROGRAM=other")), 1, "is attached")
        env.ok("-n", "upgrade", "count", build("STEP=2"))


def test_a_map_that_another_object_uses(env, build, build_bpf, unchanged):
    env.ok("load", build())
    user = build_bpf(COUNT, "user", ["-DPROGRAM=reader", "-DSTEP=7"])
    env.ok("load", user, "--reuse-map", "counters=counters")
    with unchanged(env):
        assert_failed(env.run("upgrade", "count", build("STEP=2"), "--reset-map", "counters"), 1,
                      "cannot be reset", "another object")
    env.ok("upgrade", "count", build("STEP=2"))
    run(env)
    run(env, name="reader")
    assert count_of(env) == 9
    # The user is upgraded too, and still uses it.
    env.ok("upgrade", "user", build_bpf(COUNT, "user", ["-DPROGRAM=reader", "-DSTEP=20"]))
    run(env, name="reader")
    assert count_of(env) == 29


def test_maps_pinned_by_name_stay_shared(env, example, build_bpf):
    env.ok("load", example("by_name"))
    shared = only([m for m in listed(env, "maps") if m["object"] is None])
    source = (TOP / "examples/by_name.bpf.c").read_text(encoding="utf-8")
    env.ok("upgrade", "by_name", build_bpf(source + "\nint unused_global = 1;\n", "by_name"))
    assert only([m for m in listed(env, "maps") if m["object"] is None])["kernel_id"] == \
        shared["kernel_id"]


# ---- links ----


def links(env):
    return listed(env, "links")


def test_a_link_moves_without_a_gap(env, build, netns):
    """A hundred upgrades under traffic: not a packet, not a count is lost."""
    env.ok("load", build())
    env.ok("attach", "count", netns.interface, "--netns", netns.name)
    before = only(links(env))

    def transmitted():
        shown = netns.peer.run("ip", "-j", "-s", "link", "show", netns.peer.interface)
        return json.loads(shown.stdout)[0]["stats64"]["tx"]["packets"]

    def moment():
        """What the peer has sent and what was counted, with nothing sent in between."""
        while True:
            packets, counted = transmitted(), count_of(env)
            if packets == transmitted():
                return packets, counted
    packets, counted = moment()
    traffic = subprocess.Popen([*netns.peer.prefix, sys.executable, "-c", f"""
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    s.sendto(b"x", ({netns.address!r}, 9))
    time.sleep(0.001)
"""])
    try:
        files = [build("BUILD=1", "SECOND"), build("BUILD=2")]
        env.ok("-q", stdin="".join(f"upgrade count {files[i % 2]}\n" for i in range(100)))
    finally:
        traffic.terminate()
        traffic.wait(30)
    assert only(links(env)) == before
    link = bpftool("link", "show", "pinned", before["pinned_path"])
    program = only([p for p in listed(env) if p["name"] == "count"])
    assert (link["id"], link["prog_id"]) == (before["kernel_id"], program["kernel_id"])
    now_packets, now_counted = moment()
    assert now_packets - packets > 100
    assert now_counted - counted == now_packets - packets


TRACE = HEAD + """
ARRAY(counters, 1);
SEC("%s") int count(void *ctx)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&counters, &zero);

	if (value)
		__sync_fetch_and_add(value, STEP);
	return 0;
}
"""


@pytest.mark.parametrize("section, target", [
    ("tracepoint/syscalls/sys_enter_getpgid", []), ("raw_tp/sched_switch", []),
    ("uprobe", ["libc:getpgid"])])
def test_where_the_kernel_cannot_move_a_link_the_new_one_comes_first(
        env, build_bpf, tracefs, section, target):
    one, two = (build_bpf(TRACE % section, "trace", [f"-DSTEP={n}"]) for n in (1, 1000))
    env.ok("load", one)
    env.ok("attach", "count", *target)
    before = only(links(env))
    result = env.ok("upgrade", "trace", two)
    assert_said(text(result, "out"), f"link {before['id']}.*attached anew")
    after = only(links(env))
    assert before["kernel_id"] != after["kernel_id"]
    for key in ("id", "target", "target_text", "pinned_path", "type", "state"):
        assert before[key] == after[key]
    assert bpftool("link", "show", "pinned", after["pinned_path"])["id"] == after["kernel_id"]
    wait_for(lambda: bpftool("link", "show", "id", before["kernel_id"]) is None,
             "the old link is gone")

    def call():
        subprocess.run([sys.executable, "-c", "import ctypes; c = ctypes.CDLL(None)\n"
                        "for i in range(50): c.getpgid(0)"], check=True)
        return count_of(env)
    count = call()
    assert wait_for(lambda: call() - count >= 1000, "the new program counts")


def test_a_program_that_is_attached_must_be_in_the_new_build(env, build, netns, unchanged):
    env.ok("load", build())
    env.ok("attach", "count", netns.interface, "--netns", netns.name)
    with unchanged(env):
        assert_failed(env.run("upgrade", "count", build("PROGRAM=other")), 1,
                      "no program count", "attached", "detach")
        assert_failed(env.run("upgrade", "count", build("ENTRIES=16")), 1, "max_entries")
    netns.ping()
    assert count_of(env) > 0


def test_a_link_whose_target_is_gone_is_no_obstacle(env, build, netns):
    env.ok("load", build())
    env.ok("attach", "count", netns.interface, "--netns", netns.name)
    netns.run("ip", "link", "del", netns.interface)
    wait_for(lambda: only(links(env))["state"] == "target_gone", "the interface is gone")
    counted = count_of(env)  # the interface may have had packets
    env.ok("upgrade", "count", build("STEP=2"))
    assert only(links(env))["state"] == "target_gone"
    run(env)
    assert count_of(env) == counted + 2
    env.ok("unload", "count")


def test_a_failed_upgrade_moves_links_back(env, build, build_bpf, netns, unchanged):
    """The second link cannot move: the kernel refuses, and the first one runs the old program."""
    env.ok("load", build("SECOND"))
    env.ok("attach", "count", netns.interface, "--netns", netns.name)
    first = only(links(env))
    bad = build_bpf(COUNT.replace('SEC("xdp") int second(struct xdp_md *ctx) { return 1; }',
                                  'SEC("tc") int second(struct __sk_buff *ctx) { return 1; }'),
                    "count", ["-DSECOND", "-DSTEP=5"])
    peer = netns.peer
    env.ok("attach", "second", peer.interface, "--netns", peer.name)
    with unchanged(env):
        assert_failed(env.run("upgrade", "count", bad), 1, "second")
    assert bpftool("link", "show", "pinned", first["pinned_path"])["prog_id"] == \
        only([p for p in listed(env) if p["name"] == "count"])["kernel_id"]


def test_documents_stay_json_when_it_fails(env, build):
    env.ok("load", build())
    result = env.run("-j", "upgrade", "count", build("ENTRIES=8"))
    error = json.loads(result.out)["error"]
    assert result.status == 1 and "counters" in error["message"]
    assert any("max_entries" in line for line in error["details"])

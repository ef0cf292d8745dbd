# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps that hold other things, or that the kernel keeps for itself: shown, written, upgraded."""
import json
import os
import re
import subprocess
import sys

import pytest

from conftest import WORKER
from helpers import (assert_failed, assert_said, bpftool, listed, only, run_program, text,
                     wait_until_freed)
from map_kinds import contents, entries

pytestmark = pytest.mark.usefixtures("need_bpf")

# start jumps to jumps[0], else to fixed[0], else passes; it counts in what outer[0] holds.
HELD = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#ifndef VERDICT
#define VERDICT XDP_DROP
#endif
#ifndef INNER
#define INNER __u32
#endif
#ifndef SLOTS
#define SLOTS 4
#endif
#define UNTYPED(name, kind, k, v, entries) struct { \\
	__uint(type, BPF_MAP_TYPE_##kind); __uint(max_entries, entries); \\
	__uint(key_size, k); __uint(value_size, v); } name SEC(".maps")
char LICENSE[] SEC("license") = "GPL";
int one(struct xdp_md *ctx);
int two(struct xdp_md *ctx);
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);
	__type(key, __u32); __type(value, INNER); };
#ifndef ENTRIES
#define ENTRIES 2
#endif
struct inner first SEC(".maps"), spare SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, __u32);
	__array(values, struct inner); } outer SEC(".maps") = { .values = { &first } };
struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, ENTRIES); __type(key, __u64);
	__array(values, struct inner); } by_hash SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __type(key, __u32);
	__array(values, int (struct xdp_md *)); } fixed SEC(".maps") = { .values = {
		[1] = (void *)&one } };
UNTYPED(jumps, PROG_ARRAY, 4, 4, SLOTS);
UNTYPED(ports, DEVMAP, 4, 4, 4);
UNTYPED(ports_hash, DEVMAP_HASH, 4, 8, 4);
UNTYPED(cpus, CPUMAP, 4, 4, 2);
UNTYPED(cpus_run, CPUMAP, 4, 8, 2);
UNTYPED(socks, SOCKMAP, 4, 8, 4);
UNTYPED(short_socks, SOCKHASH, 8, 4, 4);
UNTYPED(groups, CGROUP_ARRAY, 4, 4, 1);
UNTYPED(bloom, BLOOM_FILTER, 0, 4, 10);
UNTYPED(user_ring, USER_RINGBUF, 0, 0, 4096);
SEC("xdp") int one(struct xdp_md *ctx) { return VERDICT; }
#ifndef WITHOUT_TWO
SEC("xdp") int two(struct xdp_md *ctx) { return XDP_TX; }
#endif
SEC("xdp/devmap") int leaving(struct xdp_md *ctx) { return XDP_DROP; }
SEC("xdp/cpumap") int moved(struct xdp_md *ctx) { return XDP_DROP; }
SEC("xdp") int start(struct xdp_md *ctx)
{
	__u32 zero = 0;
	void *inner = bpf_map_lookup_elem(&outer, &zero);
	INNER *value = inner ? bpf_map_lookup_elem(inner, &zero) : 0;

	if (value)
		++*value;
	bpf_tail_call(ctx, &jumps, 0);
	bpf_tail_call(ctx, &fixed, 0);
	return XDP_PASS;
}
"""
DROP, PASS, TX = 1, 2, 3
PACKET = b"\0" * 64


@pytest.fixture
def build(build_bpf):
    return lambda *defines: build_bpf(HELD, "held", ["-D" + d for d in defines])


@pytest.fixture
def held(env, build):
    env.ok("load", build())
    return env


def kernel_ids(env, kind):
    return {row["name"]: row["kernel_id"] for row in listed(env, kind)}


def pin(env, name, kind="maps"):
    return only([r["pinned_path"] for r in listed(env, kind) if r["name"] == name])


def start(env):
    return run_program(pin(env, "start", "programs"), PACKET, 1, env.dir)


def test_programs_are_put_in_by_name(held):
    ids = kernel_ids(held, "programs")
    assert entries(held, "fixed") == [("1", ids["one"])]
    assert start(held) == PASS
    held.ok("map", "set", "jumps", 0, "two")
    assert start(held) == TX
    held.ok("-c", "map set jumps 0 held/one; map set jumps 2 two --create")
    assert start(held) == DROP
    assert entries(held, "jumps") == [("0", ids["one"]), ("2", ids["two"])]
    table = held.ok("map", "dump", "jumps").out.splitlines()[1:]
    assert [line.split() for line in table] == [["0", f"kernel:{ids['one']}"],
                                                ["2", f"kernel:{ids['two']}"]]
    before = contents(pin(held, "jumps"))
    held.ok("-c", "map delete jumps 0; map delete jumps 2")
    assert start(held) == PASS and contents(pin(held, "jumps")) == {}
    held.ok(stdin="".join(f"map set jumps {row}\n" for row in table))
    assert contents(pin(held, "jumps")) == before


def test_maps_are_put_in_by_name(held):
    ids = kernel_ids(held, "maps")
    assert entries(held, "outer") == [("0", ids["first"])]
    start(held)
    held.ok("map", "set", "outer", 0, "spare")
    start(held)
    start(held)
    assert entries(held, "first")[0][1] == 1 and entries(held, "spare")[0][1] == 2
    held.ok("map", "set", "by_hash", "hex:0700000000000000", "held/spare")
    assert entries(held, "by_hash") == [('"hex:0700000000000000"', ids["spare"])]
    row = held.ok("map", "dump", "by_hash").out.splitlines()[1]
    held.ok("map", "delete", "by_hash", "hex:0700000000000000")
    assert entries(held, "by_hash") == []
    held.ok(stdin=f"map set by_hash {row}\n")
    assert entries(held, "by_hash") == [('"hex:0700000000000000"', ids["spare"])]
    held.ok("map", "delete", "outer", 0)
    assert entries(held, "outer") == []


def test_interfaces_are_put_in_by_name(held, netns):
    index = json.loads(netns.run("ip", "-j", "link", "show", netns.interface).stdout)[0]["ifindex"]

    def inside(*argv):
        return held.run(*argv, prefix=netns.prefix)
    assert inside("map", "set", "ports", 0, netns.interface).status == 0
    assert inside("map", "set", "ports", 1, index).status == 0
    assert entries(held, "ports") == [("0", index), ("1", index)]
    assert inside("map", "set", "ports_hash", 70, netns.interface).status == 0
    assert inside("map", "set", "ports_hash", 71, netns.interface + ":leaving").status == 0
    leaving = kernel_ids(held, "programs")["leaving"]
    assert sorted(entries(held, "ports_hash"), key=str) == [
        ("70", {"ifindex": index, "program": None}), ("71", {"ifindex": index, "program": leaving})]
    assert_said(held.ok("map", "dump", "ports_hash").out, rf"70 +{index}\n?",
                rf"71 +{index}:kernel:{leaving}")
    said = inside("map", "set", "ports", 2, netns.interface + "x")
    assert said.status == 1
    assert_said(said.err, f"there is no interface '{netns.interface}x' in this network namespace",
                f"did you mean '{netns.interface}'")
    said = inside("map", "set", "ports", 2, netns.interface + ":leaving")
    assert said.status == 1
    assert_said(said.err, "have no room for a program", "struct bpf_devmap_val")
    said = inside("map", "set", "ports_hash", 72, netns.interface + ":one")
    assert said.status == 1
    assert_said(said.err, "does not take this value", "section xdp/devmap")
    held.ok("map", "delete", "ports", 1)
    assert [key for key, _ in entries(held, "ports")] == ["0"]


def test_cpus(held):
    moved = kernel_ids(held, "programs")["moved"]
    held.ok("-c", "map set cpus 0 192; map set cpus_run 0 64:moved")
    assert entries(held, "cpus") == [("0", 192)]
    assert entries(held, "cpus_run") == [("0", {"qsize": 64, "program": moved})]
    table = held.ok("map", "dump", "cpus_run").out.splitlines()[1:]
    assert [line.split() for line in table] == [["0", f"64:kernel:{moved}"]]
    held.ok(stdin=f"map set cpus_run {table[0]}\n")
    assert entries(held, "cpus_run") == [("0", {"qsize": 64, "program": moved})]


def test_a_map_of_sockets(held):
    """Who has a socket puts it there; it is shown by its cookie, and can be taken out."""
    put = (
        "import ctypes, socket, struct, sys, time\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "path = sys.argv[1].encode() + b'\\0'\n"
        "name = ctypes.create_string_buffer(path)\n"
        "bpf = lambda n, b: libc.syscall(%d, n, ctypes.create_string_buffer(b, 128), 128)\n"
        "map_fd = bpf(7, struct.pack('QII', ctypes.addressof(name), 0, 0))\n"
        "s = socket.create_server(('127.0.0.1', 0))\n"
        "key = ctypes.create_string_buffer(struct.pack('I', 2))\n"
        "value = ctypes.create_string_buffer(struct.pack('Q', s.fileno()))\n"
        "assert bpf(2, struct.pack('IxxxxQQQ', map_fd, ctypes.addressof(key),"
        " ctypes.addressof(value), 0)) == 0, ctypes.get_errno()\n"
        "print(struct.unpack('Q', s.getsockopt(socket.SOL_SOCKET, 57, 8))[0], flush=True)\n"
        "sys.stdin.read()\n")
    number = {"x86_64": 321}.get(os.uname().machine, 280)
    with subprocess.Popen([sys.executable, "-c", put % number, pin(held, "socks")],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        cookie = int(process.stdout.readline())
        assert entries(held, "socks") == [("2", f"hex:{cookie.to_bytes(8, 'little').hex()}")]
        held.ok("map", "delete", "socks", 2)
        assert entries(held, "socks") == []
        process.stdin.close()


REFUSED = [
    ("set jumps 0 tow", "jumps holds programs: no program is named \"tow\"", 'did you mean "two"'),
    ("set jumps 0 kernel:1", "jumps holds programs: bpfman does not manage kernel id 1"),
    ("set jumps 0 first", "jumps holds programs: .*is a map, not a program|no program is named"),
    ("set jumps 4 two", "index 4 is out of range"),
    ("set jumps 0 two two", "jumps: an entry has one value, not 2"),
    ("set fixed 1 two --create", "fixed has the key 1 already"),
    ("set jumps 1 two --existing", "jumps has no key 1"),
    ("set jumps 0 leaving", "jumps does not take this value: the kernel takes only programs"),
    ("set outer 1 jumps", "outer does not take this value: .* defined as its inner map"),
    ("set outer 1 two", "outer holds maps: no map is named"),
    ("delete jumps 0", "jumps has no key 0"),
    ("delete outer 1", "outer has no key 1"),
    ("set cpus 0 x", '"x" is no length of a queue'),
    ("set cpus 0 64:moved", "have no room for a program", "struct bpf_cpumap_val"),
    ("set cpus_run 0 64:one", "does not take this value", "section xdp/cpumap"),
    ("set cpus 2 64", "index 2 is out of range"),
    ("set ports 0 no-such-one", "there is no interface 'no-such-one'"),
    ("set ports 0 4000000000", "there is no interface '4000000000'"),
    ("set socks 0 1", "socks is a sockmap and cannot be written to: its values are sockets"),
    ("delete socks 0", "socks has no key 0"),
    ("dump groups", "groups is a cgroup_array and cannot be read"),
    ("dump user_ring", "user_ring is a user_ringbuf and cannot be read: it is a stream"),
    ("dump bloom", "a bloom filter does not tell what is in it"),
    ("delete bloom", "a bloom filter only grows"),
]


@pytest.mark.parametrize("line, patterns", [(line, patterns) for line, *patterns in REFUSED],
                         ids=[row[0] for row in REFUSED])
def test_refused(held, unchanged, line, patterns):
    with unchanged(held):
        assert_failed(held.run("-c", "map " + line), 1, *patterns)
    if line.startswith("set"):
        with unchanged(held):
            said = held.run("-n", "-c", "map " + line)
        # What only the kernel knows a dry run does not.
        assert said.status == 1 or "does not take this value" in patterns[0]


def test_dry_run(held, unchanged):
    with unchanged(held):
        held.ok("-n", "map", "set", "jumps", 0, "two")
        held.ok("-n", "map", "set", "outer", 1, "spare")
    assert entries(held, "jumps") == []


def test_a_replaced_program_is_not_put_in(held, unchanged, example):
    path = pin(held, "two", "programs")
    os.unlink(path)
    assert bpftool("prog", "load", example("xdp_pass"), path) is not None
    with unchanged(held):
        assert_failed(held.run("map", "set", "jumps", 0, "two"), 1, 'program \\d+ "two" is lost')
    assert entries(held, "jumps") == []


def test_unload_leaves_nothing(held):
    held.ok("-c", "map set jumps 0 two; map set outer 1 spare; map set ports 0 lo")
    programs, maps = kernel_ids(held, "programs"), kernel_ids(held, "maps")
    held.ok("unload", "held")
    wait_until_freed("prog", *programs.values())
    wait_until_freed("map", *maps.values())
    assert not [p for p in held.pins.rglob("*") if p.is_file() and not p.name.startswith("owner_")]


# ---- kinds with rules of their own ----

ARENA = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#ifndef FOUND
#define FOUND 1
#endif
char LICENSE[] SEC("license") = "GPL";
struct { __uint(type, 33); __uint(map_flags, 1 << 10); __uint(max_entries, 4); } arena SEC(".maps");
extern void *bpf_arena_alloc_pages(void *map, void *at, __u32 pages, int node, __u64 flags) __ksym;
SEC("syscall") int touch(void *ctx)
{
	return bpf_arena_alloc_pages(&arena, 0, 1, -1, 0) ? FOUND : 0;
}
"""

STRUCT_OPS = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#ifndef LEAST
#define LEAST 2
#endif
char LICENSE[] SEC("license") = "GPL";
struct sock;
struct tcp_congestion_ops {
	unsigned (*ssthresh)(struct sock *);
	void (*cong_avoid)(struct sock *, unsigned, unsigned);
	unsigned (*undo_cwnd)(struct sock *);
	char name[16];
} __attribute__((preserve_access_index));
SEC("struct_ops/ssthresh") unsigned long long ssthresh(unsigned long long *ctx) { return LEAST; }
SEC("struct_ops/cong_avoid") int cong_avoid(unsigned long long *ctx) { return 0; }
SEC("struct_ops/undo_cwnd") unsigned long long undo_cwnd(unsigned long long *ctx) { return LEAST; }
SEC(".struct_ops") struct tcp_congestion_ops table = { .ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid, .undo_cwnd = (void *)undo_cwnd, .name = "bpfman_test" };
"""

STORAGE = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#ifndef STEP
#define STEP 1
#endif
char LICENSE[] SEC("license") = "GPL";
struct { __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE); __type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64); } seen SEC(".maps");
SEC("cgroup/sock_create") int count(void *ctx)
{
	__u64 *value = bpf_get_local_storage(&seen, 0);

	__sync_fetch_and_add(value, STEP);
	return 1;
}
"""


def test_an_arena_is_kept(env, build_bpf):
    file = build_bpf(ARENA, "arena")
    if tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2]) < (6, 9):
        assert env.run("load", file).status == 1
        return
    env.ok("load", file)
    before = only(listed(env, "maps"))
    assert before["type"] == "arena"
    assert env.ok("-j", "run", "touch").json()["run"]["retval"] == 1
    assert_failed(env.run("map", "dump", "arena"), 1, "arena is an arena and cannot be read")
    assert_failed(env.run("map", "set", "arena", "1", "1"), 1, "cannot be written to: it is memory")
    env.ok("upgrade", "arena", build_bpf(ARENA, "arena", ["-DFOUND=2"]))
    assert only(listed(env, "maps"))["kernel_id"] == before["kernel_id"]
    assert env.ok("-j", "run", "touch").json()["run"]["retval"] == 2
    env.ok("unload", "arena")
    wait_until_freed("map", before["kernel_id"])


def test_a_table_of_struct_ops_is_of_its_build(env, build_bpf):
    env.ok("load", build_bpf(STRUCT_OPS, "ops"))
    before = only(listed(env, "maps"))
    assert (before["type"], before["name"]) == ("struct_ops", "table")
    assert_failed(env.run("map", "dump", "table"), 1,
                  "table is a struct_ops and cannot be read: it is a table of functions")
    env.ok("upgrade", "ops", build_bpf(STRUCT_OPS, "ops", ["-DLEAST=3"]))
    after = only(listed(env, "maps"))
    assert after["id"] == before["id"] and after["kernel_id"] != before["kernel_id"]
    wait_until_freed("map", before["kernel_id"])
    env.ok("unload", "ops")
    wait_until_freed("map", after["kernel_id"])


def test_storage_of_a_control_group(env, build_bpf, cgroup):
    env.ok("load", build_bpf(STORAGE, "storage"))
    env.ok("attach", "count", cgroup.path)
    cgroup.run("true")

    def seen():
        return only(entries(env, "seen"))
    cgroup.run(sys.executable, "-c", "import socket; socket.socket()")
    key, value = seen()
    assert int(value) == 1, (key, value)
    env.ok("upgrade", "storage", build_bpf(STORAGE, "storage", ["-DSTEP=10"]))
    cgroup.run(sys.executable, "-c", "import socket; socket.socket()")
    assert seen() == (key, "11")
    row = env.ok("map", "dump", "seen").out.splitlines()[1]
    env.ok(stdin=f"map set seen {row}\n")
    assert seen() == (key, "11")
    assert_failed(env.run("map", "delete", "seen", json.loads(key) if key[0] == '"' else key), 1,
                  "its elements go with their control groups|is no|cannot be deleted from")


# ---- another build ----


def test_a_new_build_jumps_to_its_own_programs(held, build):
    held.ok("-c", "map set jumps 0 one; map set jumps 3 two")
    assert start(held) == DROP
    former, maps = kernel_ids(held, "programs"), listed(held, "maps")
    held.ok("upgrade", "held", build("VERDICT=XDP_ABORTED"))
    ids = kernel_ids(held, "programs")
    assert entries(held, "jumps") == [("0", ids["one"]), ("3", ids["two"])]
    assert entries(held, "fixed") == [("1", ids["one"])]
    assert start(held) == 0
    assert [(m["id"], m["name"], m["pinned_path"]) for m in listed(held, "maps")] == [
        (m["id"], m["name"], m["pinned_path"]) for m in maps]
    wait_until_freed("prog", *former.values())


def test_what_a_map_of_maps_holds_is_kept(held, build):
    held.ok("map", "set", "outer", 1, "spare")
    start(held)
    before = kernel_ids(held, "maps")
    held.ok("upgrade", "held", build("VERDICT=XDP_ABORTED"))
    assert entries(held, "outer") == [("0", before["first"]), ("1", before["spare"])]
    start(held)
    assert entries(held, "first")[0][1] == 2


def test_a_slot_of_a_program_that_goes(held, build, unchanged):
    held.ok("map", "set", "jumps", 0, "two")
    with unchanged(held):
        assert_failed(held.run("upgrade", "held", build("WITHOUT_TWO")), 1,
                      "map 'jumps' has the program 'two' in slot 0, and the new build has none",
                      "map delete jumps 0 empties the slot")
    assert start(held) == TX
    held.ok("map", "delete", "jumps", 0)
    held.ok("upgrade", "held", build("WITHOUT_TWO"))
    assert "two" not in kernel_ids(held, "programs") and start(held) == PASS


def test_a_map_of_maps_of_another_size(held, build, unchanged):
    with unchanged(held):
        assert_failed(held.run("upgrade", "held", build("ENTRIES=8")), 1, "by_hash", "max_entries")


def test_fewer_slots(held, build, unchanged):
    held.ok("map", "set", "jumps", 3, "two")
    with unchanged(held):
        assert_failed(held.run("upgrade", "held", build("SLOTS=2")), 1,
                      "map 'jumps' has a program in slot 3, and in the new build only 2 slots")
    held.ok("upgrade", "held", build("SLOTS=2"), "--reset-map", "jumps")
    assert entries(held, "jumps") == []


def test_a_slot_of_another_object_stays(held, build, build_bpf):
    other = build_bpf(HELD.replace("XDP_TX", "XDP_REDIRECT"), "other")
    held.ok("load", other)
    held.ok("map", "set", "held/jumps", 0, "other/two")
    assert run_program(only([p["pinned_path"] for p in listed(held) if p["name"] == "start" and
                             p["object"] == "held"]), PACKET, 1, held.dir) == 4
    held.ok("upgrade", "held", build("VERDICT=XDP_ABORTED"))
    two = only([p["kernel_id"] for p in listed(held) if (p["name"], p["object"]) ==
                ("two", "other")])
    assert entries(held, "held/jumps") == [("0", two)]


def test_an_inner_map_is_not_reset_alone(held, build, unchanged):
    with unchanged(held):
        assert_failed(held.run("upgrade", "held", build("VERDICT=XDP_ABORTED"), "--reset-map",
                               "first"), 1,
                      "map 'outer' holds the map 'first' as it was", "--reset-map outer")
    start(held)
    held.ok("upgrade", "held", build("VERDICT=XDP_ABORTED"), "--reset-map", "first",
            "--reset-map", "outer")
    assert entries(held, "outer") == [("0", kernel_ids(held, "maps")["first"])]
    assert entries(held, "first")[0][1] == 0


def test_inner_maps_of_another_kind(held, build, unchanged):
    with unchanged(held):
        assert_failed(held.run("upgrade", "held", build("INNER=__u64"), "--reset-map", "first",
                               "--reset-map", "spare"), 1,
                      "map 'outer' holds the map 'first' as it was|differ from its inner map")
        assert_failed(held.run("upgrade", "held", build("INNER=__u64")), 1,
                      "map '(first|outer)' (differs|holds maps that differ)")
    held.ok("upgrade", "held", build("INNER=__u64"), "--reset-map", "first", "--reset-map",
            "spare", "--reset-map", "outer", "--reset-map", "by_hash")
    assert entries(held, "outer") == [("0", kernel_ids(held, "maps")["first"])]


def test_a_program_array_that_others_use_is_not_replaced(held, build, build_bpf, unchanged):
    user = build_bpf(HELD, "user")
    held.ok("load", user, "--reuse-map", "jumps=held/jumps")
    with unchanged(held):
        assert_failed(held.run("upgrade", "held", build("VERDICT=XDP_ABORTED")), 1,
                      "map jumps cannot be replaced by the new build's: program \\d+ of another")
    held.ok("unload", "user")
    held.ok("upgrade", "held", build("VERDICT=XDP_ABORTED"))


def test_the_worker_wants_a_pin(held):
    """As it is asked by anybody: its values are not file descriptors."""
    request = ('{"op":"map_set","id":1,"pin_path":"%s","key":"0","values":["5"]}\n'
               % pin(held, "jumps"))
    said = subprocess.run([WORKER], input=request, env=held.variables(), capture_output=True,
                          text=True, timeout=30)
    assert_said(said.stdout, "'held_pin' is needed")
    assert text(held.ok("map", "dump", "jumps"), "out").startswith("no entries")

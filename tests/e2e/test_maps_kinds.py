# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps that hold other things, or that the kernel keeps for itself: shown, dumped, upgraded."""
import os
import re

import pytest
from helpers import HEAD, assert_failed, assert_said, bpftool, listed, only
from map_kinds import entries

pytestmark = pytest.mark.usefixtures("need_bpf")

HOLDERS = HEAD + """
#ifndef ENTRIES
#define ENTRIES 2
#endif
#ifndef VERDICT
#define VERDICT 2
#endif
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);
	__type(key, __u32); __type(value, __u64); } one SEC(".maps"), two SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, __u32);
	__array(values, struct inner); } by_index SEC(".maps") = { .values = { &one, &two } };
struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, ENTRIES); __type(key, __u32);
	__array(values, struct inner); } by_key SEC(".maps");
int callee(struct xdp_md *ctx);
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __type(key, __u32);
	__array(values, int (void *)); } calls SEC(".maps") = { .values = { [1] = (void *)&callee } };
struct { __uint(type, BPF_MAP_TYPE_DEVMAP); __uint(max_entries, 4); __type(key, __u32);
	__type(value, __u32); } devices SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CPUMAP); __uint(max_entries, 4); __type(key, __u32);
	__type(value, __u32); } cpus SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
SEC("xdp") int callee(struct xdp_md *ctx) { return VERDICT; }
SEC("xdp") int caller(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 **inner = bpf_map_lookup_elem(&by_index, &zero);
	__u64 *value = inner ? bpf_map_lookup_elem(inner, &zero) : 0;

	if (value)
		__sync_fetch_and_add(value, 1);
	bpf_map_lookup_elem(&by_key, &zero);
	bpf_ringbuf_output(&ring, &zero, sizeof(zero), 0);
	bpf_tail_call(ctx, &calls, 1);
	return bpf_redirect_map(&devices, 0, 0) == bpf_redirect_map(&cpus, 0, 0) ? 1 : 0;
}
"""
ARENA = HEAD + """
struct { __uint(type, 33); __uint(map_flags, 1 << 10); __uint(max_entries, 4); } arena SEC(".maps");
SEC("syscall") int probe(void *ctx) { return &arena != 0; }
"""


@pytest.fixture
def build(build_bpf):
    return lambda *defines: build_bpf(HOLDERS, "holders", [f"-D{d}" for d in defines])


def kernel_ids(env, kind="maps"):
    return {row["name"]: row["kernel_id"] for row in listed(env, kind)}


def test_what_they_hold_is_shown_as_ids(env, build):
    env.ok("load", build())
    maps, programs = kernel_ids(env), kernel_ids(env, "programs")
    assert entries(env, "by_index") == [("0", maps["one"]), ("1", maps["two"])]
    assert entries(env, "calls") == [("1", programs["callee"])]
    assert entries(env, "by_key") == []
    assert {row["name"]: row["type"] for row in listed(env, "maps")} == {
        "one": "array", "two": "array", "by_index": "array_of_maps", "by_key": "hash_of_maps",
        "calls": "prog_array", "devices": "devmap", "cpus": "cpumap", "ring": "ringbuf"}


def test_devices_and_cpus(env, build, netns):
    """The kernel keeps no types of these: they are bytes."""
    env.ok("load", build())
    env.ok("map", "set", "cpus", "0", "hex:c0000000")
    assert entries(env, "cpus") == [("0", "hex:c0000000")]
    index = netns.run("cat", "/proc/net/dev_mcast", text=True).stdout.split()[0]
    env.ok("map", "set", "devices", "2", "hex:" + int(index).to_bytes(4, "little").hex(),
           prefix=netns.prefix)
    assert entries(env, "devices") == [("2", "hex:" + int(index).to_bytes(4, "little").hex())]
    env.ok("map", "delete", "devices", "2", prefix=netns.prefix)
    assert entries(env, "devices") == []


@pytest.mark.parametrize("line, said", [
    ("map set by_index 0 5", "file descriptors of other things"),
    ("map delete calls 1", "file descriptors of other things"),
    ("map dump ring", "stream of events")])
def test_what_cannot_be_done_says_why(env, build, unchanged, line, said):
    env.ok("load", build())
    with unchanged(env):
        assert_failed(env.run("-c", line), 1, said)


def test_an_upgrade_keeps_what_they_hold(env, build):
    """The program in the array of programs is replaced with the others."""
    env.ok("load", build())
    env.ok("map", "set", "cpus", "0", "hex:c0000000")
    before = kernel_ids(env)
    env.ok("upgrade", "holders", build("VERDICT=1"))
    assert kernel_ids(env) == before, "all maps are the same"
    assert entries(env, "by_index") == [("0", before["one"]), ("1", before["two"])]
    assert entries(env, "cpus") == [("0", "hex:c0000000")]
    assert entries(env, "calls") == [("1", kernel_ids(env, "programs")["callee"])], \
        "a tail call reaches the new build's program"


def test_an_upgrade_that_cannot_keep_them_says_which(env, build, unchanged):
    env.ok("load", build())
    with unchanged(env):
        assert_failed(env.run("upgrade", "holders", build("ENTRIES=8")), 1, "by_key", "max_entries")


def test_arena(env, build_bpf, unchanged):
    file = build_bpf(ARENA, "arena")
    if tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2]) < (6, 9):
        with unchanged(env):
            assert env.run("load", file).status == 1
        return
    env.ok("load", file)
    row = only(listed(env, "maps"))
    assert (row["name"], row["type"]) == ("arena", "arena")
    assert bpftool("map", "show", "pinned", row["pinned_path"])["id"] == row["kernel_id"]
    with unchanged(env):
        assert_failed(env.run("map", "dump", "arena"), 1, "memory that programs share")
    assert_said(env.ok("show", "map", "arena").out, "arena")

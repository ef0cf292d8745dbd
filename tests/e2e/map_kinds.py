# SPDX-License-Identifier: GPL-3.0-or-later
"""An object with a map of every kind, and what bpftool sees in them."""
import json

from helpers import bpftool

KINDS = """
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

enum color { RED, GREEN = 5, BLUE };
struct key { __u32 id; char name[8]; };
struct value {
	__s8 small;
	bool on;
	__u16 ports[2];
	enum color color;
	__u32 low : 3, high : 5;
	__s32 offset : 24;
	union { __u32 v4; __u8 octets[4]; };
	__u64 wide;
	struct { __s64 at; char text[8]; } inner;
	void *pointer;
};
struct padded { __u8 small; __u32 id; };
struct counts { __u64 packets; __s32 change; __u32 errors; };
struct lpm4 { struct bpf_lpm_trie_key head; __u8 address[4]; };
struct lpm6 { struct bpf_lpm_trie_key head; __u8 address[16]; };
struct lpm8 { struct bpf_lpm_trie_key head; __u8 data[8]; };

#define MAP(name, kind, k, v, entries, more_flags) struct { \\
	__uint(type, BPF_MAP_TYPE_##kind); __uint(max_entries, entries); \\
	__uint(map_flags, more_flags); __type(key, k); __type(value, v); } name SEC(".maps")
#define UNTYPED(name, kind, k, v, entries) struct { \\
	__uint(type, BPF_MAP_TYPE_##kind); __uint(max_entries, entries); \\
	__uint(key_size, k); __uint(value_size, v); } name SEC(".maps")
MAP(hash, HASH, struct key, struct value, 4, 0);
MAP(numbers, HASH, __u32, __s64, 4, 0);
MAP(names, HASH, char[8], enum color, 16, 0);
MAP(lru, LRU_HASH, __u64, __u64, 16, 0);
MAP(array, ARRAY, __u32, struct value, 4, 0);
MAP(cpu_array, PERCPU_ARRAY, __u32, struct counts, 2, 0);
MAP(cpu_hash, PERCPU_HASH, __u16, __u64, 4, 0);
MAP(cpu_names, PERCPU_ARRAY, __u32, char[8], 2, 0);
MAP(cpu_mixed, PERCPU_ARRAY, __u32, struct value, 2, 0);
MAP(routes4, LPM_TRIE, struct lpm4, __u32, 8, BPF_F_NO_PREALLOC);
MAP(routes6, LPM_TRIE, struct lpm6, __u32, 8, BPF_F_NO_PREALLOC);
MAP(routes8, LPM_TRIE, struct lpm8, __u32, 8, BPF_F_NO_PREALLOC);
MAP(padded, HASH, struct padded, __u32, 4, 0);
UNTYPED(untyped, HASH, 3, 5, 4);
UNTYPED(untyped_array, ARRAY, 4, 2, 2);
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 2); __type(value, __u32); }
	queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_STACK); __uint(max_entries, 2); __type(value, __u32); }
	stack SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
UNTYPED(events, PERF_EVENT_ARRAY, 4, 4, 0);
UNTYPED(bloom, BLOOM_FILTER, 0, 4, 10);
MAP(tasks, TASK_STORAGE, int, __u32, 0, BPF_F_NO_PREALLOC);
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1);
	__type(key, __u32); __type(value, __u32); } inner SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, __u32);
	__array(values, struct inner); } outer SEC(".maps") = { .values = { &inner } };

const volatile __u32 fixed = 7;
volatile __u32 limit = 5;
volatile char name[8] = "eth0";
struct config { __u32 on : 1, level : 3; struct { __u16 min, max; } ports[2]; };
volatile struct config config = { .ports = { { 1, 2 }, { 3, 4 } } };
volatile __u64 counter;

char LICENSE[] SEC("license") = "GPL";
SEC("xdp") int count(void *ctx)
{
	__sync_fetch_and_add(&counter, 1);
	return limit + fixed + name[0] + config.level ? 2 : 1;
}
"""


def contents(path):
    """What bpftool sees in a map: its bytes (of each CPU), key -> value; [] for no key."""
    rows = {}
    for row in bpftool("map", "dump", "pinned", path):
        key = tuple(row.get("key", []))
        if "values" in row:
            rows[key] = tuple(tuple(v["value"]) for v in row["values"])
        else:
            rows[key] = tuple(row["value"])
    return rows


def rows_of(table):
    """The rows of a dump as text, each what goes behind map set MAP."""
    return table.splitlines()[1:]


def entries(env, name, *options):
    """The entries of a dump's document as pairs."""
    document = env.ok("-j", "map", "dump", name, *options).json()
    assert document["count"] == len(document["entries"])
    return [(json.dumps(e["key"]), e["value"]) for e in document["entries"]]

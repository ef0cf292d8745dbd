# SPDX-License-Identifier: GPL-3.0-or-later
"""Large maps, and maps that change while they are read."""
import json
import os
import pathlib
import signal
import subprocess

import pytest

from asking import SANITIZED
from conftest import BPFMAN
from helpers import HEAD, listed, only, wait_for, worker_of

pytestmark = pytest.mark.usefixtures("need_bpf")

# The programs fill and empty the maps: each is run on a packet whose first bytes are a number.
SOURCE = HEAD + """
struct prefix { __u32 length; __u32 address; };
struct row { __u64 key, twice; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 300000);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32); __type(value, struct row); } big SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 20000);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix); __type(value, __u32); } routes SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 50000);
	__type(key, __u32); __type(value, __u32); } array SEC(".maps");

static __always_inline __u32 number(struct xdp_md *ctx)
{
	__u32 *data = (void *)(long)ctx->data;

	return (void *)(data + 1) > (void *)(long)ctx->data_end ? 0 : *data;
}
static int fill_one(__u32 i, __u32 *first)
{
	__u32 key = *first + i;
	struct row row = { .key = key, .twice = 2 * (__u64)key };

	bpf_map_update_elem(&big, &key, &row, BPF_ANY);
	return 0;
}
static int drop_one(__u32 i, __u32 *first)
{
	__u32 key = *first + i;

	bpf_map_delete_elem(&big, &key);
	return 0;
}
static int route_one(__u32 i, __u32 *first)
{
	struct prefix prefix = { .length = 32, .address = i * 7919 };

	bpf_map_update_elem(&routes, &prefix, &i, BPF_ANY);
	return 0;
}
#define EACH(name) SEC("xdp") int name(struct xdp_md *ctx) \\
{ \\
	__u32 first = number(ctx); \\
 \\
	bpf_loop(10000, name##_one, &first, 0); \\
	return XDP_PASS; \\
}
EACH(fill)
EACH(drop)
EACH(route)
"""


def runs(programs, batches):
    """A script: each program on each ten thousand."""
    return "".join(f"run {program} --data hex:{(10000 * i).to_bytes(4, 'little').hex()}{'00' * 60}\n"
                   for i in batches for program in programs)


@pytest.fixture
def large(env, build_bpf):
    env.ok("load", build_bpf(SOURCE, "large"))
    return env


def fill(env, batches, program="fill"):
    env.ok("-q", stdin=runs([program], batches))


def test_all_entries_of_a_large_map(large):
    fill(large, range(10))
    document = large.ok("-j", "map", "dump", "big").json()
    assert (document["count"], document["truncated"]) == (100000, False)
    assert {e["key"]: e["value"] for e in document["entries"]} == {
        i: {"key": str(i), "twice": str(2 * i)} for i in range(100000)}
    table = large.ok("map", "dump", "big").out.splitlines()
    assert len(table) == 100001 and len(set(table)) == 100001
    assert large.ok("-j", "map", "dump", "array").json()["count"] == 50000


def test_tries_have_pages_too(large):
    fill(large, [0], "route")
    document = large.ok("-j", "map", "dump", "routes").json()
    assert document["count"] == 10000 == len({e["key"] for e in document["entries"]})
    assert {e["value"] for e in document["entries"]} == set(range(10000))


def most_memory(env):
    """What a dump as JSON has at most, of both processes in KiB; and the bytes it writes."""
    def of(pid):
        text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        # One that has ended meanwhile has no memory, and was seen before.
        return int(text.split("VmHWM:")[1].split()[0]) if "VmHWM:" in text else 0
    size, most = 0, 0
    with subprocess.Popen([BPFMAN, "-j", "map", "dump", "big"], stdout=subprocess.PIPE,
                          env=env.variables()) as process:
        while chunk := process.stdout.read1(1 << 16):
            size += len(chunk)
            worker = worker_of(process.pid)
            most = max(most, of(process.pid) + of(worker) if worker else 0)
        assert process.wait() == 0
    return size, most


def test_memory_does_not_grow_with_the_map(large):
    if SANITIZED:
        pytest.skip("a sanitizer keeps freed memory")
    fill(large, range(10))
    size, most = most_memory(large)
    fill(large, range(10, 30))
    later_size, later_most = most_memory(large)
    assert later_size > 2.5 * size > 5 << 20
    assert later_most < most + 2048, f"{most} KiB for {size} bytes, {later_most} KiB for {later_size}"


def test_a_map_may_change_meanwhile(large):
    """What was there all the time is told, and once; what comes and goes may be told."""
    fill(large, range(10))
    stays = set(range(50000))
    script = large.file("changes", 5 * runs(["drop", "fill"], range(5, 10)))
    process = subprocess.Popen([BPFMAN, "-q", "-f", script], env=large.variables())
    try:
        wait_for(lambda: worker_of(process.pid), "changes begin")
        for _ in range(3):
            document = large.ok("-j", "map", "dump", "big").json()
            keys = [e["key"] for e in document["entries"]]
            assert stays <= set(keys) <= set(range(100000))
            assert len(keys) == len(set(keys)) == document["count"]
    finally:
        assert process.wait(60) == 0


@pytest.mark.parametrize("output", ["json", "table"])
def test_a_failure_in_the_middle_is_told(large, output):
    """The worker is killed while the reader of the dump holds it up."""
    fill(large, range(20))
    with subprocess.Popen([BPFMAN, "-o", output, "map", "dump", "big"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=large.variables()) as process:
        text = process.stdout.read(1000)
        os.kill(worker_of(process.pid), signal.SIGKILL)
        text += process.stdout.read()
        said = process.stderr.read().decode()
        assert process.wait() == 1
    reason = "big: the worker was killed by signal 9"
    if output == "json":
        document = json.loads(text)
        assert list(document) == ["map", "entries", "error"] and not said
        assert 0 < len(document["entries"]) < 200000
        assert reason in document["error"]["message"]
    else:
        assert 0 < text.count(b"\n") < 200000 and reason in said
    assert large.ok("map", "get", "big", "7").out == "{.key = 7, .twice = 14}\n"


def test_a_map_that_goes_away_meanwhile(large):
    fill(large, range(3))
    pin = only([m for m in listed(large, "maps") if m["name"] == "big"])["pinned_path"]
    lines = [{"op": "map_dump", "pin_path": pin, "limit": 10}]
    [first] = large.worker(lines)
    large.ok("unload", "large")
    lines[0]["cursor"] = first["result"]["cursor"]
    [answer] = large.worker(lines)
    assert not answer["ok"] and answer["error"]["code"] == "ENOENT"


def test_cursors_of_anybody(large):
    """A cursor is only where to begin: no text of it does harm."""
    fill(large, [0])
    pin = only([m for m in listed(large, "maps") if m["name"] == "big"])["pinned_path"]
    for cursor, ok in [("hex:00000000", True), ("hex:ffffffff", True), ("hex:ff", False),
                       ("x", False), ("", False)]:
        [answer] = large.worker([{"op": "map_dump", "pin_path": pin, "cursor": cursor}])
        assert answer["ok"] == ok, (cursor, json.dumps(answer)[:300])

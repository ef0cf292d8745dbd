# SPDX-License-Identifier: GPL-3.0-or-later
"""What several end-to-end tests need: keys of documents, bpftool as a witness, errors, sources."""
import json
import os
import pathlib
import re
import shutil
import subprocess

from conftest import missing, wait_until

# Rows as COMMANDS.md promises them, and what they have beside; keys are only ever added.
PROGRAM_KEYS = {"id", "kernel_id", "name", "type", "section", "tag", "object", "object_id", "state",
                "lost_reason", "pinned_path", "maps", "links", "labels", "created_at"}
MAP_KEYS = {"id", "kernel_id", "name", "type", "key_size", "value_size", "max_entries",
            "pinned_path", "programs", "object", "created_at", "state", "lost_reason"}
OBJECT_KEYS = {"id", "name", "path", "sha256", "state", "pin_dir", "programs", "maps", "labels",
               "loaded_by", "created_at", "lost_reason", "on_boot"}
LINK_KEYS = {"id", "kernel_id", "program", "program_id", "object", "type", "attach_type", "target",
             "target_text", "state", "lost_reason", "pinned_path", "created_at", "expires_at"}
ERROR_KEYS = {"code", "message", "hint", "where"}

HEAD = """
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
char LICENSE[] SEC("license") = "GPL";
#define ARRAY(name, entries) struct { __uint(type, BPF_MAP_TYPE_ARRAY); \\
	__uint(max_entries, entries); __type(key, __u32); __type(value, __u64); } name SEC(".maps")
"""

TRIVIAL = HEAD + 'SEC("xdp") int pass(void *ctx) { return 2; }\n'

# A program of the name PROGRAM with a map.
ARRAY_OF_ONE = HEAD + """
ARRAY(numbers, 1);
SEC("xdp") int PROGRAM(void *ctx)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&numbers, &zero);

	return value ? 2 : 1;
}
"""

# Two programs with a map of their own each, and one that they share.
TWO = HEAD + """
ARRAY(own_first, 1);
ARRAY(own_second, 1);
ARRAY(both, 1);
static __always_inline void add(void *map)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(map, &zero);

	if (value)
		__sync_fetch_and_add(value, 1);
}
SEC("xdp") int first(void *ctx) { add(&own_first); add(&both); return 2; }
SEC("xdp") int second(void *ctx) { add(&own_second); add(&both); return 2; }
"""

# Of each program the verifier walks half a million instructions: a quarter of a second, or more.
_WALK = HEAD + """
ARRAY(numbers, 64);
static __always_inline int walk(struct xdp_md *ctx)
{
	__u32 at = ctx->ingress_ifindex, sum = 0;

	for (__u32 i = 0; i < 8000; i++) {
		__u32 key = (at + i) & 63;
		__u64 *n = bpf_map_lookup_elem(&numbers, &key);

		if (n)
			sum += *n ^ at;
		else
			sum ^= at;
	}
	return sum & 1 ? 2 : 1;
}
"""


def slow_source(programs):
    """An object whose verification takes a quarter of a second for each of its programs."""
    return _WALK + "".join(f'SEC("xdp") int slow{i}(struct xdp_md *ctx) {{ return walk(ctx); }}\n'
                           for i in range(programs))


# ---- the kernel, by another witness than bpfman ----


def bpftool(*argv):
    """What bpftool says, as its JSON document; None when it fails."""
    if not shutil.which("bpftool"):
        missing("no bpftool")
    done = subprocess.run(["bpftool", "-j", *map(str, argv)], capture_output=True, timeout=30)
    return json.loads(done.stdout) or {} if done.returncode == 0 else None


def kernel_program(kernel_id):
    return bpftool("prog", "show", "id", kernel_id)


def wait_until_freed(kind, *kernel_ids):
    """The kernel frees a "prog" or "map" a little after its last user went: waits for that."""
    for kernel_id in kernel_ids:
        wait_for(lambda: bpftool(kind, "show", "id", kernel_id) is None,
                 f"{kind} {kernel_id} is freed")


def run_program(path, packet, times, directory):
    """Runs the program pinned at path on a packet (BPF_PROG_TEST_RUN): what it returned."""
    data = pathlib.Path(directory, "packet")
    data.write_bytes(packet)
    answer = bpftool("prog", "run", "pinned", path, "data_in", data, "repeat", times)
    data.unlink()
    assert answer, f"the program at {path} cannot be run"
    return answer["retval"]


def map_values(path):
    """The contents of the map pinned at path, as its BTF has them: key -> value."""
    return {row["formatted"]["key"]: row["formatted"]["value"]
            for row in bpftool("map", "dump", "pinned", path)}


def pin_stranger(path, file):
    """Pins a program of somebody else's at path: its kernel id."""
    assert bpftool("prog", "load", file, path) is not None, f"cannot pin {file} at {path}"
    return bpftool("prog", "show", "pinned", path)["id"]


# ---- results ----


def listed(env, kind="programs", *options):
    """The rows of `list KIND`."""
    return env.ok("-j", "list", kind, *options).json()[kind]


def only(rows):
    assert len(rows) == 1, rows
    return rows[0]


def text(result, stream="err"):
    """A stream's text, checked: no byte of it moves a terminal (C0, DEL, C1, bad UTF-8)."""
    said = getattr(result, stream)
    bad = re.findall("[\0-\x08\x0b-\x1f\x7f-\x9f\udc80-\udcff]", said)
    assert not bad, f"{bad!r} in {said!r}"
    return said


def assert_said(said, *patterns):
    for pattern in patterns:
        assert re.search(pattern, said), f"/{pattern}/ is not in:\n{said}"


def assert_failed(result, status, *patterns):
    """It ended with status; standard error says each pattern, standard output nothing."""
    assert result.status == status, repr(result)
    assert result.out == "", repr(result)
    assert_said(text(result), *patterns)


def assert_error_document(result, status, *patterns):
    """Standard output is one error document that says each pattern, standard error is empty."""
    assert result.status == status, repr(result)
    assert result.raw_err == b"", repr(result)
    assert result.raw_out.count(b"\n") == 1 and result.raw_out.endswith(b"\n"), repr(result)
    error = result.json()["error"]
    assert set(result.json()) == {"error"}, repr(result)
    assert ERROR_KEYS <= set(error) <= ERROR_KEYS | {"details"}, repr(result)
    assert re.fullmatch("E[A-Z0-9]+", error["code"]), error
    assert_said("\n".join([error["message"], *error.get("details", []), error["hint"] or ""]),
                *patterns)
    return error


# ---- processes in the middle of something ----


def worker_of(pid):
    """Pid of the worker that a bpfman runs; None while there is none."""
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return None
    for child in map(int, children.split()):
        try:
            if os.readlink(f"/proc/{child}/exe") != os.readlink(f"/proc/{pid}/exe"):
                return child
        except OSError:
            continue
    return None


def verifying(pid):
    """The worker of a bpfman, once the kernel has accepted one of several programs; else None."""
    worker = worker_of(pid)
    try:
        fds = [os.readlink(f"/proc/{worker}/fd/{fd}") for fd in os.listdir(f"/proc/{worker}/fd")]
    except OSError:
        return None
    return worker if "anon_inode:bpf-prog" in fds else None


def wait_for(condition, what, timeout=30):
    value = wait_until(condition, timeout)
    assert value, f"{what}: not after {timeout} s"
    return value

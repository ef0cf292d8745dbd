# SPDX-License-Identifier: GPL-3.0-or-later
"""Attaching with bpfman-kernel alone: programs loaded for it, links, and what counters say."""
import os
import subprocess

from asking import HEAD, LICENSE, ask, bad, good
from helpers import bpftool, wait_for

DETACHABLE = {"xdp", "tcx", "cgroup", "netns", "netfilter"}

COUNTER = """
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} runs SEC(".maps");
static __always_inline void count(void)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&runs, &zero);

	if (value)
		__sync_fetch_and_add(value, 1);
}
"""


def counting(*programs):
    """Source whose programs, (section, name, returned value), count their runs in one map."""
    return HEAD + COUNTER + "".join(
        f'SEC("{section}") int {name}(void *ctx) {{ count(); return {value}; }}\n'
        for section, name, value in programs) + LICENSE


class Loaded:
    """An object loaded by the worker into env.root/3, and attaching its programs."""

    def __init__(self, env, path, **load):
        self.env = env
        env.root.mkdir(exist_ok=True)
        result = good(env, op="load", path=path, staging=env.root / "s3", final=env.root / "3",
                      next_id=4, **load)
        self.programs = {row["name"]: row for row in result["programs"]}
        self.maps = {row["name"]: row for row in result["maps"]}
        self.last = 100

    def request(self, name, target=None, options=None, number=None, **more):
        """The request that attaches a program as link number (or the next)."""
        self.last = number or self.last + 1
        row = self.programs[name]
        fields = dict(op="attach", program_pin=row["pin"], section=row["section"],
                      attach_type=row["attach_type"], target=target and str(target),
                      options=options, staging=f"{self.env.root}/s{self.last}",
                      final=f"{self.env.root}/3/l{self.last}_{name}")
        return {**fields, **more}

    def attach(self, name, *args, prefix=(), **more):
        """Attaches: the link's row, which agrees with what is pinned and with `info`."""
        answer = ask(self.env, prefix=prefix, **self.request(name, *args, **more))
        assert answer["ok"], answer
        row = answer["result"]
        status = os.stat(row["pinned_path"])
        assert (row["pin_dev"], row["pin_ino"]) == (str(status.st_dev), str(status.st_ino))
        assert row["program_id"] == self.programs[name]["kernel_id"]
        told = good(self.env, op="info", pin_path=row["pinned_path"])
        assert told["kind"] == "link" and told["type"] == row["link_type"]
        for key in ("kernel_id", "program_id", "pin_dev", "pin_ino"):
            assert told[key] == row[key], key
        if told["attach_type"]:
            assert told["attach_type"] == row["attach_type"]
        assert told["target_gone"] in (False, None)
        return row

    def refused(self, reason, name, *args, prefix=(), stage="attach", **more):
        """The error of an attachment that must fail in this way."""
        return bad(self.env, stage, reason, prefix=prefix, **self.request(name, *args, **more))

    def detach(self, *rows):
        """Detaches by their pins. What cannot be detached is gone from the kernel by then."""
        result = good(self.env, op="unpin", links=[pin(row) for row in rows])
        assert result == {"removed": [row["pinned_path"] for row in rows], "kept": [], "held": []}
        for row in rows:
            if row["link_type"] in DETACHABLE:
                wait_for(lambda: link(row) is None, f"end of {row}")  # the shell of a link
            else:
                assert link(row) is None, row

    def counted(self, name="runs"):
        """The counter's value, read by another program: no process of bpfman lives now."""
        assert not self.env.processes()
        [entry] = bpftool("map", "dump", "pinned", self.maps[name]["pin"])
        return entry["formatted"]["value"]

    def stops(self, action):
        """Waits until action() no longer runs the program: the kernel lets go of it a little later."""
        wait_for(lambda: not self.counts(action), "the program has stopped")

    def counts(self, action, name="runs", least=1):
        """Whether the counter moves while action() is done."""
        before = self.counted(name)
        action()
        return self.counted(name) - before >= least


def pin(row):
    return {"path": row["pinned_path"], "pin_dev": row["pin_dev"], "pin_ino": row["pin_ino"]}


def link(row):
    """What the kernel has under the link's id; None when it is gone."""
    return bpftool("link", "show", "id", row["kernel_id"])


def gone_pid():
    """The pid of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid

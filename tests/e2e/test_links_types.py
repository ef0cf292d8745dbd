# SPDX-License-Identifier: GPL-3.0-or-later
"""Each type of attachment by the command: it runs while no bpfman does, is listed, ensured, detached."""
import dataclasses
import os
import re
import subprocess

import census
import pytest
from conftest import wait_until
from helpers import HEAD, assert_failed, assert_said, bpftool, listed, only

COUNT = HEAD + """
#ifndef STEP
#define STEP 1
#endif
ARRAY(runs, 1);
static __always_inline int count(int value)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&runs, &zero);

	if (n)
		__sync_fetch_and_add(n, STEP);
	return value;
}
"""
STEP = 1000000


def counter(section, value=0):
    return COUNT + f'SEC("{section}") int probe(void *ctx) {{ return count({value}); }}\n'


def gone(kernel_id):
    return wait_until(lambda: not census.exists("link", kernel_id))


def open_a_file(_netns, _cgroup):
    with open("/dev/null", "rb"):
        pass


def run_program(_netns, _cgroup):
    """One that allocates memory too."""
    subprocess.run(["ls", "/"], check=True, capture_output=True)


def work(_netns, _cgroup):
    """On the CPU that is sampled."""
    subprocess.run(["taskset", "-c", "0", "bash", "-c", "for ((i = 0; i < 10000; i++)); do :; done"],
                   check=True)


def ping(netns, _cgroup):
    netns.ping()


def ping_in_cgroup(_netns, cgroup):
    cgroup.run("ping", "-q", "-c", 1, "127.0.0.1")


def connect_in_cgroup(_netns, cgroup):
    cgroup.run("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/1 || true")


def connect(netns, _cgroup):
    netns.peer.run("bash", "-c", f"exec 3<>/dev/tcp/{netns.address}/7000 || true")


def has_tcx(_file):
    return since(6, 6)


def since(*version):
    return tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2]) >= version


@dataclasses.dataclass
class Type:
    """A counting program, where it is attached, and what makes it run."""

    section: str
    value: int     # that the program returns
    words: str     # behind `attach probe`
    kind: str      # `type` of the link
    action: object
    # Whether this kernel has it: asked of the kernel, not of what is tested. What it lacks must be
    # refused with an error that says so, and what it has must work.
    has: object = lambda file: True
    updates: bool = True
    short: bool = False  # one of those that the short run in virtual machines has


TYPES = {
    "xdp native": Type("xdp", 2, "veth0 --mode native --netns {netns}", "xdp", ping,
                       short=True),
    "xdp generic": Type("xdp", 2, "veth0 --mode generic --netns {netns}", "xdp", ping),
    "tcx": Type("tc", -1, "veth0 --egress --netns {netns}", "tcx", ping, has_tcx,
                short=True),
    "tracepoint": Type("tracepoint", 0, "syscalls:sys_enter_openat", "tracepoint", open_a_file),
    "tracepoint, section": Type("tracepoint/syscalls/sys_enter_openat", 0, "", "tracepoint",
                                open_a_file),
    "raw_tp": Type("raw_tp/sched_process_exec", 0, "", "raw_tp", run_program),
    "tp_btf": Type("tp_btf/sched_process_exec", 0, "", "tp_btf", run_program),
    "uprobe": Type("uprobe", 0, "libc:malloc", "uprobe", run_program),
    "uretprobe": Type("uretprobe", 0, "libc:malloc", "uretprobe", run_program),
    "perf_event": Type("perf_event", 0, "cpu-clock --cpu 0 --frequency 1000", "perf_event", work),
    "cgroup_skb": Type("cgroup_skb/egress", 1, "{cgroup}", "cgroup", ping_in_cgroup),
    "cgroup connect4": Type("cgroup/connect4", 1, "{cgroup}", "cgroup", connect_in_cgroup),
    "sockops": Type("sockops", 1, "{cgroup}", "cgroup", connect_in_cgroup),
    "sk_lookup": Type("sk_lookup", 1, "--netns {netns}", "sk_lookup", connect),
    "netfilter": Type("netfilter", 1, "--hook input --priority -5 --netns {netns}", "netfilter",
                      ping, lambda file: since(6, 4), updates=False, short=True),
}
PARAMETERS = [pytest.param(title, marks=[pytest.mark.short] if row.short else [])
              for title, row in TYPES.items()]


@pytest.fixture
def told(record_property, request):
    """What is seen of the type, for the table of types and kernels."""
    title = request.node.callspec.params["title"]
    what = {"title": title, "steps": [], "refused": None}
    record_property("type", what)
    return what


def refused(told, result, doing):
    """It was refused; the reason is one of those that say what the kernel lacks."""
    error = result.json()["error"]
    assert_said(error["message"] + " " + (error["hint"] or ""),
                r"this kernel (\(\S+\) )?(does not know|refuses|has no)|needs Linux [0-9.]+")
    version = re.search(r"Linux ([0-9.]+[0-9])", error["hint"] or "")
    told["refused"] = doing + " refused" + (f" (needs {version[1]})" if version else "")


@pytest.mark.parametrize("title", PARAMETERS)
def test_type(env, netns, cgroup, tracefs, build_bpf, told, title):
    row = TYPES[title]
    source = counter(row.section, row.value)
    words = row.words.format(netns=netns.name, cgroup=cgroup.path).split()
    file = build_bpf(source, "counter")
    second = build_bpf(source, "counter", [f"-DSTEP={STEP}"])
    has = row.has(file)
    loaded = env.run("-j", "load", file)
    if loaded.status and not has:
        return refused(told, loaded, "load")
    assert loaded.status == 0, repr(loaded)
    told["steps"].append("loaded")
    path = only(listed(env, "maps"))["pinned_path"]

    def counts(step=1):
        assert wait_until(lambda: not env.processes())
        before = census.counted(path)
        return wait_until(
            lambda: row.action(netns, cgroup) or census.counted(path) >= before + step, 5)
    attached = env.run("-j", "attach", "probe", *words)
    if attached.status and not has:
        return refused(told, attached, "attach")
    assert attached.status == 0, repr(attached)
    assert has, "this kernel does not have it, and yet it is attached"
    link = attached.json()["link"]
    assert (link["type"], link["state"]) == (row.kind, "attached")
    told["steps"].append("attached")
    assert counts(), "it runs, and no process of bpfman does"
    seen = bpftool("link", "show", "pinned", link["pinned_path"])
    assert seen["id"] == link["kernel_id"]
    assert seen["prog_id"] == only(listed(env))["kernel_id"]
    assert only(listed(env, "links")) == link
    told["steps"] += ["survived exit", "ran"]
    # The text that is shown attaches it again, and is the same place.
    same = env.ok("-j", "-c", f"attach probe {link['target_text']} --ensure").json()
    assert same["changed"] is False and same["link"] == link
    shown = env.ok("show", "link", "probe").out
    assert row.kind in shown
    env.ok("detach", "probe", *[w for w in link["target_text"].split()[:1] if w[0] != "-"])
    assert gone(link["kernel_id"]) and not os.path.exists(link["pinned_path"])
    again = env.ok("-j", "-c", f"attach probe {link['target_text']}").json()["link"]
    assert again["target"] == link["target"] and counts()
    told["steps"].append("detached")
    upgraded = env.run("upgrade", "counter", second)
    if row.updates:
        assert upgraded.status == 0, repr(upgraded)
        assert counts(STEP), "the new build runs in the old one's place"
        told["steps"].append("updated")
    else:
        assert upgraded.status == 1 and counts(), repr(upgraded)
        told["refused"] = "update refused"
    again = only(listed(env, "links"))
    env.ok("unload", "--all")
    assert gone(again["kernel_id"])


def test_iterator_is_read_by_show(env, example):
    loaded = env.ok("-j", "load", example("iter_task"), "--attach").json()
    link = only(loaded["links"])
    assert link["type"] == "iter"
    out = env.ok("show", str(link["id"])).out
    assert "PID" in out and str(os.getpid()) in out
    document = env.ok("-j", "show", "link", "iter_task").json()
    assert document["truncated"] is False and "COMMAND" in document["text"].splitlines()[0]
    assert document["link"]["id"] == link["id"]
    env.ok("detach", "iter_task")
    assert gone(link["kernel_id"])


def test_type_of_the_program_by_hand(env, cgroup, build_bpf):
    """The section says nothing; what was said at the load counts when it is attached."""
    env.ok("load", build_bpf(counter("prog", 1), "counter"), "--type", "cgroup_skb")
    assert_failed(env.run("attach", "probe", cgroup.path), 1, "ingress or egress")
    link = env.ok("-j", "attach", "probe", cgroup.path, "--egress")
    assert link.json()["link"]["type"] == "cgroup"

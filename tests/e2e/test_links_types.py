# SPDX-License-Identifier: GPL-3.0-or-later
"""Each type of attachment by the command: it runs while no bpfman does, is listed, ensured, detached."""
import os
import subprocess
import sys

import pytest
from conftest import wait_until
from helpers import HEAD, assert_failed, bpftool, listed, map_values, only
from test_links import gone

COUNT = HEAD + """
ARRAY(runs, 1);
static __always_inline int count(int value)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&runs, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
	return value;
}
"""


def counter(section, value=0):
    return COUNT + f'SEC("{section}") int probe(void *ctx) {{ return count({value}); }}\n'


def open_a_file(_netns, _cgroup):
    with open("/dev/null", "rb"):
        pass


def run_python(_netns, _cgroup):
    subprocess.run([sys.executable, "-c", "pass"], check=True)


def work(_netns, _cgroup):
    """On the CPU that is sampled."""
    subprocess.run([sys.executable, "-c", "import os\nos.sched_setaffinity(0, {0})\n"
                    "for _ in range(1000000): pass"], check=True)


def ping(netns, _cgroup):
    netns.ping(2)


def ping_in_cgroup(_netns, cgroup):
    cgroup.run("ping", "-q", "-c", 1, "127.0.0.1")


def connect_in_cgroup(_netns, cgroup):
    cgroup.run(sys.executable, "-c", "import socket\nsocket.socket().connect_ex(('127.0.0.1', 1))")


def connect(netns, _cgroup):
    subprocess.run([*netns.peer.prefix, sys.executable, "-c", "import socket, sys\n"
                    "socket.socket().connect_ex((sys.argv[1], 7000))", netns.address], check=True)


# title: section, returned value, words behind `attach probe`, type, what makes it run
TYPES = {
    "xdp native": ("xdp", 2, "veth0 --mode native --netns {netns}", "xdp", ping),
    "xdp generic": ("xdp", 2, "veth0 --mode generic --netns {netns}", "xdp", ping),
    "tcx": ("tc", -1, "veth0 --egress --netns {netns}", "tcx", ping),
    "tracepoint": ("tracepoint", 0, "syscalls:sys_enter_openat", "tracepoint", open_a_file),
    "tracepoint, section": ("tracepoint/syscalls/sys_enter_openat", 0, "", "tracepoint",
                            open_a_file),
    "raw_tp": ("raw_tp/sched_process_exec", 0, "", "raw_tp", run_python),
    "tp_btf": ("tp_btf/sched_process_exec", 0, "", "tp_btf", run_python),
    "uprobe": ("uprobe", 0, "libc:malloc", "uprobe", run_python),
    "uretprobe": ("uretprobe", 0, "libc:malloc", "uretprobe", run_python),
    "perf_event": ("perf_event", 0, "cpu-clock --cpu 0 --frequency 1000", "perf_event", work),
    "cgroup_skb": ("cgroup_skb/egress", 1, "{cgroup}", "cgroup", ping_in_cgroup),
    "cgroup connect4": ("cgroup/connect4", 1, "{cgroup}", "cgroup", connect_in_cgroup),
    "sockops": ("sockops", 1, "{cgroup}", "cgroup", connect_in_cgroup),
    "sk_lookup": ("sk_lookup", 1, "--netns {netns}", "sk_lookup", connect),
    "netfilter": ("netfilter", 1, "--hook input --priority -5 --netns {netns}", "netfilter", ping),
}


@pytest.mark.parametrize("title", TYPES)
def test_type(env, netns, cgroup, tracefs, build_bpf, title):
    section, value, words, kind, action = TYPES[title]
    words = words.format(netns=netns.name, cgroup=cgroup.path).split()
    env.ok("load", build_bpf(counter(section, value), "counter"))
    path = only(listed(env, "maps"))["pinned_path"]

    def counts():
        assert wait_until(lambda: not env.processes())
        before = map_values(path)[0]
        return wait_until(lambda: action(netns, cgroup) or map_values(path)[0] > before, 2)
    link = env.ok("-j", "attach", "probe", *words).json()["link"]
    assert (link["type"], link["state"]) == (kind, "attached")
    assert counts(), "it runs, and no process of bpfman does"
    seen = bpftool("link", "show", "pinned", link["pinned_path"])
    assert seen["id"] == link["kernel_id"]
    assert seen["prog_id"] == only(listed(env))["kernel_id"]
    assert only(listed(env, "links")) == link
    # The text that is shown attaches it again, and is the same place.
    same = env.ok("-j", "-c", f"attach probe {link['target_text']} --ensure").json()
    assert same["changed"] is False and same["link"] == link
    shown = env.ok("show", "link", "probe").out
    assert kind in shown
    env.ok("detach", "probe", *[w for w in link["target_text"].split()[:1] if w[0] != "-"])
    assert gone(link["kernel_id"]) and not os.path.exists(link["pinned_path"])
    again = env.ok("-j", "-c", f"attach probe {link['target_text']}").json()["link"]
    assert again["target"] == link["target"] and counts()
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

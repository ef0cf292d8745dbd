# SPDX-License-Identifier: GPL-3.0-or-later
"""Each type of attachment by the command: it runs while no bpfman does, is listed, ensured, detached."""
import contextlib
import dataclasses
import os
import re
import shlex
import socket
import subprocess
import tempfile

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


SOCKETS = """
struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __uint(max_entries, 1); __type(key, __u32);
	__type(value, __u32); } sockets SEC(".maps");
"""


def counter(section, value=0):
    return COUNT + SOCKETS * section.startswith(("sk_msg", "sk_skb")) + f'SEC("{section}") int probe(void *ctx) {{ return count({value}); }}\n'


def gone(kernel_id):
    return wait_until(lambda: not census.exists("link", kernel_id))


def open_a_file(_netns, _cgroup, _maps):
    with open("/dev/null", "rb"):
        pass


def run_program(_netns, _cgroup, _maps):
    """One that allocates memory too."""
    subprocess.run(["ls", "/"], check=True, capture_output=True)


def work(_netns, _cgroup, _maps):
    """On the CPU that is sampled."""
    subprocess.run(["taskset", "-c", "0", "bash", "-c", "for ((i = 0; i < 10000; i++)); do :; done"],
                   check=True)


def ping(netns, _cgroup, _maps):
    netns.ping()


def ping_in_cgroup(_netns, cgroup, _maps):
    cgroup.run("ping", "-q", "-c", 1, "127.0.0.1")


def connect_in_cgroup(_netns, cgroup, _maps):
    cgroup.run("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/1 || true")


def connect(netns, _cgroup, _maps):
    netns.peer.run("bash", "-c", f"exec 3<>/dev/tcp/{netns.address}/7000 || true")


def send_through_sockmap(_netns, _cgroup, maps):
    """One end of a connection is in the sockmap, and says something."""
    with socket.create_server(("127.0.0.1", 0)) as server, \
            socket.create_connection(server.getsockname()) as ours, server.accept()[0] as theirs:
        census.put(maps["sockets"], 0, ours.fileno())
        ours.sendall(b"x")
        theirs.sendall(b"y")
        ours.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            ours.recv(1)


def add_netkit(netns):
    """A pair in the same namespace; the kernel names the peer nk0."""
    netns.run("ip", "link", "add", "kit0", "type", "netkit")
    netns.run("ip", "addr", "add", "10.78.0.1/24", "dev", "kit0")
    for name in ("kit0", "nk0"):
        netns.run("ip", "link", "set", name, "up")


def through_netkit(netns, _cgroup, _maps):
    """Nobody answers: it is on the way out that the program runs."""
    subprocess.run([*netns.prefix, "ping", "-q", "-c", "1", "-W", "0.1", "10.78.0.2"],
                   capture_output=True, check=False)


def has_tcx(_file):
    return since(6, 6)


def has_kprobes(_file):
    return os.path.exists("/sys/bus/event_source/devices/kprobe")


def has_fprobes(_file):
    return has_symbol("register_fprobe_ips")


def has_symbol(name):
    with open("/proc/kallsyms", encoding="ascii") as symbols:
        return any(line.split()[2] == name for line in symbols)


def is_loaded_by_bpftool(file):
    """Some kernels refuse the type, whatever the program."""
    with tempfile.TemporaryDirectory(prefix="bpfman-test-") as directory:
        subprocess.run(["mount", "-t", "bpf", "bpffs", directory], check=True)
        try:
            return bpftool("prog", "load", file, f"{directory}/witness") is not None
        finally:
            subprocess.run(["umount", "-l", directory], check=True)


def since(*version):
    return tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2]) >= version


@dataclasses.dataclass
class Type:
    """A counting program, where it is attached, and what makes it run."""

    section: str
    value: int     # that the program returns
    words: str     # behind `attach probe`
    kind: str      # `type` of the link
    action: object  # None: nothing here makes the kernel run it
    # Whether this kernel has it: asked of the kernel, not of what is tested. What it lacks must be
    # refused with an error that says so, and what it has must work.
    has: object = lambda file: True
    updates: bool = True
    before: object = None  # what prepares the network namespace
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
    "kprobe": Type("kprobe", 0, "do_sys_openat2", "kprobe", open_a_file, has_kprobes, short=True),
    "kprobe, offset": Type("kprobe", 0, "do_sys_openat2+0x0", "kprobe", open_a_file, has_kprobes),
    "kretprobe": Type("kretprobe/do_sys_openat2", 0, "", "kretprobe", open_a_file, has_kprobes),
    "ksyscall": Type("ksyscall/openat", 0, "", "kprobe", open_a_file, has_kprobes),
    "kprobe.multi": Type("kprobe.multi", 0, "do_sys_open*", "kprobe.multi", open_a_file,
                         has_fprobes, short=True),
    "kprobe.multi, one": Type("kprobe.multi/do_sys_openat2", 0, "", "kprobe.multi", open_a_file,
                              has_fprobes),
    "kretprobe.multi": Type("kretprobe.multi/do_sys_open*", 0, "", "kretprobe.multi", open_a_file,
                            has_fprobes),
    "uprobe.multi": Type("uprobe.multi", 0, "libc:mallo?", "uprobe.multi", run_program,
                         lambda file: since(6, 6)),
    "uretprobe.multi": Type("uretprobe.multi/libc:mallo?", 0, "", "uretprobe.multi", run_program,
                            lambda file: since(6, 6)),
    "fentry": Type("fentry/do_sys_openat2", 0, "", "fentry", open_a_file, is_loaded_by_bpftool,
                   short=True),
    "fexit": Type("fexit/do_sys_openat2", 0, "", "fexit", open_a_file, is_loaded_by_bpftool),
    "fmod_ret": Type("fmod_ret/security_file_open", 0, "", "fmod_ret", open_a_file,
                     is_loaded_by_bpftool),
    "lsm": Type("lsm/file_open", 0, "", "lsm", open_a_file, is_loaded_by_bpftool, short=True),
    "lsm_cgroup": Type("lsm_cgroup/socket_post_create", 1, "{cgroup}", "lsm_cgroup",
                       connect_in_cgroup, is_loaded_by_bpftool),
    "netkit": Type("netkit/primary", -1, "kit0 --netns {netns}", "netkit", through_netkit,
                   lambda file: has_symbol("netkit_link_attach"), before=add_netkit),
    "flow_dissector": Type("flow_dissector", 0, "--netns {netns}", "flow_dissector", None),
    "sk_msg": Type("sk_msg", 1, "{{sockets}}", "sk_msg", send_through_sockmap,
                   lambda file: since(6, 10)),
    "sk_skb": Type("sk_skb/stream_verdict", 1, "{{sockets}}", "sk_skb", send_through_sockmap,
                   lambda file: since(6, 10)),
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
    needs = re.findall(r"Linux [0-9.]+[0-9]|CONFIG_\w+", error["hint"] or "")
    # What is in every kernel of today is not worth telling.
    needs = [n.removeprefix("Linux ") for n in needs if n != "Linux 4.17"]
    told["refused"] = doing + " refused" + (f" (needs {', '.join(needs)})" if needs else "")


@pytest.mark.parametrize("title", PARAMETERS)
def test_type(env, netns, cgroup, tracefs, build_bpf, told, title):
    row = TYPES[title]
    source = counter(row.section, row.value)
    words = row.words.format(netns=netns.name, cgroup=cgroup.path)
    file = build_bpf(source, "counter")
    second = build_bpf(source, "counter", [f"-DSTEP={STEP}"])
    has = row.has(file)
    if row.before and has:
        row.before(netns)
    words = words.replace("kit0", "kit0" if has else "veth0").split()
    loaded = env.run("-j", "load", file)
    if loaded.status and not has:
        return refused(told, loaded, "load")
    assert loaded.status == 0, repr(loaded)
    told["steps"].append("loaded")
    maps = {m["name"]: m["pinned_path"] for m in listed(env, "maps")}
    words = [w.replace("{sockets}", maps.get("sockets", "")) for w in words]
    path = maps["runs"]

    def counts(step=1):
        assert wait_until(lambda: not env.processes())
        if not row.action:
            return True  # and it does not say that it ran
        before = census.counted(path)
        return wait_until(
            lambda: row.action(netns, cgroup, maps) or census.counted(path) >= before + step, 5)
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
    told["steps"] += ["survived exit"] + ["ran"] * bool(row.action)
    # The text that is shown attaches it again, and is the same place.
    same = env.ok("-j", "-c", f"attach probe {link['target_text']} --ensure").json()
    assert same["changed"] is False and same["link"] == link
    shown = env.ok("show", "link", "probe").out
    assert row.kind in shown
    env.ok("detach", "probe", *[w for w in shlex.split(link["target_text"])[:1] if w[0] != "-"])
    assert gone(link["kernel_id"]) and not os.path.exists(link["pinned_path"])
    again = env.ok("-j", "-c", f"attach probe {link['target_text']}").json()["link"]
    assert again["target"] == link["target"] and counts()
    told["steps"].append("detached")
    upgraded = env.run("upgrade", "counter", second)
    if row.updates:
        assert upgraded.status == 0, repr(upgraded)
        assert counts(STEP), "the new build runs in the old one's place"
        seen = bpftool("link", "show", "pinned", only(listed(env, "links"))["pinned_path"])
        assert seen["prog_id"] == only(listed(env))["kernel_id"]
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

# SPDX-License-Identifier: GPL-3.0-or-later
"""Every program type that this kernel loads, from a section name; and those it refuses."""
import os

import pytest

from helpers import HEAD, assert_failed, bpftool, kernel_program, listed, only, wait_until_freed

pytestmark = pytest.mark.usefixtures("need_bpf")

# section, type, what the program returns.
TYPES = [
    ("xdp", "xdp", 2),
    ("xdp.frags", "xdp", 2),
    ("xdp/devmap", "xdp", 2),
    ("xdp/cpumap", "xdp", 2),
    ("tc", "sched_cls", 0),
    ("classifier", "sched_cls", 0),
    ("tcx/ingress", "sched_cls", -1),
    ("tcx/egress", "sched_cls", -1),
    ("netkit/primary", "sched_cls", -1),
    ("action", "sched_act", 0),
    ("netfilter", "netfilter", 1),
    ("socket", "socket_filter", 0),
    ("tracepoint/sched/sched_switch", "tracepoint", 0),
    ("tp/syscalls/sys_enter_openat", "tracepoint", 0),
    ("raw_tp/sched_switch", "raw_tracepoint", 0),
    ("raw_tracepoint.w/sched_switch", "raw_tracepoint_writable", 0),
    ("tp_btf/sched_switch", "tracing", 0),
    ("iter/task", "tracing", 0),
    ("perf_event", "perf_event", 0),
    ("kprobe/vfs_read", "kprobe", 0),
    ("kretprobe/vfs_read", "kprobe", 0),
    ("kprobe.multi/vfs_*", "kprobe", 0),
    ("ksyscall/openat", "kprobe", 0),
    ("uprobe/libc.so.6:malloc", "kprobe", 0),
    ("uretprobe/libc.so.6:malloc", "kprobe", 0),
    ("uprobe.s/libc.so.6:malloc", "kprobe", 0),
    ("uprobe.multi/libc.so.6:mall*", "kprobe", 0),
    ("usdt/libc.so.6:libc:setjmp", "kprobe", 0),
    ("cgroup_skb/ingress", "cgroup_skb", 1),
    ("cgroup_skb/egress", "cgroup_skb", 1),
    ("cgroup/sock_create", "cgroup_sock", 1),
    ("cgroup/sock_release", "cgroup_sock", 1),
    ("cgroup/post_bind4", "cgroup_sock", 1),
    ("cgroup/bind4", "cgroup_sock_addr", 1),
    ("cgroup/connect6", "cgroup_sock_addr", 1),
    ("cgroup/sendmsg4", "cgroup_sock_addr", 1),
    ("cgroup/recvmsg6", "cgroup_sock_addr", 1),
    ("cgroup/getpeername4", "cgroup_sock_addr", 1),
    ("cgroup/connect_unix", "cgroup_sock_addr", 1),
    ("cgroup/dev", "cgroup_device", 1),
    ("cgroup/sysctl", "cgroup_sysctl", 1),
    ("cgroup/getsockopt", "cgroup_sockopt", 1),
    ("cgroup/setsockopt", "cgroup_sockopt", 1),
    ("sockops", "sock_ops", 1),
    ("sk_msg", "sk_msg", 1),
    ("sk_skb/stream_parser", "sk_skb", 1),
    ("sk_skb/stream_verdict", "sk_skb", 1),
    ("sk_reuseport", "sk_reuseport", 1),
    ("sk_lookup", "sk_lookup", 1),
    ("flow_dissector", "flow_dissector", 0),
    ("lwt_in", "lwt_in", 0),
    ("lwt_out", "lwt_out", 0),
    ("lwt_xmit", "lwt_xmit", 0),
    ("lwt_seg6local", "lwt_seg6local", 0),
    ("syscall", "syscall", 0),
]
# Refused by some kernels' build, whatever the program: section, type, attach type.
REFUSED = [
    ("fentry/vfs_read", "tracing", "trace_fentry"),
    ("fexit/vfs_read", "tracing", "trace_fexit"),
    ("fmod_ret/bpf_modify_return_test", "tracing", "modify_return"),
    ("lsm/file_open", "lsm", "lsm_mac"),
]

STRUCT_OPS = HEAD + """
struct sock;
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
};
SEC("struct_ops") __u32 BPF_PROG(ssthresh, struct sock *sk) { return 2; }
SEC("struct_ops") void BPF_PROG(cong_avoid, struct sock *sk, __u32 ack, __u32 acked) { }
SEC("struct_ops") __u32 BPF_PROG(undo_cwnd, struct sock *sk) { return 2; }
SEC(".struct_ops.link") struct tcp_congestion_ops test_ops = {
	.ssthresh = (void *)ssthresh, .cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd, .name = "bpfman_test",
};
"""


def source(section, value=0):
    return HEAD + f"""
ARRAY(seen, 1);
SEC("{section}") int program(void *ctx)
{{
	__u32 zero = 0;
	__u64 *times = bpf_map_lookup_elem(&seen, &zero);

	if (times)
		*times += 1;
	return {value};
}}
"""


def assert_as_in_the_kernel(row, section, kind):
    assert (row["type"], row["section"], row["state"]) == (kind, section, "loaded")
    kernel = kernel_program(row["kernel_id"])
    # bpftool knows only the types of its own time; others it shows as a number.
    assert kernel["type"] == kind or isinstance(kernel["type"], int), kernel
    assert (kernel["tag"], kernel["name"]) == (row["tag"], row["name"])
    assert bpftool("prog", "show", "pinned", row["pinned_path"])["id"] == row["kernel_id"]


@pytest.mark.parametrize("section, kind, value", TYPES, ids=[row[0] for row in TYPES])
def test_program_type(env, build_bpf, unchanged, section, kind, value):
    with unchanged(env):
        env.ok("load", build_bpf(source(section, value), "typed"))
        row = only(listed(env))
        assert_as_in_the_kernel(row, section, kind)
        seen = only(listed(env, "maps"))
        assert kernel_program(row["kernel_id"])["map_ids"] == [seen["kernel_id"]]
        assert only(listed(env, "programs", "--type", kind)) == row
        env.ok("unload", "program")
        wait_until_freed("prog", row["kernel_id"])


@pytest.mark.parametrize("section, kind, attach", REFUSED, ids=[row[0] for row in REFUSED])
def test_types_that_some_kernels_refuse(env, build_bpf, unchanged, section, kind, attach):
    file = build_bpf(source(section), "refused")
    witness = env.pins / "witness"
    accepted = bpftool("prog", "load", file, witness) is not None
    if accepted:
        os.unlink(witness)
    with unchanged(env):
        result = env.run("load", file)
        if accepted:
            assert result.status == 0, repr(result)
            assert_as_in_the_kernel(only(listed(env)), section, kind)
            env.ok("unload", "program")
            return
        assert_failed(result, 1, "program: this kernel refuses programs of type "
                      f"{kind} with attach type {attach} .*although others load",
                      "no capability is missing")
        assert env.ok("-j", "log").json()["log"]["ok"] is False


def test_struct_ops(env, build_bpf, unchanged):
    with unchanged(env):
        env.ok("load", build_bpf(STRUCT_OPS, "ops"))
        assert [row["name"] for row in listed(env)] == ["ssthresh", "cong_avoid", "undo_cwnd"]
        for row in listed(env):
            assert_as_in_the_kernel(row, "struct_ops", "struct_ops")
        ops = only(listed(env, "maps"))
        assert (ops["name"], ops["type"]) == ("test_ops", "struct_ops")
        env.ok("unload", "ssthresh")
        assert only(listed(env, "maps")) == ops, "the map goes with the object, not before"
        env.ok("unload", "object:ops")


def test_freplace_needs_its_target(env, build_bpf, unchanged):
    with unchanged(env):
        assert_failed(env.run("load", build_bpf(source("freplace/target"), "replacing")), 1,
                      "attach program FD is not set", "needs the program to replace")


@pytest.mark.parametrize("words, said", [
    (["--type", "bogus"], "type 'bogus' is unknown"),
    (["--type", "schedcls"], "did you mean '?\"?sched_cls"),
    (["--type", "nobody=xdp"], "no program 'nobody'"),
    (["--type", "tracing"], "btf_id"),
    (["--type", "cgroup_sock_addr"], "Invalid argument"),
])
def test_types_given_by_hand_that_do_not_fit(env, example, unchanged, words, said):
    with unchanged(env):
        assert_failed(env.run("load", example("xdp_pass"), *words), 1, said)

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts the TCP connections of a control group: those it opened, and those it accepted. Section
 * "sockops": attach to a cgroup directory.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum event { OPENED, ACCEPTED, EVENTS };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EVENTS);
	__type(key, __u32);
	__type(value, __u64);
} tcp_connections SEC(".maps");

static __always_inline void count(__u32 event)
{
	__u64 *value = bpf_map_lookup_elem(&tcp_connections, &event);

	if (value)
		__sync_fetch_and_add(value, 1);
}

SEC("sockops")
int tcp_events(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		count(OPENED);
	else if (ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		count(ACCEPTED);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";

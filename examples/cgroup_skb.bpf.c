/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts what the processes of a control group receive and send, and lets all of it pass. Two
 * programs of one object share a map; attach both to the same cgroup directory.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define ALLOW 1

enum direction { RECEIVED, SENT, DIRECTIONS };

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DIRECTIONS);
	__type(key, __u32);
	__type(value, struct traffic);
} cgroup_traffic SEC(".maps");

static __always_inline int count(struct __sk_buff *skb, __u32 direction)
{
	struct traffic *traffic = bpf_map_lookup_elem(&cgroup_traffic, &direction);

	if (traffic) {
		__sync_fetch_and_add(&traffic->packets, 1);
		__sync_fetch_and_add(&traffic->bytes, skb->len);
	}
	return ALLOW;
}

SEC("cgroup_skb/ingress")
int cgroup_received(struct __sk_buff *skb)
{
	return count(skb, RECEIVED);
}

SEC("cgroup_skb/egress")
int cgroup_sent(struct __sk_buff *skb)
{
	return count(skb, SENT);
}

char LICENSE[] SEC("license") = "GPL";

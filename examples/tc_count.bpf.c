/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts packets and bytes by protocol on their way through traffic control, and lets all of them
 * on to the next filter. Section "tc": attach to an interface, ingress or egress.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct traffic {
	__u64 packets;
	__u64 bytes;
};

/* The key is the EtherType in host byte order: 2048 is IPv4, 34525 IPv6, 2054 ARP. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u16);
	__type(value, struct traffic);
} by_protocol SEC(".maps");

SEC("tc")
int tc_count(struct __sk_buff *skb)
{
	struct traffic first = { .packets = 1, .bytes = skb->len };
	__u16 protocol = bpf_ntohs(skb->protocol);
	struct traffic *seen = bpf_map_lookup_elem(&by_protocol, &protocol);

	if (seen) {
		__sync_fetch_and_add(&seen->packets, 1);
		__sync_fetch_and_add(&seen->bytes, skb->len);
	} else {
		bpf_map_update_elem(&by_protocol, &protocol, &first, BPF_NOEXIST);
	}
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";

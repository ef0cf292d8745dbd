/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lets every packet through and counts it: how many packets and bytes an interface received, and
 * how many of the packets were IPv4 and IPv6. Section "xdp": attach to an interface.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETH_P_IP   0x0800
#define ETH_P_IPV6 0x86dd

/* The Ethernet header as it is on the wire. */
struct eth_header {
	__u8 destination[6];
	__u8 source[6];
	__be16 protocol;
};

enum counter { PACKETS, BYTES, IPV4, IPV6, COUNTERS };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

static __always_inline void count(__u32 which, __u64 by)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &which);

	if (value)
		__sync_fetch_and_add(value, by);
}

SEC("xdp")
int xdp_pass(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct eth_header *eth = data;

	count(PACKETS, 1);
	count(BYTES, end - data);
	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	if (eth->protocol == bpf_htons(ETH_P_IP))
		count(IPV4, 1);
	else if (eth->protocol == bpf_htons(ETH_P_IPV6))
		count(IPV6, 1);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

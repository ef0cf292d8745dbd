/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drops packets from the IPv4 addresses in a blocklist. The list is pinned by its name, so all
 * objects that ask for a map of this name and shape share one, and it lives on while one of them is
 * replaced.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETH_P_IP 0x0800

struct eth_header {
	__u8 destination[6];
	__u8 source[6];
	__be16 protocol;
};

/* The first twenty bytes of an IPv4 packet, as far as they matter here. */
struct ipv4_header {
	__u8 before_source[12];
	__u8 source[4];
	__u8 destination[4];
};

struct address {
	__u8 octets[4];
};

/* Address to the number of packets dropped because of it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, struct address);
	__type(value, __u64);
} blocklist SEC(".maps");

SEC("xdp")
int by_name(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct eth_header *eth = (void *)(long)ctx->data;
	struct ipv4_header *ip = (void *)(eth + 1);
	struct address source;
	__u64 *dropped;

	if ((void *)(ip + 1) > end || eth->protocol != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	__builtin_memcpy(&source, ip->source, sizeof(source));
	dropped = bpf_map_lookup_elem(&blocklist, &source);
	if (!dropped)
		return XDP_PASS;
	__sync_fetch_and_add(dropped, 1);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";

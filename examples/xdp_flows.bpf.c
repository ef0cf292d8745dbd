/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts packets and bytes of each IPv4 flow over TCP and UDP. The map is read with
 *
 *	bpfman map dump flows
 *
 * as structs and names, since BTF tells the types of its keys and values.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETH_P_IP 0x0800

enum protocol { TCP = 6, UDP = 17 };

struct eth_header {
	__u8 destination[6];
	__u8 source[6];
	__be16 protocol;
};

/* IPv4 without options, and the ports that TCP and UDP begin with. */
struct packet {
	struct eth_header eth;
	__u8 version_and_length;
	__u8 before_protocol[8];
	__u8 protocol;
	__u8 checksum[2];
	__u8 source[4];
	__u8 destination[4];
	__be16 source_port;
	__be16 destination_port;
} __attribute__((packed));

/* No padding: two flows are the same where all their bytes are. */
struct flow {
	__u8 source[4];
	__u8 destination[4];
	__u16 source_port;
	__u16 destination_port;
	enum protocol protocol;
};

struct traffic {
	__u64 packets;
	__u64 bytes;
	__u32 longest;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1000000);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct flow);
	__type(value, struct traffic);
} flows SEC(".maps");

SEC("xdp")
int xdp_flows(struct xdp_md *ctx)
{
	struct packet *packet = (void *)(long)ctx->data;
	__u32 length = ctx->data_end - ctx->data;
	struct traffic first = { .packets = 1, .bytes = length, .longest = length };
	struct traffic *traffic;
	struct flow flow;

	if ((void *)(packet + 1) > (void *)(long)ctx->data_end ||
	    packet->eth.protocol != bpf_htons(ETH_P_IP) || packet->version_and_length != 0x45 ||
	    (packet->protocol != TCP && packet->protocol != UDP))
		return XDP_PASS;
	__builtin_memcpy(flow.source, packet->source, sizeof(flow.source));
	__builtin_memcpy(flow.destination, packet->destination, sizeof(flow.destination));
	flow.source_port = bpf_ntohs(packet->source_port);
	flow.destination_port = bpf_ntohs(packet->destination_port);
	flow.protocol = packet->protocol;
	traffic = bpf_map_lookup_elem(&flows, &flow);
	if (!traffic) {
		/* When another CPU was first, this packet is not counted. */
		bpf_map_update_elem(&flows, &flow, &first, BPF_NOEXIST);
		return XDP_PASS;
	}
	__sync_fetch_and_add(&traffic->packets, 1);
	__sync_fetch_and_add(&traffic->bytes, length);
	if (length > traffic->longest)
		traffic->longest = length;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

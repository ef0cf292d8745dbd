/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two mistakes that the verifier refuses, to see how a rejection is reported. The first uses what a
 * map lookup returns without asking whether it found anything; the second reads a packet past the
 * end that it checked.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("xdp")
int unchecked_lookup(struct xdp_md *ctx)
{
	__u32 key = ctx->ingress_ifindex;
	__u64 *value = bpf_map_lookup_elem(&seen, &key);

	*value += 1;
	return XDP_PASS;
}

SEC("xdp")
int out_of_bounds(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;
	__u8 *end = (void *)(long)ctx->data_end;

	if (data + 14 > end)
		return XDP_PASS;
	return data[14] ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts the packets that pass a hook of netfilter, by hook and family, and accepts them all.
 * Attach it with --hook and --family, as often as wanted.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define NF_ACCEPT 1

struct nf_hook_state {
	__u8 hook;
	__u8 pf;
} __attribute__((preserve_access_index));

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
} __attribute__((preserve_access_index));

/* As in linux/netfilter.h: hook 1 is NF_INET_LOCAL_IN, family 2 NFPROTO_IPV4. */
struct place {
	__u32 hook;
	__u32 family;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct place);
	__type(value, __u64);
} packets_by_hook SEC(".maps");

SEC("netfilter")
int netfilter_count(struct bpf_nf_ctx *ctx)
{
	struct place place = { .hook = ctx->state->hook, .family = ctx->state->pf };
	__u64 *packets = bpf_map_lookup_elem(&packets_by_hook, &place);
	__u64 first = 1;

	if (packets)
		__sync_fetch_and_add(packets, 1);
	else
		bpf_map_update_elem(&packets_by_hook, &place, &first, BPF_NOEXIST);
	return NF_ACCEPT;
}

char LICENSE[] SEC("license") = "GPL";

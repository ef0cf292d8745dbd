/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One listening socket for many ports: connections to ports 7000 to 7999 go to the socket that a
 * program has put into the map, whatever port it listens on. Without one they take their usual way.
 * Attach it to a network namespace.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define FIRST_PORT 7000
#define LAST_PORT  7999

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} listener SEC(".maps");

/* How many connections were looked up in the range of ports. */
volatile __u64 lookups;

SEC("sk_lookup")
int sk_steer(struct bpf_sk_lookup *ctx)
{
	struct bpf_sock *socket;
	__u32 zero = 0;

	if (ctx->local_port < FIRST_PORT || ctx->local_port > LAST_PORT)
		return SK_PASS;
	__sync_fetch_and_add(&lookups, 1);
	socket = bpf_map_lookup_elem(&listener, &zero);
	if (!socket)
		return SK_PASS;
	bpf_sk_assign(ctx, socket, 0);
	bpf_sk_release(socket);
	return SK_PASS;
}

char LICENSE[] SEC("license") = "GPL";

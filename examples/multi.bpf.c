/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sampling packet monitor in three programs of two types that share their maps: one counts what
 * arrives in XDP, two what traffic control sees in each direction. Its settings are global
 * variables: those in .rodata are fixed when it is loaded (and what they switch off, the verifier
 * removes), those in .data can change while it runs, those in .bss are results.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

enum place { AT_XDP, AT_INGRESS, AT_EGRESS, PLACES };

enum verbosity { SILENT, SAMPLES, EVERYTHING };

struct limits {
	__u16 shortest;
	__u16 longest;
};

/* .rodata: fixed at load. */
const volatile bool count_bytes = true;
const volatile __u8 first_cpu = 0;
const volatile __s32 only_ifindex = -1;
const volatile __u64 sample_every = 64;
const volatile char label[16] = "default";
const volatile enum verbosity verbosity = SAMPLES;
const volatile struct limits limits = { .shortest = 0, .longest = 65535 };
const volatile __u32 weights[PLACES] = { 1, 1, 1 };

/* .data: may change while the programs run. */
volatile bool enabled = true;
volatile __s64 budget = 1000000;

/* .bss: what they found. */
volatile __u64 total_packets;
volatile __u32 longest_seen;

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct sample {
	char label[16];
	__u64 time_ns;
	__u32 length;
	__u32 ifindex;
	enum place place;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PLACES);
	__type(key, __u32);
	__type(value, struct traffic);
} traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} samples SEC(".maps");

static __always_inline void emit(enum place place, __u32 length, __u32 ifindex)
{
	struct sample *sample = bpf_ringbuf_reserve(&samples, sizeof(*sample), 0);

	if (!sample)
		return;
	for (int i = 0; i < (int)sizeof(label); i++)
		sample->label[i] = label[i];
	sample->time_ns = bpf_ktime_get_ns();
	sample->length = length;
	sample->ifindex = ifindex;
	sample->place = place;
	bpf_ringbuf_submit(sample, 0);
}

static __always_inline void see(enum place place, __u32 length, __u32 ifindex)
{
	struct traffic *here;
	__u32 key = place;

	if (!enabled || budget <= 0 || bpf_get_smp_processor_id() < first_cpu)
		return;
	if (only_ifindex >= 0 && ifindex != (__u32)only_ifindex)
		return;
	if (length < limits.shortest || length > limits.longest)
		return;
	here = bpf_map_lookup_elem(&traffic, &key);
	if (!here)
		return;
	here->packets += weights[place];
	if (count_bytes)
		here->bytes += length;
	if (length > longest_seen)
		longest_seen = length;
	__sync_fetch_and_add(&total_packets, 1);
	if (verbosity == SILENT)
		return;
	if (verbosity == EVERYTHING || (sample_every && here->packets % sample_every == 0)) {
		__sync_fetch_and_add(&budget, -1);
		emit(place, length, ifindex);
	}
}

SEC("xdp")
int multi_xdp(struct xdp_md *ctx)
{
	see(AT_XDP, ctx->data_end - ctx->data, ctx->ingress_ifindex);
	return XDP_PASS;
}

SEC("tc")
int multi_ingress(struct __sk_buff *skb)
{
	see(AT_INGRESS, skb->len, skb->ifindex);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int multi_egress(struct __sk_buff *skb)
{
	see(AT_EGRESS, skb->len, skb->ifindex);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";

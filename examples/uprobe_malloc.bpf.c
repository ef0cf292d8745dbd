/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A histogram of the sizes that programs ask malloc() of the C library for. The section names
 * library and function, so attaching needs no target.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SLOTS 32

/* Slot N counts sizes from 2^N up to 2^(N+1)-1; slot 0 also has size 0, the last one all above. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} malloc_sizes SEC(".maps");

static __always_inline __u32 log2_of(__u64 size)
{
	__u32 slot = 0;

#pragma unroll
	for (__u32 half = 16; half > 0; half /= 2) {
		if (size >> half) {
			size >>= half;
			slot += half;
		}
	}
	return slot;
}

SEC("uprobe/libc.so.6:malloc")
int BPF_KPROBE(uprobe_malloc, unsigned long size)
{
	__u32 slot = size >> SLOTS ? SLOTS - 1 : log2_of(size);
	__u64 *count = bpf_map_lookup_elem(&malloc_sizes, &slot);

	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

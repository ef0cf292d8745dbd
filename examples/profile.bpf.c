/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts which command has the CPU, each time an event says so: attach it to cpu-clock, with a
 * frequency, once for each CPU.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct command {
	char name[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct command);
	__type(value, __u64);
} samples_by_command SEC(".maps");

SEC("perf_event")
int profile(void *ctx)
{
	struct command command = {};
	__u64 *samples;
	__u64 first = 1;

	bpf_get_current_comm(command.name, sizeof(command.name));
	samples = bpf_map_lookup_elem(&samples_by_command, &command);
	if (samples)
		__sync_fetch_and_add(samples, 1);
	else
		bpf_map_update_elem(&samples_by_command, &command, &first, BPF_NOEXIST);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts the files that each command opens, and how many of them for writing. The section names the
 * tracepoint, so attaching needs no target.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define O_ACCMODE 3

/* As in /sys/kernel/tracing/events/syscalls/sys_enter_openat/format. */
struct sys_enter_openat {
	__u64 common;
	__s64 nr;
	__s64 dfd;
	__u64 filename;
	__u64 flags;
	__u64 mode;
};

struct command {
	char name[16];
};

struct opens {
	__u64 total;
	__u64 for_writing;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct command);
	__type(value, struct opens);
} opens_by_command SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_openat")
int trace_open(struct sys_enter_openat *ctx)
{
	__u64 writes = (ctx->flags & O_ACCMODE) != 0;
	struct opens first = { .total = 1, .for_writing = writes };
	struct command command = {};
	struct opens *opens;

	bpf_get_current_comm(command.name, sizeof(command.name));
	opens = bpf_map_lookup_elem(&opens_by_command, &command);
	if (opens) {
		__sync_fetch_and_add(&opens->total, 1);
		__sync_fetch_and_add(&opens->for_writing, writes);
	} else {
		bpf_map_update_elem(&opens_by_command, &command, &first, BPF_NOEXIST);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

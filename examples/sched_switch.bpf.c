/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts how often each task was given a CPU, and how often it was taken from one although it could
 * have gone on. A BTF tracepoint: the kernel's own types are the arguments. Only the members that
 * are read are declared here; libbpf finds their offsets in the running kernel's BTF.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct task_struct {
	int pid;
	char comm[16];
} __attribute__((preserve_access_index));

struct switches {
	char comm[16];
	__u64 in;
	__u64 preempted;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __s32);
	__type(value, struct switches);
} switches_by_task SEC(".maps");

static __always_inline void count(struct task_struct *task, __u64 in, __u64 preempted)
{
	struct switches first = { .in = in, .preempted = preempted };
	struct switches *seen;
	__s32 pid = task->pid;

	seen = bpf_map_lookup_elem(&switches_by_task, &pid);
	if (seen) {
		__sync_fetch_and_add(&seen->in, in);
		__sync_fetch_and_add(&seen->preempted, preempted);
		return;
	}
	BPF_CORE_READ_STR_INTO(&first.comm, task, comm);
	bpf_map_update_elem(&switches_by_task, &pid, &first, BPF_NOEXIST);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	if (preempt)
		count(prev, 0, 1);
	count(next, 1, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_ABI_H
#define BPFMAN_WORKER_ABI_H

#include <linux/bpf.h>
#include <linux/types.h>

/*
 * What linux/bpf.h of older systems lacks. The numbers are the kernel's interface and stay as they
 * are; the names are ours, so that a newer header does not clash.
 */
enum {
	ABI_MAP_CGRP_STORAGE = 32, /* BPF_MAP_TYPE_CGRP_STORAGE, Linux 6.2 */
	ABI_MAP_ARENA = 33,	   /* BPF_MAP_TYPE_ARENA, Linux 6.9 */
	ABI_PROG_NETFILTER = 32,   /* BPF_PROG_TYPE_NETFILTER, Linux 6.4 */
	ABI_ATTACH_NETFILTER = 45, /* BPF_NETFILTER */
	ABI_TCX_INGRESS = 46,	   /* BPF_TCX_INGRESS, Linux 6.6 */
	ABI_TCX_EGRESS = 47,
	ABI_UPROBE_MULTI = 48,	 /* BPF_TRACE_UPROBE_MULTI, Linux 6.6 */
	ABI_NETKIT_PRIMARY = 54, /* BPF_NETKIT_PRIMARY, Linux 6.7 */
	ABI_NETKIT_PEER = 55,
	ABI_LINK_NETFILTER = 10, /* BPF_LINK_TYPE_NETFILTER */
	ABI_LINK_TCX = 11,
	ABI_LINK_UPROBE_MULTI = 12,
	ABI_LINK_NETKIT = 13,
	ABI_LINK_SOCKMAP = 14, /* BPF_LINK_TYPE_SOCKMAP, Linux 6.10 */
};

/* enum bpf_perf_event_type, Linux 6.6 */
enum {
	ABI_PERF_UPROBE = 1,
	ABI_PERF_URETPROBE = 2,
	ABI_PERF_KPROBE = 3,
	ABI_PERF_KRETPROBE = 4,
	ABI_PERF_TRACEPOINT = 5,
	ABI_PERF_EVENT = 6,
};

enum { ABI_UPROBE_MULTI_RETURN = 1 << 0 }; /* BPF_F_UPROBE_MULTI_RETURN */

/* Flags of BPF_LINK_CREATE that say where in the order; Linux 6.6, for control groups 6.17. */
enum {
	ABI_F_BEFORE = 1 << 3,
	ABI_F_AFTER = 1 << 4,
	ABI_F_ID = 1 << 5,    /* the anchor is an id, else a descriptor */
	ABI_F_LINK = 1 << 13, /* the anchor is a link, else a program */
};

/* struct bpf_link_info as of Linux 6.18; what the running kernel does not know stays 0. */
struct abi_link_info {
	__u32 type;
	__u32 id;
	__u32 prog_id;
	__u32 : 32;
	union {
		struct {
			__u64 name; /* address of a buffer, also in iter */
			__u32 name_len;
		} raw_tracepoint;
		struct {
			__u32 attach_type;
		} tracing;
		struct {
			__u64 cgroup_id;
			__u32 attach_type;
		} cgroup;
		struct {
			__u64 name;
			__u32 name_len;
			__u32 map_id;
		} iter;
		struct {
			__u32 netns_ino;
			__u32 attach_type;
		} netns;
		struct {
			__u32 ifindex;
		} xdp;
		struct {
			__u32 pf;
			__u32 hooknum;
			__s32 priority;
			__u32 flags;
		} netfilter;
		struct {
			__u32 ifindex;
			__u32 attach_type;
		} tcx;
		struct {
			__u32 type;
			__u32 : 32;
			union {
				struct {
					__u64 name; /* file, function or tracepoint */
					__u32 name_len;
					__u32 offset;
				};
				struct {
					__u64 config;
					__u32 type;
				} event;
			};
		} perf;
		__u64 room[8];
	};
};

/* BPF_LINK_CREATE with an order; the layout is the same for tcx and control groups. */
struct abi_link_create {
	__u32 prog_fd;
	__u32 target; /* descriptor of a control group, or ifindex */
	__u32 attach_type;
	__u32 flags;
	__u32 relative; /* descriptor or id */
	__u32 : 32;
	__u64 expected_revision;
};

/* Netfilter's families, and its hooks by their numbers: words and numbers. */
enum { ABI_FAMILIES = 2, ABI_HOOKS = 5 };
extern const char *const abi_family_words[ABI_FAMILIES];
extern const __u32 abi_families[ABI_FAMILIES];
extern const char *const abi_hook_words[ABI_HOOKS];

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_ORDER_H
#define BPFMAN_WORKER_ORDER_H

#include "kernel/worker/attach.h"

/* Where in the order a new link goes: the flags of BPF_LINK_CREATE and what they refer to. */
struct anchor {
	__u32 flags;
	__u32 relative;	  /* descriptor or id, as the flags say; 0: none */
	int fd;		  /* of the link that option before or after names by its pin; -1 */
	const char *name; /* the option's value, borrowed; NULL: none */
};

#define ANCHOR_INIT      \
	{                \
		.fd = -1 \
	}

/* From the options first, last, before and after. */
int anchor_read(const struct attach *a, struct anchor *anchor, struct failure *f);
void anchor_close(struct anchor *anchor);
/* The failure of a link that could not be created for the anchor's sake. */
int anchor_lost(const struct anchor *anchor, const char *what, struct failure *f);

/* Creates a link in the order of tcx or of a control group; a negative errno. */
int link_create_ordered(int program_fd, __u32 target, int attach_type, const struct anchor *anchor);

enum { ORDER_MAX = 64 }; /* programs at one hook (BPF_MPROG_MAX, BPF_CGROUP_MAX_PROGS) */

/* What is attached at one hook, in running order. */
struct hook_order {
	__u32 count;
	__u32 programs[ORDER_MAX];
	__u32 links[ORDER_MAX]; /* 0 where the kernel does not tell */
	__u64 revision;		/* 0: this kernel has no order there that could be chosen */
};

/* 0 or a negative errno; -EINVAL: the kernel does not know the attach type. */
int hook_order_read(struct hook_order *order, int target, int attach_type);
bool hook_order_has(const struct hook_order *order, __u32 program_id);
/* The list for the row; NULL: memory was lost. */
json_t *hook_order_json(const struct hook_order *order);
/* A program's name by its id; "" where it is gone or may not be looked at. */
void program_name(__u32 id, char name[BPF_OBJ_NAME_LEN]);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_HOLDERS_H
#define BPFMAN_WORKER_HOLDERS_H

#include <jansson.h>
#include <linux/types.h>
#include <stddef.h>

#include "base/buf.h"
#include "kernel/worker/walk.h"

/* Which processes have a descriptor of which program, map or link: /proc/PID/fdinfo tells. */
struct holder {
	enum walk_kind kind;
	__u32 id;
	int pid;
	char comm[64];
};
struct holders {
	struct holder *list; /* ordered by kind, id, pid */
	size_t count;
};

/*
 * Looks through all processes but our own. -ENOMEM, or 0; processes that may not be looked into
 * are told in incomplete.
 */
int holders_scan(struct holders *h, struct buf *incomplete);
void holders_free(struct holders *h);
/* Appends {pid, comm} of each that list does not have yet. An error means lost memory. */
int holders_add(const struct holders *h, enum walk_kind kind, __u32 id, json_t *list);

#endif

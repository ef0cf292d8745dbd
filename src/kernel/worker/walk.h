/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_WALK_H
#define BPFMAN_WORKER_WALK_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* All programs, maps or links that the kernel has, by their ids. */
enum walk_kind { WALK_PROGRAM, WALK_MAP, WALK_LINK };

/*
 * Calls fn for each, in order of id, with a descriptor that is closed afterwards; only: just the
 * one with that id, 0: all. What vanishes meanwhile is passed over. 0, or what fn returned; where
 * the kernel does not let us, why not is appended to incomplete, a line.
 */
typedef int (*walk_fn)(void *data, __u32 id, int fd);
int walk(enum walk_kind kind, __u32 only, walk_fn fn, void *data, struct buf *incomplete);

/* Ids in rising order, which are passed over without being opened; seen is set of those met. */
struct walk_known {
	__u32 *ids;
	bool *seen;
	size_t count;
};
/* walk() but those. */
int walk_but(enum walk_kind kind, const struct walk_known *known, walk_fn fn, void *data,
	     struct buf *incomplete);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_LINK_H
#define BPFMAN_WORKER_LINK_H

#include <jansson.h>
#include <stdbool.h>

#include "kernel/worker/abi.h"
#include "kernel/worker/failure.h"

enum { LINK_NAME = 4096 }; /* longest name that a link's info has, with its NUL */

/*
 * What the kernel tells about a link; the name of a tracepoint, iterator, function or file goes to
 * name. name and f may be NULL.
 */
int link_read(int fd, struct abi_link_info *info, char name[LINK_NAME], struct failure *f);
/* Whether the kernel says that what it was attached to is gone, or that it was detached. */
bool link_target_gone(const struct abi_link_info *info);
/* libbpf's word, "unknown" for a type that it does not know. */
const char *link_type_word(unsigned type);
/* Sets attach_type, target and target_gone of an info row. An error means lost memory. */
int link_target_row(json_t *row, const struct abi_link_info *info, const char *name);

/*
 * How it comes to run another program: "replace", by BPF_LINK_UPDATE; "anew", by another link beside
 * it; "none", where two cannot be at once.
 */
const char *link_update_word(unsigned type);

/*
 * Detaches what can be detached. 0: it is, and the link is only a shell now; -EOPNOTSUPP: this type
 * lives until nobody holds the link any more; else a negative errno.
 */
int link_detach(int fd);
/*
 * Waits, a second at most, until the kernel has no link of that id. Its end comes a moment after
 * the last pin or descriptor of it. False: it is there still, so somebody else holds it; true also
 * where the privilege to look is missing.
 */
bool link_wait_gone(__u32 id);
/* Detaches and closes a link that is pinned nowhere (any more), and waits for its end. */
void link_end(int fd);

#endif

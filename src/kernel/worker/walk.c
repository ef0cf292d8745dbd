/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "base/error.h"
#include "kernel/worker/env.h"
#include "kernel/worker/walk.h"

static const struct {
	const char *plural;
	int (*next)(__u32 id, __u32 *next);
	int (*open)(__u32 id);
} kinds[] = {
	[WALK_PROGRAM] = { "programs", bpf_prog_get_next_id, bpf_prog_get_fd_by_id },
	[WALK_MAP] = { "maps", bpf_map_get_next_id, bpf_map_get_fd_by_id },
	[WALK_LINK] = { "links", bpf_link_get_next_id, bpf_link_get_fd_by_id },
};

static void refused(enum walk_kind kind, int err, struct buf *incomplete)
{
	const char *what = kinds[kind].plural;

	if (incomplete->len)
		return;
	if (err != EPERM && err != EACCES)
		buf_printf(incomplete, "the kernel does not list its %s: %s", what, strerror(err));
	else if (env_user_namespace())
		buf_printf(incomplete, "the kernel lists its %s only in the initial user namespace",
			   what);
	else if (!(env_capabilities() >> CAP_SYS_ADMIN & 1))
		buf_printf(incomplete, "the kernel lists its %s only with CAP_SYS_ADMIN", what);
	else
		buf_printf(incomplete,
			   "the kernel does not list its %s (%s) although no capability "
			   "is missing",
			   what, error_code(err));
}

/* Both come in order: *at is where the last one met stands, or would. */
static bool meet(const struct walk_known *known, size_t *at, __u32 id)
{
	while (*at < known->count && known->ids[*at] < id)
		++*at;
	if (*at == known->count || known->ids[*at] != id)
		return false;
	known->seen[*at] = true;
	return true;
}

static int walk_some(enum walk_kind kind, __u32 only, const struct walk_known *known, walk_fn fn,
		     void *data, struct buf *incomplete)
{
	size_t at = 0;
	__u32 id = only ? only - 1 : 0;
	int err = 0;

	while (!err) {
		int fd;

		if (only && id == only)
			break;
		if (!only && kinds[kind].next(id, &id)) {
			if (errno != ENOENT)
				refused(kind, errno, incomplete);
			break;
		}
		id = only ? only : id;
		if (known && meet(known, &at, id))
			continue;
		fd = kinds[kind].open(id);
		if (fd >= 0) {
			err = fn(data, id, fd);
			close(fd);
		} else if (errno != ENOENT && errno != EAGAIN) { /* gone, or only being made */
			refused(kind, errno, incomplete);
			break;
		}
	}
	return err;
}

int walk(enum walk_kind kind, __u32 only, walk_fn fn, void *data, struct buf *incomplete)
{
	return walk_some(kind, only, NULL, fn, data, incomplete);
}

int walk_but(enum walk_kind kind, const struct walk_known *known, walk_fn fn, void *data,
	     struct buf *incomplete)
{
	return walk_some(kind, 0, known, fn, data, incomplete);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_PINS_H
#define BPFMAN_WORKER_PINS_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/worker/failure.h"
#include "kernel/worker/undo.h"

struct stat;

/*
 * Paths in bpffs. No symbolic link is followed anywhere on the way. Facts: bpffs refuses names
 * with a dot (EPERM, kernel/bpf/inode.c:bpf_lookup), a name has at most 255 bytes, link() works
 * within one mount only.
 */
enum {
	PIN_NAME = 256,	  /* longest component, with its NUL */
	PIN_REDUCED = 64, /* longest reduced name, without */
};

/* Where something is to be made: path is directories[...]/missing/.../base. */
struct place {
	char *path;	  /* absolute, no empty component, no trailing slash */
	const char *rest; /* the components of path that do not exist yet, and base */
	const char *base; /* the last component */
	int *fds;	  /* the nearest directory that exists, then those that were made */
	size_t count;
};

#define PLACE_INIT           \
	{                    \
		.path = NULL \
	}

/*
 * The path without doubled and trailing slashes, owned by the caller. Refuses (bad_name) what is
 * relative, has a . or .. component, or one of more than 255 bytes. field names it in messages.
 */
int path_clean(const char *path, const char *field, char **clean, struct failure *f);
/* An O_PATH descriptor of the directory, or a negative errno; -ELOOP for a symbolic link. */
int directory_open(const char *path);
bool is_bpffs(int fd);

/*
 * Takes over the clean path and finds the nearest directory of it that exists. Refuses what is not
 * on bpffs (not_bpffs), leads through a symbolic link or would make a name with a dot (bad_name).
 * Whether path itself exists is told by place_check_free().
 */
int place_find(struct place *p, char *path, struct failure *f);
/* As place_find(), below the pin root: without a bpffs there no request can succeed. */
int place_find_in_root(struct place *p, char *path, struct failure *f);
/* The same for something new: its directory must exist, and nothing of its name in it. */
int place_find_new(struct place *p, char *path, struct failure *f);
/* pin_taken when path exists, bad_name when it is a symbolic link. */
int place_check_free(const struct place *p, struct failure *f);
/* Makes the missing parents, mode 0755, each noted in u. */
int place_make(struct place *p, struct undo *u, struct failure *f);
/* The directory that base is in, or the nearest that exists. */
int place_fd(const struct place *p);
void place_free(struct place *p);

/* BPF_OBJ_PIN and BPF_OBJ_GET of name in the directory; 0 or a descriptor, or a negative errno. */
int pin_put(int fd, int dirfd, const char *name);
int pin_get(int dirfd, const char *name);
/*
 * Opens the pin at path (field names it in messages): its place, its stat and a descriptor of what
 * is pinned. No link is followed, and nothing but bpffs is opened.
 */
int pin_open(const char *field, const char *path, struct place *p, struct stat *st, int *fd,
	     struct failure *f);
/* What a descriptor of bpf(2) stands for. */
enum pin_kind { PIN_PROGRAM, PIN_MAP, PIN_LINK, PIN_OTHER };
enum pin_kind pin_kind(int fd);
/* [A-Za-z0-9_] stays, all else becomes _; at most PIN_REDUCED bytes. */
void pin_reduce(const char *name, char reduced[PIN_REDUCED + 1]);

#endif

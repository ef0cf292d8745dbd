/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/worker/pins.h"

static int bad_name(struct failure *f, const char *field, const char *path, const char *why)
{
	return fail(f, STAGE_PIN, REASON_BAD_NAME, EINVAL, "%s '%s': %s", field, path, why);
}

int path_clean(const char *path, const char *field, char **clean, struct failure *f)
{
	char *out;
	size_t n = 0;

	if (path[0] != '/')
		return bad_name(f, field, path, "the path must be absolute");
	out = malloc(strlen(path) + 2);
	if (!out)
		return fail_nomem(f);
	while (*path) {
		size_t len = strcspn(path, "/");
		const char *why = NULL;

		if (len == 1 && path[0] == '.')
			why = "'.' is no name";
		else if (len == 2 && path[0] == '.' && path[1] == '.')
			why = "'..' is no name";
		else if (len >= PIN_NAME)
			why = "a name has at most 255 bytes";
		else if (n + len + 2 > PATH_MAX)
			why = "the path is too long";
		if (why) {
			free(out);
			return bad_name(f, field, path, why);
		}
		if (len) {
			out[n++] = '/';
			memcpy(out + n, path, len);
			n += len;
		}
		path += len;
		path += *path == '/';
	}
	out[n] = '\0';
	if (n == 0) {
		free(out);
		return bad_name(f, field, "/", "the path has no name");
	}
	*clean = out;
	return 0;
}

int directory_open(const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

bool is_bpffs(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (unsigned int)fs.f_type == BPF_FS_MAGIC;
}

/* Opens the longest prefix of path's parent that exists; p->rest begins behind it. */
static int open_nearest(struct place *p)
{
	char *slash = p->path + (p->base - p->path) - 1;

	for (;;) {
		int fd;

		*slash = '\0';
		fd = directory_open(slash == p->path ? "/" : p->path);
		*slash = '/';
		p->rest = slash + 1;
		/* bpffs answers EPERM for a name with a dot, and none can be there. */
		if ((fd != -ENOENT && fd != -EPERM) || slash == p->path)
			return fd;
		while (*--slash != '/')
			;
	}
}

static int open_error(const struct place *p, int err, struct failure *f)
{
	switch (err) {
	case -ELOOP:
		fail(f, STAGE_PIN, REASON_BAD_NAME, ELOOP,
		     "%s: a symbolic link is on the way, and none is followed", p->path);
		return error_hint(&f->error, "name the directory that the link stands for");
	case -ENOTDIR:
		return fail(f, STAGE_PIN, REASON_BAD_PATH, ENOTDIR,
			    "%s: what is on the way is not a directory", p->path);
	default:
		return fail(f, STAGE_PIN, REASON_OTHER, -err, "%s: cannot open its directory: %s",
			    p->path, strerror(-err));
	}
}

int place_find(struct place *p, char *path, struct failure *f)
{
	int fd;

	memset(p, 0, sizeof(*p));
	p->path = path;
	p->base = strrchr(path, '/') + 1;
	p->fds = malloc(sizeof(*p->fds));
	if (!p->fds)
		return fail_nomem(f);
	fd = open_nearest(p);
	if (fd < 0)
		return open_error(p, fd, f);
	p->fds[p->count++] = fd;
	if (!is_bpffs(fd)) {
		fail(f, STAGE_PIN, REASON_NOT_BPFFS, EPERM, "%s is not in a BPF file system", path);
		return error_hint(&f->error, "choose a path below a mounted bpffs; one is mounted "
					     "with: mount -t bpf bpf /sys/fs/bpf");
	}
	if (strchr(p->rest, '.')) {
		fail(f, STAGE_PIN, REASON_BAD_NAME, EPERM, "%s: bpffs refuses names with a dot",
		     path);
		return error_hint(&f->error, "choose a name without a dot");
	}
	return 0;
}

int place_check_free(const struct place *p, struct failure *f)
{
	struct stat st;

	if (p->rest != p->base)
		return 0;
	if (fstatat(place_fd(p), p->base, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : open_error(p, -errno, f);
	if (S_ISLNK(st.st_mode))
		return open_error(p, -ELOOP, f);
	fail(f, STAGE_PIN, REASON_PIN_TAKEN, EEXIST, "%s exists already", p->path);
	return error_hint(&f->error, "choose another path, or unload what is pinned there");
}

int place_find_in_root(struct place *p, char *path, struct failure *f)
{
	int err = place_find(p, path, f);

	if (err && f->reason == REASON_NOT_BPFFS) {
		f->environment = true;
		f->error.class = ERROR_ENVIRONMENT;
	}
	return err;
}

int place_find_new(struct place *p, char *path, struct failure *f)
{
	int err = place_find_in_root(p, path, f);

	if (!err && p->rest != p->base)
		err = fail(f, STAGE_PIN, REASON_BAD_PATH, ENOENT,
			   "the directory of %s does not exist", p->path);
	return err ? err : place_check_free(p, f);
}

static int make_one(struct place *p, const char *name, struct undo *u, struct failure *f)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	int *grown = realloc(p->fds, (p->count + 1) * sizeof(*grown));
	int parent;
	long fd;
	int err;

	if (!grown)
		return fail_nomem(f);
	p->fds = grown;
	parent = place_fd(p);
	err = undo_note(u, parent, name, true, f);
	if (err)
		return err;
	if (mkdirat(parent, name, 0755)) {
		err = errno;
		undo_drop(u);
		return fail(f, STAGE_PIN, REASON_OTHER, err, "%s: cannot make directory '%s': %s",
			    p->path, name, strerror(err));
	}
	fd = syscall(SYS_openat2, parent, name, &how, sizeof(how));
	if (fd < 0)
		return open_error(p, -errno, f);
	p->fds[p->count++] = (int)fd;
	return 0;
}

int place_make(struct place *p, struct undo *u, struct failure *f)
{
	while (p->rest != p->base) {
		char name[PIN_NAME];
		size_t len = strcspn(p->rest, "/");
		int err;

		memcpy(name, p->rest, len);
		name[len] = '\0';
		err = make_one(p, name, u, f);
		if (err)
			return err;
		p->rest += len + 1;
	}
	return 0;
}

int place_fd(const struct place *p)
{
	return p->fds[p->count - 1];
}

void place_free(struct place *p)
{
	while (p->count)
		close(p->fds[--p->count]);
	free(p->fds);
	free(p->path);
	memset(p, 0, sizeof(*p));
}

/* bpf(2) takes no directory descriptor before Linux 6.5; this path names one. */
static void magic_path(int dirfd, const char *name, char path[PIN_NAME + 32])
{
	snprintf(path, PIN_NAME + 32, "/proc/self/fd/%d/%s", dirfd, name);
}

int pin_put(int fd, int dirfd, const char *name)
{
	char path[PIN_NAME + 32];

	magic_path(dirfd, name, path);
	return bpf_obj_pin(fd, path);
}

int pin_get(int dirfd, const char *name)
{
	char path[PIN_NAME + 32];

	magic_path(dirfd, name, path);
	return bpf_obj_get(path);
}

/* The pin itself: nothing is opened that is none. */
static int find_pin(const struct place *p, struct stat *st, struct failure *f)
{
	if (p->rest != p->base || fstatat(place_fd(p), p->base, st, AT_SYMLINK_NOFOLLOW))
		return fail(f, STAGE_PIN, REASON_OTHER, ENOENT, "%s does not exist", p->path);
	if (S_ISLNK(st->st_mode))
		return fail(f, STAGE_PIN, REASON_BAD_NAME, ELOOP,
			    "%s is a symbolic link, and none is followed", p->path);
	if (S_ISDIR(st->st_mode))
		return fail(f, STAGE_PIN, REASON_BAD_PATH, EISDIR, "%s is a directory, not a pin",
			    p->path);
	return 0;
}

int pin_open(const char *field, const char *path, struct place *p, struct stat *st, int *fd,
	     struct failure *f)
{
	char *clean;
	int err = path_clean(path, field, &clean, f);

	if (!err)
		err = place_find(p, clean, f);
	if (!err)
		err = find_pin(p, st, f);
	if (err)
		return err;
	*fd = pin_get(place_fd(p), p->base);
	if (*fd < 0)
		return fail(f, STAGE_PIN, REASON_OTHER, -*fd, "cannot open %s: %s", p->path,
			    strerror(-*fd));
	return 0;
}

enum pin_kind pin_kind(int fd)
{
	/* What /proc/self/fd shows for them (kernel/bpf/syscall.c). */
	static const struct {
		const char *file;
		enum pin_kind kind;
	} files[] = {
		{ "anon_inode:bpf-prog", PIN_PROGRAM },
		{ "anon_inode:bpf-map", PIN_MAP },
		{ "anon_inode:bpf_link", PIN_LINK },
		{ "anon_inode:bpf-link", PIN_LINK },
	};
	char proc[64];
	char file[64];
	ssize_t n;
	size_t i;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, file, sizeof(file) - 1);
	file[n < 0 ? 0 : n] = '\0';
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strcmp(file, files[i].file) == 0)
			return files[i].kind;
	return PIN_OTHER;
}

void pin_reduce(const char *name, char reduced[PIN_REDUCED + 1])
{
	size_t i;

	for (i = 0; i < PIN_REDUCED && name[i]; i++) {
		char c = name[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '_';

		reduced[i] = good ? c : '_';
	}
	reduced[i] = '\0';
}

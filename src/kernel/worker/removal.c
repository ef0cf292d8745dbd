/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "kernel/protocol/protocol.h"
#include "kernel/worker/link.h"
#include "kernel/worker/pins.h"
#include "kernel/worker/unpin.h"

void removal_keep(struct removal *r, const char *path, const char *why)
{
	if (r->looking)
		return;
	if (json_array_append_new(r->kept,
				  json_pack("{s:o, s:s}", "path", wire_json(path), "why", why)))
		r->lost = true;
}

/* What is in the way is somebody else's, and stays; anything else may go better another time. */
static void not_removed(struct removal *r, const char *path, int err)
{
	static const int others[] = { ENOTEMPTY, EISDIR, EBUSY, ENOTDIR, ELOOP };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (others[i] == err) {
			removal_keep(r, path, strerror(err));
			return;
		}
	}
	if (r->err)
		return;
	r->err = err;
	r->failed = strdup(path);
}

static void gone(struct removal *r, const char *path)
{
	if (json_array_append_new(r->removed, wire_json(path)))
		r->lost = true;
}

/* A directory on bpffs; -1: it does not exist, or path was told why it stays. */
static int open_directory(struct removal *r, const char *directory, const char *path)
{
	int fd = directory_open(directory);

	if (fd >= 0 && is_bpffs(fd))
		return fd;
	if (fd >= 0) {
		removal_keep(r, path, "is not in a BPF file system");
		close(fd);
	} else if (fd == -ELOOP) {
		removal_keep(r, path, "a symbolic link is on the way");
	} else if (fd != -ENOENT) {
		not_removed(r, path, -fd);
	}
	return -1;
}

void removal_at(struct removal *r, const char *path, removal_step *step)
{
	const char *base = strrchr(path, '/') + 1;
	char *directory = base == path + 1 ? strdup("/") : strndup(path, base - path - 1);
	int fd;

	if (!directory) {
		r->lost = true;
		return;
	}
	fd = open_directory(r, directory, path);
	if (fd >= 0) {
		step(r, fd, base, path);
		close(fd);
	}
	free(directory);
}

/* The step for each name in the directory that dirfd is. */
static void each_name(struct removal *r, int dirfd, const char *directory, removal_step *step)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!listing) {
		not_removed(r, directory, errno);
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(listing))) {
		struct buf path = { 0 };

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		buf_printf(&path, "%s/%s", directory, entry->d_name);
		if (buf_error(&path))
			r->lost = true;
		else
			step(r, dirfd, entry->d_name, buf_text(&path));
		buf_free(&path);
	}
	closedir(listing);
}

void removal_ours(struct removal *r, dev_t dev, ino_t ino)
{
	struct identity *grown;

	grown = realloc(r->ours, (r->count + 1) * sizeof(*grown));
	if (!grown) {
		r->lost = true;
		return;
	}
	r->ours = grown;
	r->ours[r->count].dev = dev;
	r->ours[r->count++].ino = ino;
}

void removal_note(struct removal *r, int dirfd, const char *name, const char *path)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW)) {
		/* Unknown, its other names would be taken for somebody else's. */
		if (errno != ENOENT)
			not_removed(r, path, errno);
	} else if (S_ISREG(st.st_mode)) {
		removal_ours(r, st.st_dev, st.st_ino);
	}
}

void removal_note_directory(struct removal *r, int dirfd, const char *name, const char *path)
{
	int fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		if (errno != ENOENT)
			not_removed(r, path, errno);
		return;
	}
	if (is_bpffs(fd))
		each_name(r, fd, path, removal_note);
	close(fd);
}

void removal_pin(struct removal *r, int dirfd, const char *name, const char *path)
{
	if (unlinkat(dirfd, name, 0) == 0)
		gone(r, path);
	else if (errno != ENOENT)
		not_removed(r, path, errno);
}

/* Told when the path is removed and the link lives on all the same. */
static void tell_held(struct removal *r, const char *path)
{
	if (json_array_append_new(r->held, wire_json(path)))
		r->lost = true;
}

void removal_link(struct removal *r, int dirfd, const char *name, const char *path)
{
	struct abi_link_info info = { 0 };
	int fd = pin_get(dirfd, name);
	bool wait = false;

	if (fd >= 0) {
		/* After the detachment, so that nothing runs any more once its name is gone. */
		if (pin_kind(fd) == PIN_LINK && link_detach(fd))
			wait = link_read(fd, &info, NULL, NULL) == 0;
		close(fd);
	}
	removal_pin(r, dirfd, name, path);
	if (wait && !link_wait_gone(info.id))
		tell_held(r, path);
}

void removal_if_ours(struct removal *r, int dirfd, const char *name, const char *path)
{
	struct stat st;
	size_t i;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno != ENOENT)
			not_removed(r, path, errno);
		return;
	}
	for (i = 0; i < r->count; i++) {
		if (r->ours[i].dev == st.st_dev && r->ours[i].ino == st.st_ino) {
			removal_pin(r, dirfd, name, path);
			return;
		}
	}
	/* Where one of ours could not be looked at, it may be that one. */
	if (!r->err)
		removal_keep(r, path, "is another object");
}

static void remove_directory(struct removal *r, int dirfd, const char *name, const char *path,
			     removal_step *step)
{
	int fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		if (errno != ENOENT)
			not_removed(r, path, errno);
		return;
	}
	/* Another file system may be mounted on it. */
	if (is_bpffs(fd))
		each_name(r, fd, path, step);
	close(fd);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
		gone(r, path);
	else if (errno != ENOENT)
		not_removed(r, path, errno);
}

void removal_directory(struct removal *r, int dirfd, const char *name, const char *path)
{
	remove_directory(r, dirfd, name, path, removal_link);
}

void removal_copies(struct removal *r, int dirfd, const char *name, const char *path)
{
	remove_directory(r, dirfd, name, path, removal_pin);
}

void removal_parent(struct removal *r, int dirfd, const char *name, const char *path)
{
	/* One that others use stays, and that is no news. */
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
		gone(r, path);
	else if (errno != ENOENT && errno != ENOTEMPTY)
		not_removed(r, path, errno);
}

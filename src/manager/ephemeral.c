/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --ephemeral: a private database and pin root, gone at exit. Both directories bear the same
 * random name; a session that was killed leaves them, and the next one that starts removes what
 * nobody holds a lock on.
 */
#include "manager/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/grow.h"

#define PREFIX "bpfman_ephemeral_"

/* Between being made and being locked a directory has only its age to protect it. */
enum { SETTLED_SECONDS = 60 };

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) && errno != ENOENT ? -1 : 0;
}

/* Everything below path and path itself; links are removed, not followed; one file system. */
static void remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* A directory is its session's as long as somebody holds the lock on it. */
static void sweep(const char *parent)
{
	DIR *dir = opendir(parent);
	const struct dirent *entry;
	struct buf path = { 0 };

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		struct stat st;
		int fd;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)))
			continue;
		fd = openat(dirfd(dir), entry->d_name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		buf_reset(&path);
		buf_printf(&path, "%s/%s", parent, entry->d_name);
		if (!buf_error(&path) && !fstat(fd, &st) && st.st_uid == geteuid() &&
		    time(NULL) - st.st_mtime > SETTLED_SECONDS && !flock(fd, LOCK_EX | LOCK_NB))
			remove_tree(path.data);
		close(fd);
	}
	closedir(dir);
	buf_free(&path);
}

static const char *temp_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && dir[0] == '/' ? dir : "/tmp";
}

/* Makes the database's directory, which tells other sessions that this one lives. */
static int make_directory(struct manager *m, const char *path, struct error *e)
{
	if (mkdir(path, 0700))
		return error_set_class(e, ERROR_ENVIRONMENT, errno, "cannot make %s: %s", path,
				       strerror(errno));
	m->ephemeral_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->ephemeral_fd < 0 || flock(m->ephemeral_fd, LOCK_EX | LOCK_NB))
		return error_set_class(e, ERROR_ENVIRONMENT, errno, "cannot lock %s: %s", path,
				       strerror(errno));
	return 0;
}

int ephemeral_begin(struct manager *m, struct error *e)
{
	struct buf path = { 0 }, db = { 0 }, root = { 0 };
	const char *slash = strrchr(m->pin_root, '/');
	int r = 0;

	if (!m->config.dry_run)
		sweep(temp_dir());
	buf_add(&root, m->pin_root, (size_t)(slash - m->pin_root));
	if (!m->config.dry_run)
		sweep(root.len ? buf_text(&root) : "/");
	buf_printf(&path, "%s/" PREFIX "%s", temp_dir(), m->run_id);
	buf_printf(&db, "%s/bpfman.db", buf_text(&path));
	buf_printf(&root, "/" PREFIX "%s", m->run_id);
	if (buf_error(&path) || buf_error(&db) || buf_error(&root)) {
		r = error_nomem(e);
		goto out;
	}
	/* A dry run has only the names: of a database and a root that are not there. */
	if (!m->config.dry_run)
		r = make_directory(m, path.data, e);
	if (r)
		goto out;
	free(m->db_path);
	free(m->pin_root);
	m->db_path = buf_take(&db);
	m->pin_root = buf_take(&root);
	if (!m->config.dry_run)
		m->ephemeral_dir = buf_take(&path);
out:
	buf_free(&path);
	buf_free(&db);
	buf_free(&root);
	return r;
}

struct loaded {
	struct named *objects;
	size_t count;
};

static int note_object(void *data, struct db_object *o)
{
	struct loaded *l = data;
	struct named *grown = grow(l->objects, l->count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	l->objects = grown;
	grown[l->count++] = (struct named){ DB_OBJECT, o->id };
	return 0;
}

/* What has a name outside of the private root goes the way it would otherwise go. */
static void unload_all(struct manager *m)
{
	struct error e = ERROR_INIT;
	struct loaded l = { 0 };

	if (!db_objects(m->db, note_object, &l, &e) && l.count &&
	    manager_unload(m, l.objects, l.count, NULL, NULL, &e))
		manager_notice(m, "unloading at the end: %s", e.message ? e.message : "failed");
	error_clear(&e);
	free(l.objects);
}

void ephemeral_end(struct manager *m)
{
	bool rooted = m->root_fd >= 0;

	if (rooted && m->db && m->db_writes)
		unload_all(m);
	manager_close_write(m);
	if (rooted)
		remove_tree(m->pin_root);
	remove_tree(m->ephemeral_dir);
	close(m->ephemeral_fd);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A copy of the database as it is at one moment, whatever others commit meanwhile. */
#include "db/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

enum { BUSY_MS = 10000 };

static int copy_to(struct db *db, const char *path, struct error *e)
{
	sqlite3 *copy = NULL;
	sqlite3_backup *backup;
	int rc = sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (!rc)
		rc = sqlite3_busy_timeout(db->handle, BUSY_MS);
	backup = rc ? NULL : sqlite3_backup_init(copy, "main", db->handle, "main");
	if (!rc && !backup)
		rc = sqlite3_errcode(copy);
	if (!rc) {
		/* All of it in one read transaction. */
		rc = sqlite3_backup_step(backup, -1);
		rc = rc == SQLITE_DONE ? 0 : rc;
	}
	if (backup && !rc)
		rc = sqlite3_backup_finish(backup);
	else
		sqlite3_backup_finish(backup);
	/* Alone in its file: no other one belongs to it. */
	if (!rc)
		rc = sqlite3_exec(copy, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	sqlite3_close(copy);
	return rc ? error_set(e, (rc & 0xff) == SQLITE_FULL ? ENOSPC : EIO,
			      "cannot write the backup %s: %s", path, sqlite3_errstr(rc))
		  : 0;
}

static int sync_path(const char *path, int flags)
{
	int fd = open(path, flags | O_RDONLY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

/* The finished file gets its name in one step, which overwrites nothing. */
static int publish(const char *part, const char *path, struct error *e)
{
	char *dir = strdup(path), *slash = dir ? strrchr(dir, '/') : NULL;
	int r = dir ? sync_path(part, 0) : -ENOMEM;

	if (!r && renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE))
		r = -errno;
	if (!r && slash) {
		*(slash == dir ? slash + 1 : slash) = '\0';
		r = sync_path(dir, O_DIRECTORY);
	}
	free(dir);
	return r ? error_set(e, -r, "cannot write the backup %s: %s", path, strerror(-r)) : 0;
}

int db_backup(struct db *db, const char *path, struct error *e)
{
	struct buf part = { 0 };
	struct stat st;
	int fd, r;

	if (!lstat(path, &st)) {
		error_set(e, EEXIST, "%s is there already", path);
		return error_hint(e, "a backup overwrites nothing: choose another name");
	}
	buf_printf(&part, "%s.XXXXXX", path);
	if (buf_error(&part))
		return error_nomem(e);
	fd = mkostemp(part.data, O_CLOEXEC); /* 0600 */
	if (fd < 0) {
		r = error_set(e, errno, "cannot write the backup %s: %s", path, strerror(errno));
		goto out;
	}
	close(fd);
	r = copy_to(db, part.data, e);
	if (!r)
		r = publish(part.data, path, e);
	if (r)
		unlink(part.data);
out:
	buf_free(&part);
	return r;
}

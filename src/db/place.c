/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The database's file and directory. */
#include "db/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"

enum {
	/* SQLite's unix VFS: MAX_PATHNAME is 512, of which it keeps 8 for "-journal". */
	LONGEST_PATH = 504,
	/* A page of -shm spans several smaller blocks; where one is missing, touching it is SIGBUS.
	 */
	WAL_BLOCK_SIZE = 4096,
};

int db_look_for_file(const struct db *db, bool *exists, struct error *e)
{
	struct stat st;

	*exists = false;
	if (strlen(db->path) > LONGEST_PATH) {
		db_refuse(db, e, ENAMETOOLONG, "the path is longer than the %d bytes SQLite takes",
			  LONGEST_PATH);
		return -ENAMETOOLONG;
	}
	/* A name that ends in a slash is a directory's, even when there is none yet. */
	if (db->path[strlen(db->path) - 1] == '/')
		return db_fail_errno(db, EISDIR, e);
	if (stat(db->path, &st))
		return errno == ENOENT ? 0 : db_fail_errno(db, errno, e);
	if (S_ISDIR(st.st_mode))
		return db_fail_errno(db, EISDIR, e);
	/* Opening a FIFO or a device could wait, or worse. */
	if (!S_ISREG(st.st_mode))
		return db_refuse(db, e, EINVAL, "not a regular file");
	*exists = true;
	return 0;
}

static void sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Where the directory cannot be synced, nothing better can be done. */
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

/* SQLite syncs the database's own directory; new directories above it are ours to sync. */
static int make_directory(const struct db *db, struct error *e)
{
	char *path = strdup(db->path), *slash;
	size_t there;
	int ret;

	if (!path)
		return error_nomem(e);
	slash = strrchr(path, '/');
	*slash = '\0';
	if (slash == path || !access(path, F_OK)) {
		ret = 0;
		goto out;
	}
	for (there = slash - path; there > 0; there--) {
		char c = path[there];

		path[there] = '\0';
		ret = access(path, F_OK);
		path[there] = c;
		if (!ret)
			break;
	}
	ret = file_make_directories(path, 0700, e);
	if (ret) {
		error_context(e, "database %s", db->path);
		if (e)
			e->class = ERROR_ENVIRONMENT;
		goto out;
	}
	while ((slash = strrchr(path, '/')) && slash > path && (size_t)(slash - path) >= there) {
		*slash = '\0';
		sync_directory(path);
	}
out:
	free(path);
	return ret;
}

int db_create_file(const struct db *db, struct error *e)
{
	struct stat st;
	int fd, ret;

	ret = make_directory(db, e);
	if (ret)
		return ret;
	fd = open(db->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		if (errno != EEXIST)
			return db_fail_errno(db, errno, e);
		/* Another process was faster, or it is a link. */
		if (!stat(db->path, &st))
			return 0;
		return db_refuse(db, e, ENOENT, "a symbolic link that leads nowhere");
	}
	/* Whatever the umask took away. */
	ret = fchmod(fd, 0600) ? db_fail_errno(db, errno, e) : 0;
	close(fd);
	return ret;
}

bool db_small_blocks(const struct db *db)
{
	struct statvfs vfs;

	return !statvfs(db->path, &vfs) && vfs.f_bsize < WAL_BLOCK_SIZE;
}

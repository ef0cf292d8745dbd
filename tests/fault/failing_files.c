/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SQLite's files, of which some operations fail: a VFS around its own. Linked with --wrap around
 * sqlite3_open_v2(), which makes it the default one. What writes fails by turns for want of space
 * and for an I/O error.
 */
#include "failing.h"

#include <sqlite3.h>
#include <string.h>

int __real_sqlite3_open_v2(const char *name, sqlite3 **db, int flags, const char *vfs);
int __wrap_sqlite3_open_v2(const char *name, sqlite3 **db, int flags, const char *vfs);

struct file {
	sqlite3_file base;
	sqlite3_file *real; /* behind this */
};

static sqlite3_vfs *real_vfs;

static sqlite3_file *real(sqlite3_file *file)
{
	return ((struct file *)file)->real;
}

static bool fails(void)
{
	return failing("files");
}

/* Half of what is to be written is, before it fails: a page may be torn. */
static int fails_to_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	static int turn;

	real(file)->pMethods->xWrite(real(file), from, n / 2, at);
	return turn++ % 2 ? SQLITE_IOERR_WRITE : SQLITE_FULL;
}

static int file_close(sqlite3_file *file)
{
	return real(file)->pMethods->xClose(real(file));
}

static int file_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
	return fails() ? SQLITE_IOERR_READ : real(file)->pMethods->xRead(real(file), to, n, at);
}

static int file_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	return fails() ? fails_to_write(file, from, n, at)
		       : real(file)->pMethods->xWrite(real(file), from, n, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return fails() ? SQLITE_IOERR_TRUNCATE : real(file)->pMethods->xTruncate(real(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
	return fails() ? SQLITE_IOERR_FSYNC : real(file)->pMethods->xSync(real(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return fails() ? SQLITE_IOERR_FSTAT : real(file)->pMethods->xFileSize(real(file), size);
}

static int file_lock(sqlite3_file *file, int level)
{
	return fails() ? SQLITE_IOERR_LOCK : real(file)->pMethods->xLock(real(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
	return real(file)->pMethods->xUnlock(real(file), level);
}

static int file_is_reserved(sqlite3_file *file, int *is)
{
	return fails() ? SQLITE_IOERR_CHECKRESERVEDLOCK
		       : real(file)->pMethods->xCheckReservedLock(real(file), is);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
	return real(file)->pMethods->xFileControl(real(file), op, arg);
}

static int file_sector_size(sqlite3_file *file)
{
	return real(file)->pMethods->xSectorSize(real(file));
}

static int file_characteristics(sqlite3_file *file)
{
	return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int file_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **at)
{
	if (fails())
		return SQLITE_IOERR_SHMMAP;
	return real(file)->pMethods->xShmMap(real(file), region, size, extend, at);
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	if (flags & SQLITE_SHM_LOCK && fails())
		return SQLITE_IOERR_SHMLOCK;
	return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
	real(file)->pMethods->xShmBarrier(real(file));
}

static int file_shm_unmap(sqlite3_file *file, int remove)
{
	return real(file)->pMethods->xShmUnmap(real(file), remove);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2, /* without memory mapping */
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_is_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	struct file *f = (struct file *)file;
	int rc;

	(void)vfs;
	memset(f, 0, sizeof(*f));
	f->real = (sqlite3_file *)(f + 1);
	if (fails())
		return SQLITE_CANTOPEN;
	rc = real_vfs->xOpen(real_vfs, name, f->real, flags, out);
	if (!rc)
		f->base.pMethods = &methods;
	return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs;
	return fails() ? SQLITE_IOERR_DELETE : real_vfs->xDelete(real_vfs, name, sync);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	(void)vfs;
	return fails() ? SQLITE_IOERR_ACCESS : real_vfs->xAccess(real_vfs, name, flags, out);
}

int __wrap_sqlite3_open_v2(const char *name, sqlite3 **db, int flags, const char *vfs)
{
	static sqlite3_vfs failing_vfs;

	if (!real_vfs) {
		real_vfs = sqlite3_vfs_find(NULL);
		failing_vfs = *real_vfs;
		failing_vfs.zName = "failing";
		failing_vfs.szOsFile += (int)sizeof(struct file);
		failing_vfs.pNext = NULL;
		failing_vfs.xOpen = vfs_open;
		failing_vfs.xDelete = vfs_delete;
		failing_vfs.xAccess = vfs_access;
		sqlite3_vfs_register(&failing_vfs, 1);
	}
	return __real_sqlite3_open_v2(name, db, flags, vfs);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What SQLite's result codes mean to the user. */
#include "db/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

#define OTHER_DATABASE "name another database with --db, or move this file away"

static const struct failure {
	int rc, err;
	const char *what, *hint;
} failures[] = {
	{ SQLITE_READONLY_DIRECTORY, EACCES, "its directory cannot be written",
	  "its directory must be writable: SQLite keeps its log and lock files there" },
	{ SQLITE_NOTADB, EINVAL, "not an SQLite database", OTHER_DATABASE },
	{ SQLITE_CORRUPT, EUCLEAN, "damaged",
	  "keep a copy; 'sqlite3 FILE .recover' may save its rows; moved away, bpfman starts "
	  "with an empty one" },
	{ SQLITE_FULL, ENOSPC, "the disk is full", "free some space on its file system" },
	{ SQLITE_READONLY, EROFS, "it is read-only", NULL },
	{ SQLITE_BUSY, EBUSY, "another program has kept it locked",
	  "fuser FILE tells which; try again when it is done" },
	{ SQLITE_LOCKED, EBUSY, "another connection has it locked", NULL },
	{ SQLITE_CANTOPEN, EIO, "it or a file beside it cannot be opened", NULL },
	{ SQLITE_IOERR, EIO, "input/output error", "the kernel's log may tell more (dmesg)" },
	{ SQLITE_TOOBIG, E2BIG, "the value is too big to be stored", NULL },
	{ SQLITE_PERM, EACCES, "access denied", NULL },
	{ SQLITE_AUTH, EACCES, "access denied", NULL },
};

int db_refuse(const struct db *db, struct error *e, int err, const char *format, ...)
{
	struct buf text = { 0 };
	va_list args;
	int ret;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	ret = buf_error(&text) ? error_nomem(e)
			       : error_set_class(e, ERROR_ENVIRONMENT, err, "database %s: %s",
						 db->path, buf_text(&text));
	buf_free(&text);
	return ret;
}

int db_damaged(const struct db *db, struct error *e, const char *what)
{
	size_t i;

	for (i = 0; failures[i].rc != SQLITE_CORRUPT; i++)
		;
	db_refuse(db, e, EUCLEAN, "damaged: %s", what);
	error_hint(e, "%s", failures[i].hint);
	return -EUCLEAN;
}

int db_fail_errno(const struct db *db, int err, struct error *e)
{
	if (err == ENOMEM)
		return error_nomem(e);
	db_refuse(db, e, err, "%s", strerror(err));
	if (err == EACCES || err == EPERM)
		error_hint(e, "run it as root or as the database's owner, or name another one "
			      "with --db");
	else if (err == ENOSPC || err == EDQUOT)
		error_hint(e, "free some space on its file system");
	else if (err == ELOOP || err == ENOTDIR || err == EISDIR || err == ENAMETOOLONG)
		error_hint(e, "--db takes the path of a file");
	return -err;
}

static const struct failure *failure_of(int rc)
{
	size_t i;

	/* Extended codes stand first where they say more. */
	for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (failures[i].rc == rc || failures[i].rc == (rc & 0xff))
			return &failures[i];
	return NULL;
}

int db_fail(const struct db *db, int rc, struct error *e)
{
	const struct failure *f = failure_of(rc);
	int primary = rc & 0xff, err = 0;

	if (primary == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM)
		return error_nomem(e);
	if (primary == SQLITE_CONSTRAINT)
		return error_set(e,
				 rc == SQLITE_CONSTRAINT_UNIQUE ||
						 rc == SQLITE_CONSTRAINT_PRIMARYKEY
					 ? EEXIST
				 : rc == SQLITE_CONSTRAINT_FOREIGNKEY ? ENOENT
								      : EINVAL,
				 "database %s: %s", db->path, sqlite3_errmsg(db->handle));
	if (!f)
		return db_refuse(db, e, EIO, "%s", sqlite3_errmsg(db->handle));
	if (primary == SQLITE_IOERR || rc == SQLITE_CANTOPEN)
		err = sqlite3_system_errno(db->handle);
	/* A full disk and missing permission are told as such, whatever SQLite was doing. */
	if (err == ENOSPC || err == EDQUOT || err == EACCES || err == EPERM || err == EROFS ||
	    err == ELOOP || err == EMFILE || err == ENFILE)
		return db_fail_errno(db, err, e);
	if (err)
		db_refuse(db, e, err, "%s: %s", f->what, strerror(err));
	else if (primary == SQLITE_CORRUPT)
		db_refuse(db, e, f->err, "%s: %s", f->what, sqlite3_errmsg(db->handle));
	else
		db_refuse(db, e, f->err, "%s", f->what);
	if (f->hint)
		error_hint(e, "%s", f->hint);
	return err ? -err : -f->err;
}

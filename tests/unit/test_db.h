/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the database share: a directory for each test, and what is in it. */
#ifndef BPFMAN_TEST_DB_H
#define BPFMAN_TEST_DB_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "base/error.h"
#include "db/db.h"

/* Neither UTF-8 nor harmless. */
#define ODD "x\xff\xc3'\"\n\x1b%s;"

struct fixture {
	char dir[64];
	char path[96]; /* of the database: DIR/state/db, neither exists */
	struct error e;
};

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	snprintf(f->dir, sizeof(f->dir), "/tmp/bpfman-test-db-XXXXXX");
	if (!mkdtemp(f->dir)) {
		free(f);
		return -1;
	}
	snprintf(f->path, sizeof(f->path), "%s/state/db", f->dir);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	char dir[80];

	/* What a failed test left mounted. */
	snprintf(dir, sizeof(dir), "%s/state", f->dir);
	umount2(dir, MNT_DETACH);
	error_clear(&f->e);
	nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	free(f);
	return 0;
}

/* Ends the test with the error's message where a call failed. */
#define ok(f, call)                                                                 \
	do {                                                                        \
		int ok_ret = (call);                                                \
		if (ok_ret)                                                         \
			fail_msg("%s: %d: %s", #call, ok_ret,                       \
				 (f)->e.message ? (f)->e.message : "(no message)"); \
	} while (0)

static inline struct db *open_db(struct fixture *f, enum db_mode mode)
{
	struct db *db = NULL;

	ok(f, db_open(&db, f->path, mode, &f->e));
	return db;
}

/* Opening fails, says part, and is the environment's fault. */
static inline void refuses(struct fixture *f, enum db_mode mode, int err, const char *part)
{
	struct db *db = (struct db *)1;
	int ret;

	error_clear(&f->e);
	ret = db_open(&db, f->path, mode, &f->e);
	assert_int_equal(ret, -err);
	assert_null(db);
	assert_int_equal(f->e.err, err);
	assert_int_equal(f->e.class, ERROR_ENVIRONMENT);
	assert_non_null(f->e.message);
	if (!strstr(f->e.message, part) || !strstr(f->e.message, f->path))
		fail_msg("'%s' does not say '%s' and the path", f->e.message, part);
}

static inline void write_file(const char *path, const void *bytes, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static inline char *read_whole(const char *path, size_t *len)
{
	FILE *file = fopen(path, "r");
	struct buf b = { 0 };
	char part[4096];
	size_t n;

	if (!file)
		return NULL;
	while ((n = fread(part, 1, sizeof(part), file)) > 0)
		buf_add(&b, part, n);
	fclose(file);
	buf_char(&b, '\0');
	*len = b.len - 1;
	return b.data;
}

/*
 * Names, sizes, times and contents of all files of the database's directory; caller frees.
 * Without those whose names contain but (NULL: none): any reader may rebuild the -shm file.
 */
static inline char *picture_but(const struct fixture *f, const char *but)
{
	struct buf b = { 0 };
	struct dirent **list;
	char dir[80];
	int n, i;

	snprintf(dir, sizeof(dir), "%s/state", f->dir);
	n = scandir(dir, &list, NULL, alphasort);
	for (i = 0; i < n; i++) {
		uint64_t hash = UINT64_C(14695981039346656037);
		size_t len = 0, at;
		char path[400], *bytes;
		struct stat st;

		if (list[i]->d_name[0] != '.' && (!but || !strstr(list[i]->d_name, but))) {
			snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
			assert_int_equal(lstat(path, &st), 0);
			bytes = read_whole(path, &len);
			for (at = 0; at < len; at++)
				hash = (hash ^ (unsigned char)bytes[at]) * UINT64_C(1099511628211);
			free(bytes);
			buf_printf(&b, "%s %o %lld %lld.%09ld %016llx\n", list[i]->d_name,
				   (unsigned)st.st_mode, (long long)st.st_size,
				   (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
				   (unsigned long long)hash);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return buf_take(&b);
}

/* All of them. */
static inline char *picture(const struct fixture *f)
{
	return picture_but(f, NULL);
}

/* As another program would, leaving what is in the WAL there. */
static inline void exec_sql(const char *path, const char *sql)
{
	sqlite3 *handle;
	char *message = NULL;

	assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (sqlite3_exec(handle, sql, NULL, NULL, &message))
		fail_msg("%s: %s", sql, message);
	sqlite3_close(handle);
}

/* The one in which the database is to be. */
static inline void make_directory(struct fixture *f)
{
	char dir[80];

	snprintf(dir, sizeof(dir), "%s/state", f->dir);
	assert_int_equal(mkdir(dir, 0700), 0);
}

/* In a transaction of its own. */
static inline int64_t add_object(struct fixture *f, struct db *db, const char *name)
{
	struct db_object o = { .name = (char *)name, .state = DB_LOADED };

	ok(f, db_begin(db, &f->e));
	ok(f, db_object_insert(db, &o, &f->e));
	ok(f, db_commit(db, &f->e));
	return o.id;
}

static inline bool has_object(struct fixture *f, struct db *db, const char *name)
{
	struct db_object o;
	int ret = db_object_by_name(db, name, &o, &f->e);

	if (ret == -ENOENT)
		return false;
	ok(f, ret);
	db_object_clear(&o);
	return true;
}

/* Opened, in a transaction. */
static inline struct db *begin(struct fixture *f)
{
	struct db *db = open_db(f, DB_WRITE);

	ok(f, db_begin(db, &f->e));
	return db;
}

/* Commits, closes, and opens again: what is read comes from the file. */
static inline struct db *again(struct fixture *f, struct db *db)
{
	ok(f, db_commit(db, &f->e));
	db_close(db);
	return begin(f);
}

/* Closes a database that is sound. */
static inline void finish(struct fixture *f, struct db *db)
{
	char *problem;

	db_rollback(db);
	ok(f, db_check(db, &problem, &f->e));
	assert_null(problem);
	db_close(db);
}

/* In the caller's transaction. */
static inline int64_t insert_object(struct fixture *f, struct db *db, const char *name)
{
	struct db_object o = { .name = (char *)name, .state = DB_LOADED };

	ok(f, db_object_insert(db, &o, &f->e));
	return o.id;
}

/* Both NULL, or equal. */
static inline void same_text(const char *a, const char *b)
{
	if (a && b)
		assert_string_equal(a, b);
	else
		assert_ptr_equal(a, b);
}

#endif

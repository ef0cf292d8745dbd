/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making, opening, reading, copying. */
#include "test_db.h"

#include <errno.h>
#include <sys/wait.h>

#include "db/internal.h"

static void fresh(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	struct db *db;
	char uuid[33];
	mode_t mask;

	make_directory(f);
	mask = umask(0777);
	db = open_db(f, DB_WRITE);
	umask(mask);
	assert_int_equal(strspn(db_uuid(db), "0123456789abcdef"), 32);
	snprintf(uuid, sizeof(uuid), "%s", db_uuid(db));
	assert_int_equal(add_object(f, db, "one"), 1);
	db_close(db);

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	db = open_db(f, DB_READ);
	assert_string_equal(db_uuid(db), uuid);
	assert_true(has_object(f, db, "one"));
	db_close(db);
}

static void directories_made(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	snprintf(f->path, sizeof(f->path), "%s/state/deep/db", f->dir);
	db_close(open_db(f, DB_WRITE));
	*strrchr(f->path, '/') = '\0';
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	*strrchr(f->path, '/') = '\0';
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void journal_and_checks(void **state)
{
	struct fixture *f = *state;
	struct db *db = open_db(f, DB_WRITE);
	int64_t value;
	sqlite3_stmt *stmt;
	int flag;

	ok(f, db_exec_int(db, "PRAGMA synchronous", &value, &f->e));
	assert_int_equal(value, 1);
	ok(f, db_exec_int(db, "PRAGMA page_size", &value, &f->e));
	assert_int_equal(value, 2048);
	ok(f, db_exec_int(db, "PRAGMA foreign_keys", &value, &f->e));
	assert_int_equal(value, 1);
	ok(f, db_exec_int(db, "PRAGMA trusted_schema", &value, &f->e));
	assert_int_equal(value, 0);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, -1, &flag);
	assert_int_equal(flag, 1);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, -1, &flag);
	assert_int_equal(flag, 1);
	sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode", -1, &stmt, NULL);
	sqlite3_step(stmt);
	assert_string_equal(sqlite3_column_text(stmt, 0), db_small_blocks(db) ? "truncate" : "wal");
	sqlite3_finalize(stmt);
	db_close(db);
}

/* A long session: the WAL is written back and begun anew before it fills the disk. */
static void journal_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct db *db = open_db(f, DB_WRITE);
	char wal[120];
	struct stat st;
	off_t largest = 0;
	int i;

	snprintf(wal, sizeof(wal), "%s-wal", f->path);
	for (i = 0; i < 5000; i++) {
		ok(f, db_begin(db, &f->e));
		ok(f, db_directory_add(db, "/a", &f->e));
		ok(f, db_directory_delete(db, "/a", &f->e));
		ok(f, db_commit(db, &f->e));
		if (!stat(wal, &st) && st.st_size > largest)
			largest = st.st_size;
	}
	if (!db_small_blocks(db))
		assert_in_range(largest, 1, 4010 * (2048 + 24));
	ok(f, db_make_durable(db, &f->e));
	db_close(db);
	/* And a large one does not stay for the next that opens it. */
	if (!stat(wal, &st))
		assert_in_range(st.st_size, 0, 256 << 10);
}

/* A writer in the way of the switch to WAL: SQLite asks no busy handler there. */
static void journal_waits(void **state)
{
	struct fixture *f = *state;
	sqlite3 *handle;
	int ready[2], status;
	struct db *db;
	char c;

	db_close(open_db(f, DB_WRITE));
	exec_sql(f->path, "PRAGMA journal_mode = DELETE");
	assert_int_equal(pipe(ready), 0);
	if (!fork()) {
		if (sqlite3_open(f->path, &handle) ||
		    sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		usleep(200000);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	db = open_db(f, DB_WRITE);
	add_object(f, db, "one");
	db_close(db);
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
}

static void missing(void **state)
{
	struct fixture *f = *state;
	int64_t id;
	struct db *db;

	db = open_db(f, DB_READ);
	assert_string_equal(db_uuid(db), "");
	assert_false(has_object(f, db, "one"));
	ok(f, db_next_id(db, &id, &f->e));
	assert_int_equal(id, 1);
	assert_int_equal(db_begin(db, &f->e), -EROFS);
	db_close(db);

	db = open_db(f, DB_SCRATCH);
	assert_int_equal(add_object(f, db, "one"), 1);
	assert_true(has_object(f, db, "one"));
	ok(f, db_make_durable(db, &f->e));
	db_close(db);
	/* Neither made anything. */
	assert_int_equal(access(f->path, F_OK), -1);
	*strrchr(f->path, '/') = '\0';
	assert_int_equal(access(f->path, F_OK), -1);
}

static void read_refuses_writes(void **state)
{
	struct fixture *f = *state;
	struct db *db = open_db(f, DB_WRITE);

	/* Outside a transaction too. */
	assert_int_equal(db_directory_add(db, "/a", &f->e), -EINVAL);
	db_close(db);
	db = open_db(f, DB_READ);
	assert_int_equal(db_begin(db, &f->e), -EROFS);
	assert_int_equal(db_exec(db, "DELETE FROM meta", &f->e), -EROFS);
	db_close(db);
}

static void empty_file(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	struct db *db;

	make_directory(f);
	write_file(f->path, "", 0);
	db = open_db(f, DB_READ);
	assert_string_equal(db_uuid(db), "");
	db_close(db);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_size, 0);
	db = open_db(f, DB_WRITE);
	assert_int_equal(strlen(db_uuid(db)), 32);
	db_close(db);
}

/* Killed after the file was made and before its schema was committed. */
static void half_made(void **state)
{
	struct fixture *f = *state;
	struct db *db;

	make_directory(f);
	exec_sql(f->path, "PRAGMA journal_mode = WAL");
	db = open_db(f, DB_READ);
	assert_string_equal(db_uuid(db), "");
	db_close(db);
	db = open_db(f, DB_WRITE);
	add_object(f, db, "one");
	db_close(db);
	assert_true(has_object(f, db = open_db(f, DB_READ), "one"));
	db_close(db);
}

static void odd_names(void **state)
{
	static const char *const names[] = { ":memory:", "file:a?mode=memory", "a b;c'd",
					     "\xff\n" };
	struct fixture *f = *state;
	struct db *db;
	char cwd[400];
	size_t i;

	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(f->dir), 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ok(f, db_open(&db, names[i], DB_WRITE, &f->e));
		add_object(f, db, "one");
		db_close(db);
		assert_int_equal(access(names[i], F_OK), 0);
		ok(f, db_open(&db, names[i], DB_READ, &f->e));
		assert_true(has_object(f, db, "one"));
		db_close(db);
	}
	assert_int_equal(db_open(&db, "", DB_READ, &f->e), -EISDIR);
	assert_int_equal(chdir(cwd), 0);
}

/* As a user without rights; 0 when all of it held. */
static int as_nobody(struct fixture *f, int (*fn)(struct fixture *f))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(99);
		_exit(fn(f)); /* fn must not assert */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int both_refused(struct fixture *f)
{
	struct db *db;

	if (db_open(&db, f->path, DB_READ, &f->e) != -EACCES)
		return 1;
	if (!strstr(f->e.message, "Permission denied") || !f->e.hint)
		return 2;
	if (db_open(&db, f->path, DB_WRITE, &f->e) != -EACCES)
		return 3;
	return 0;
}

static int only_read(struct fixture *f)
{
	struct db_object o;
	struct db *db;

	if (db_open(&db, f->path, DB_READ, &f->e))
		return 1;
	if (db_object_by_name(db, "one", &o, &f->e))
		return 2;
	db_close(db);
	if (db_open(&db, f->path, DB_WRITE, &f->e) != -EACCES)
		return 3;
	if (db_open(&db, f->path, DB_SCRATCH, &f->e))
		return 4;
	db_close(db);
	return 0;
}

static int shm_refused(struct fixture *f)
{
	struct db *db;

	if (db_open(&db, f->path, DB_READ, &f->e) != -EACCES)
		return 1;
	return strstr(f->e.message, "-shm") && strstr(f->e.hint, "directory") ? 0 : 2;
}

static void permissions(void **state)
{
	struct fixture *f = *state;
	char dir[80], name[128];
	struct db *db;

	if (geteuid())
		skip();
	assert_int_equal(chmod(f->dir, 0755), 0);
	db = open_db(f, DB_WRITE);
	add_object(f, db, "one");
	db_close(db);
	/* As made: for its owner alone. */
	assert_int_equal(as_nobody(f, both_refused), 0);
	snprintf(dir, sizeof(dir), "%s/state", f->dir);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(as_nobody(f, both_refused), 0);
	/* Opened to readers: with -wal and -shm. */
	chmod(f->path, 0644);
	snprintf(name, sizeof(name), "%s-wal", f->path);
	chmod(name, 0644);
	assert_int_equal(as_nobody(f, shm_refused), 0);
	snprintf(name, sizeof(name), "%s-shm", f->path);
	chmod(name, 0644);
	assert_int_equal(as_nobody(f, only_read), 0);
	unlink(name);
	assert_int_equal(as_nobody(f, shm_refused), 0);
}

static void scratch(void **state)
{
	struct fixture *f = *state;
	struct db *db = open_db(f, DB_WRITE);
	char *before, *after, uuid[33];
	int64_t id;

	add_object(f, db, "one");
	snprintf(uuid, sizeof(uuid), "%s", db_uuid(db));
	db_close(db);
	before = picture_but(f, "-shm");
	db = open_db(f, DB_SCRATCH);
	assert_string_equal(db_uuid(db), uuid);
	assert_true(has_object(f, db, "one"));
	assert_int_equal(add_object(f, db, "two"), 2);
	ok(f, db_begin(db, &f->e));
	ok(f, db_object_delete(db, 1, &f->e));
	ok(f, db_commit(db, &f->e));
	ok(f, db_make_durable(db, &f->e));
	ok(f, db_next_id(db, &id, &f->e));
	assert_int_equal(id, 3);
	db_close(db);
	after = picture_but(f, "-shm");
	assert_string_equal(before, after);
	free(before);
	free(after);
	db = open_db(f, DB_READ);
	assert_true(has_object(f, db, "one"));
	assert_false(has_object(f, db, "two"));
	db_close(db);
}

static void data_version(void **state)
{
	struct fixture *f = *state;
	struct db *writer = open_db(f, DB_WRITE), *reader = open_db(f, DB_READ);
	int64_t before, after;

	ok(f, db_data_version(reader, &before, &f->e));
	ok(f, db_data_version(reader, &after, &f->e));
	assert_int_equal(before, after);
	add_object(f, writer, "one");
	ok(f, db_data_version(reader, &after, &f->e));
	assert_int_not_equal(before, after);
	db_close(writer);
	db_close(reader);
}

/* The same work again prepares nothing again. */
static void prepared_once(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct db_object o;
	sqlite3_stmt *stmt = NULL;
	int i, most = 0, runs;

	for (i = 0; i < 5; i++)
		assert_int_equal(db_object_by_name(db, "none", &o, &f->e), -ENOENT);
	while ((stmt = sqlite3_next_stmt(db->handle, stmt))) {
		runs = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_RUN, 0);
		most = runs > most ? runs : most;
	}
	assert_int_equal(most, 5);
	finish(f, db);
}

int main(void)
{
#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(fresh),
		test(directories_made),
		test(journal_and_checks),
		test(journal_is_bounded),
		test(journal_waits),
		test(missing),
		test(read_refuses_writes),
		test(empty_file),
		test(half_made),
		test(odd_names),
		test(permissions),
		test(scratch),
		test(data_version),
		test(prepared_once),
	};

	return cmocka_run_group_tests_name("db_open", tests, NULL, NULL);
}

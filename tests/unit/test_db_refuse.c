/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is refused, and left as it is. */
#include "test_db.h"

#include <errno.h>

/* Each mode leaves a database that it refuses as it was. */
static void refused_untouched(struct fixture *f, int err, const char *part)
{
	static const enum db_mode modes[] = { DB_READ, DB_WRITE, DB_SCRATCH };
	char *before = picture(f), *after;
	size_t i;

	for (i = 0; i < 3; i++) {
		refuses(f, modes[i], err, part);
		after = picture(f);
		assert_string_equal(before, after);
		free(after);
	}
	free(before);
}

static void remove_beside(const struct fixture *f, const char *suffix)
{
	char name[128];

	snprintf(name, sizeof(name), "%s%s", f->path, suffix);
	assert_int_equal(unlink(name), 0);
}

static void not_a_database(void **state)
{
	struct fixture *f = *state;
	char zeros[8192] = { 0 };

	make_directory(f);
	write_file(f->path, "hello\n", 6);
	refused_untouched(f, EINVAL, "not an SQLite database");
	write_file(f->path, zeros, sizeof(zeros));
	refused_untouched(f, EINVAL, "not an SQLite database");
	write_file(f->path, "SQLite format 3", 16);
	refused_untouched(f, EINVAL, "not an SQLite database");
}

static void not_a_file(void **state)
{
	struct fixture *f = *state;
	char *slash;

	make_directory(f);
	assert_int_equal(mkdir(f->path, 0700), 0);
	refused_untouched(f, EISDIR, "Is a directory");
	rmdir(f->path);
	assert_int_equal(symlink(f->path, f->path), 0);
	refused_untouched(f, ELOOP, "symbolic links");
	unlink(f->path);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	/* Not with a picture of it: reading a FIFO waits. */
	refuses(f, DB_WRITE, EINVAL, "not a regular file");
	refuses(f, DB_READ, EINVAL, "not a regular file");
	unlink(f->path);
	assert_int_equal(symlink("/nowhere/at/all", f->path), 0);
	refuses(f, DB_WRITE, ENOENT, "leads nowhere");
	unlink(f->path);
	write_file(f->path, "x", 1);
	strcat(f->path, "/db");
	refused_untouched(f, ENOTDIR, "Not a directory");
	slash = strrchr(f->path, '/');
	strcpy(slash, "2/");
	refused_untouched(f, EISDIR, "Is a directory");
}

static void path_too_long(void **state)
{
	struct fixture *f = *state;
	char path[700], *part = path;
	struct db *db;

	part += sprintf(part, "%s", f->dir);
	while (part < path + 600)
		part += sprintf(part, "/%050d", 0);
	assert_int_equal(db_open(&db, path, DB_WRITE, &f->e), -ENAMETOOLONG);
	assert_non_null(strstr(f->e.message, "longer than"));
}

static void foreign(void **state)
{
	struct fixture *f = *state;

	make_directory(f);
	exec_sql(f->path, "CREATE TABLE t (x)");
	refused_untouched(f, EINVAL, "belongs to another program");
	exec_sql(f->path, "PRAGMA application_id = 0x1234");
	refused_untouched(f, EINVAL, "application_id 0x00001234");
	/* In a WAL, of which the main file says nothing. */
	unlink(f->path);
	exec_sql(f->path, "PRAGMA journal_mode = WAL; CREATE TABLE t (x)");
	refuses(f, DB_WRITE, EINVAL, "belongs to another program");
	/* Nor may a -shm be made where only the -wal is there. */
	exec_sql(f->path, "PRAGMA application_id = 0x1234; PRAGMA wal_checkpoint(TRUNCATE);"
			  "INSERT INTO t VALUES (1)");
	remove_beside(f, "-shm");
	refused_untouched(f, EINVAL, "application_id 0x00001234");
	/* Nor a -wal where there is none. */
	remove_beside(f, "-wal");
	refused_untouched(f, EINVAL, "belongs to another program");
}

static void from_the_future(void **state)
{
	struct fixture *f = *state;
	char *before, *after;

	db_close(open_db(f, DB_WRITE));
	/* The newer number is only in the WAL, as a newer bpfman would leave it. */
	exec_sql(f->path, "PRAGMA user_version = 1000");
	before = picture_but(f, "-shm");
	refuses(f, DB_WRITE, EOPNOTSUPP, "written by a newer bpfman (schema 1000, this one knows ");
	refuses(f, DB_READ, EOPNOTSUPP, "schema 1000");
	refuses(f, DB_SCRATCH, EOPNOTSUPP, "schema 1000");
	after = picture_but(f, "-shm");
	assert_string_equal(before, after);
	assert_non_null(strstr(after, "db-wal"));
	free(before);
	free(after);

	exec_sql(f->path, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
	refused_untouched(f, EOPNOTSUPP, "schema 1000");
}

static void damaged(void **state)
{
	struct fixture *f = *state;
	char *bytes, *problem;
	struct db *db;
	size_t len;

	db_close(open_db(f, DB_WRITE));
	exec_sql(f->path, "PRAGMA wal_checkpoint(TRUNCATE)");
	remove_beside(f, "-wal");
	remove_beside(f, "-shm");
	bytes = read_whole(f->path, &len);
	assert_true(len > 8 * 4096);

	/* Cut off. */
	write_file(f->path, bytes, len / 2);
	refused_untouched(f, EUCLEAN, "damaged");
	write_file(f->path, bytes, 4096 + 17);
	refused_untouched(f, EUCLEAN, "damaged");
	/* The schema's pages overwritten. */
	memset(bytes + 100, 0xa5, 3000);
	write_file(f->path, bytes, len);
	refused_untouched(f, EUCLEAN, "damaged");
	free(bytes);
	unlink(f->path);

	/* What bpfman did not write, under its number. */
	exec_sql(f->path, "PRAGMA application_id = 0x6270666d; PRAGMA user_version = 1;"
			  "CREATE TABLE t (x)");
	refused_untouched(f, EUCLEAN, "no such table: meta");
	exec_sql(f->path, "CREATE TABLE meta (key, value)");
	refused_untouched(f, EUCLEAN, "no uuid");
	exec_sql(f->path, "PRAGMA user_version = 0");
	refused_untouched(f, EUCLEAN, "no schema version");
	unlink(f->path);

	/* Deeper damage is db_check()'s to find. */
	db = open_db(f, DB_WRITE);
	add_object(f, db, "one");
	ok(f, db_check(db, &problem, &f->e));
	assert_null(problem);
	db_close(db);
	exec_sql(f->path, "PRAGMA foreign_keys = OFF; DELETE FROM things");
	db = open_db(f, DB_READ);
	ok(f, db_check(db, &problem, &f->e));
	assert_non_null(strstr(problem, "objects"));
	free(problem);
	db_close(db);
	exec_sql(f->path, "PRAGMA writable_schema = ON; PRAGMA wal_checkpoint(TRUNCATE);"
			  "DELETE FROM sqlite_schema WHERE name = 'programs_name'");
	db = open_db(f, DB_READ);
	ok(f, db_check(db, &problem, &f->e));
	assert_non_null(problem);
	free(problem);
	db_close(db);
}

int main(void)
{
#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(not_a_database), test(not_a_file),	     test(path_too_long),
		test(foreign),	      test(from_the_future), test(damaged),
	};

	return cmocka_run_group_tests_name("db_refuse", tests, NULL, NULL);
}

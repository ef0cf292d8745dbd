/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Migrations, and several processes that make one database. */
#include "test_db.h"

#include <errno.h>
#include <sys/wait.h>

#include "db/internal.h"

static const char step_one[] =
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) STRICT;"
	"INSERT INTO meta VALUES ('uuid', lower(hex(randomblob(16))));"
	"CREATE TABLE parents (id INTEGER PRIMARY KEY) STRICT;"
	"CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER "
	"REFERENCES parents (id) ON DELETE CASCADE) STRICT;"
	"INSERT INTO parents VALUES (1); INSERT INTO children VALUES (1, 1);";

/* Rebuilds a table that others refer to: with foreign keys on, its children would go. */
static const char step_two[] = "CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT) STRICT;"
			       "INSERT INTO new SELECT id, 'n' || id FROM parents;"
			       "DROP TABLE parents; ALTER TABLE new RENAME TO parents;";

static const char step_three[] = "INSERT INTO parents VALUES (2, 'two');";

static const char bad_step[] = "INSERT INTO parents VALUES (3, 'three'); INSERT INTO nothing "
			       "VALUES (1);";

static const char orphan_step[] = "INSERT INTO children VALUES (9, 9);";

static const char *const steps[] = { step_one, step_two, step_three };

static const char *const bad_steps[] = { step_one, bad_step };

static const char *const orphan_steps[] = { step_one, orphan_step };

static void from_old(void **state)
{
	const struct schema one = { steps, 1 }, three = { steps, 3 }, two = { steps, 2 };
	struct fixture *f = *state;
	char uuid[33], *before, *after;
	struct db *db;
	int64_t value;

	ok(f, db_open_schema(&db, f->path, DB_WRITE, &one, &f->e));
	snprintf(uuid, sizeof(uuid), "%s", db_uuid(db));
	db_close(db);
	/* Leaves a -wal, as any use does. */
	ok(f, db_open_schema(&db, f->path, DB_READ, &one, &f->e));
	db_close(db);

	/* Read: migrated in memory only. */
	before = picture_but(f, "-shm");
	ok(f, db_open_schema(&db, f->path, DB_READ, &three, &f->e));
	assert_string_equal(db_uuid(db), uuid);
	ok(f,
	   db_exec_int(db, "SELECT count(*) FROM parents WHERE name IS NOT NULL", &value, &f->e));
	assert_int_equal(value, 2);
	assert_int_equal(db_exec(db, "DELETE FROM parents", &f->e), -EROFS);
	db_close(db);
	ok(f, db_open_schema(&db, f->path, DB_SCRATCH, &three, &f->e));
	assert_string_equal(db_uuid(db), uuid);
	ok(f, db_exec(db, "DELETE FROM parents", &f->e));
	db_close(db);
	after = picture_but(f, "-shm");
	assert_string_equal(before, after);
	free(before);
	free(after);

	ok(f, db_open_schema(&db, f->path, DB_WRITE, &three, &f->e));
	assert_string_equal(db_uuid(db), uuid);
	ok(f, db_exec_int(db, "PRAGMA user_version", &value, &f->e));
	assert_int_equal(value, 3);
	ok(f, db_exec_int(db, "SELECT count(*) FROM children", &value, &f->e));
	assert_int_equal(value, 1);
	/* The foreign key leads to the new table. */
	ok(f, db_exec_int(db, "PRAGMA foreign_keys", &value, &f->e));
	assert_int_equal(value, 1);
	ok(f, db_exec(db, "DELETE FROM parents WHERE name = 'n1'", &f->e));
	ok(f, db_exec_int(db, "SELECT count(*) FROM children", &value, &f->e));
	assert_int_equal(value, 0);
	db_close(db);
	/* Again: nothing to do. And the older program refuses it. */
	ok(f, db_open_schema(&db, f->path, DB_WRITE, &three, &f->e));
	db_close(db);
	assert_int_equal(db_open_schema(&db, f->path, DB_WRITE, &two, &f->e), -EOPNOTSUPP);
}

static void failing_migration(void **state)
{
	const struct schema one = { steps, 1 }, bad = { bad_steps, 2 },
			    orphan = { orphan_steps, 2 };
	struct fixture *f = *state;
	struct db *db;
	int64_t value;

	ok(f, db_open_schema(&db, f->path, DB_WRITE, &one, &f->e));
	db_close(db);
	assert_true(db_open_schema(&db, f->path, DB_WRITE, &bad, &f->e) < 0);
	assert_true(db_open_schema(&db, f->path, DB_WRITE, &orphan, &f->e) < 0);
	assert_non_null(strstr(f->e.message, "refer"));
	ok(f, db_open_schema(&db, f->path, DB_WRITE, &one, &f->e));
	ok(f, db_exec_int(db, "SELECT count(*) FROM parents", &value, &f->e));
	assert_int_equal(value, 1);
	db_close(db);
}

/* Its own process: no assertion may end it. */
static int make_and_add(struct fixture *f, int start, const char *name)
{
	struct db_object o = { .name = (char *)name, .state = DB_LOADED };
	struct db *db;
	char c;

	/* All begin when the other end is closed. */
	if (read(start, &c, 1))
		return 1;
	if (db_open(&db, f->path, DB_WRITE, &f->e) || strlen(db_uuid(db)) != 32 ||
	    db_begin(db, &f->e) || db_object_insert(db, &o, &f->e) || db_commit(db, &f->e)) {
		fprintf(stderr, "%s\n", f->e.message ? f->e.message : "no uuid");
		return 2;
	}
	db_close(db);
	return 0;
}

/* Several processes meet a database that is not there. */
static void made_at_once(void **state)
{
	enum { PROCESSES = 8, ROUNDS = 10 };
	struct fixture *f = *state;
	int start[2], round, i, status;
	char name[32];
	int64_t id;
	struct db *db;

	for (round = 0; round < ROUNDS; round++) {
		snprintf(f->path, sizeof(f->path), "%s/%d/db", f->dir, round);
		assert_int_equal(pipe(start), 0);
		for (i = 0; i < PROCESSES; i++) {
			snprintf(name, sizeof(name), "o%d", i);
			if (fork())
				continue;
			close(start[1]);
			_exit(make_and_add(f, start[0], name));
		}
		close(start[0]);
		close(start[1]);
		for (i = 0; i < PROCESSES; i++) {
			assert_true(wait(&status) > 0);
			assert_int_equal(status, 0);
		}
		db = open_db(f, DB_READ);
		ok(f, db_next_id(db, &id, &f->e));
		assert_int_equal(id, PROCESSES + 1);
		db_close(db);
	}
}

int main(void)
{
#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(from_old),
		test(failing_migration),
		test(made_at_once),
	};

	return cmocka_run_group_tests_name("db_migrate", tests, NULL, NULL);
}

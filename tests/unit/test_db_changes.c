/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a reader is told to have changed: all of it, each thing once, nothing that was taken back.
 */
#include "test_db.h"

#include "db/internal.h"

struct told {
	int64_t last;
	bool all;
	int64_t *ids;
	size_t count;
};

static void tell(struct fixture *f, struct db *db, struct told *t)
{
	free(t->ids);
	ok(f, db_changes(db, t->last, &t->last, &t->all, &t->ids, &t->count, &f->e));
}

/* Commits, and compares what a reader learns with these ids, ended by 0. */
static void commit_tells(struct fixture *f, struct db *db, struct told *t, const int64_t *ids)
{
	struct db *reader = open_db(f, DB_READ);
	size_t i;

	ok(f, db_commit(db, &f->e));
	ok(f, db_begin(db, &f->e));
	tell(f, reader, t);
	assert_false(t->all);
	for (i = 0; ids[i] && i < t->count; i++)
		assert_int_equal(t->ids[i], ids[i]);
	assert_int_equal(t->count, i);
	assert_int_equal(ids[i], 0);
	db_close(reader);
}
#define TELLS(...) commit_tells(f, db, &t, (const int64_t[]){ __VA_ARGS__, 0 })

static void every_change(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct db_program p = { .name = "count", .type = "xdp", .state = DB_PENDING };
	struct db_map m = { .name = "counters", .type = "array", .state = DB_LOADED };
	struct db_link l = { .state = DB_PENDING };
	struct told t = { .last = -1 };
	int64_t object;

	tell(f, db, &t);
	assert_true(t.all); /* nothing is known yet */
	assert_int_equal(t.count, 0);
	object = insert_object(f, db, "a");
	TELLS(object);
	p.object_id = m.object_id = object;
	ok(f, db_program_insert(db, &p, &f->e));
	ok(f, db_map_insert(db, &m, &f->e));
	TELLS(p.id, m.id);
	ok(f, db_use(db, p.id, m.id, &f->e));
	TELLS(m.id);
	ok(f, db_program_set_state(db, p.id, DB_LOADED, &f->e));
	ok(f, db_program_set_state(db, p.id, DB_UNLOADING, &f->e));
	TELLS(p.id);
	l.program_id = p.id;
	ok(f, db_link_insert(db, &l, &f->e));
	TELLS(l.id);
	ok(f, db_link_settle(db, &l, &f->e));
	ok(f, db_link_keep(db, l.id, &f->e));
	TELLS(l.id);
	ok(f, db_unuse(db, p.id, &f->e));
	TELLS(m.id);
	/* What is only remembered beside is no thing that changes. */
	ok(f, db_directory_add(db, "/a", &f->e));
	TELLS(0);
	db_rollback(db);
	ok(f, db_begin(db, &f->e));
	ok(f, db_program_set_state(db, p.id, DB_LOADED, &f->e));
	db_rollback(db);
	ok(f, db_begin(db, &f->e));
	TELLS(0);
	/* All that goes with it is told, too. */
	ok(f, db_object_delete(db, object, &f->e));
	TELLS(object, p.id, m.id, l.id);
	free(t.ids);
	finish(f, db);
}

static void of_a_rows_own_table(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct told t = { .last = -1 };
	struct db_program p = { .name = "count", .type = "xdp", .state = DB_LOADED };
	struct db_link l = { .state = DB_LOADED };

	p.object_id = insert_object(f, db, "a");
	ok(f, db_program_insert(db, &p, &f->e));
	l.program_id = p.id;
	ok(f, db_link_insert(db, &l, &f->e));
	tell(f, db, &t);
	/* Not by the function that names each: by what refers to it. */
	ok(f, db_exec(db, "DELETE FROM objects", &f->e));
	TELLS(p.object_id, p.id, l.id);
	free(t.ids);
	db_rollback(db);
	db_close(db);
}

static void too_many(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct told t = { .last = -1 }, behind;
	int64_t object = insert_object(f, db, "a"), kept;
	int i;

	ok(f, db_commit(db, &f->e));
	tell(f, db, &t);
	behind = (struct told){ .last = t.last };
	for (i = 0; i < 3000; i++) {
		ok(f, db_begin(db, &f->e));
		ok(f,
		   db_object_set_state(db, object, i % 2 ? DB_LOADED : DB_PENDING, "run", &f->e));
		ok(f, db_commit(db, &f->e));
	}
	tell(f, db, &behind);
	assert_true(behind.all);
	assert_int_equal(behind.last, t.last + 3000);
	ok(f, db_exec_int(db, "SELECT count(*) FROM changes", &kept, &f->e));
	assert_in_range(kept, 2048, 2048 + 256);
	tell(f, db, &behind);
	assert_false(behind.all);
	assert_int_equal(behind.count, 0);
	/* Another database, or an older copy of it: it knows less than was read. */
	behind.last += 1;
	tell(f, db, &behind);
	assert_true(behind.all);
	free(t.ids);
	free(behind.ids);
	finish(f, db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_change, setup, teardown),
		cmocka_unit_test_setup_teardown(of_a_rows_own_table, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs that are all or nothing, in the rows. */
#include "test_db.h"

#include "db/internal.h"

#define BOOT "boot"

/* An object with a program and a link of it, on one of two bpffs. */
struct family {
	int64_t object, program, map, link;
};

static struct family insert_family(struct fixture *f, struct db *db, const char *name,
				   uint64_t root_dev)
{
	struct db_object o = {
		.name = (char *)name,
		.state = DB_LOADED,
		.boot_id = BOOT,
		.root_dev = root_dev,
		.outside_path = "/outside",
	};
	struct db_program p = { .name = "p", .type = "xdp", .state = DB_LOADED };
	struct db_map m = { .name = "m",
			    .type = "hash",
			    .state = DB_LOADED,
			    .boot_id = BOOT,
			    .root_dev = root_dev };
	struct db_link l = { .state = DB_LOADED, .boot_id = BOOT, .root_dev = root_dev };

	ok(f, db_object_insert(db, &o, &f->e));
	p.object_id = m.object_id = o.id;
	ok(f, db_program_insert(db, &p, &f->e));
	ok(f, db_map_insert(db, &m, &f->e));
	ok(f, db_use(db, p.id, m.id, &f->e));
	l.program_id = p.id;
	ok(f, db_link_insert(db, &l, &f->e));
	return (struct family){ o.id, p.id, m.id, l.id };
}

static void unload(struct fixture *f, struct db *db, const struct family *g)
{
	ok(f, db_object_set_state(db, g->object, DB_UNLOADING, NULL, &f->e));
	ok(f, db_program_set_state(db, g->program, DB_UNLOADING, &f->e));
	ok(f, db_map_set_state(db, g->map, DB_UNLOADING, &f->e));
	ok(f, db_link_set_state(db, g->link, DB_UNLOADING, NULL, &f->e));
}

/* The state that all its rows have. */
static enum db_state state_of(struct fixture *f, struct db *db, const struct family *g)
{
	struct db_object o;
	struct db_program p;
	struct db_map m;
	struct db_link l;
	enum db_state state;

	ok(f, db_object_get(db, g->object, &o, &f->e));
	ok(f, db_program_get(db, g->program, &p, &f->e));
	ok(f, db_map_get(db, g->map, &m, &f->e));
	ok(f, db_link_get(db, g->link, &l, &f->e));
	state = o.state;
	assert_int_equal(p.state, state);
	assert_int_equal(m.state, state);
	assert_int_equal(l.state, state);
	db_object_clear(&o);
	db_program_clear(&p);
	db_map_clear(&m);
	db_link_clear(&l);
	return state;
}

static void begin_run(struct fixture *f, struct db *db, struct db_atomic *a)
{
	*a = (struct db_atomic){ .run_id = "run", .boot_id = BOOT, .root_dev = 1 };
	ok(f, db_next_id(db, &a->first_id, &f->e));
	ok(f, db_atomic_begin(db, a, &f->e));
	assert_false(db_set_undecided(db, true));
}

static void what_the_run_sees(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct family old = insert_family(f, db, "same", 1), new;
	struct db_object o;
	struct db_atomic a;
	enum db_kind kind;
	int64_t *ids;
	size_t count;

	begin_run(f, db, &a);
	unload(f, db, &old);
	assert_int_equal(db_object_by_name(db, "same", &o, &f->e), -ENOENT);
	assert_int_equal(db_kind_of(db, old.link, &kind, &f->e), -ENOENT);
	new = insert_family(f, db, "same", 1);
	assert_int_equal(state_of(f, db, &new), DB_LOADED);
	ok(f, db_object_by_name(db, "same", &o, &f->e));
	assert_int_equal(o.id, new.object);
	db_object_clear(&o);
	ok(f, db_kind_of(db, new.link, &kind, &f->e));
	assert_int_equal(kind, DB_LINK);
	ok(f, db_use(db, old.program, new.map, &f->e));
	ok(f, db_map_programs(db, new.map, &ids, &count, &f->e));
	assert_int_equal(count, 1);
	assert_int_equal(ids[0], new.program);
	free(ids);

	assert_true(db_set_undecided(db, false));
	assert_int_equal(state_of(f, db, &old), DB_UNLOADING);
	assert_int_equal(state_of(f, db, &new), DB_PENDING);
	ok(f, db_map_programs(db, new.map, &ids, &count, &f->e));
	assert_int_equal(count, 2);
	free(ids);
	finish(f, db);
}

static void decided(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct family old = insert_family(f, db, "same", 1), new;
	struct db_atomic a, read;
	struct db_object o;
	bool any;

	begin_run(f, db, &a);
	unload(f, db, &old);
	new = insert_family(f, db, "same", 1);
	ok(f, db_object_settle(db, new.object, "/dir", 1, &f->e));
	ok(f, db_object_get(db, new.object, &o, &f->e));
	assert_string_equal(o.outside_path, "/outside");
	db_object_clear(&o);
	db = again(f, db);
	ok(f, db_any_unsettled(db, 0, &any, &f->e));
	assert_true(any);
	ok(f, db_atomic_get(db, &read, &f->e));
	assert_int_equal(read.first_id, a.first_id);
	assert_string_equal(read.boot_id, BOOT);
	ok(f, db_commit(db, &f->e));
	ok(f, db_begin_durable(db, &f->e));
	ok(f, db_atomic_decide(db, &read, &f->e));
	ok(f, db_commit(db, &f->e));
	db_atomic_clear(&read);
	assert_int_equal(db_atomic_get(db, &read, &f->e), -ENOENT);
	assert_int_equal(state_of(f, db, &old), DB_UNLOADING);
	assert_int_equal(state_of(f, db, &new), DB_LOADED);
	ok(f, db_object_get(db, new.object, &o, &f->e));
	assert_null(o.outside_path);
	db_object_clear(&o);
	db_close(db);
}

static void undone(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct family old = insert_family(f, db, "old", 1), far = insert_family(f, db, "far", 2);
	struct family stays = insert_family(f, db, "stays", 1), new, brief;
	struct db_map shared = { .name = "m", .type = "hash", .state = DB_LOADED };
	struct db_link replacement = { .state = DB_LOADED }, l;
	struct db_atomic a;

	/* What waits on another bpffs since before goes on waiting. */
	unload(f, db, &far);
	begin_run(f, db, &a);
	unload(f, db, &old);
	new = insert_family(f, db, "old", 1);
	replacement.program_id = new.program;
	replacement.replaces = old.link;
	ok(f, db_link_insert(db, &replacement, &f->e));
	ok(f, db_map_insert(db, &shared, &f->e));
	brief = insert_family(f, db, "brief", 1);
	ok(f, db_object_set_state(db, brief.object, DB_UNLOADING, NULL, &f->e));
	ok(f, db_link_set_state(db, brief.link, DB_UNLOADING, NULL, &f->e));
	db_set_undecided(db, false);
	ok(f, db_link_replacement(db, old.link, &l, &f->e));
	assert_int_equal(l.id, replacement.id);
	db_link_clear(&l);
	assert_int_equal(db_link_replacement(db, new.link, &l, &f->e), -ENOENT);

	ok(f, db_atomic_undo(db, &a, &f->e));
	assert_int_equal(state_of(f, db, &old), DB_LOADED);
	assert_int_equal(state_of(f, db, &stays), DB_LOADED);
	assert_int_equal(state_of(f, db, &far), DB_UNLOADING);
	assert_int_equal(state_of(f, db, &new), DB_PENDING);
	assert_int_equal(state_of(f, db, &brief), DB_PENDING);
	assert_int_equal(db_map_get(db, shared.id, &shared, &f->e), -ENOENT);
	assert_int_equal(db_atomic_get(db, &a, &f->e), -ENOENT);
	finish(f, db);
}

/* The commit that decides is waited for, and those after it are not. */
static void durable(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	static const char commits[] = "SELECT value FROM meta WHERE key = 'durable_commits'";
	struct db_atomic a;
	int64_t before, after;

	ok(f, db_commit(db, &f->e));
	ok(f, db_begin(db, &f->e));
	begin_run(f, db, &a);
	ok(f, db_commit(db, &f->e));
	ok(f, db_begin_durable(db, &f->e));
	ok(f, db_atomic_decide(db, &a, &f->e));
	ok(f, db_commit(db, &f->e));
	/* Nothing is left to be made durable: no commit is counted. */
	ok(f, db_exec_int(db, commits, &before, &f->e));
	ok(f, db_make_durable(db, &f->e));
	ok(f, db_exec_int(db, commits, &after, &f->e));
	assert_int_equal(before, after);
	ok(f, db_begin_durable(db, &f->e));
	db_rollback(db);
	ok(f, db_exec_int(db, "PRAGMA synchronous", &after, &f->e));
	assert_int_equal(after, 1);
	db_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_the_run_sees, setup, teardown),
		cmocka_unit_test_setup_teardown(decided, setup, teardown),
		cmocka_unit_test_setup_teardown(undone, setup, teardown),
		cmocka_unit_test_setup_teardown(durable, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

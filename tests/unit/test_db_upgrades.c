/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows that are written over, and upgrades under way. */
#include "test_db.h"

#include <errno.h>

static int64_t insert_program(struct fixture *f, struct db *db, int64_t object_id)
{
	struct db_program p = {
		.object_id = object_id, .name = "count", .type = "xdp", .state = DB_LOADED
	};

	ok(f, db_program_insert(db, &p, &f->e));
	return p.id;
}

static void rows_are_written_over(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	int64_t a = insert_object(f, db, "a"), b = insert_object(f, db, "b");
	int64_t program = insert_program(f, db, a), other = insert_program(f, db, b);
	struct db_map m = {
		.object_id = a, .name = "counters", .type = "array", .state = DB_LOADED
	};
	struct db_program p;
	struct db_object o;
	int64_t *ids;
	size_t count;

	ok(f, db_map_insert(db, &m, &f->e));
	ok(f, db_use(db, program, m.id, &f->e));
	ok(f, db_program_get(db, program, &p, &f->e));
	free(p.tag);
	p.tag = strdup("0123456789abcdef");
	p.pin = strdup("/sys/fs/bpf/p");
	p.identity = (struct db_identity){ UINT64_MAX, 7, 42 };
	ok(f, db_program_update(db, &p, &f->e));
	db_program_clear(&p);
	m.max_entries = 64;
	ok(f, db_map_update(db, &m, &f->e));
	ok(f, db_object_get(db, a, &o, &f->e));
	o.previous_path = strdup("/old.o");
	ok(f, db_object_update(db, &o, &f->e));
	db_object_clear(&o);
	ok(f, db_unuse(db, program, &f->e));
	db = again(f, db);

	ok(f, db_program_get(db, program, &p, &f->e));
	assert_string_equal(p.tag, "0123456789abcdef");
	assert_string_equal(p.pin, "/sys/fs/bpf/p");
	assert_null(p.outside_path);
	assert_true(p.identity.dev == UINT64_MAX && p.identity.ino == 7);
	assert_int_equal(p.identity.kernel_id, 42);
	p.id = 999;
	assert_int_equal(db_program_update(db, &p, &f->e), -ENOENT);
	db_program_clear(&p);
	ok(f, db_program_get(db, other, &p, &f->e));
	assert_null(p.tag);
	db_program_clear(&p);
	ok(f, db_map_get(db, m.id, &m, &f->e));
	assert_int_equal(m.max_entries, 64);
	db_map_clear(&m);
	ok(f, db_object_get(db, a, &o, &f->e));
	assert_string_equal(o.previous_path, "/old.o");
	assert_string_equal(o.name, "a");
	db_object_clear(&o);
	ok(f, db_program_maps(db, program, &ids, &count, &f->e));
	assert_int_equal(count, 0);
	free(ids);
	finish(f, db);
}

static int take(void *data, struct db_upgrade *u)
{
	*(struct db_upgrade *)data = *u;
	memset(u, 0, sizeof(*u));
	return 1;
}

static bool has_file(struct fixture *f, struct db *db, const char *sha256)
{
	void *bytes = NULL;
	size_t len;
	int r = db_file_bytes(db, sha256, &bytes, &len, &f->e);

	free(bytes);
	if (r != -ENOENT)
		ok(f, r);
	return !r;
}

static void upgrades(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct db_upgrade u = {
		.object_id = insert_object(f, db, "a"),
		.run_id = "run",
		.boot_id = "boot",
		.root_dev = 12,
		.path = "/new.o",
		.created_at = 5,
	};
	struct db_upgrade read = { 0 };
	int64_t id = u.object_id;
	bool any;

	memset(u.sha256, 'b', 64);
	ok(f, db_any_unsettled(db, 0, &any, &f->e));
	assert_false(any);
	ok(f, db_file_store(db, u.sha256, "new", 3, &f->e));
	ok(f, db_upgrade_insert(db, &u, &f->e));
	/* One at a time. */
	assert_int_equal(db_upgrade_insert(db, &u, &f->e), -EEXIST);
	db = again(f, db);
	ok(f, db_any_unsettled(db, 0, &any, &f->e));
	assert_true(any);
	assert_int_equal(db_upgrades(db, take, &read, &f->e), 1);
	assert_int_equal(read.object_id, id);
	assert_false(read.done);
	assert_string_equal(read.path, "/new.o");
	assert_string_equal(read.sha256, u.sha256);
	assert_true(read.root_dev == 12);
	db_upgrade_clear(&read);
	ok(f, db_upgrade_set_done(db, id, &f->e));
	assert_int_equal(db_upgrade_set_done(db, id + 1, &f->e), -ENOENT);
	assert_int_equal(db_upgrades(db, take, &read, &f->e), 1);
	assert_true(read.done);
	db_upgrade_clear(&read);

	/* The bytes go with it, unless the object has them by now. */
	ok(f, db_upgrade_delete(db, id, &f->e));
	assert_int_equal(db_upgrade_delete(db, id, &f->e), -ENOENT);
	assert_false(has_file(f, db, u.sha256));
	db = again(f, db);
	ok(f, db_any_unsettled(db, 0, &any, &f->e));
	assert_false(any);
	finish(f, db);
}

static void previous_bytes_are_kept(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	int64_t id = insert_object(f, db, "a");
	char previous[65] = "";
	struct db_object o;

	memset(previous, 'p', 64);
	ok(f, db_file_store(db, previous, "old", 3, &f->e));
	ok(f, db_object_get(db, id, &o, &f->e));
	memcpy(o.previous_sha256, previous, sizeof(previous));
	ok(f, db_object_update(db, &o, &f->e));
	db_object_clear(&o);
	db = again(f, db);
	ok(f, db_file_forget(db, previous, &f->e));
	ok(f, db_file_forget(db, "", &f->e));
	assert_true(has_file(f, db, previous));
	ok(f, db_object_delete(db, id, &f->e));
	assert_false(has_file(f, db, previous));
	finish(f, db);
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(rows_are_written_over),
		test(upgrades),
		test(previous_bytes_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

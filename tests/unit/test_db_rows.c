/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Objects with their labels, programs, maps: there and back. */
#include "test_db.h"

#include <errno.h>

#include "db/internal.h"

static int64_t insert_program(struct fixture *f, struct db *db, int64_t object_id, const char *name)
{
	struct db_program p = {
		.object_id = object_id, .name = (char *)name, .type = "xdp", .state = DB_LOADED
	};

	ok(f, db_program_insert(db, &p, &f->e));
	return p.id;
}

static int64_t insert_map(struct fixture *f, struct db *db, int64_t object_id, const char *name)
{
	struct db_map m = {
		.object_id = object_id, .name = (char *)name, .type = "hash", .state = DB_LOADED
	};

	ok(f, db_map_insert(db, &m, &f->e));
	return m.id;
}

static void same_object(const struct db_object *a, const struct db_object *b)
{
	assert_int_equal(a->id, b->id);
	same_text(a->name, b->name);
	same_text(a->path, b->path);
	assert_string_equal(a->sha256, b->sha256);
	assert_int_equal(a->state, b->state);
	same_text(a->run_id, b->run_id);
	same_text(a->boot_id, b->boot_id);
	assert_true(a->root_dev == b->root_dev);
	same_text(a->pin_dir, b->pin_dir);
	same_text(a->outside_path, b->outside_path);
	same_text(a->options, b->options);
	assert_true(a->loaded_by == b->loaded_by);
	assert_true(a->created_at == b->created_at);
}

/* Ids in the order in which an iteration gives them. */
struct ids {
	int64_t id[16];
	size_t count, stop_after;
	struct db *db;
	struct fixture *f;
};

static int take(struct ids *ids, int64_t id)
{
	ids->id[ids->count++] = id;
	return ids->count == ids->stop_after ? 7 : 0;
}

static int take_object(void *data, struct db_object *o)
{
	return take(data, o->id);
}

static int take_program(void *data, struct db_program *p)
{
	return take(data, p->id);
}

static int take_link(void *data, struct db_link *l)
{
	return take(data, l->id);
}

static int take_map(void *data, struct db_map *m)
{
	return take(data, m->id);
}

static void are(struct ids *ids, size_t count, ...)
{
	va_list args;
	size_t i;

	assert_int_equal(ids->count, count);
	va_start(args, count);
	for (i = 0; i < count; i++)
		assert_int_equal(ids->id[i], va_arg(args, int));
	va_end(args);
	ids->count = 0;
}

static void objects(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct db_object full = {
		.name = ODD "name",
		.path = "/tmp/" ODD,
		.state = DB_PENDING,
		.run_id = "run",
		.boot_id = "boot",
		.root_dev = UINT64_MAX - 5,
		.pin_dir = "/sys/fs/bpf/" ODD,
		.outside_path = "/o" ODD,
		.options = "{}",
		.loaded_by = UINT32_MAX,
		.created_at = INT64_MAX,
	}, bare = { .name = "", .state = DB_UNLOADING }, read;
	enum db_kind kind;

	memset(full.sha256, 'b', 64);
	ok(f, db_file_store(db, full.sha256, "\0x", 2, &f->e));
	ok(f, db_object_insert(db, &full, &f->e));
	ok(f, db_object_insert(db, &bare, &f->e));
	assert_int_equal(full.id, 1);
	assert_int_equal(bare.id, 2);
	db = again(f, db);
	ok(f, db_object_get(db, 1, &read, &f->e));
	same_object(&full, &read);
	db_object_clear(&read);
	assert_null(read.name);
	ok(f, db_object_by_name(db, full.name, &read, &f->e));
	same_object(&full, &read);
	db_object_clear(&read);
	ok(f, db_object_get(db, 2, &read, &f->e));
	same_object(&bare, &read);
	db_object_clear(&read);
	ok(f, db_kind_of(db, 2, &kind, &f->e));
	assert_int_equal(kind, DB_OBJECT);

	/* State, keeping the run id or not. */
	ok(f, db_object_set_state(db, 1, DB_UNLOADING, "run2", &f->e));
	ok(f, db_object_set_state(db, 2, DB_LOADED, NULL, &f->e));
	db = again(f, db);
	ok(f, db_object_get(db, 1, &read, &f->e));
	full.state = DB_UNLOADING;
	full.run_id = "run2";
	same_object(&full, &read);
	db_object_clear(&read);
	ok(f, db_object_settle(db, 1, "/new", UINT64_MAX, &f->e));
	ok(f, db_object_get(db, 1, &read, &f->e));
	full.state = DB_LOADED;
	full.pin_dir = "/new";
	full.root_dev = UINT64_MAX;
	full.outside_path = NULL;
	same_object(&full, &read);
	db_object_clear(&read);

	/* None: not an error for who looks, one for who changes. */
	error_clear(&f->e);
	assert_int_equal(db_object_get(db, 99, &read, &f->e), -ENOENT);
	assert_int_equal(db_object_by_name(db, "name", &read, &f->e), -ENOENT);
	assert_int_equal(db_kind_of(db, 99, &kind, &f->e), -ENOENT);
	assert_null(f->e.message);
	assert_int_equal(db_object_set_state(db, 99, DB_LOADED, NULL, &f->e), -ENOENT);
	assert_non_null(strstr(f->e.message, "no object 99"));
	assert_int_equal(db_object_settle(db, 99, "/", 0, &f->e), -ENOENT);
	assert_int_equal(db_object_delete(db, 99, &f->e), -ENOENT);
	finish(f, db);
}

static void ids_are_never_reused(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	int64_t object, program, map, next;
	enum db_kind kind;

	ok(f, db_next_id(db, &next, &f->e));
	object = insert_object(f, db, "one");
	assert_int_equal(object, next);
	program = insert_program(f, db, object, "p");
	map = insert_map(f, db, object, "m");
	assert_int_equal(program, 2);
	assert_int_equal(map, 3);
	ok(f, db_kind_of(db, program, &kind, &f->e));
	assert_string_equal(db_kind_name(kind), "program");
	ok(f, db_kind_of(db, map, &kind, &f->e));
	assert_string_equal(db_kind_name(kind), "map");
	ok(f, db_object_delete(db, object, &f->e));
	assert_int_equal(db_kind_of(db, object, &kind, &f->e), -ENOENT);
	assert_int_equal(db_kind_of(db, program, &kind, &f->e), -ENOENT);
	assert_int_equal(db_kind_of(db, map, &kind, &f->e), -ENOENT);
	db = again(f, db);
	ok(f, db_next_id(db, &next, &f->e));
	assert_int_equal(next, 4);
	assert_int_equal(insert_object(f, db, "one"), 4);
	finish(f, db);
}

static void programs(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct db_object o = {
		.name = ODD, .state = DB_LOADED, .boot_id = "boot", .root_dev = UINT64_C(1) << 63
	};
	struct db_program full = {
		.name = ODD "p",
		.type = "xdp",
		.section = "xdp/" ODD,
		.attach_type = "xdp",
		.tag = "0011223344556677",
		.state = DB_PENDING,
		.pin = "/sys/fs/bpf/1/p2",
		.outside_path = "/sys/fs/bpf/test/" ODD,
		.identity = { UINT64_MAX, UINT64_MAX - 1, UINT32_MAX },
		.load_time = UINT64_MAX - 2,
		.verified_insns = UINT32_MAX - 1,
		.xlated_bytes = UINT32_MAX - 2,
		.jited_bytes = UINT32_MAX - 3,
		.btf_id = UINT32_MAX - 4,
		.memlock_bytes = UINT64_MAX - 3,
		.created_at = INT64_MIN,
	}, bare = { .name = "p", .type = "t", .state = DB_LOADED, .pin = "/q" }, read;
	struct ids ids = { 0 };
	int64_t other, shown;

	ok(f, db_object_insert(db, &o, &f->e));
	full.object_id = bare.object_id = o.id;
	ok(f, db_program_insert(db, &full, &f->e));
	ok(f, db_program_insert(db, &bare, &f->e));
	other = insert_object(f, db, "other");
	assert_int_equal(insert_program(f, db, other, "p"), 5);
	db = again(f, db);

	ok(f, db_program_get(db, 2, &read, &f->e));
	assert_int_equal(read.id, 2);
	assert_int_equal(read.object_id, o.id);
	same_text(read.object_name, ODD);
	same_text(read.name, full.name);
	same_text(read.type, full.type);
	same_text(read.section, full.section);
	same_text(read.attach_type, "xdp");
	same_text(read.tag, full.tag);
	assert_int_equal(read.state, DB_PENDING);
	same_text(read.boot_id, "boot");
	assert_true(read.root_dev == o.root_dev);
	same_text(read.pin, full.pin);
	same_text(read.outside_path, full.outside_path);
	assert_memory_equal(&read.identity, &full.identity, sizeof(read.identity));
	assert_true(read.load_time == full.load_time);
	assert_true(read.verified_insns == full.verified_insns);
	assert_true(read.xlated_bytes == full.xlated_bytes);
	assert_true(read.jited_bytes == full.jited_bytes);
	assert_true(read.btf_id == full.btf_id);
	assert_true(read.memlock_bytes == full.memlock_bytes);
	assert_true(read.created_at == full.created_at);
	db_program_clear(&read);
	/* pinned_path is our own pin where there is no other. */
	ok(f, db_program_get(db, 3, &read, &f->e));
	same_text(read.pin, "/q");
	assert_null(read.outside_path);
	assert_null(read.section);
	db_program_clear(&read);
	ok(f, db_exec_int(db,
			  "SELECT count(*) FROM programs WHERE id = 2 AND pinned_path <> pin "
			  "OR id = 3 AND pinned_path = '/q' AND pin = '/q'",
			  &shown, &f->e));
	assert_int_equal(shown, 2);

	ok(f, db_programs(db, 0, take_program, &ids, &f->e));
	are(&ids, 3, 2, 3, 5);
	ok(f, db_programs(db, o.id, take_program, &ids, &f->e));
	are(&ids, 2, 2, 3);
	ok(f, db_programs_by_name(db, "p", take_program, &ids, &f->e));
	are(&ids, 2, 3, 5);
	ok(f, db_programs_unsettled(db, take_program, &ids, &f->e));
	are(&ids, 1, 2);
	ok(f, db_program_set_state(db, 2, DB_LOADED, &f->e));
	ok(f, db_program_set_state(db, 5, DB_UNLOADING, &f->e));
	ok(f, db_programs_unsettled(db, take_program, &ids, &f->e));
	are(&ids, 1, 5);
	ok(f, db_program_delete(db, 3, &f->e));
	ok(f, db_programs(db, o.id, take_program, &ids, &f->e));
	are(&ids, 1, 2);

	error_clear(&f->e);
	assert_int_equal(db_program_get(db, 3, &read, &f->e), -ENOENT);
	assert_null(f->e.message);
	/* An object's id is no program's. */
	assert_int_equal(db_program_delete(db, o.id, &f->e), -ENOENT);
	assert_int_equal(db_program_set_state(db, 3, DB_LOADED, &f->e), -ENOENT);
	/* Of an object that is not there. */
	read = (struct db_program){ .name = "x", .type = "y", .object_id = 99 };
	assert_int_equal(db_program_insert(db, &read, &f->e), -ENOENT);
	/* A name must be. */
	read = (struct db_program){ .type = "y", .object_id = o.id };
	assert_int_equal(db_program_insert(db, &read, &f->e), -EINVAL);
	finish(f, db);
}

static void maps(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct db_map full = {
		.name = ".rodata" ODD,
		.type = "array",
		.state = DB_UNLOADING,
		.boot_id = "boot",
		.root_dev = UINT64_MAX,
		.pin = "/m",
		.identity = { UINT64_MAX, 1, 2 },
		.key_size = UINT32_MAX,
		.value_size = 3,
		.max_entries = UINT32_MAX - 1,
		.map_flags = UINT32_MAX - 2,
		.memlock_bytes = UINT64_MAX,
		.created_at = 17,
	}, read;
	struct ids ids = { 0 };
	int64_t object = insert_object(f, db, "o"), other = insert_object(f, db, "p");

	full.object_id = object;
	ok(f, db_map_insert(db, &full, &f->e));
	assert_int_equal(insert_map(f, db, other, full.name), 4);
	db = again(f, db);
	ok(f, db_map_get(db, full.id, &read, &f->e));
	assert_int_equal(read.id, 3);
	assert_int_equal(read.object_id, object);
	same_text(read.object_name, "o");
	same_text(read.name, full.name);
	same_text(read.type, full.type);
	assert_int_equal(read.state, full.state);
	same_text(read.boot_id, full.boot_id);
	assert_true(read.root_dev == full.root_dev);
	same_text(read.pin, full.pin);
	assert_memory_equal(&read.identity, &full.identity, sizeof(read.identity));
	assert_true(read.key_size == full.key_size);
	assert_true(read.value_size == full.value_size);
	assert_true(read.max_entries == full.max_entries);
	assert_true(read.map_flags == full.map_flags);
	assert_true(read.memlock_bytes == full.memlock_bytes);
	assert_int_equal(read.created_at, 17);
	db_map_clear(&read);

	ok(f, db_maps_by_name(db, full.name, take_map, &ids, &f->e));
	are(&ids, 2, 3, 4);
	ok(f, db_maps_unsettled(db, take_map, &ids, &f->e));
	are(&ids, 1, 3);
	ok(f, db_map_set_state(db, 3, DB_LOADED, &f->e));
	ok(f, db_maps_unsettled(db, take_map, &ids, &f->e));
	are(&ids, 0);
	ok(f, db_map_delete(db, 3, &f->e));
	assert_int_equal(db_map_delete(db, 3, &f->e), -ENOENT);
	finish(f, db);
}

static void shared_maps(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	int64_t a = insert_object(f, db, "a"), b = insert_object(f, db, "b");
	int64_t pa = insert_program(f, db, a, "pa"), pb = insert_program(f, db, b, "pb");
	int64_t own = insert_map(f, db, a, "own"), shared = insert_map(f, db, 0, "by_name");
	int64_t foreign = insert_map(f, db, b, "by_name"), *list;
	struct ids ids = { 0 };
	struct db_pair *pairs;
	struct db_map m;
	size_t count;

	ok(f, db_use(db, pa, own, &f->e));
	ok(f, db_use(db, pa, shared, &f->e));
	ok(f, db_use(db, pb, shared, &f->e));
	ok(f, db_use(db, pb, shared, &f->e));
	assert_int_equal(db_use(db, pa, 99, &f->e), -ENOENT);
	assert_non_null(strstr(f->e.message, "no map 99"));
	db = again(f, db);

	ok(f, db_map_shared(db, "by_name", &m, &f->e));
	assert_int_equal(m.id, shared);
	assert_int_equal(m.object_id, 0);
	assert_null(m.object_name);
	db_map_clear(&m);
	assert_int_equal(db_map_shared(db, "own", &m, &f->e), -ENOENT);

	ok(f, db_maps(db, a, take_map, &ids, &f->e));
	are(&ids, 2, (int)own, (int)shared);
	ok(f, db_maps(db, b, take_map, &ids, &f->e));
	are(&ids, 2, (int)shared, (int)foreign);
	ok(f, db_maps(db, 0, take_map, &ids, &f->e));
	are(&ids, 3, (int)own, (int)shared, (int)foreign);

	ok(f, db_program_maps(db, pa, &list, &count, &f->e));
	assert_int_equal(count, 2);
	assert_int_equal(list[0], own);
	assert_int_equal(list[1], shared);
	free(list);
	ok(f, db_map_programs(db, shared, &list, &count, &f->e));
	assert_int_equal(count, 2);
	assert_int_equal(list[0], pa);
	assert_int_equal(list[1], pb);
	free(list);
	ok(f, db_map_programs(db, foreign, &list, &count, &f->e));
	assert_int_equal(count, 0);
	assert_null(list);
	ok(f, db_uses(db, &pairs, &count, &f->e));
	assert_int_equal(count, 3);
	assert_int_equal(pairs[0].program_id, pa);
	assert_int_equal(pairs[0].map_id, own);
	assert_int_equal(pairs[2].program_id, pb);
	assert_int_equal(pairs[2].map_id, shared);
	free(pairs);

	/* An object's end leaves the maps that others use, also one of its own. */
	ok(f, db_use(db, pb, own, &f->e));
	ok(f, db_object_delete(db, a, &f->e));
	ok(f, db_maps(db, 0, take_map, &ids, &f->e));
	are(&ids, 3, (int)own, (int)shared, (int)foreign);
	ok(f, db_map_get(db, own, &m, &f->e));
	assert_int_equal(m.object_id, 0);
	assert_null(m.object_name);
	db_map_clear(&m);
	ok(f, db_uses(db, &pairs, &count, &f->e));
	assert_int_equal(count, 2);
	assert_int_equal(pairs[0].program_id, pb);
	free(pairs);
	ok(f, db_map_delete(db, own, &f->e));
	ok(f, db_map_delete(db, shared, &f->e));
	ok(f, db_uses(db, &pairs, &count, &f->e));
	assert_int_equal(count, 0);
	assert_null(pairs);
	finish(f, db);
}

static void unsettled_objects(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct ids ids = { 0 };
	int i;

	for (i = 0; i < 3; i++) {
		char name[16];

		snprintf(name, sizeof(name), "o%d", i);
		insert_object(f, db, name);
	}
	ok(f, db_objects_unsettled(db, take_object, &ids, &f->e));
	are(&ids, 0);
	ok(f, db_object_set_state(db, 3, DB_PENDING, "r", &f->e));
	ok(f, db_object_set_state(db, 1, DB_UNLOADING, "r", &f->e));
	ok(f, db_objects_unsettled(db, take_object, &ids, &f->e));
	are(&ids, 2, 1, 3);
	ok(f, db_objects(db, take_object, &ids, &f->e));
	are(&ids, 3, 1, 2, 3);
	/* Ends where it is told, and says so. */
	ids.stop_after = 2;
	assert_int_equal(db_objects(db, take_object, &ids, &f->e), 7);
	are(&ids, 2, 1, 2);
	finish(f, db);
}

/* Reads inside an iteration, also by the same statement, and keeps the strings. */
static int nested(void *data, struct db_object *o)
{
	struct ids *ids = data, inner = { 0 };
	struct db_object same;

	ok(ids->f, db_objects(ids->db, take_object, &inner, &ids->f->e));
	are(&inner, 2, 1, 2);
	ok(ids->f, db_object_get(ids->db, o->id, &same, &ids->f->e));
	assert_string_equal(same.name, o->name);
	db_object_clear(&same);
	free(o->name);
	o->name = NULL;
	return take(ids, o->id);
}

static void nested_reads(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct ids ids = { .db = db, .f = f };
	int i;

	insert_object(f, db, "a");
	insert_object(f, db, "b");
	for (i = 0; i < 3; i++) {
		ok(f, db_objects(db, nested, &ids, &f->e));
		are(&ids, 2, 1, 2);
	}
	finish(f, db);
}

static void links(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct db_link full = {
		.type = "xdp",
		.attach_type = "xdp",
		.target = "{\"interface\":\"x\"}",
		.target_text = ODD,
		.options = "{}",
		.state = DB_PENDING,
		.run_id = "run",
		.boot_id = "boot",
		.root_dev = UINT64_MAX,
		.pin = "/l" ODD,
		.identity = { UINT64_MAX, UINT64_MAX - 1, UINT32_MAX },
		.expires_at = 1000,
		.created_at = INT64_MAX,
	}, bare = { .state = DB_LOADED }, settled, read;
	struct ids ids = { 0 };
	int64_t object = insert_object(f, db, "o"), other = insert_object(f, db, "p");
	enum db_kind kind;
	bool any;

	full.program_id = insert_program(f, db, object, ODD "p");
	bare.program_id = insert_program(f, db, other, "q");
	ok(f, db_link_insert(db, &full, &f->e));
	ok(f, db_link_insert(db, &bare, &f->e));
	assert_int_equal(full.id, 5);
	db = again(f, db);
	ok(f, db_kind_of(db, 5, &kind, &f->e));
	assert_int_equal(kind, DB_LINK);
	ok(f, db_link_get(db, 5, &read, &f->e));
	assert_int_equal(read.program_id, full.program_id);
	same_text(read.program_name, ODD "p");
	assert_int_equal(read.object_id, object);
	same_text(read.object_name, "o");
	same_text(read.type, full.type);
	same_text(read.attach_type, full.attach_type);
	same_text(read.target, full.target);
	same_text(read.target_text, full.target_text);
	same_text(read.options, full.options);
	assert_int_equal(read.state, DB_PENDING);
	same_text(read.run_id, "run");
	same_text(read.boot_id, "boot");
	assert_true(read.root_dev == full.root_dev);
	same_text(read.pin, full.pin);
	assert_memory_equal(&read.identity, &full.identity, sizeof(read.identity));
	assert_int_equal(read.expires_at, 1000);
	assert_true(read.created_at == INT64_MAX);
	db_link_clear(&read);
	ok(f, db_link_get(db, 6, &read, &f->e));
	assert_null(read.type);
	assert_null(read.target);
	assert_int_equal(read.expires_at, 0);
	db_link_clear(&read);

	ok(f, db_links(db, 0, take_link, &ids, &f->e));
	are(&ids, 2, 5, 6);
	ok(f, db_links(db, full.program_id, take_link, &ids, &f->e));
	are(&ids, 1, 5);
	ok(f, db_links_of_object(db, other, take_link, &ids, &f->e));
	are(&ids, 1, 6);
	ok(f, db_links_by_name(db, ODD "p", take_link, &ids, &f->e));
	are(&ids, 1, 5);
	ok(f, db_links_by_name(db, "p", take_link, &ids, &f->e));
	are(&ids, 0);
	ok(f, db_links_to(db, full.program_id, ODD, take_link, &ids, &f->e));
	are(&ids, 1, 5);
	ok(f, db_links_unsettled(db, take_link, &ids, &f->e));
	are(&ids, 1, 5);

	/* Attached: what was asked for stays, what it became is stored. */
	settled = (struct db_link){
		.id = 5,
		.type = "tcx",
		.target = "{}",
		.target_text = "eth0 --ingress",
		.identity = { 1, 2, 3 },
	};
	ok(f, db_link_settle(db, &settled, &f->e));
	ok(f, db_link_get(db, 5, &read, &f->e));
	same_text(read.type, "tcx");
	assert_null(read.attach_type);
	same_text(read.target_text, "eth0 --ingress");
	same_text(read.options, "{}");
	assert_memory_equal(&read.identity, &settled.identity, sizeof(read.identity));
	assert_int_equal(read.state, DB_LOADED);
	assert_int_equal(read.expires_at, 1000);
	db_link_clear(&read);
	ok(f, db_links_unsettled(db, take_link, &ids, &f->e));
	are(&ids, 0);

	/* By the first of its words, not by a part of it. */
	ok(f, db_links_to(db, full.program_id, "eth0", take_link, &ids, &f->e));
	are(&ids, 1, 5);
	ok(f, db_links_to(db, full.program_id, "eth", take_link, &ids, &f->e));
	are(&ids, 0);
	ok(f, db_links_to(db, bare.program_id, "eth0", take_link, &ids, &f->e));
	are(&ids, 0);

	/* Its trial is over when its time has come, and not before. */
	ok(f, db_any_unsettled(db, 999, &any, &f->e));
	assert_false(any);
	ok(f, db_any_unsettled(db, 1000, &any, &f->e));
	assert_true(any);
	ok(f, db_links_expire(db, 999, "later", &f->e));
	ok(f, db_links_unsettled(db, take_link, &ids, &f->e));
	are(&ids, 0);
	ok(f, db_links_expire(db, 1000, "later", &f->e));
	ok(f, db_links_unsettled(db, take_link, &ids, &f->e));
	are(&ids, 1, 5);
	ok(f, db_link_set_state(db, 5, DB_LOADED, NULL, &f->e));
	ok(f, db_link_keep(db, 5, &f->e));
	ok(f, db_link_get(db, 5, &read, &f->e));
	same_text(read.run_id, "later");
	assert_int_equal(read.expires_at, 0);
	db_link_clear(&read);
	ok(f, db_any_unsettled(db, INT64_MAX, &any, &f->e));
	assert_false(any);
	ok(f, db_link_set_state(db, 5, DB_UNLOADING, "run2", &f->e));
	ok(f, db_any_unsettled(db, 0, &any, &f->e));
	assert_true(any);

	/* It goes with its program, its program's object, or alone; so does its id. */
	ok(f, db_program_delete(db, full.program_id, &f->e));
	assert_int_equal(db_link_get(db, 5, &read, &f->e), -ENOENT);
	assert_int_equal(db_kind_of(db, 5, &kind, &f->e), -ENOENT);
	ok(f, db_object_delete(db, other, &f->e));
	assert_int_equal(db_kind_of(db, 6, &kind, &f->e), -ENOENT);
	bare.program_id = insert_program(f, db, object, "r");
	ok(f, db_link_insert(db, &bare, &f->e));
	ok(f, db_link_delete(db, bare.id, &f->e));
	assert_int_equal(db_link_get(db, bare.id, &read, &f->e), -ENOENT);
	error_clear(&f->e);
	assert_int_equal(db_link_delete(db, bare.id, &f->e), -ENOENT);
	assert_non_null(strstr(f->e.message, "no link"));
	error_clear(&f->e);
	assert_int_equal(db_link_settle(db, &bare, &f->e), -ENOENT);
	error_clear(&f->e);
	assert_int_equal(db_link_keep(db, bare.id, &f->e), -ENOENT);
	finish(f, db);
}

int main(void)
{
#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(objects),	   test(ids_are_never_reused), test(programs),	   test(maps),
		test(shared_maps), test(unsettled_objects),    test(nested_reads), test(links),
	};

	return cmocka_run_group_tests_name("db_rows", tests, NULL, NULL);
}

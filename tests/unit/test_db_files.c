/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files, labels, directories, logs and events: there, back and bounded. */
#include "test_db.h"

#include <errno.h>

static void labels(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	int64_t a = insert_object(f, db, "a");
	struct db_label *list;
	size_t count;
	bool any;

	ok(f, db_has_labels(db, &any, &f->e));
	assert_false(any);
	ok(f, db_labels(db, a, &list, &count, &f->e));
	assert_int_equal(count, 0);
	assert_null(list);
	ok(f, db_label_set(db, a, "team", "net", &f->e));
	ok(f, db_label_set(db, a, ODD, ODD "v", &f->e));
	ok(f, db_label_set(db, a, "app", "", &f->e));
	ok(f, db_label_set(db, a, "team", "web", &f->e));
	assert_int_equal(db_label_set(db, 99, "k", "v", &f->e), -ENOENT);
	assert_non_null(strstr(f->e.message, "no object 99"));
	db = again(f, db);
	ok(f, db_has_labels(db, &any, &f->e));
	assert_true(any);
	ok(f, db_labels(db, a, &list, &count, &f->e));
	assert_int_equal(count, 3);
	assert_string_equal(list[0].key, "app");
	assert_string_equal(list[0].value, "");
	assert_string_equal(list[1].key, "team");
	assert_string_equal(list[1].value, "web");
	assert_string_equal(list[2].key, ODD);
	assert_string_equal(list[2].value, ODD "v");
	db_labels_free(list, count);
	ok(f, db_object_delete(db, a, &f->e));
	ok(f, db_has_labels(db, &any, &f->e));
	assert_false(any);
	finish(f, db);
}

static void files(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct db_object a = { .name = "a" }, b = { .name = "b" }, c = { .name = "c" };
	unsigned char bytes[70000];
	char other[65];
	void *read;
	size_t len, i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7 + i / 256);
	memset(a.sha256, 'a', 64);
	memset(b.sha256, 'a', 64);
	memset(c.sha256, 'c', 64);
	ok(f, db_file_store(db, a.sha256, bytes, sizeof(bytes), &f->e));
	/* Once: by its hash it is the same. */
	ok(f, db_file_store(db, a.sha256, "", 0, &f->e));
	ok(f, db_file_store(db, c.sha256, NULL, 0, &f->e));
	ok(f, db_object_insert(db, &a, &f->e));
	ok(f, db_object_insert(db, &b, &f->e));
	ok(f, db_object_insert(db, &c, &f->e));
	db = again(f, db);
	ok(f, db_file_bytes(db, a.sha256, &read, &len, &f->e));
	assert_int_equal(len, sizeof(bytes));
	assert_memory_equal(read, bytes, len);
	free(read);
	ok(f, db_file_bytes(db, c.sha256, &read, &len, &f->e));
	assert_int_equal(len, 0);
	free(read);

	/* They go with the last that needs them. */
	ok(f, db_object_delete(db, a.id, &f->e));
	ok(f, db_file_bytes(db, b.sha256, &read, &len, &f->e));
	free(read);
	ok(f, db_object_delete(db, b.id, &f->e));
	error_clear(&f->e);
	assert_int_equal(db_file_bytes(db, b.sha256, &read, &len, &f->e), -ENOENT);
	assert_null(f->e.message);
	ok(f, db_file_bytes(db, c.sha256, &read, &len, &f->e));
	free(read);
	memset(other, 'd', 64);
	other[64] = '\0';
	assert_int_equal(db_file_bytes(db, other, &read, &len, &f->e), -ENOENT);
	finish(f, db);
}

static void directories(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	/* The first has the most bytes, but, were it text, not the most characters. */
	static const char *const paths[] = { "/\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xff", "/a/b/c/d",
					     "/a/b", "/a" };
	char **list;
	size_t count, i;

	for (i = 4; i > 0; i--)
		ok(f, db_directory_add(db, paths[i - 1], &f->e));
	ok(f, db_directory_add(db, "/a", &f->e));
	db = again(f, db);
	ok(f, db_directories(db, &list, &count, &f->e));
	assert_int_equal(count, 4);
	for (i = 0; i < count; i++) {
		assert_string_equal(list[i], paths[i]);
		free(list[i]);
	}
	free(list);
	for (i = 0; i < 4; i++)
		ok(f, db_directory_delete(db, paths[i], &f->e));
	ok(f, db_directory_delete(db, "/not/there", &f->e));
	ok(f, db_directories(db, &list, &count, &f->e));
	assert_int_equal(count, 0);
	assert_null(list);
	finish(f, db);
}

static void logs(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	static const char text[] = "line\n" ODD "\0after";
	struct db_log full = {
		.object_id = 5,
		.object_name = ODD,
		.path = "/p" ODD,
		.ok = false,
		.message = "no",
		.text = (char *)text,
		.text_len = sizeof(text) - 1,
		.log_bytes = UINT64_MAX,
		.truncated = true,
		.created_at = 9,
	}, bare = { .ok = true, .id = 77 }, read;

	error_clear(&f->e);
	assert_int_equal(db_log_last(db, 0, &read, &f->e), -ENOENT);
	assert_null(f->e.message);
	ok(f, db_log_add(db, &full, &f->e));
	ok(f, db_log_add(db, &bare, &f->e));
	assert_int_equal(full.id, 1);
	assert_int_equal(bare.id, 2);
	db = again(f, db);
	ok(f, db_log_last(db, 5, &read, &f->e));
	assert_int_equal(read.id, 1);
	assert_int_equal(read.object_id, 5);
	same_text(read.object_name, full.object_name);
	same_text(read.path, full.path);
	assert_false(read.ok);
	same_text(read.message, "no");
	assert_int_equal(read.text_len, full.text_len);
	assert_memory_equal(read.text, text, sizeof(text));
	assert_true(read.log_bytes == UINT64_MAX);
	assert_true(read.truncated);
	assert_int_equal(read.created_at, 9);
	db_log_clear(&read);
	ok(f, db_log_last(db, 0, &read, &f->e));
	assert_int_equal(read.id, 2);
	assert_int_equal(read.object_id, 0);
	assert_true(read.ok);
	assert_null(read.text);
	assert_int_equal(read.text_len, 0);
	db_log_clear(&read);
	ok(f, db_log_by_name(db, ODD, &read, &f->e));
	assert_int_equal(read.id, 1);
	db_log_clear(&read);
	assert_int_equal(db_log_by_name(db, "none", &read, &f->e), -ENOENT);
	assert_int_equal(db_log_last(db, 6, &read, &f->e), -ENOENT);
	finish(f, db);
}

/* Whether the log of this object is still there. */
static bool kept(struct fixture *f, struct db *db, int64_t object_id)
{
	struct db_log l;
	int ret = db_log_last(db, object_id, &l, &f->e);

	if (ret == -ENOENT)
		return false;
	ok(f, ret);
	db_log_clear(&l);
	return true;
}

static void logs_bounded_by_count(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct db_log l = { .text = "x", .text_len = 1 };
	int64_t i;

	for (i = 1; i <= 205; i++) {
		l.object_id = i;
		ok(f, db_log_add(db, &l, &f->e));
		if (i == 200)
			assert_true(kept(f, db, 1));
	}
	assert_false(kept(f, db, 5));
	assert_true(kept(f, db, 6));
	assert_true(kept(f, db, 205));
	finish(f, db);
}

static void logs_bounded_by_bytes(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	size_t size = 8 << 20;
	char *text = malloc(5 * size);
	struct db_log l = { .text = text, .text_len = size };
	int64_t i;

	assert_non_null(text);
	memset(text, 'x', 5 * size);
	for (i = 1; i <= 4; i++) {
		l.object_id = i;
		ok(f, db_log_add(db, &l, &f->e));
	}
	/* Exactly 32 MiB may stay. */
	assert_true(kept(f, db, 1));
	l.object_id = 5;
	ok(f, db_log_add(db, &l, &f->e));
	assert_false(kept(f, db, 1));
	assert_true(kept(f, db, 2));
	/* The newest stays, however big, and alone. */
	l.object_id = 6;
	l.text_len = 5 * size;
	ok(f, db_log_add(db, &l, &f->e));
	assert_false(kept(f, db, 5));
	assert_true(kept(f, db, 6));
	l.object_id = 7;
	l.text_len = 3;
	ok(f, db_log_add(db, &l, &f->e));
	assert_false(kept(f, db, 6));
	assert_true(kept(f, db, 7));
	free(text);
	finish(f, db);
}

struct seen {
	size_t count;
	int64_t first, last;
	struct db_event event; /* the last */
};

static int see_event(void *data, struct db_event *event)
{
	struct seen *seen = data;

	if (!seen->count++)
		seen->first = event->id;
	seen->last = event->id;
	db_event_clear(&seen->event);
	seen->event = *event;
	memset(event, 0, sizeof(*event));
	return 0;
}

static struct seen see_events(struct fixture *f, struct db *db, int64_t limit)
{
	struct seen seen = { 0 };

	ok(f, db_events(db, limit, see_event, &seen, &f->e));
	return seen;
}

static void events(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct db_event full = {
		.created_at = 77,
		.uid = UINT32_MAX - 1,
		.login_uid = 0,
		.action = "load",
		.command = ODD,
		.kind = "object",
		.thing_id = 5,
		.name = ODD,
		.ok = true,
		.message = ODD,
	};
	struct db_event bare = { .action = "recover", .login_uid = -1 };
	struct seen seen;

	assert_int_equal(see_events(f, db, 10).count, 0);
	ok(f, db_event_add(db, &full, &f->e));
	seen = see_events(f, db, 10);
	assert_int_equal(seen.count, 1);
	assert_true(seen.event.created_at == 77);
	assert_true(seen.event.uid == UINT32_MAX - 1);
	assert_int_equal(seen.event.login_uid, 0);
	same_text(seen.event.action, "load");
	same_text(seen.event.command, ODD);
	same_text(seen.event.kind, "object");
	assert_int_equal(seen.event.thing_id, 5);
	same_text(seen.event.name, ODD);
	assert_true(seen.event.ok);
	same_text(seen.event.message, ODD);
	assert_true(seen.event.text_bytes == strlen("load") + 3 * strlen(ODD));
	db_event_clear(&seen.event);

	ok(f, db_event_add(db, &bare, &f->e));
	seen = see_events(f, db, 1);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.last, bare.id);
	assert_int_equal(seen.event.login_uid, -1);
	assert_null(seen.event.command);
	assert_null(seen.event.kind);
	assert_int_equal(seen.event.thing_id, 0);
	assert_false(seen.event.ok);
	db_event_clear(&seen.event);
	finish(f, db);
}

static void events_bounded(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct db_event event = { .action = "load" };
	size_t size = 5 << 20;
	char *text = malloc(size + 1);
	struct seen seen;
	int64_t i;

	assert_non_null(text);
	for (i = 1; i <= 10003; i++)
		ok(f, db_event_add(db, &event, &f->e));
	seen = see_events(f, db, INT64_MAX);
	assert_int_equal(seen.count, 10000);
	assert_int_equal(seen.first, 4);
	db_event_clear(&seen.event);
	/* Of two of 5 MiB only the newer fits, with whatever came after the older. */
	memset(text, 'x', size);
	text[size] = '\0';
	event.command = text;
	ok(f, db_event_add(db, &event, &f->e));
	assert_int_equal(event.id, 10004);
	ok(f, db_event_add(db, &event, &f->e));
	seen = see_events(f, db, INT64_MAX);
	assert_int_equal(seen.first, 10005);
	assert_int_equal(seen.count, 1);
	db_event_clear(&seen.event);
	free(text);
	finish(f, db);
}

static void state_names(void **state)
{
	(void)state;
	assert_string_equal(db_state_name(DB_PENDING), "pending");
	assert_string_equal(db_state_name(DB_LOADED), "loaded");
	assert_string_equal(db_state_name(DB_UNLOADING), "unloading");
	assert_string_equal(db_kind_name(DB_OBJECT), "object");
	assert_string_equal(db_kind_name(DB_LINK), "link");
}

int main(void)
{
#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(labels),
		test(files),
		test(directories),
		test(logs),
		test(logs_bounded_by_count),
		test(logs_bounded_by_bytes),
		test(events),
		test(events_bounded),
		cmocka_unit_test(state_names),
	};

	return cmocka_run_group_tests_name("db_files", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commits: that fail, and that survive. */
#include "test_db.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "db/internal.h"

static void durable(void **state)
{
	struct fixture *f = *state;
	struct db *db = open_db(f, DB_WRITE);
	sqlite3_int64 changes = sqlite3_total_changes64(db->handle);
	int64_t value;

	ok(f, db_make_durable(db, &f->e));
	assert_int_equal(sqlite3_total_changes64(db->handle), changes);
	/* Committed, but nothing was changed. */
	ok(f, db_begin(db, &f->e));
	ok(f, db_directory_delete(db, "/not/there", &f->e));
	ok(f, db_commit(db, &f->e));
	ok(f, db_make_durable(db, &f->e));
	assert_int_equal(sqlite3_total_changes64(db->handle), changes);
	/* Changed, but rolled back. */
	ok(f, db_begin(db, &f->e));
	ok(f, db_directory_add(db, "/a", &f->e));
	db_rollback(db);
	changes = sqlite3_total_changes64(db->handle);
	ok(f, db_make_durable(db, &f->e));
	assert_int_equal(sqlite3_total_changes64(db->handle), changes);

	add_object(f, db, "one");
	changes = sqlite3_total_changes64(db->handle);
	ok(f, db_make_durable(db, &f->e));
	assert_int_equal(sqlite3_total_changes64(db->handle), changes + 1);
	ok(f, db_make_durable(db, &f->e));
	assert_int_equal(sqlite3_total_changes64(db->handle), changes + 1);
	ok(f, db_exec_int(db, "PRAGMA synchronous", &value, &f->e));
	assert_int_equal(value, 1);
	db_close(db);
}

static void make_ballast(const char *path, size_t size)
{
	char *bytes = calloc(1, size);

	assert_non_null(bytes);
	write_file(path, bytes, size);
	free(bytes);
}

/* Writes until the disk is full. Returns the error, 0 when it never is. */
static int fill(struct db *db, struct error *e)
{
	static char noise[30000];
	char sha256[65];
	int ret = 0, i;

	for (i = 0; i < 100 && !ret; i++) {
		memset(noise, i + 1, sizeof(noise));
		snprintf(sha256, sizeof(sha256), "%064d", i);
		ret = db_begin(db, e);
		if (!ret)
			ret = db_file_store(db, sha256, noise, sizeof(noise), e);
		if (!ret)
			ret = db_commit(db, e);
	}
	db_rollback(db);
	return ret;
}

/*
 * On a file system with room bytes left: whatever fails first, it is told as a full disk, nothing
 * is damaged, and with ballast thrown overboard the same connection goes on.
 */
static void fill_and_go_on(struct fixture *f, const char *dir, size_t room)
{
	char ballast[128], *problem;
	struct statvfs vfs;
	struct db *db;
	int64_t id;
	int ret;

	snprintf(ballast, sizeof(ballast), "%s/ballast", dir);
	assert_int_equal(statvfs(dir, &vfs), 0);
	assert_true(vfs.f_bavail * vfs.f_frsize > room);
	make_ballast(ballast, vfs.f_bavail * vfs.f_frsize - room);
	error_clear(&f->e);
	ret = db_open(&db, f->path, DB_WRITE, &f->e);
	if (!ret)
		ret = fill(db, &f->e);
	if (ret != -ENOSPC || f->e.class != ERROR_ENVIRONMENT || !strstr(f->e.message, f->path))
		fail_msg("%zu left: %d: %s", room, ret, f->e.message);
	assert_int_equal(unlink(ballast), 0);
	if (!db)
		db = open_db(f, DB_WRITE);
	id = add_object(f, db, "one");
	ok(f, db_make_durable(db, &f->e));
	ok(f, db_check(db, &problem, &f->e));
	assert_null(problem);
	db_close(db);
	db = open_db(f, DB_READ);
	assert_true(has_object(f, db, "one"));
	assert_true(id > 0);
	db_close(db);
}

static void disk_full(void **state)
{
	struct fixture *f = *state;
	char dir[80];
	size_t room;

	if (geteuid())
		skip();
	make_directory(f);
	snprintf(dir, sizeof(dir), "%s/state", f->dir);
	for (room = 0; room < 300000; room += 12288) {
		if (mount("tmpfs", dir, "tmpfs", 0, "size=1m"))
			skip();
		fill_and_go_on(f, dir, room);
		assert_int_equal(umount(dir), 0);
	}
}

/* Where blocks are smaller than a page of -shm, the journal is no WAL. */
static void disk_full_small_blocks(void **state)
{
	struct fixture *f = *state;
	char dir[80], image[80], command[400];
	size_t room;
	struct db *db;

	make_directory(f);
	snprintf(dir, sizeof(dir), "%s/state", f->dir);
	snprintf(image, sizeof(image), "%s/image", f->dir);
	snprintf(command, sizeof(command),
		 "truncate -s 2M %s && mkfs.ext4 -q -b 1024 -O ^has_journal %s && "
		 "mount -o loop %s %s",
		 image, image, image, dir);
	if (geteuid() || system(command))
		skip();
	for (room = 4096; room < 300000; room += 24576) {
		fill_and_go_on(f, dir, room);
		db = open_db(f, DB_READ);
		assert_true(db_small_blocks(db));
		db_close(db);
		snprintf(command, sizeof(command), "%s-shm", f->path);
		assert_int_equal(access(command, F_OK), -1);
		assert_int_equal(unlink(f->path), 0);
		snprintf(command, sizeof(command), "%s-journal", f->path);
		unlink(command);
	}
	assert_int_equal(umount(dir), 0);
}

/* Another session that does not let go. */
static void busy(void **state)
{
	struct fixture *f = *state;
	struct db *holder = open_db(f, DB_WRITE), *db = open_db(f, DB_WRITE);

	sqlite3_busy_timeout(db->handle, 50);
	ok(f, db_begin(holder, &f->e));
	assert_int_equal(db_begin(db, &f->e), -EBUSY);
	assert_int_equal(f->e.class, ERROR_ENVIRONMENT);
	assert_non_null(strstr(f->e.message, "locked"));
	ok(f, db_commit(holder, &f->e));
	add_object(f, db, "one");
	db_close(holder);
	db_close(db);
}

static void commit_fails(void **state)
{
	struct fixture *f = *state;
	struct db *db = open_db(f, DB_WRITE);
	struct db_object o = { .name = "one", .state = DB_LOADED };

	/* Only the commit sees that the file was never stored. */
	memset(o.sha256, 'a', 64);
	ok(f, db_begin(db, &f->e));
	ok(f, db_object_insert(db, &o, &f->e));
	assert_int_equal(db_commit(db, &f->e), -ENOENT);
	assert_false(has_object(f, db, "one"));
	add_object(f, db, "two");
	/* Nothing is open now. */
	assert_int_equal(db_commit(db, &f->e), -EIO);
	db_rollback(db);
	db_close(db);
}

static void names_are_unique(void **state)
{
	struct fixture *f = *state;
	struct db *db = begin(f);
	struct db_object o = { .name = ODD, .state = DB_LOADED };
	enum db_kind kind;

	ok(f, db_object_insert(db, &o, &f->e));
	assert_int_equal(db_object_insert(db, &o, &f->e), -EEXIST);
	assert_int_equal(f->e.err, EEXIST);
	assert_int_equal(f->e.class, ERROR_FAILED);
	assert_non_null(strstr(f->e.message, ODD));
	/* The transaction goes on, without an id of nothing. */
	assert_int_equal(db_kind_of(db, 2, &kind, &f->e), -ENOENT);
	o.name = "other";
	ok(f, db_object_insert(db, &o, &f->e));
	ok(f, db_commit(db, &f->e));
	finish(f, db);
}

int main(void)
{
#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(durable), test(disk_full),	   test(disk_full_small_blocks),
		test(busy),    test(commit_fails), test(names_are_unique),
	};

	return cmocka_run_group_tests_name("db_commit", tests, NULL, NULL);
}

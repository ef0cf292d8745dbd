/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a request of the worker made is taken back, or left so that it can be found. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#undef fail /* the worker has a function of this name */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/worker/undo.h"

struct world {
	char dir[32];
	int fd;
};

static int enter(void **state)
{
	static struct world w;

	strcpy(w.dir, "/tmp/bpfman-undo-XXXXXX");
	*state = &w;
	if (!mkdtemp(w.dir))
		return -1;
	w.fd = open(w.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return w.fd < 0;
}

/* Everything must be gone by then. */
static int leave(void **state)
{
	const struct world *w = *state;

	close(w->fd);
	return rmdir(w->dir);
}

static void make(const struct world *w, struct undo *u, const char *name, bool directory)
{
	struct failure f = FAILURE_INIT;
	int fd;

	assert_int_equal(undo_note(u, w->fd, name, directory, &f), 0);
	if (directory) {
		assert_int_equal(mkdirat(w->fd, name, 0700), 0);
		return;
	}
	fd = openat(w->fd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static bool is_there(const struct world *w, const char *name)
{
	return !faccessat(w->fd, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

static void takes_back(void **state)
{
	const struct world *w = *state;
	struct failure f = FAILURE_INIT;
	struct undo u = { 0 };

	make(w, &u, "parent", true);
	make(w, &u, "parent/pin", false);
	make(w, &u, "gone", false);
	assert_int_equal(unlinkat(w->fd, "gone", 0), 0);
	undo_run(&u, &f);
	assert_false(f.left_behind);
	assert_null(f.error.detail);
	assert_false(is_there(w, "parent"));
	undo_free(&u);
}

/* A pin that stays may be a second name of one made before it, which alone tells that it is ours.
 */
static void pin_stays(void **state)
{
	const struct world *w = *state;
	struct failure f = FAILURE_INIT;
	struct undo u = { 0 };

	make(w, &u, "staged", false);
	make(w, &u, "second", false);
	make(w, &u, "later", false);
	/* unlinkat(2) fails with EISDIR. */
	assert_int_equal(unlinkat(w->fd, "second", 0), 0);
	assert_int_equal(mkdirat(w->fd, "second", 0700), 0);
	undo_run(&u, &f);
	assert_true(f.left_behind);
	assert_false(is_there(w, "later"));
	assert_true(is_there(w, "staged"));
	assert_non_null(strstr(f.error.detail, "left behind: second (Is a directory)"));
	assert_non_null(strstr(f.error.detail, "left behind: staged"));
	assert_int_equal(u.count, 0);
	unlinkat(w->fd, "second", AT_REMOVEDIR);
	unlinkat(w->fd, "staged", 0);
	undo_free(&u);
	failure_clear(&f);
}

/* By a directory nothing is told: what was made before it goes. */
static void directory_stays(void **state)
{
	const struct world *w = *state;
	struct failure f = FAILURE_INIT;
	struct undo u = { 0 };

	make(w, &u, "staged", false);
	make(w, &u, "parent", true);
	assert_int_equal(mkdirat(w->fd, "parent/others", 0700), 0);
	undo_run(&u, &f);
	assert_true(f.left_behind);
	assert_false(is_there(w, "staged"));
	assert_non_null(strstr(f.error.detail, "left behind: parent"));
	unlinkat(w->fd, "parent/others", AT_REMOVEDIR);
	unlinkat(w->fd, "parent", AT_REMOVEDIR);
	undo_free(&u);
	failure_clear(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(takes_back, enter, leave),
		cmocka_unit_test_setup_teardown(pin_stays, enter, leave),
		cmocka_unit_test_setup_teardown(directory_stays, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "failing_alloc.h"
#include "base/buf.c"
#include "base/error.c"

static void sets(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(error_set(&e, EPERM, "cannot load %s", "x.o"), -EPERM);
	assert_int_equal(e.err, EPERM);
	assert_int_equal(e.class, ERROR_FAILED);
	assert_string_equal(e.message, "cannot load x.o");
	assert_null(e.detail);
	assert_null(e.hint);
	assert_int_equal(error_hint(&e, "run as %s", "root"), -EPERM);
	assert_string_equal(e.hint, "run as root");
	assert_int_equal(error_detail(&e, "one"), -EPERM);
	assert_int_equal(error_detail(&e, "%s", "two"), -EPERM);
	assert_string_equal(e.detail, "one\ntwo");
	assert_int_equal(error_context(&e, "%s:%d", "script", 3), -EPERM);
	assert_string_equal(e.message, "script:3: cannot load x.o");
	assert_string_equal(e.hint, "run as root");

	/* A new one replaces all of it, and may be made of it. */
	assert_int_equal(error_set_class(&e, ERROR_ENVIRONMENT, ENOENT, "%s, again", e.message),
			 -ENOENT);
	assert_int_equal(e.class, ERROR_ENVIRONMENT);
	assert_string_equal(e.message, "script:3: cannot load x.o, again");
	assert_null(e.detail);
	assert_null(e.hint);
	error_clear(&e);
	assert_int_equal(e.err, 0);
	assert_int_equal(e.class, ERROR_FAILED);
	assert_null(e.message);
	assert_int_equal(error_context(&e, "alone"), 0);
	assert_string_equal(e.message, "alone");
	error_clear(&e);
}

static void null_error(void **state)
{
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(error_set(NULL, EPERM, "x"), -EPERM);
	assert_int_equal(error_set_class(NULL, ERROR_USAGE, EINVAL, "x"), -EINVAL);
	assert_int_equal(error_nomem(NULL), -ENOMEM);
	assert_int_equal(error_context(NULL, "x"), 0);
	assert_int_equal(error_hint(NULL, "x"), 0);
	assert_int_equal(error_detail(NULL, "x"), 0);
	error_clear(NULL);
	error_set(&e, EPERM, "moved to nowhere");
	error_move(NULL, &e);
	assert_null(e.message);
}

static void moves(void **state)
{
	struct error from = ERROR_INIT, to = ERROR_INIT;

	(void)state;
	error_set(&to, EPERM, "old");
	error_hint(&to, "old hint");
	error_set_class(&from, ERROR_USAGE, EINVAL, "new");
	error_move(&to, &from);
	assert_int_equal(to.err, EINVAL);
	assert_int_equal(to.class, ERROR_USAGE);
	assert_string_equal(to.message, "new");
	assert_null(to.hint);
	assert_int_equal(from.err, 0);
	assert_null(from.message);
	error_move(&to, &to);
	assert_string_equal(to.message, "new");
	error_nomem(&from);
	error_move(&to, &from);
	assert_int_equal(to.err, ENOMEM);
	error_clear(&to);
	error_clear(&from);
}

static void codes(void **state)
{
	(void)state;
	assert_string_equal(error_code(EPERM), "EPERM");
	assert_string_equal(error_code(EOPNOTSUPP), "EOPNOTSUPP");
	assert_string_equal(error_code(EEXIST), "EEXIST");
	assert_string_equal(error_code(524), "E524");
	assert_string_equal(error_code(0), "E0");
	assert_string_equal(error_code(-1), "E-1");
	assert_string_equal(error_code(2147483647), "E2147483647");
}

/* What a life of an error is, with memory failing anywhere in it: errno and class always stay. */
static void one_life(bool memory)
{
	struct error e = ERROR_INIT, other = ERROR_INIT;
	char longer[200];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(error_set_class(&e, ERROR_ENVIRONMENT, EACCES, "%s", longer), -EACCES);
	assert_non_null(e.message);
	assert_int_equal(error_context(&e, "%s", longer), -EACCES);
	assert_non_null(e.message);
	assert_int_equal(error_hint(&e, "%s", longer), -EACCES);
	assert_int_equal(error_detail(&e, "%s", longer), -EACCES);
	assert_int_equal(error_detail(&e, "%s", longer), -EACCES);
	if (memory) {
		assert_int_equal(strlen(e.message), 400);
		assert_int_equal(strlen(e.detail), 399);
		assert_int_equal(strlen(e.hint), 199);
	}
	assert_int_equal(e.err, EACCES);
	assert_int_equal(e.class, ERROR_ENVIRONMENT);
	error_move(&other, &e);
	assert_int_equal(error_set(&other, EIO, "again"), -EIO);
	assert_non_null(other.message);
	assert_int_equal(error_nomem(&other), -ENOMEM);
	assert_string_equal(other.message, "not enough memory");
	assert_int_equal(error_context(&other, "load"), -ENOMEM);
	error_clear(&other);
	error_clear(&e);
}

static void no_memory_at_all(void **state)
{
	unsigned long n;

	(void)state;
	for (n = 1;; n++) {
		alloc_fail_one(n);
		one_life(false);
		if (!alloc_failed())
			break;
	}
	assert_true(n > 5);
	for (n = 1;; n++) {
		alloc_fail_from(n);
		one_life(false);
		if (!alloc_failed())
			break;
	}
	one_life(true);
}

static void lost_printf(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_str(&b, "kept");
	alloc_fail_from(1);
	buf_printf(&b, "%200d", 1);
	assert_true(alloc_failed());
	/* No half of it stays behind. */
	assert_string_equal(buf_text(&b), "kept");
	assert_int_equal(b.len, 4);
	assert_int_equal(buf_error(&b), -ENOMEM);
	assert_null(buf_take(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets),
		cmocka_unit_test(null_error),
		cmocka_unit_test(moves),
		cmocka_unit_test(codes),
		cmocka_unit_test(no_memory_at_all),
		cmocka_unit_test(lost_printf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

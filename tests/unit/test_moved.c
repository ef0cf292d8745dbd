/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a value has moved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ui/screen/moved.h"

static void moves(const char *before, const char *after, double seconds, const char *text,
		  double most)
{
	struct buf out = { 0 };
	double change = moved_text(before, after, seconds, &out);

	assert_string_equal(buf_text(&out), text);
	assert_true(change == most);
	buf_free(&out);
}

static void numbers(void **state)
{
	(void)state;
	moves("41", "1041", 1, "+1.0k", 1000);
	moves("1041", "41", 2, "-500", -500);
	moves("-5", "5", 1, "+10", 10);
	moves("0x10", "0x20", 1, "+16", 16);
	moves("18446744073709551610", "18446744073709551615", 1, "+5", 5);
	moves("1.5", "2.5", 0.5, "+2", 2);
}

static void members(void **state)
{
	(void)state;
	moves("{.packets = 1, .bytes = 60}", "{.packets = 3, .bytes = 180}", 1,
	      "+2 packets, +120 bytes", 120);
	moves("{.a = 1, .b = 7}", "{.a = 1, .b = 6}", 1, "-1 b", -1);
	moves("{.count = {1, 2, 3}}", "{.count = {2, 2, 5}}", 1, "+3 count", 3);
	moves("{.mode = OFF, .n = 1}", "{.mode = ON, .n = 2}", 1, "* mode, +1 n", 1);
	moves("{.s = \"a.b 1\"}", "{.s = \"a.b 2\"}", 1, "* s", 0);
	/* One way and back again within it. */
	moves("{.a = {1, 2}}", "{.a = {2, 1}}", 1, "* a", 0);
}

static void shapes(void **state)
{
	(void)state;
	moves("{.a = 1}", "{.b = 1}", 1, "*", 0);
	moves("{.a = 1}", "{.a = 1, .b = 2}", 1, "*", 0);
	moves("\"x\"", "17", 1, "*", 0);
	moves("\"x\\\"", "\"", 1, "*", 0);
	moves("", "1", 1, "*", 0);
	moves("on", "off", 1, "*", 0);
	/* More members than there is room for are told without the last. */
	moves("{.a=1,.b=1,.c=1,.d=1,.e=1,.f=1,.g=1,.h=1,.i=1}",
	      "{.a=2,.b=2,.c=2,.d=2,.e=2,.f=2,.g=2,.h=2,.i=9}", 1,
	      "+1 a, +1 b, +1 c, +1 d, +1 e, +1 f, +1 g, +1 h", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(members),
		cmocka_unit_test(shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
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
#include "output/block.c"
#include "output/json.c"
#include "output/table.c"

static const struct sink_column program_columns[] = {
	{ .key = "id", .title = "ID", .align = SINK_RIGHT },
	{ .key = "name", .title = "NAME" },
	{ .key = "maps", .title = "MAPS" },
	{ .key = "memory", .title = "MEMORY", .align = SINK_RIGHT, .bytes = true },
	{ .key = "pinned", .title = "PINNED" },
	{ .key = "target.name", .title = "TARGET" },
	{ .key = "holders.comm", .title = "HELD BY" },
};
static const struct sink_table program_table = { program_columns, 7, "no programs" };
static const struct sink_table bare_table = { program_columns, 2, NULL };

static struct sink *table_to(struct buf *out, bool color)
{
	return sink_table_buf(out, &(struct table_style){ .color = color, .error_fd = -1 });
}

static void program(struct sink *s, int id, const char *name)
{
	sink_row(s);
	sink_u64(s, "memory", (uint64_t)id * 4198);
	sink_str(s, "name", name);
	sink_int(s, "id", id);
	sink_str(s, "section", "xdp");
	sink_bool(s, "pinned", id == 3);
	sink_list(s, "maps");
	if (id == 3) {
		sink_int(s, NULL, 4);
		sink_int(s, NULL, 5);
	}
	sink_list_end(s);
	sink_object(s, "target", NULL);
	sink_str(s, "name", id == 3 ? "eth0" : NULL);
	sink_int(s, "id", 99);
	sink_object_end(s);
	sink_rows(s, "holders", NULL);
	sink_row(s);
	sink_int(s, "pid", 1);
	sink_str(s, "comm", "init");
	sink_row_end(s);
	sink_row(s);
	sink_str(s, "comm", "sh");
	sink_row_end(s);
	sink_rows_end(s);
	sink_object(s, "labels", NULL);
	sink_str(s, "name", "not the program's");
	sink_object_end(s);
	sink_row_end(s);
}

static void programs(struct sink *s)
{
	sink_rows(s, "programs", &program_table);
	program(s, 3, "xdp_pass");
	program(s, 12, "\xe6\xbc\xa2\xe5\xad\x97\x1b[31m");
	sink_rows_end(s);
}

static void check(struct sink *s, struct buf *out, const char *expected)
{
	struct error e = ERROR_INIT;

	assert_int_equal(sink_end(s, &e), 0);
	assert_string_equal(buf_text(out), expected);
	buf_reset(out);
}

static void table_rows(void **state)
{
	struct buf out = { 0 };
	struct sink *s = table_to(&out, false);

	(void)state;
	sink_begin(s);
	programs(s);
	check(s, &out,
	      "ID  NAME          MAPS  MEMORY  PINNED  TARGET  HELD BY\n"
	      " 3  xdp_pass      4,5    12.3K  yes     eth0    init,sh\n"
	      "12  \xe6\xbc\xa2\xe5\xad\x97\\x1b[31m  -      49.2K  no      -       init,sh\n");

	/* Nothing has a value: no blanks at the end, a dash for each. */
	sink_begin(s);
	sink_rows(s, "programs", &program_table);
	sink_row(s);
	sink_str(s, "name", "");
	sink_row_end(s);
	sink_rows_end(s);
	check(s, &out,
	      "ID  NAME  MAPS  MEMORY  PINNED  TARGET  HELD BY\n"
	      " -  -     -          -  -       -       -\n");

	sink_begin(s);
	sink_rows(s, "programs", &program_table);
	sink_rows_end(s);
	check(s, &out, "no programs\n");

	sink_begin(s);
	sink_rows(s, "programs", &bare_table);
	sink_rows_end(s);
	check(s, &out, "ID  NAME\n");

	sink_begin(s);
	check(s, &out, "");
	sink_free(s);
	buf_free(&out);
}

static void table_hides(void **state)
{
	struct buf out = { 0 };
	struct sink *s = table_to(&out, false);

	(void)state;
	sink_begin(s);
	sink_int(s, "changed", 1);
	sink_str(s, "name", "top");
	sink_list(s, "ids");
	sink_int(s, NULL, 1);
	sink_list_end(s);
	sink_rows(s, "hidden", NULL);
	program(s, 3, "x");
	sink_row(s);
	sink_text(s, "log", "hidden", 6);
	sink_note(s, "hidden");
	sink_rows(s, "programs", &program_table);
	program(s, 4, "y");
	sink_rows_end(s);
	sink_row_end(s);
	sink_rows_end(s);
	sink_note(s, "shown %d", 1);
	check(s, &out, "shown 1\n");
	sink_free(s);
	buf_free(&out);
}

static void table_blocks(void **state)
{
	static const struct sink_column columns[] = {
		{ .key = "name", .title = "Name" },
		{ .key = "memory", .title = "Memory", .align = SINK_RIGHT, .bytes = true },
		{ .key = "maps", .title = "Maps used" },
		{ .key = "target.name", .title = "Target" },
		{ .key = "lost", .title = "Lost" },
	};
	static const struct sink_table object = { columns, 5, NULL };
	struct buf out = { 0 };
	struct sink *s = table_to(&out, false);

	(void)state;
	sink_begin(s);
	sink_note(s, "first\x1b");
	sink_object(s, "program", &object);
	sink_str(s, "name", "xdp\npass");
	sink_int(s, "memory", -1);
	sink_list(s, "maps");
	sink_str(s, NULL, "a");
	sink_str(s, NULL, NULL);
	sink_list_end(s);
	sink_note(s, "inside");
	sink_rows(s, "maps_rows", &bare_table);
	sink_row(s);
	sink_int(s, "id", -7);
	/* A name of the inner table's row, not of the outer object. */
	sink_str(s, "name", "inner");
	sink_row_end(s);
	sink_rows_end(s);
	sink_text(s, "log",
		  "1\t\x1b"
		  "2\n\n3",
		  7);
	sink_object(s, "target", NULL);
	sink_str(s, "name", "eth0");
	sink_object_end(s);
	sink_object_end(s);
	sink_text(s, "log", "", 0);
	sink_text(s, "log", "last\n", 5);
	sink_note(s, "end");
	sink_rows(s, "programs", &bare_table);
	sink_rows_end(s);
	check(s, &out,
	      "first\\x1b\n"
	      "Name:       xdp\\x0apass\n"
	      "Memory:     -1\n"
	      "Maps used:  a,-\n"
	      "Target:     eth0\n"
	      "Lost:       -\n"
	      "inside\n"
	      "\n"
	      "ID  NAME\n"
	      "-7  inner\n"
	      "\n"
	      "1\t\\x1b2\n\n3\n"
	      "\n"
	      "last\n"
	      "end\n"
	      "\n"
	      "ID  NAME\n");
	sink_free(s);
	buf_free(&out);
}

static void table_colors(void **state)
{
	struct error failure = ERROR_INIT, e = ERROR_INIT;
	struct buf out = { 0 };
	struct sink *s = table_to(&out, true);

	(void)state;
	sink_begin(s);
	sink_rows(s, "programs", &bare_table);
	sink_row(s);
	sink_int(s, "id", 1);
	sink_row_end(s);
	sink_rows_end(s);
	check(s, &out, "\033[1mID  NAME\033[0m\n 1  -\n");
	error_set(&failure, EPERM, "no");
	assert_int_equal(sink_fail(s, "w", "load", &failure, &e), 0);
	assert_string_equal(buf_text(&out), "\033[1;31mw: load: \033[0mno\n");
	error_clear(&failure);
	sink_free(s);
	buf_free(&out);
}

static void fill_failure(struct error *e)
{
	error_set(e, EPERM, "cannot load \x1b");
	error_detail(e, "one");
	error_detail(e, "\ttwo\n");
	error_hint(e, "run as root");
}

static void failures(void **state)
{
	struct error failure = ERROR_INIT, plain = ERROR_INIT, e = ERROR_INIT;
	struct buf out = { 0 };
	struct sink *s = table_to(&out, false);

	(void)state;
	fill_failure(&failure);
	error_set(&plain, 524, "odd");
	sink_begin(s);
	programs(s);
	sink_rows(s, "programs", &program_table);
	sink_row(s);
	assert_int_equal(sink_fail(s, "x.txt:12", "load", &failure, &e), 0);
	assert_string_equal(buf_text(&out), "x.txt:12: load: cannot load \\x1b\n"
					    "  one\n"
					    "  \\x09two\n"
					    "hint: run as root\n");
	buf_reset(&out);
	assert_int_equal(sink_fail(s, "x", NULL, &plain, &e), 0);
	assert_string_equal(buf_text(&out), "x: odd\n");
	buf_reset(&out);
	/* Nothing of the failed document shows in the next. */
	sink_begin(s);
	check(s, &out, "");
	sink_free(s);

	s = sink_json_buf(&out);
	sink_begin(s);
	programs(s);
	sink_rows(s, "programs", &program_table);
	assert_int_equal(sink_fail(s, "x.txt:12", "load", &failure, &e), 0);
	assert_string_equal(buf_text(&out),
			    "{\"error\":{\"code\":\"EPERM\",\"message\":\"cannot load \\u001b\","
			    "\"hint\":\"run as root\",\"where\":\"x.txt:12\","
			    "\"details\":[\"one\",\"\\ttwo\"]}}\n");
	buf_reset(&out);
	assert_int_equal(sink_fail(s, NULL, NULL, &plain, &e), 0);
	assert_string_equal(buf_text(&out), "{\"error\":{\"code\":\"E524\",\"message\":\"odd\","
					    "\"hint\":null,\"where\":null}}\n");
	buf_reset(&out);
	sink_begin(s);
	check(s, &out, "{}\n");
	sink_free(s);
	error_clear(&failure);
	error_clear(&plain);
	buf_free(&out);
}

static void json_values(void **state)
{
	static const char bytes[] =
		"\"\\/\b\f\n\r\t\x01\x1f\x7f\0 \xc2\x80\xc3\xb6\xf0\x9f\x98\x80\xff"
		"\xe2\x80\xa8\xe2\x80\xae\xe2\x82";
	struct buf out = { 0 };
	struct sink *s = sink_json_buf(&out);

	(void)state;
	sink_begin(s);
	sink_object(s, "object", &program_table);
	sink_int(s, "min", INT64_MIN);
	sink_int(s, "zero", 0);
	sink_u64(s, "max", UINT64_MAX);
	sink_fixed(s, "fixed", 1005, 2);
	sink_fixed(s, "small", 7, 9);
	sink_fixed(s, "whole", UINT64_MAX, 0);
	sink_bool(s, "yes", true);
	sink_bool(s, "no", false);
	sink_null(s, "null");
	sink_str(s, "nothing", NULL);
	sink_str(s, "empty", "");
	sink_object_end(s);
	sink_rows(s, "rows", NULL);
	sink_row(s);
	sink_row_end(s);
	sink_row(s);
	sink_list(s, "a\"b");
	sink_int(s, NULL, -1);
	sink_str(s, NULL, "x");
	sink_list_end(s);
	sink_row_end(s);
	sink_rows_end(s);
	sink_note(s, "not here");
	sink_text(s, "log", "a\nb", 3);
	sink_list(s, "empty");
	sink_list_end(s);
	sink_strn(s, "bytes", bytes, sizeof(bytes) - 1);
	check(s, &out,
	      "{\"object\":{\"min\":-9223372036854775808,\"zero\":0,"
	      "\"max\":\"18446744073709551615\",\"fixed\":10.05,\"small\":0.000000007,"
	      "\"whole\":18446744073709551615,\"yes\":true,\"no\":false,\"null\":null,"
	      "\"nothing\":null,\"empty\":\"\"},"
	      "\"rows\":[{},{\"a\\\"b\":[-1,\"x\"]}],\"log\":\"a\\nb\",\"empty\":[],"
	      "\"bytes\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\\u0000 \\u0080\xc3\xb6"
	      "\xf0\x9f\x98\x80\\\\xff\\u2028\\u202e\\\\xe2\\\\x82\"}\n");
	sink_free(s);
	buf_free(&out);
}

/* Whichever allocation fails, it is told and nothing is written; then all works again. */
static void no_memory(void **state)
{
	int json;

	(void)state;
	for (json = 0; json < 2; json++) {
		struct buf expected = { 0 };
		unsigned long n;
		bool failed = true;

		for (n = 0; failed; n++) {
			struct error e = ERROR_INIT;
			struct buf out = { 0 };
			struct sink *s;
			int ret;

			/* The first round has no fault and says what is right. */
			alloc_fail_one(n);
			s = json ? sink_json_buf(&out) : table_to(&out, false);
			if (!s) {
				assert_true(alloc_failed());
				continue;
			}
			sink_begin(s);
			programs(s);
			sink_object(s, "one", &program_table);
			sink_text(s, "log", "text", 4);
			sink_object_end(s);
			sink_note(s, "note");
			ret = sink_end(s, &e);
			failed = alloc_failed();
			if (n == 0) {
				buf_str(&expected, buf_text(&out));
				failed = true;
			} else if (failed) {
				assert_int_equal(ret, -ENOMEM);
				assert_int_equal(e.err, ENOMEM);
				assert_string_equal(buf_text(&out), "");
				buf_reset(&out);
				assert_int_equal(sink_fail(s, NULL, NULL, &e, NULL), 0);
				assert_non_null(strstr(buf_text(&out), "not enough memory"));
				assert_null(strstr(buf_text(&out), "xdp_pass"));
			} else {
				assert_int_equal(ret, 0);
				assert_string_equal(buf_text(&out), buf_text(&expected));
			}
			error_clear(&e);
			sink_free(s);
			buf_free(&out);
		}
		assert_true(n > (json ? 3 : 20));
		buf_free(&expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_rows),	cmocka_unit_test(table_hides),
		cmocka_unit_test(table_blocks), cmocka_unit_test(table_colors),
		cmocka_unit_test(failures),	cmocka_unit_test(json_values),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

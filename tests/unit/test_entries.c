/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of an answer that goes around the JSON library: it must be JSON that may be shown. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <jansson.h>

#include "kernel/client/entries.h"

#include <cmocka.h>

#define BEFORE "{\"id\":1,\"result\":{\"a\":\"\\\"entries\\\":[\",\"entries\":["
#define AFTER  "],\"count\":1}}"

static int take(const char *inside, struct buf *entries, struct buf *rest)
{
	struct buf line = { 0 };
	int r;

	buf_str(&line, BEFORE);
	buf_str(&line, inside);
	buf_str(&line, AFTER);
	r = entries_take(line.data, line.len, entries, rest);
	buf_free(&line);
	return r;
}

static void assert_taken(const char *inside)
{
	struct buf entries = { 0 }, rest = { 0 };

	assert_int_equal(take(inside, &entries, &rest), 0);
	assert_string_equal(buf_text(&entries), inside);
	assert_string_equal(buf_text(&rest), BEFORE AFTER);
	buf_free(&entries);
	buf_free(&rest);
}

static void assert_refused(const char *inside)
{
	struct buf entries = { 0 }, rest = { 0 };

	if (take(inside, &entries, &rest) != -EPROTO)
		fail_msg("taken: %s", inside);
	buf_free(&entries);
	buf_free(&rest);
}

static void taken(void **state)
{
	(void)state;
	assert_taken("");
	assert_taken("1");
	assert_taken("{\"key\":1,\"value\":[true,false,null,-1.5e+3]}");
	assert_taken("{\"key\":\"a]}\\\"[{\",\"value\":\"\\\\\"},{\"key\":\"\\u001b\"}");
	assert_taken("[\"\xc3\xa4\",\"\xe2\x82\xac\"],[]");
}

static void refused(void **state)
{
	(void)state;
	assert_refused("{");
	assert_refused("}");
	assert_refused("[}");
	assert_refused("{]");
	assert_refused("\"");
	assert_refused("\"\\");
	assert_refused("\"\\x1\"");
	assert_refused("x");
	assert_refused(" 1");
	/* What a terminal should not see: C0, DEL, C1, what reorders a line, no UTF-8. */
	assert_refused("\"\x1b\"");
	assert_refused("\x1b");
	assert_refused("\"\x7f\"");
	assert_refused("\"\xc2\x9b\"");
	assert_refused("\"\xe2\x80\xae\"");
	assert_refused("\"\xff\"");
	assert_refused("\xc3\xa4");
}

static void deep(void **state)
{
	char inside[200];

	(void)state;
	memset(inside, '[', 50);
	memset(inside + 50, ']', 50);
	inside[100] = '\0';
	assert_taken(inside);
	memset(inside, '[', 70);
	memset(inside + 70, ']', 70);
	inside[140] = '\0';
	assert_refused(inside);
}

static void absent(void **state)
{
	static const char line[] =
		"{\"id\":1,\"ok\":false,\"error\":{\"message\":\"\\\"entries\\\":[\"}}";
	struct buf entries = { 0 }, rest = { 0 };

	(void)state;
	assert_int_equal(entries_take(line, strlen(line), &entries, &rest), -ENOENT);
	assert_int_equal(entries.len + rest.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),
		cmocka_unit_test(refused),
		cmocka_unit_test(deep),
		cmocka_unit_test(absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

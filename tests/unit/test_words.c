/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/worker/command_word.h"
#include "kernel/worker/names.h"

static void assert_word(const char *word, const char *expected)
{
	struct buf line = { 0 };

	command_word(&line, word);
	assert_string_equal(buf_text(&line), expected);
	buf_free(&line);
}

static void test_words_are_quoted_where_needed(void **state)
{
	(void)state;
	assert_word("eth0", "eth0");
	assert_word("/usr/lib/libc.so.6:malloc+0x10", "/usr/lib/libc.so.6:malloc+0x10");
	assert_word("sched:sched_switch", "sched:sched_switch");
	assert_word("", "\"\"");
	/* Else they would be read as options; a number is none. */
	assert_word("--egress", "\"--egress\"");
	assert_word("-", "\"-\"");
	assert_word("-5", "-5");
	assert_word("a b", "\"a b\"");
	assert_word("a;b#c", "\"a;b#c\"");
	assert_word("it's", "\"it's\"");
	assert_word("a\"b\\c", "\"a\\\"b\\\\c\"");
	assert_word("\t\n\x1b\x7f", "\"\\x09\\x0a\\x1b\\x7f\"");
	assert_word("\xc3\xa4\xff", "\"\xc3\xa4\xff\"");
}

static void test_words_are_separated(void **state)
{
	struct buf line = { 0 };

	(void)state;
	command_word(&line, "veth 0");
	command_word(&line, "egress");
	command_word(&line, "");
	assert_string_equal(buf_text(&line), "\"veth 0\" egress \"\"");
	buf_free(&line);
}

static void test_nearest_names(void **state)
{
	struct names names = { 0 };
	size_t i;
	static const char *const words[] = { "veth0", "lo", "wlan0", "eth10", "tun7" };

	(void)state;
	assert_null(names_nearest(&names, "veth0"));
	for (i = 0; i < 5; i++)
		names_add(&names, words[i]);
	assert_string_equal(names_nearest(&names, "vteh0"), "veth0");
	assert_null(names_nearest(&names, "entirely"));
	names_of_directory(&names, "/no/such/directory");
	assert_int_equal(names.count, 5);
	names_free(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_are_quoted_where_needed),
		cmocka_unit_test(test_words_are_separated),
		cmocka_unit_test(test_nearest_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

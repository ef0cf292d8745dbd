/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lang/lang.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void quotes(void **state)
{
	static const struct {
		const char *word, *quoted;
	} rows[] = {
		{ "plain", "plain" },
		{ "--pin-path=/a/b.c:d,e@1%+^~*?[]{}<>!$&|()",
		  "--pin-path=/a/b.c:d,e@1%+^~*?[]{}<>!$&|()" },
		{ "a#b", "a#b" },
		{ "gr\xc3\xb6\xc3\x9f"
		  "e",
		  "gr\xc3\xb6\xc3\x9f"
		  "e" },
		{ "", "\"\"" },
		{ "#b", "\"#b\"" },
		{ "a b", "\"a b\"" },
		{ "it's", "\"it's\"" },
		{ "a;b", "\"a;b\"" },
		{ "\"\\", "\"\\\"\\\\\"" },
		{ "a\n\tb\x1b\x7f", "\"a\\x0a\\x09b\\x1b\\x7f\"" },
		{ "\xc2\x9b", "\"\\xc2\\x9b\"" },
		{ "\xff", "\"\\xff\"" },
		{ "\xe2\x80\xae", "\"\\xe2\\x80\\xae\"" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct buf b = { 0 };

		lang_quote(&b, rows[i].word);
		assert_string_equal(buf_text(&b), rows[i].quoted);
		buf_free(&b);
	}
}

/* Any bytes, quoted, read back as one word of the same bytes. */
static void quote_round_trip(void **state)
{
	static const char likely[] = "\"'\\ ;#\n\r\tx\xc3\xb6\xef\xbb\xbf\xe2\x80\xae";
	unsigned round;

	(void)state;
	srand(2);
	for (round = 0; round < 20000; round++) {
		struct error e = ERROR_INIT;
		struct buf b = { 0 };
		struct script s;
		char word[12];
		size_t i, n = (size_t)rand() % (sizeof(word) - 1);

		for (i = 0; i < n; i++)
			word[i] = rand() % 3 ? likely[(size_t)rand() % (sizeof(likely) - 1)]
					     : (char)(1 + rand() % 255);
		word[n] = '\0';
		lang_quote(&b, word);
		assert_int_equal(script_parse(&s, "t", b.data, b.len, &e), 0);
		assert_int_equal(s.count, 1);
		assert_int_equal(s.statements[0].count, 1);
		assert_string_equal(s.statements[0].words[0].text, word);
		script_free(&s);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes),
		cmocka_unit_test(quote_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

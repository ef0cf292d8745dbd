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

#include "base/clock.h"
#include "failing_alloc.h"
#include "base/buf.c"
#include "lang/script.c"
#include "lang/partial.c"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Words in brackets, commands on lines; a star marks a quoted word: "[load][a b*]\n". */
static void show(struct buf *out, const struct script *s)
{
	size_t i, j;

	for (i = 0; i < s->count; i++) {
		const struct statement *st = &s->statements[i];

		assert_true(st->count > 0);
		for (j = 0; j < st->count; j++) {
			assert_int_equal(strlen(st->words[j].text), st->words[j].len);
			buf_printf(out, "[%s%s]", st->words[j].text,
				   st->words[j].quoted ? "*" : "");
		}
		buf_char(out, '\n');
	}
}

#define T(text) text, sizeof(text) - 1

static const struct {
	const char *text;
	size_t len;
	const char *shown;
} good[] = {
	{ T(""), "" },
	{ T("\n;; \t\r\n ; \n"), "" },
	{ T("list"), "[list]\n" },
	{ T("load foo.o; list\n"), "[load][foo.o]\n[list]\n" },
	{ T("  a\t b  ;c"), "[a][b]\n[c]\n" },
	{ T("a;b;;c;"), "[a]\n[b]\n[c]\n" },
	/* Line ends */
	{ T("a\r\nb\r\n"), "[a]\n[b]\n" },
	{ T("a\r\nb\r"), "[a]\n[b]\n" },
	{ T("a\rb \r c"), "[a][b][c]\n" },
	{ T("a \\\n b"), "[a][b]\n" },
	{ T("a \\\r\n b"), "[a][b]\n" },
	{ T("a\\\nb"), "[ab]\n" },
	{ T("a\\\n b"), "[a][b]\n" },
	{ T("a \\"), "[a]\n" },
	{ T("a \\\r"), "[a]\n" },
	{ T("a\\\n"), "[a]\n" },
	{ T("\\\n\\\r\n"), "" },
	{ T("\\\ra"), "[\ra*]\n" },
	/* Comments */
	{ T("# all"), "" },
	{ T("a # b; c\nd"), "[a]\n[d]\n" },
	{ T("a;#b\n#c\\\nd"), "[a]\n[d]\n" },
	{ T("a#b c\\#d \\#e '#f' \"#g\""), "[a#b][c#d*][#e*][#f*][#g*]\n" },
	{ T("a\\\n#b"), "[a#b]\n" },
	{ T("a \\\n#b\nc"), "[a]\n[c]\n" },
	{ T("a # it's \"open\nb"), "[a]\n[b]\n" },
	/* Quotes */
	{ T("'a b' \"c d\" e\\ f"), "[a b*][c d*][e f*]\n" },
	{ T("a'b'\"c\"d"), "[abcd*]\n" },
	{ T("'' \"\" a''"), "[*][*][a*]\n" },
	{ T("'\\n\"' \"'\""), "[\\n\"*]['*]\n" },
	{ T("\"\\\"\\\\\\n\\t\\x41\\xfF\""), "[\"\\\n\tA\xff*]\n" },
	{ T("\"a;b\" 'c;d' e\\;f"), "[a;b*][c;d*][e;f*]\n" },
	{ T("'a\nb' \"c\nd\"; e"), "[a\nb*][c\nd*]\n[e]\n" },
	{ T("'a\r\nb'"), "[a\r\nb*]\n" },
	{ T("\\a\\\\\\'\\\"\\ "), "[a\\'\" *]\n" },
	/* UTF-8 */
	{ T("\xef\xbb\xbflist"), "[list]\n" },
	{ T("\xef\xbb\xbf# a"), "" },
	{ T("\xef\xbb\xbf\xef\xbb\xbfx"), "[\xef\xbb\xbfx]\n" },
	{ T("gr\xc3\xb6\xc3\x9f"
	    "e '\xe6\xbc\xa2' \\\xf0\x9f\x98\x80"),
	  "[gr\xc3\xb6\xc3\x9f"
	  "e][\xe6\xbc\xa2*][\xf0\x9f\x98\x80*]\n" },
	{ T("a\xc2\xa0"
	    "b"),
	  "[a\xc2\xa0"
	  "b]\n" },
};

static void parses(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		struct error e = ERROR_INIT;
		struct buf b = { 0 };
		struct script s;
		char *copy = NULL;

		/* Exactly as long as it is: what reads behind the end is caught. */
		if (good[i].len) {
			copy = malloc(good[i].len);
			memcpy(copy, good[i].text, good[i].len);
		}
		if (script_parse(&s, "t", copy, good[i].len, &e))
			fail_msg("%s: %s", good[i].text, e.message);
		free(copy);
		show(&b, &s);
		assert_string_equal(buf_text(&b), good[i].shown);
		assert_string_equal(s.name, "t");
		buf_free(&b);
		script_free(&s);
		assert_null(s.statements);
	}
}

static void syntax_errors(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *message;
	} rows[] = {
		{ T("a 'b"), "x.txt:1:3: unterminated quote" },
		{ T("a\nlist; \"b\n\nc"), "x.txt:2:7: unterminated quote" },
		{ T("\"a\\"), "x.txt:1:1: unterminated quote" },
		{ T("\"a\\\""), "x.txt:1:1: unterminated quote" },
		{ T("'a'\r\n b\"\r\n"), "x.txt:2:3: unterminated quote" },
		{ T("\xc3\xb6\xe6\xbc\xa2\xf0\x9f\x98\x80 'x"), "x.txt:1:5: unterminated quote" },
		{ T("\xef\xbb\xbf'x"), "x.txt:1:1: unterminated quote" },
		{ T("a\n\n  \0"), "x.txt:3:3: NUL byte" },
		{ T("ab\0"), "x.txt:1:3: NUL byte" },
		{ T("'a\n\0'"), "x.txt:2:1: NUL byte" },
		{ T("\"a\0"), "x.txt:1:3: NUL byte" },
		{ T("# a\0"), "x.txt:1:4: NUL byte" },
		{ T("\\\0"), "x.txt:1:2: NUL byte" },
		{ T("a b\xff"), "x.txt:1:4: invalid UTF-8 (byte 0xff)" },
		{ T("'\xc3'"), "x.txt:1:2: invalid UTF-8 (byte 0xc3)" },
		{ T("\"\xed\xa0\x80\""), "x.txt:1:2: invalid UTF-8 (byte 0xed)" },
		{ T("# \x80\nlist"), "x.txt:1:3: invalid UTF-8 (byte 0x80)" },
		{ T("\\\xe2\x82"), "x.txt:1:2: invalid UTF-8 (byte 0xe2)" },
		{ T("\"a\\qb\""), "x.txt:1:3: unknown escape \\q inside double quotes" },
		{ T("\"\\\xc3\xb6\""),
		  "x.txt:1:2: unknown escape \\\xc3\xb6 inside double quotes" },
		{ T("\"\\\x1b\""), "x.txt:1:2: unknown escape \\\\x1b inside double quotes" },
		{ T("\"\\\xff\""), "x.txt:1:3: invalid UTF-8 (byte 0xff)" },
		{ T("\"a\\\nb\""),
		  "x.txt:1:3: backslash at the end of a line inside double quotes" },
		{ T("\"a\\\r\nb\""),
		  "x.txt:1:3: backslash at the end of a line inside double quotes" },
		{ T("\"\\x4g\""), "x.txt:1:2: \\x needs two hexadecimal digits" },
		{ T("\"\\x4"), "x.txt:1:2: \\x needs two hexadecimal digits" },
		{ T("\"\\x"), "x.txt:1:2: \\x needs two hexadecimal digits" },
		{ T("\"a\\x00\""), "x.txt:1:3: \\x00: a word cannot hold a NUL byte" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct error e = ERROR_INIT;
		struct script s;
		char *copy = malloc(rows[i].len);
		char said[128];

		memcpy(copy, rows[i].text, rows[i].len);
		assert_int_equal(script_parse(&s, "x.txt", copy, rows[i].len, &e), -EINVAL);
		free(copy);
		snprintf(said, sizeof(said), "%s: %s", e.where, e.message);
		assert_string_equal(said, rows[i].message);
		assert_int_equal(e.class, ERROR_USAGE);
		assert_null(s.statements);
		assert_null(s.name);
		assert_int_equal(s.count, 0);
		script_free(&s);
		error_clear(&e);
	}
}

static void places_and_sources(void **state)
{
	static const char text[] = "  load  'x\ny'  foo # c\n"
				   "\t\xc3\xb6\xe6\xbc\xa2 a;\tlist \\\r\n  b\\\n ; c\\\n";
	static const struct place places[] = { { 1, 3 }, { 1, 9 }, { 2, 5 }, { 3, 2 },
					       { 3, 5 }, { 3, 8 }, { 4, 3 }, { 5, 4 } };
	static const char *const sources[] = { "load  'x\ny'  foo", "\xc3\xb6\xe6\xbc\xa2 a",
					       "list \\\r\n  b", "c" };
	struct error e = ERROR_INIT;
	struct script s;
	size_t i, j, n = 0;

	(void)state;
	assert_int_equal(script_parse(&s, "t", text, sizeof(text) - 1, &e), 0);
	assert_int_equal(s.count, COUNT(sources));
	for (i = 0; i < s.count; i++) {
		const struct statement *st = &s.statements[i];

		assert_int_equal(st->source_len, strlen(sources[i]));
		assert_memory_equal(st->source, sources[i], st->source_len);
		for (j = 0; j < st->count; j++, n++) {
			assert_int_equal(st->words[j].place.line, places[n].line);
			assert_int_equal(st->words[j].place.column, places[n].column);
		}
	}
	assert_int_equal(n, COUNT(places));
	script_free(&s);
}

/* A text with its last newline missing says the same, whatever the newline ended. */
static void last_newline(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		struct buf text = { 0 }, with = { 0 }, without = { 0 };
		struct error e = ERROR_INIT;
		struct script s;

		buf_add(&text, good[i].text, good[i].len);
		buf_char(&text, '\n');
		assert_int_equal(script_parse(&s, "t", text.data, text.len, &e), 0);
		show(&with, &s);
		script_free(&s);
		assert_int_equal(script_parse(&s, "t", text.data, text.len - 1, &e), 0);
		show(&without, &s);
		script_free(&s);
		assert_string_equal(buf_text(&with), buf_text(&without));
		buf_free(&text);
		buf_free(&with);
		buf_free(&without);
	}
}

static void shell_words(void **state)
{
	static const char *const words[] = { "load", "a b",    "--",	   "#x",
					     "",     "\xff;'", "\xc3\xb6", "z" };
	static const char source[] = "load \"a b\" -- \"#x\" \"\" \"\\xff;'\" \xc3\xb6 z";
	static const unsigned columns[] = { 1, 6, 12, 15, 20, 23, 32, 34 };
	struct error e = ERROR_INIT;
	struct script s;
	size_t i;

	(void)state;
	assert_int_equal(script_from_words(&s, "arguments", words, COUNT(words), &e), 0);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.statements[0].count, COUNT(words));
	for (i = 0; i < COUNT(words); i++) {
		const struct word *w = &s.statements[0].words[i];

		assert_string_equal(w->text, words[i]);
		assert_int_equal(w->len, strlen(words[i]));
		assert_false(w->quoted);
		assert_int_equal(w->place.line, 1);
		assert_int_equal(w->place.column, columns[i]);
	}
	assert_string_equal(s.statements[0].source, source);
	assert_int_equal(s.statements[0].source_len, strlen(source));
	script_free(&s);
	assert_int_equal(script_from_words(&s, "arguments", NULL, 0, &e), 0);
	assert_int_equal(s.count, 0);
	script_free(&s);
}

static void partials(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *words; /* finished ones */
		const char *current;
		size_t start;
		char quote;
	} rows[] = {
		{ T(""), "", "", 0, 0 },
		{ T("lo"), "", "lo", 0, 0 },
		{ T("load "), "[load]", "", 5, 0 },
		{ T("load fo"), "[load]", "fo", 5, 0 },
		{ T("list; load a b"), "[load][a]", "b", 13, 0 },
		{ T("list\nsh"), "", "sh", 5, 0 },
		{ T("list;"), "", "", 5, 0 },
		{ T("load 'a b"), "[load]", "a b", 5, '\'' },
		{ T("load \"a b;\\"), "[load]", "a b;", 5, '"' },
		{ T("load \"a\\\""), "[load]", "a\"", 5, '"' },
		{ T("load \"a b\""), "[load]", "a b", 5, 0 },
		{ T("load x\"a' 'b"), "[load]", "xa' 'b", 5, '"' },
		{ T("load a\\ b"), "[load]", "a b", 5, 0 },
		{ T("load a\\"), "[load]", "a", 5, 0 },
		{ T("load \\"), "[load]", "", 5, 0 },
		{ T("load 'a' b"), "[load][a*]", "b", 9, 0 },
		{ T("load \\\n --pr"), "[load]", "--pr", 8, 0 },
		{ T("load # a b"), "[load]", "# a b", 5, 0 },
		{ T("load # a b\n"), "", "", 11, 0 },
		{ T("x;# a"), "", "# a", 2, 0 },
		{ T("load \"\\q\\x0\\x00\\x41"), "[load]", "\\q\\x0\\x00A", 5, '"' },
		{ T("load \xff\xc3"), "[load]", "\xff\xc3", 5, 0 },
		{ T("lo\0ad x\0"), "[load]", "x", 6, 0 },
		{ T("\xef\xbb\xbflo"), "", "lo", 3, 0 },
		{ T("a;\xef\xbb\xbf"
		    "b"),
		  "",
		  "\xef\xbb\xbf"
		  "b",
		  2, 0 },
		{ T("a\r"), "[a]", "", 2, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct error e = ERROR_INIT;
		struct buf b = { 0 };
		struct partial p;
		char *copy = rows[i].len ? malloc(rows[i].len) : NULL;
		size_t j;

		if (copy)
			memcpy(copy, rows[i].text, rows[i].len);
		assert_int_equal(partial_parse(&p, copy, rows[i].len, &e), 0);
		free(copy);
		for (j = 0; j < p.count; j++)
			buf_printf(&b, "[%s%s]", p.words[j].text, p.words[j].quoted ? "*" : "");
		assert_string_equal(buf_text(&b), rows[i].words);
		assert_string_equal(p.current, rows[i].current);
		assert_int_equal(p.current_start, rows[i].start);
		assert_int_equal(p.quote, rows[i].quote);
		assert_int_equal(p.script.count, p.count ? 1 : 0);
		buf_free(&b);
		partial_free(&p);
		assert_null(p.current);
	}
}

static void partial_places(void **state)
{
	static const char text[] = "one\n two; three  f\xc3\xb6r 'x";
	struct error e = ERROR_INIT;
	struct partial p;

	(void)state;
	assert_int_equal(partial_parse(&p, text, sizeof(text) - 1, &e), 0);
	assert_int_equal(p.count, 2);
	assert_int_equal(p.words[0].place.line, 2);
	assert_int_equal(p.words[0].place.column, 7);
	assert_int_equal(p.words[1].place.column, 14);
	assert_int_equal(p.script.statements[0].source_len, strlen("three  f\xc3\xb6r"));
	partial_free(&p);
}

/* Sizes that a fixed limit or a square would not survive. */
static void large(void **state)
{
	enum { LINE = 16 << 20, LINES = 100000 };
	struct error e = ERROR_INIT;
	struct buf b = { 0 };
	struct script s;
	int64_t started = clock_monotonic();
	int i;

	(void)state;
	buf_str(&b, "load ");
	buf_fill(&b, 'x', LINE);
	assert_int_equal(script_parse(&s, "t", b.data, b.len, &e), 0);
	assert_int_equal(s.statements[0].words[1].len, LINE);
	script_free(&s);

	buf_reset(&b);
	for (i = 0; i < LINE / 16; i++)
		buf_str(&b, "word 'a b' \"c\\n\"");
	assert_int_equal(script_parse(&s, "t", b.data, b.len, &e), 0);
	assert_int_equal(s.statements[0].count, LINE / 16 * 2 + 1);
	script_free(&s);

	buf_reset(&b);
	for (i = 0; i < LINES; i++)
		buf_printf(&b, "load %d.o\n", i);
	assert_int_equal(script_parse(&s, "t", b.data, b.len, &e), 0);
	assert_int_equal(s.count, LINES);
	assert_string_equal(s.statements[LINES - 1].words[1].text, "99999.o");
	assert_int_equal(s.statements[LINES - 1].words[1].place.line, LINES);
	script_free(&s);
	buf_free(&b);
	/* Sanitizers and a busy machine included; a square would take hours. */
	assert_true(clock_monotonic() - started < INT64_C(20000000000));
}

static void no_memory(void **state)
{
	static const char *const words[] = { "load", "a b" };
	static const char *const texts[] = { "load 'a b'; list", "load \"\\q\"" };
	struct error e = ERROR_INIT;
	unsigned long n;
	size_t i;
	bool failed;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		for (n = 1, failed = true; failed; n++) {
			struct script s;
			int ret;

			alloc_fail_one(n);
			ret = script_parse(&s, "t", texts[i], strlen(texts[i]), &e);
			failed = alloc_failed();
			/* What is wrong in the text may be told without memory for its words. */
			if (!failed)
				assert_int_equal(ret, i ? -EINVAL : 0);
			else if (ret != -EINVAL || i == 0)
				assert_int_equal(ret, -ENOMEM);
			assert_non_null(ret ? e.message : "");
			script_free(&s);
			error_clear(&e);
		}
		assert_true(n > 2);
	}
	for (n = 1, failed = true; failed; n++) {
		struct partial p;
		struct script s;

		alloc_fail_one(n);
		if (script_from_words(&s, "t", words, COUNT(words), &e) == 0)
			script_free(&s);
		if (partial_parse(&p, "load 'a b", 9, &e) == 0)
			partial_free(&p);
		failed = alloc_failed();
		assert_int_equal(e.err, failed ? ENOMEM : 0);
		error_clear(&e);
	}
	assert_true(n > 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),
		cmocka_unit_test(syntax_errors),
		cmocka_unit_test(places_and_sources),
		cmocka_unit_test(last_newline),
		cmocka_unit_test(shell_words),
		cmocka_unit_test(partials),
		cmocka_unit_test(partial_places),
		cmocka_unit_test(large),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

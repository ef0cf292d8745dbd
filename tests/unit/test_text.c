/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Every code point goes there and back; surrogates do not. */
static void utf8_round_trip(void **state)
{
	struct buf b = { 0 };
	uint32_t code;

	(void)state;
	for (code = 0; code <= 0x10ffff; code++) {
		bool valid = code < 0xd800 || code > 0xdfff;
		uint32_t back = 0;
		size_t n, i;

		buf_reset(&b);
		utf8_add(&b, code);
		n = utf8_decode(b.data, b.len, &back);
		if (!valid) {
			assert_int_equal(n, 0);
			continue;
		}
		assert_int_equal(n, b.len);
		assert_int_equal(back, code);
		/* Cut off anywhere it is no character. */
		for (i = 1; i < n; i++)
			assert_int_equal(utf8_decode(b.data, i, &back), 0);
	}
	buf_free(&b);
}

/*
 * Exactly as many of all four-byte strings begin with a character as there are characters: none
 * has a second, overlong form. Last bytes are tried where they matter, at the edges of 80..BF.
 */
static void utf8_no_second_form(void **state)
{
	static const unsigned char edges[] = { 0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff };
	size_t lengths[5] = { 0 };
	unsigned first, second;
	size_t i, j;

	(void)state;
	for (first = 0; first < 256; first++) {
		for (second = 0; second < 256; second++) {
			for (i = 0; i < COUNT(edges); i++) {
				for (j = 0; j < COUNT(edges); j++) {
					char s[4] = { (char)first, (char)second, (char)edges[i],
						      (char)edges[j] };
					uint32_t code;

					lengths[utf8_decode(s, 4, &code)]++;
				}
			}
		}
	}
	assert_int_equal(lengths[1], 0x80 * 256 * 36);
	assert_int_equal(lengths[2], (0x800 - 0x80) * 36);
	/* Two of the six third bytes continue, and stand for 64. */
	assert_int_equal(lengths[3], (0x10000 - 0x800 - 0x800) / 64 * 2 * 6);
	assert_int_equal(lengths[4], 0x100000 / 64 / 64 * 2 * 2);
}

static void valid_prefix(void **state)
{
	static const struct {
		const char *s;
		size_t prefix;
	} rows[] = {
		{ "", 0 },
		{ "plain", 5 },
		{ "gr\xc3\xb6\xc3\x9f"
		  "e, and more than eight",
		  28 },
		{ "12345678\xff", 8 },
		{ "1234567\xff"
		  "abc",
		  7 },
		{ "123456789\xc3", 9 },
		{ "\xc0\x80", 0 },
		{ "\xed\xa0\x80", 0 },
		{ "\xf4\x90\x80\x80", 0 },
		{ "\xf0\x9f\x98\x80\x80", 4 },
		{ "\x80", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		size_t len = strlen(rows[i].s);

		assert_int_equal(utf8_valid_prefix(rows[i].s, len), rows[i].prefix);
		assert_int_equal(utf8_valid(rows[i].s, len), rows[i].prefix == len);
	}
	assert_true(utf8_valid("a\0b", 3));
}

static void escapes(void **state)
{
	static const struct {
		const char *s, *line, *lines;
	} rows[] = {
		{ "plain ~ text \\", NULL, NULL },
		{ "gr\xc3\xb6\xc3\x9f"
		  "e \xe2\x82\xac \xf0\x9f\x98\x80",
		  NULL, NULL },
		{ "a\nb\tc", "a\\x0ab\\x09c", "a\nb\tc" },
		{ "\x1b[31mred", "\\x1b[31mred", "\\x1b[31mred" },
		{ "\r\x07\x7f", "\\x0d\\x07\\x7f", "\\x0d\\x07\\x7f" },
		{ "\xc2\x80"
		  "a\xc2\x9b"
		  "b\xc2\x9f\xc2\xa0",
		  "\\xc2\\x80a\\xc2\\x9bb\\xc2\\x9f\xc2\xa0",
		  "\\xc2\\x80a\\xc2\\x9bb\\xc2\\x9f\xc2\xa0" },
		{ "\xff\xfe"
		  "a\xc3",
		  "\\xff\\xfea\\xc3", "\\xff\\xfea\\xc3" },
		{ "\xe2\x82", "\\xe2\\x82", "\\xe2\\x82" },
		{ "\xe2\x80\xa8\xe2\x80\xa9", "\\xe2\\x80\\xa8\\xe2\\x80\\xa9",
		  "\\xe2\\x80\\xa8\\xe2\\x80\\xa9" },
		{ "a\xe2\x80\xae"
		  "b",
		  "a\\xe2\\x80\\xaeb", "a\\xe2\\x80\\xaeb" },
		{ "\xe2\x81\xa6\xe2\x81\xa9\xd8\x9c", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9\\xd8\\x9c",
		  "\\xe2\\x81\\xa6\\xe2\\x81\\xa9\\xd8\\x9c" },
	};
	struct buf b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_reset(&b);
		escape_add(&b, rows[i].s, strlen(rows[i].s), ESCAPE_LINE);
		assert_string_equal(buf_text(&b), rows[i].line ? rows[i].line : rows[i].s);
		buf_reset(&b);
		escape_add(&b, rows[i].s, strlen(rows[i].s), ESCAPE_LINES);
		assert_string_equal(buf_text(&b), rows[i].lines ? rows[i].lines : rows[i].s);
	}
	buf_reset(&b);
	escape_add(&b, "a\0b", 3, ESCAPE_LINES);
	assert_string_equal(buf_text(&b), "a\\x00b");
	buf_free(&b);
}

/* Whatever comes in, what comes out is UTF-8 without control characters. */
static void escapes_anything(void **state)
{
	struct buf b = { 0 };
	unsigned round;

	(void)state;
	srand(1);
	for (round = 0; round < 20000; round++) {
		/* Bytes that build and break characters, more often than chance would. */
		static const unsigned char likely[] = { 0xe2, 0x80, 0xa8, 0xc2, 0x9b, 0xf0,
							0x9f, 0x98, 0xed, 0x1b, '\n', 'a' };
		char s[24];
		size_t i, at;

		for (i = 0; i < sizeof(s); i++)
			s[i] = (char)(rand() % 4 ? likely[(size_t)rand() % COUNT(likely)]
						 : rand() % 256);
		buf_reset(&b);
		escape_add(&b, s, sizeof(s), ESCAPE_LINE);
		for (at = 0; at < b.len;) {
			uint32_t code;
			size_t n = utf8_decode(b.data + at, b.len - at, &code);

			assert_true(n > 0);
			assert_false(code_is_control(code));
			at += n;
		}
	}
	buf_free(&b);
}

static void cells(void **state)
{
	static const struct {
		uint32_t code;
		int cells;
	} rows[] = {
		{ 'a', 1 },	{ ' ', 1 },	{ 0x7f, 0 },	{ 0xa0, 1 },	{ 0xad, 1 },
		{ 0xe9, 1 },	{ 0x2ff, 1 },	{ 0x300, 0 },	{ 0x36f, 0 },	{ 0x370, 1 },
		{ 0x483, 0 },	{ 0x600, 1 },	{ 0x64b, 0 },	{ 0x900, 0 },	{ 0x903, 1 },
		{ 0x10ff, 1 },	{ 0x1100, 2 },	{ 0x115f, 2 },	{ 0x1160, 0 },	{ 0x11ff, 0 },
		{ 0x200b, 0 },	{ 0x200d, 0 },	{ 0x2013, 1 },	{ 0x20dd, 0 },	{ 0x231a, 2 },
		{ 0x23f0, 2 },	{ 0x2500, 1 },	{ 0x2603, 1 },	{ 0x26a1, 2 },	{ 0x3000, 2 },
		{ 0x302a, 0 },	{ 0x3042, 2 },	{ 0x3099, 0 },	{ 0x4e00, 2 },	{ 0x9fff, 2 },
		{ 0xac00, 2 },	{ 0xd7a3, 2 },	{ 0xd7b0, 0 },	{ 0xfb1e, 0 },	{ 0xfe0e, 0 },
		{ 0xfe0f, 0 },	{ 0xfeff, 0 },	{ 0xff01, 2 },	{ 0xff61, 1 },	{ 0xffe0, 2 },
		{ 0xfffd, 1 },	{ 0x1d165, 1 }, { 0x1d167, 0 }, { 0x1f1e6, 1 }, { 0x1f300, 2 },
		{ 0x1f3fb, 2 }, { 0x1f600, 2 }, { 0x1f9d1, 2 }, { 0x20000, 2 }, { 0x2fffd, 2 },
		{ 0x3fffd, 2 }, { 0x40000, 1 }, { 0xe0001, 0 }, { 0xe0100, 0 }, { 0x10fffd, 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		if (code_cells(rows[i].code) != rows[i].cells)
			fail_msg("U+%04X takes %d cells", rows[i].code, code_cells(rows[i].code));
	}
}

static void widths(void **state)
{
	/* e with an accent as two code points, an ideograph, a smile */
	static const char s[] = "ae\xcc\x81\xe6\xbc\xa2z\xf0\x9f\x98\x80";
	size_t len = sizeof(s) - 1;

	(void)state;
	assert_int_equal(text_cells("", 0), 0);
	assert_int_equal(text_cells("plain", 5), 5);
	assert_int_equal(text_cells(s, len), 7);
	assert_int_equal(text_prefix(s, len, 0), 0);
	assert_int_equal(text_prefix(s, len, 1), 1);
	/* The accent belongs to the e. */
	assert_int_equal(text_prefix(s, len, 2), 4);
	/* Half an ideograph does not exist. */
	assert_int_equal(text_prefix(s, len, 3), 4);
	assert_int_equal(text_prefix(s, len, 4), 7);
	assert_int_equal(text_prefix(s, len, 5), 8);
	assert_int_equal(text_prefix(s, len, 6), 8);
	assert_int_equal(text_prefix(s, len, 7), len);
	assert_int_equal(text_prefix(s, len, SIZE_MAX), len);
}

static void byte_counts(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 1023, "1023" },
		{ 1024, "1.0K" },
		{ 4198, "4.1K" },
		{ 12345, "12.1K" },
		{ 1023900, "999.9K" },
		{ 1023999, "1000K" },
		{ 1024 * 1023, "1023K" },
		{ 1024 * 1024 - 513, "1023K" },
		{ 1024 * 1024 - 512, "1.0M" },
		{ 1024 * 1024, "1.0M" },
		{ UINT64_C(3) << 40, "3.0T" },
		{ UINT64_MAX, "16.0E" },
	};
	struct buf b = { 0 };
	unsigned shift, step;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_reset(&b);
		text_bytes(&b, rows[i].bytes);
		assert_string_equal(buf_text(&b), rows[i].text);
	}
	for (shift = 0; shift < 64; shift++) {
		for (step = 0; step < 2000; step++) {
			buf_reset(&b);
			text_bytes(&b, (UINT64_C(1) << shift) + ((uint64_t)step << shift) / 1000);
			assert_in_range(b.len, 1, 6);
		}
	}
	buf_free(&b);
}

static void names(void **state)
{
	static const struct {
		const char *path, *base, *object;
	} rows[] = {
		{ "/usr/lib/xdp_pass.bpf.o", "xdp_pass.bpf.o", "xdp_pass" },
		{ "xdp.o", "xdp.o", "xdp" },
		{ "./a/b", "b", "b" },
		{ ".o", ".o", ".o" },
		{ ".bpf.o", ".bpf.o", ".bpf" },
		{ "x.bpf.o.o", "x.bpf.o.o", "x.bpf.o" },
		{ "", "", "" },
		{ "dir/", "", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		char *name = object_name_of(rows[i].path);

		assert_string_equal(path_base(rows[i].path), rows[i].base);
		assert_string_equal(name, rows[i].object);
		free(name);
	}
}

static void numbers(void **state)
{
	static const char *const bad[] = { "",
					   "-1",
					   "+1",
					   " 1",
					   "1 ",
					   "0x1",
					   "1a",
					   "1.0",
					   "18446744073709551616",
					   "99999999999999999999" };
	uint64_t value = 7;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		assert_false(parse_u64(bad[i], &value));
		assert_int_equal(value, 7);
	}
	assert_true(parse_u64("0", &value));
	assert_int_equal(value, 0);
	assert_true(parse_u64("18446744073709551615", &value));
	assert_true(value == UINT64_MAX);
	assert_true(parse_u64("007", &value));
	assert_int_equal(value, 7);
}

static void nearest(void **state)
{
	static const char *const commands[] = { "load",	      "list",	  "unload", "show",
						"stats",      "attach",	  "detach", "verify",
						"--pin-path", "--program" };
	static const struct {
		const char *word, *near;
	} rows[] = {
		{ "laod", "load" }, /* swapped neighbours count once */
		{ "lsit", "list" },
		{ "lis", "list" },
		{ "load", "load" },
		{ "shw", "show" },
		{ "ver", "verify" }, /* a beginning, far by distance */
		{ "ve", NULL },	     /* too short for one */
		{ "--pin-pth", "--pin-path" },
		{ "--porgarm", "--program" },
		{ "atach", "attach" },
		{ "dettach", "detach" },
		{ "banana", NULL },
		{ "", NULL },
		{ "unlaod", "unload" },
		{ "staats", "stats" },
		{ "a-name-longer-than-any", NULL },
	};
	char *huge = malloc(100001);
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const char *found = text_nearest(rows[i].word, commands, COUNT(commands));

		if (!rows[i].near)
			assert_null(found);
		else if (!found || strcmp(found, rows[i].near) != 0)
			fail_msg("%s: %s", rows[i].word, found ? found : "nothing");
	}
	assert_null(text_nearest("load", commands, 0));
	memset(huge, 'l', 100000);
	huge[100000] = '\0';
	assert_null(text_nearest(huge, commands, COUNT(commands)));
	free(huge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_round_trip),
		cmocka_unit_test(utf8_no_second_form),
		cmocka_unit_test(valid_prefix),
		cmocka_unit_test(escapes),
		cmocka_unit_test(escapes_anything),
		cmocka_unit_test(cells),
		cmocka_unit_test(widths),
		cmocka_unit_test(byte_counts),
		cmocka_unit_test(names),
		cmocka_unit_test(numbers),
		cmocka_unit_test(nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

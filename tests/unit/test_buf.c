/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/grow.h"
#include "base/clock.h"

static void empty(void **state)
{
	struct buf b = { 0 };
	char *text;

	(void)state;
	assert_string_equal(buf_text(&b), "");
	buf_add(&b, NULL, 0);
	buf_fill(&b, 'x', 0);
	buf_str(&b, "");
	assert_int_equal(b.len, 0);
	buf_drop(&b, 5);
	text = buf_take(&b);
	assert_string_equal(text, "");
	free(text);
	buf_free(&b);
}

static void grows(void **state)
{
	struct buf b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		buf_char(&b, (char)('a' + i % 26));
		assert_int_equal(strlen(b.data + i), 1);
	}
	assert_int_equal(b.len, 100000);
	assert_int_equal(buf_error(&b), 0);
	for (i = 0; i < b.len; i++)
		assert_int_equal(b.data[i], 'a' + (int)(i % 26));
	buf_drop(&b, 26 * 3000 + 2);
	assert_int_equal(b.len, 100000 - 26 * 3000 - 2);
	assert_int_equal(b.data[0], 'c');
	buf_cut(&b, SIZE_MAX);
	buf_cut(&b, 2);
	assert_string_equal(buf_text(&b), "cd");
	buf_cut(&b, 3);
	assert_int_equal(b.len, 2);
	buf_drop(&b, SIZE_MAX);
	assert_string_equal(buf_text(&b), "");
	buf_cut(&b, 0);
	buf_free(&b);
	assert_null(b.data);
	buf_cut(&b, 0);
}

/* Every length around the edges of the memory, so that the last byte and the NUL both fit. */
static void printf_fits(void **state)
{
	size_t before, n;

	(void)state;
	for (before = 0; before < 130; before++) {
		for (n = 0; n < 130; n++) {
			struct buf b = { 0 };

			buf_fill(&b, '<', before);
			buf_printf(&b, "%0*d", (int)n, 7);
			assert_int_equal(b.len, before + (n ? n : 1));
			assert_int_equal(strlen(b.data), b.len);
			assert_int_equal(b.data[b.len - 1], '7');
			buf_free(&b);
		}
	}
}

static void bytes_and_reset(void **state)
{
	struct buf b = { 0 };
	char *memory, *text;

	(void)state;
	buf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b\0", 4);
	memory = b.data;
	buf_reset(&b);
	assert_string_equal(buf_text(&b), "");
	buf_str(&b, "again");
	assert_ptr_equal(b.data, memory);
	text = buf_take(&b);
	assert_string_equal(text, "again");
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	free(text);
}

static void too_much(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_str(&b, "kept");
	buf_fill(&b, 'x', SIZE_MAX - 2);
	assert_int_equal(buf_error(&b), -ENOMEM);
	buf_str(&b, "lost");
	buf_printf(&b, "%d", 1);
	buf_char(&b, 'x');
	assert_string_equal(buf_text(&b), "kept");
	assert_null(buf_take(&b));
	assert_int_equal(buf_error(&b), 0);
	buf_fill(&b, 'x', SIZE_MAX);
	assert_int_equal(buf_error(&b), -ENOMEM);
	buf_reset(&b);
	assert_int_equal(buf_error(&b), 0);
	buf_str(&b, "new");
	assert_string_equal(buf_text(&b), "new");
	buf_free(&b);
}

static void times(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} points[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ INT64_C(1795382721042999999), "2026-11-22T21:25:21.042Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ -INT64_C(1000000000), "1969-12-31T23:59:59.000Z" },
		{ INT64_C(951827696000000000), "2000-02-29T12:34:56.000Z" },
		{ INT64_MAX, "2262-04-11T23:47:16.854Z" },
		{ INT64_MIN, "1677-09-21T00:12:43.145Z" },
	}, durations[] = {
		{ 0, "0 ns" },
		{ 999, "999 ns" },
		{ 1000, "1 us" },
		{ 850400, "850 us" },
		{ 999499, "999 us" },
		{ 999500, "1.0 ms" },
		{ 12345678, "12.3 ms" },
		{ 999949999, "999.9 ms" },
		{ 999950000, "1.0 s" },
		{ INT64_C(4200000000), "4.2 s" },
		{ INT64_C(59940000000), "59.9 s" },
		{ INT64_C(59960000000), "1 min 0 s" },
		{ INT64_C(200000000000), "3 min 20 s" },
		{ INT64_C(3599600000000), "1 h 0 min" },
		{ INT64_C(7500000000000), "2 h 5 min" },
		{ INT64_C(273600000000000), "3 d 4 h" },
		{ -INT64_C(4200000000), "-4.2 s" },
		{ INT64_MIN, "-106752 d 0 h" },
	};
	char text[CLOCK_TEXT];
	int64_t a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		clock_rfc3339(points[i].ns, text);
		assert_string_equal(text, points[i].text);
	}
	for (i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		clock_duration(durations[i].ns, text);
		assert_string_equal(text, durations[i].text);
	}
	a = clock_monotonic();
	assert_true(clock_monotonic() >= a);
	/* After 2024 and before the int64 ends: nanoseconds, not another unit. */
	assert_true(clock_now() > INT64_C(1704067200000000000));
}

static void growing(void **state)
{
	int *numbers = NULL;

	(void)state;
	for (size_t n = 0; n < 1000; n++) {
		int *grown = grow(numbers, n, sizeof(*grown));

		assert_non_null(grown);
		numbers = grown;
		numbers[n] = (int)n; /* a sanitizer sees a place that is not there */
	}
	for (size_t n = 0; n < 1000; n++)
		assert_int_equal(numbers[n], (int)n);
	free(numbers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growing),	   cmocka_unit_test(empty),
		cmocka_unit_test(grows),	   cmocka_unit_test(printf_fits),
		cmocka_unit_test(bytes_and_reset), cmocka_unit_test(too_much),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

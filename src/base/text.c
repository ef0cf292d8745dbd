/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/*
 * Unicode 15, table 3-7: the first byte decides the length, and which second bytes are left so
 * that no form is overlong, no surrogate and not above U+10FFFF. All further bytes are 80..BF.
 */
static const struct utf8_row {
	unsigned char first, last;
	unsigned char len;
	unsigned char second_first, second_last;
} utf8_rows[] = {
	{ 0xc2, 0xdf, 2, 0x80, 0xbf }, { 0xe0, 0xe0, 3, 0xa0, 0xbf }, { 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f }, { 0xee, 0xef, 3, 0x80, 0xbf }, { 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf }, { 0xf4, 0xf4, 4, 0x80, 0x8f },
};

size_t utf8_decode(const char *s, size_t len, uint32_t *code)
{
	const unsigned char *u = (const unsigned char *)s;
	const struct utf8_row *row = utf8_rows;
	const struct utf8_row *end = row + sizeof(utf8_rows) / sizeof(utf8_rows[0]);
	uint32_t value;
	size_t i;

	if (u[0] < 0x80) {
		*code = u[0];
		return 1;
	}
	while (row < end && u[0] > row->last)
		row++;
	if (row == end || u[0] < row->first || len < row->len || u[1] < row->second_first ||
	    u[1] > row->second_last)
		return 0;
	value = u[0] & (0x7fu >> row->len);
	for (i = 1; i < row->len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (u[i] & 0x3f);
	}
	*code = value;
	return row->len;
}

void utf8_add(struct buf *out, uint32_t code)
{
	char bytes[4];
	size_t n = 0;

	if (code < 0x80) {
		bytes[n++] = (char)code;
	} else if (code < 0x800) {
		bytes[n++] = (char)(0xc0 | code >> 6);
		bytes[n++] = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		bytes[n++] = (char)(0xe0 | code >> 12);
		bytes[n++] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[n++] = (char)(0x80 | (code & 0x3f));
	} else {
		bytes[n++] = (char)(0xf0 | code >> 18);
		bytes[n++] = (char)(0x80 | (code >> 12 & 0x3f));
		bytes[n++] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[n++] = (char)(0x80 | (code & 0x3f));
	}
	buf_add(out, bytes, n);
}

size_t utf8_valid_prefix(const char *s, size_t len)
{
	size_t at = 0;

	while (at < len) {
		uint64_t eight;
		uint32_t code;
		size_t n;

		if (len - at >= sizeof(eight)) {
			memcpy(&eight, s + at, sizeof(eight));
			if (!(eight & UINT64_C(0x8080808080808080))) {
				at += sizeof(eight);
				continue;
			}
		}
		n = utf8_decode(s + at, len - at, &code);
		if (n == 0)
			break;
		at += n;
	}
	return at;
}

bool utf8_valid(const char *s, size_t len)
{
	return utf8_valid_prefix(s, len) == len;
}

bool code_is_control(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return true;
	return code == 0x061c || code == 0x200e || code == 0x200f ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static void escape_bytes(struct buf *out, const char *s, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		char text[4] = { '\\', 'x', digits[c >> 4], digits[c & 15] };

		buf_add(out, text, sizeof(text));
	}
}

void escape_add(struct buf *out, const char *s, size_t len, enum escape_flags flags)
{
	size_t done = 0, at = 0;

	while (at < len) {
		unsigned char c = (unsigned char)s[at];
		uint32_t code;
		size_t n;

		if ((c >= 0x20 && c < 0x7f) ||
		    (flags == ESCAPE_LINES && (c == '\n' || c == '\t'))) {
			at++;
			continue;
		}
		n = utf8_decode(s + at, len - at, &code);
		if (n && !code_is_control(code)) {
			at += n;
			continue;
		}
		if (n == 0)
			n = 1;
		buf_add(out, s + done, at - done);
		escape_bytes(out, s + at, n);
		at += n;
		done = at;
	}
	buf_add(out, s + done, at - done);
}

void text_bytes(struct buf *out, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	unsigned shift = 10;
	const char *unit = units;
	unsigned whole, rest, tenths;

	if (bytes < 1024) {
		buf_printf(out, "%u", (unsigned)bytes);
		return;
	}
	/* The next unit already where rounding would write 1024 of this one. */
	while (unit[1] && bytes >= (UINT64_C(1) << (shift + 10)) - (UINT64_C(1) << (shift - 1))) {
		shift += 10;
		unit++;
	}
	whole = (unsigned)(bytes >> shift);
	rest = bytes >> (shift - 10) & 1023;
	tenths = whole * 10 + (rest * 10 + 512) / 1024;
	if (tenths < 10000)
		buf_printf(out, "%u.%u%c", tenths / 10, tenths % 10, *unit);
	else
		buf_printf(out, "%u%c", whole + (rest >= 512), *unit);
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *object_name_of(const char *path)
{
	static const char *const endings[] = { ".bpf.o", ".o" };
	const char *base = path_base(path);
	size_t len = strlen(base);
	size_t i;

	for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t n = strlen(endings[i]);

		if (len > n && strcmp(base + len - n, endings[i]) == 0) {
			len -= n;
			break;
		}
	}
	return strndup(base, len);
}

bool parse_u64(const char *s, uint64_t *value)
{
	uint64_t n = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return false;
	}
	*value = n;
	return true;
}

static size_t smallest(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Edit distance in bytes where swapping two neighbours is one edit (optimal string alignment).
 * rows has room for three rows of b_len + 1.
 */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len, size_t *rows)
{
	size_t *before = rows, *above = before + b_len + 1, *row = above + b_len + 1;
	size_t i, j;

	for (j = 0; j <= b_len; j++)
		row[j] = j;
	for (i = 1; i <= a_len; i++) {
		size_t *oldest = before;

		before = above;
		above = row;
		row = oldest;
		row[0] = i;
		for (j = 1; j <= b_len; j++) {
			size_t d = above[j - 1] + (a[i - 1] != b[j - 1]);

			d = smallest(d, smallest(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d = smallest(d, before[j - 2] + 1);
			row[j] = d;
		}
	}
	return row[b_len];
}

const char *text_nearest(const char *word, const char *const *candidates, size_t count)
{
	size_t len = strlen(word);
	size_t limit = len / 3 ? len / 3 : 1;
	const char *nearest = NULL;
	size_t best = SIZE_MAX;
	size_t longest = 0;
	size_t *rows;
	size_t i;

	if (len == 0)
		return NULL;
	for (i = 0; i < count; i++) {
		size_t n = strlen(candidates[i]);

		if (n > longest)
			longest = n;
	}
	rows = calloc(longest + 1, 3 * sizeof(*rows));
	if (!rows)
		return NULL;
	for (i = 0; i < count; i++) {
		size_t n = strlen(candidates[i]);
		bool prefix = len >= 3 && n > len && memcmp(word, candidates[i], len) == 0;
		size_t d;

		/* The lengths alone say when the distance is too great: names can be long. */
		if (!prefix && (n > len + limit || len > n + limit))
			continue;
		d = prefix ? n - len : edit_distance(word, len, candidates[i], n, rows);
		if ((prefix || d <= limit) && d < best) {
			nearest = candidates[i];
			best = d;
		}
	}
	free(rows);
	return nearest;
}

size_t digits_u64(char text[DIGITS], uint64_t value)
{
	char reversed[DIGITS];
	size_t n = 0, i;

	do {
		reversed[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	for (i = 0; i < n; i++)
		text[i] = reversed[n - 1 - i];
	return n;
}

void digits_add_u64(struct buf *out, uint64_t value)
{
	char text[DIGITS];

	buf_add(out, text, digits_u64(text, value));
}

void digits_add_i64(struct buf *out, int64_t value)
{
	if (value < 0)
		buf_char(out, '-');
	digits_add_u64(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

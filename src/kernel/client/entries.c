/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel/client/entries.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

enum { DEPTH = 64 };

/* What may stand between strings in compact JSON; brackets are looked at one by one. */
static const char between[256] = {
	['0' ... '9'] = 1, ['a'] = 1, ['e'] = 1, ['f'] = 1, ['l'] = 1, ['n'] = 1,
	['r'] = 1,	   ['s'] = 1, ['t'] = 1, ['u'] = 1, ['E'] = 1, ['+'] = 1,
	['-'] = 1,	   ['.'] = 1, [','] = 1, [':'] = 1,
};

/* The index behind the string whose text begins at i; 0: it is none. */
static size_t string_end(const char *text, size_t len, size_t i, bool *ascii)
{
	for (; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"')
			return i + 1;
		if (c < 0x20 || c == 0x7f)
			return 0;
		if (c >= 0x80)
			*ascii = false;
		if (c == '\\' && (++i == len || !strchr("\"\\/bfnrtu", text[i])))
			return 0;
	}
	return 0;
}

/* Length of the text up to the bracket that closes the list it is inside of; 0: none such. */
static bool list_length(const char *text, size_t len, size_t *length, bool *ascii)
{
	uint64_t objects = 0; /* bit n: what is open at depth n is an object */
	unsigned depth = 0;
	size_t i = 0;

	while (i < len) {
		unsigned char c = (unsigned char)text[i];
		bool object = c == '{' || c == '}';

		if (c == '"') {
			i = string_end(text, len, i + 1, ascii);
			if (!i)
				return false;
			continue;
		}
		if (c == '[' || c == '{') {
			if (++depth >= DEPTH)
				return false;
			objects = (objects & ~(UINT64_C(1) << depth)) | (uint64_t)object << depth;
		} else if (c == ']' || c == '}') {
			if (depth == 0) {
				*length = i;
				return c == ']';
			}
			if ((objects >> depth & 1) != object)
				return false;
			depth--;
		} else if (!between[c]) {
			return false;
		}
		i++;
	}
	return false;
}

static bool may_be_shown(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		uint32_t code;
		size_t n = utf8_decode(text + i, len - i, &code);

		if (!n || code_is_control(code))
			return false;
		i += n;
	}
	return true;
}

int entries_take(const char *line, size_t len, struct buf *entries, struct buf *rest)
{
	static const char key[] = "\"entries\":[";
	/* A quote inside of a string has a backslash before it: this is the key. */
	const char *begin = memmem(line, len, key, sizeof(key) - 1);
	bool ascii = true;
	size_t length;

	if (!begin)
		return -ENOENT;
	begin += sizeof(key) - 1;
	len -= begin - line;
	if (!list_length(begin, len, &length, &ascii))
		return -EPROTO;
	if (!ascii && !may_be_shown(begin, length))
		return -EPROTO;
	buf_add(entries, begin, length);
	buf_add(rest, line, begin - line);
	buf_add(rest, begin + length, len - length);
	return buf_error(entries) || buf_error(rest) ? -ENOMEM : 0;
}

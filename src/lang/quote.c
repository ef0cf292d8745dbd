/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lang/lang.h"

#include <string.h>

#include "base/text.h"

/* Whether word reads as itself without quotes. */
static bool is_bare(const char *word, size_t len)
{
	size_t at = 0;

	if (len == 0 || word[0] == '#')
		return false;
	while (at < len) {
		uint32_t code;
		size_t n = utf8_decode(word + at, len - at, &code);

		if (n == 0 || code_is_control(code) || strchr(" ;'\"\\", word[at]))
			return false;
		at += n;
	}
	/* Read back as a text's first word it would lose its mark. */
	return len < 3 || memcmp(word, "\xef\xbb\xbf", 3) != 0;
}

void lang_quote(struct buf *out, const char *word)
{
	size_t len = strlen(word);

	if (is_bare(word, len)) {
		buf_add(out, word, len);
		return;
	}
	buf_char(out, '"');
	while (len) {
		size_t n = strcspn(word, "\"\\");

		/* What escaping writes is what double quotes read: \xNN. */
		escape_add(out, word, n, ESCAPE_LINE);
		if (n < len) {
			buf_char(out, '\\');
			buf_char(out, word[n++]);
		}
		word += n;
		len -= n;
	}
	buf_char(out, '"');
}

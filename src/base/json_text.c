/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json_text.h"

#include "base/text.h"

/* How a byte stands in a string: as it is, as backslash and a letter, or not that simply. */
static const char json_escapes[256] = {
	[0 ... 7] = 1, ['\b'] = 'b',	    ['\t'] = 't',	 ['\n'] = 'n',
	[0x0b] = 1,    ['\f'] = 'f',	    ['\r'] = 'r',	 ['"'] = '"',
	['\\'] = '\\', [0x0e ... 0x1f] = 1, [0x7f ... 0xff] = 1,
};

/* The character at s in its escaped or plain form; returns its length in s. */
static size_t json_character(struct buf *out, const char *s, size_t len)
{
	unsigned char c = (unsigned char)*s;
	char letter = json_escapes[c];
	uint32_t code;
	size_t n;

	if (letter > 1) {
		char pair[2] = { '\\', letter };

		buf_add(out, pair, sizeof(pair));
		return 1;
	}
	n = utf8_decode(s, len, &code);
	if (n == 0) {
		buf_printf(out, "\\\\x%02x", c);
		return 1;
	}
	/* All of them are below U+10000: one \u is enough. */
	if (code_is_control(code))
		buf_printf(out, "\\u%04x", (unsigned)code);
	else
		buf_add(out, s, n);
	return n;
}

void json_quote_add(struct buf *out, const char *s, size_t len)
{
	size_t done = 0, at = 0;

	buf_char(out, '"');
	while (at < len) {
		if (!json_escapes[(unsigned char)s[at]]) {
			at++;
			continue;
		}
		buf_add(out, s + done, at - done);
		at += json_character(out, s + at, len - at);
		done = at;
	}
	buf_add(out, s + done, at - done);
	buf_char(out, '"');
}

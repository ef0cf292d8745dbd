/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "kernel/worker/command_word.h"

/* Whether the command line takes the word as it is. */
static bool is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-+./:,=@%";

	/* What looks like an option is one, unless it is quoted. */
	if (word[0] == '-' && (word[1] < '0' || word[1] > '9'))
		return false;
	return *word && strspn(word, plain) == strlen(word);
}

void command_word(struct buf *line, const char *word)
{
	if (line->len)
		buf_char(line, ' ');
	if (is_plain(word)) {
		buf_str(line, word);
		return;
	}
	buf_char(line, '"');
	for (; *word; word++) {
		unsigned char c = (unsigned char)*word;

		if (c == '"' || c == '\\')
			buf_printf(line, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			buf_printf(line, "\\x%02x", c);
		else
			buf_char(line, (char)c);
	}
	buf_char(line, '"');
}

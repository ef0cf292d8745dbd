/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "kernel/worker/attach.h"

const char *attach_section_target(const struct attach *a)
{
	const char *slash = strchr(a->section, '/');

	return slash && slash[1] ? slash + 1 : NULL;
}

int attach_target(const struct attach *a, const char *fallback, const char **target,
		  struct failure *f)
{
	*target = a->target ? a->target : fallback;
	if (*target && **target)
		return 0;
	return attach_unfit(f, a, "attach type %s needs a target: %s", a->type->word,
			    a->type->target);
}

/* Whether the command line takes the word as it is. */
static bool is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-+./:,=@%";

	return *word && strspn(word, plain) == strlen(word);
}

void attach_word(struct attach *a, const char *word)
{
	if (a->text.len)
		buf_char(&a->text, ' ');
	if (is_plain(word)) {
		buf_str(&a->text, word);
		return;
	}
	buf_char(&a->text, '"');
	for (; *word; word++) {
		unsigned char c = (unsigned char)*word;

		if (c == '"' || c == '\\')
			buf_printf(&a->text, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			buf_printf(&a->text, "\\x%02x", c);
		else
			buf_char(&a->text, (char)c);
	}
	buf_char(&a->text, '"');
}

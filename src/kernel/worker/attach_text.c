/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernel/worker/attach.h"
#include "kernel/worker/command_word.h"

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

void attach_word(struct attach *a, const char *word)
{
	command_word(&a->text, word);
}

/* Decimal, or hexadecimal after 0x. */
static bool parse_offset(const char *text, uint64_t *value)
{
	char *end;

	if (strncmp(text, "0x", 2) != 0)
		return parse_u64(text, value);
	if (!text[2] || strspn(text + 2, "0123456789abcdefABCDEF") != strlen(text + 2))
		return false;
	errno = 0;
	*value = strtoull(text + 2, &end, 16);
	return errno == 0;
}

int attach_split_offset(const struct attach *a, char *function, uint64_t *offset, struct failure *f)
{
	char *plus = strrchr(function, '+');

	*offset = 0;
	if (!plus)
		return 0;
	*plus = '\0';
	return parse_offset(plus + 1, offset)
		       ? 0
		       : attach_unfit(f, a, "'%s' is not an offset", plus + 1);
}

bool attach_is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

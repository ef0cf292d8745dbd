/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

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

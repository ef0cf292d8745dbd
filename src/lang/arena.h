/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_LANG_ARENA_H
#define BPFMAN_LANG_ARENA_H

#include "lang/lang.h"

/*
 * All that a script owns, in one piece of memory. Its size is known before it is made, because a
 * text is looked through once to count and check, and once to fill: so a text of any shape costs
 * what its words need and nothing grows. Private to lang.
 */
struct lang_arena {
	struct statement *statements;
	struct word *words;
	char *source; /* source_len bytes and a NUL */
	char *text;   /* text_len bytes */
};

/* NULL without memory; free() releases it. */
struct lang_arena *arena_new(size_t statements, size_t words, size_t source_len, size_t text_len);

#endif

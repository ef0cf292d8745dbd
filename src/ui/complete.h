/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_UI_COMPLETE_H
#define BPFMAN_UI_COMPLETE_H

#include "command/command.h"

/* Tab on readline's line. */
struct candidates {
	char **room;  /* the words from 1 on; room[0] is free to use; NULL behind the last */
	char **words; /* the same, from 0 on */
	size_t count;
	size_t start;	/* where in the line what they replace begins */
	size_t longest; /* bytes */
	bool final;	/* of a single one: nothing more belongs to this word */
};

/*
 * Puts in what is certain. Where there are several, and nothing more that they share, show is
 * called with them. Returns false when there is none.
 */
bool complete_line(struct session *s, void (*show)(void *data, const struct candidates *c),
		   void *data);
/*
 * Binds the keys that complete, in emacs and vi mode, to a function of readline's form; and keeps
 * those of vi mode from looping for ever. After rl_initialize().
 */
void complete_bind(int (*fn)(int count, int key));

#endif

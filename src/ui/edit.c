/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/edit.h"

#include <stdio.h>
#include <string.h>

#include <readline/history.h>
#include <readline/readline.h>

static int place; /* in the history */

static void forget_undo_of(int which)
{
	HIST_ENTRY *entry = history_get(history_base + which);

	if (entry)
		entry->data = NULL;
}

void edit_begin(void)
{
	place = where_history();
}

/*
 * A line of the history and the line that is edited share the list of what can be undone, and this
 * readline loses count of who frees it when searches, counts and entered lines come together. So
 * the list is given up, not freed, where the line is left for another: undo goes back to there.
 */
void edit_after(void)
{
	int now = where_history();

	if (now == place)
		return;
	forget_undo_of(now);
	forget_undo_of(place);
	rl_undo_list = NULL;
	place = now;
}

/*
 * A key that is none of the search's own ends it and then does what it does. readline enters itself
 * for that, and crashes on sequences and on undo lists. When the search is ended before, with the
 * line it has found, it comes to the same.
 */
void edit_before(char key)
{
	static const char own[] = { 'R' & 31, 'S' & 31, 'G' & 31, 'H' & 31 };

	if (RL_ISSTATE(RL_STATE_ISEARCH) && (unsigned char)key < 0x20 &&
	    !memchr(own, key, sizeof(own)))
		edit_finish();
}

void edit_finish(void)
{
	rl_callback_sigcleanup();
	edit_after();
}

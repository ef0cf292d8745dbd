/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the terminal is able to do. <term.h> makes macros of ordinary words: so a file of its own.
 */
#include "ui/screen/terminfo.h"

#include <ncurses.h>
#include <stdlib.h>
#include <term.h>
#include <unistd.h>

bool terminal_capable(const char *term, struct buf *why)
{
	const char *name = term ? term : getenv("TERM"), *cup;
	bool capable;
	int status;

	if (!name || !*name) {
		buf_str(why, "TERM is not set");
		return false;
	}
	if (setupterm(name, STDOUT_FILENO, &status) != OK) {
		buf_printf(why, "the terminal \"%s\" is not known here", name);
		return false;
	}
	cup = tigetstr("cup");
	capable = cup && cup != (const char *)-1;
	del_curterm(cur_term);
	if (!capable)
		buf_printf(why, "the terminal \"%s\" cannot hold a screen", name);
	return capable;
}

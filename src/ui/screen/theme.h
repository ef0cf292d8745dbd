/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_THEME_H
#define BPFMAN_SCREEN_THEME_H

#include <stdbool.h>

/* What text is, which the theme's table turns into attributes and colours. */
enum role {
	ROLE_TEXT,
	ROLE_HEADER,   /* first line of the screen */
	ROLE_TITLE,    /* of a pane */
	ROLE_FOCUSED,  /* of the pane that has the keys */
	ROLE_HEAD,     /* column titles */
	ROLE_SELECTED, /* the row the keys mean */
	ROLE_TAGGED,
	ROLE_DIM,  /* what others loaded, hints */
	ROLE_GOOD, /* attached */
	ROLE_WARN, /* lost, unknown, pending */
	ROLE_BAD,  /* errors */
	ROLE_COMMAND,
	ROLE_GRAPH,
	ROLE_MATCH, /* of a search */
	ROLE_POPUP,
	ROLE_ASK, /* a question */
	ROLE_BAR, /* last line: what keys do */
	ROLE_KEY, /* a key's name in it */
	ROLE_COUNT
};

/* After newterm(). colour false: attributes alone, which tell everything too. */
void theme_start(bool colour);
/* From here on stdscr is drawn in this role. */
void theme_use(enum role role);
/* Draws what stands there already, width cells, in this role. */
void theme_change(int y, int x, int width, enum role role);

#endif

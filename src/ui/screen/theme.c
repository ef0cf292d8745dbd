/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/screen/theme.h"

#include <ncurses.h>

/* Colours are a second signal: what they say, an attribute, a word or a mark says as well. */
static const struct look_of_role {
	attr_t plain;		/* without colour */
	attr_t attributes;	/* with colour */
	short fore, back;	/* with 8 colours; -1: the terminal's own */
	short fore256, back256; /* with 256 */
} theme[ROLE_COUNT] = {
	[ROLE_TEXT] = { A_NORMAL, A_NORMAL, -1, -1, -1, -1 },
	[ROLE_HEADER] = { A_BOLD, A_BOLD, -1, -1, -1, -1 },
	[ROLE_TITLE] = { A_UNDERLINE, A_UNDERLINE, -1, -1, -1, -1 },
	[ROLE_FOCUSED] = { A_REVERSE | A_BOLD, A_BOLD, COLOR_WHITE, COLOR_BLUE, 231, 25 },
	[ROLE_HEAD] = { A_BOLD, A_BOLD, COLOR_CYAN, -1, 73, -1 },
	[ROLE_SELECTED] = { A_REVERSE, A_NORMAL, COLOR_BLACK, COLOR_CYAN, 16, 116 },
	[ROLE_TAGGED] = { A_BOLD, A_BOLD, COLOR_YELLOW, -1, 221, -1 },
	[ROLE_DIM] = { A_DIM, A_DIM, -1, -1, 245, -1 },
	[ROLE_GOOD] = { A_NORMAL, A_NORMAL, COLOR_GREEN, -1, 71, -1 },
	[ROLE_WARN] = { A_BOLD, A_BOLD, COLOR_YELLOW, -1, 214, -1 },
	[ROLE_BAD] = { A_BOLD, A_BOLD, COLOR_RED, -1, 203, -1 },
	[ROLE_COMMAND] = { A_BOLD, A_BOLD, -1, -1, -1, -1 },
	[ROLE_GRAPH] = { A_NORMAL, A_NORMAL, COLOR_GREEN, -1, 71, -1 },
	[ROLE_MATCH] = { A_REVERSE, A_NORMAL, COLOR_BLACK, COLOR_YELLOW, 16, 221 },
	[ROLE_POPUP] = { A_REVERSE, A_NORMAL, COLOR_BLACK, COLOR_WHITE, 231, 238 },
	[ROLE_ASK] = { A_REVERSE | A_BOLD, A_BOLD, COLOR_WHITE, COLOR_RED, 231, 124 },
	[ROLE_BAR] = { A_NORMAL, A_NORMAL, -1, -1, 245, -1 },
	[ROLE_KEY] = { A_BOLD, A_BOLD, -1, -1, -1, -1 },
};

static bool coloured;

void theme_start(bool colour)
{
	coloured = colour && has_colors() && start_color() == OK && COLOR_PAIRS > ROLE_COUNT;
	if (!coloured)
		return;
	if (use_default_colors() != OK)
		assume_default_colors(COLOR_WHITE, COLOR_BLACK);
	for (short i = 0; i < ROLE_COUNT; i++) {
		const struct look_of_role *l = &theme[i];

		if (COLORS >= 256)
			init_pair((short)(i + 1), l->fore256, l->back256);
		else
			init_pair((short)(i + 1), l->fore, l->back);
	}
}

static attr_t attributes_of(enum role role)
{
	return coloured ? theme[role].attributes : theme[role].plain;
}

static short pair_of(enum role role)
{
	return coloured ? (short)(role + 1) : 0;
}

void theme_use(enum role role)
{
	attr_set(attributes_of(role), pair_of(role), NULL);
}

void theme_change(int y, int x, int width, enum role role)
{
	mvchgat(y, x, width, attributes_of(role), pair_of(role), NULL);
}

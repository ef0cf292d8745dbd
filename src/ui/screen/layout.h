/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_LAYOUT_H
#define BPFMAN_SCREEN_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which pane is where. Pure. */
enum {
	LAYOUT_PANES = 8,
	LAYOUT_MIN_ROWS = 4, /* below these only a message fits */
	LAYOUT_MIN_COLUMNS = 20,
	LAYOUT_FEW_ROWS = 15, /* below these only one pane does */
	LAYOUT_FEW_COLUMNS = 60,
	LAYOUT_WIDE = 150, /* from here panes stand side by side */
};

struct rect {
	int y, x, height, width; /* height 0: not on the screen */
};

struct layout_wish {
	bool shown;
	bool right;    /* where panes stand side by side: on the right */
	int weight;    /* share of the rows */
	int least;     /* rows without which it is of no use, its title included */
	int from;      /* rows of the screen from which it is shown before it was ever used */
	uint64_t used; /* when it was used last: the greatest stay when not all fit */
};

struct layout {
	bool message; /* too small for anything else */
	struct rect panes[LAYOUT_PANES];
	int header, prompt, bar; /* their rows; -1: none */
	int divider;		 /* column between left and right; -1: none */
};

/* zoomed: index of the one pane that has the screen, or -1. */
void layout_make(struct layout *l, int rows, int columns, const struct layout_wish *wishes,
		 size_t count, int zoomed);

#endif

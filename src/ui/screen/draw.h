/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_DRAW_H
#define BPFMAN_SCREEN_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

/*
 * Text to cells. Everything that is drawn goes through here, so that no control byte, no invalid
 * UTF-8 and nothing the locale cannot show ever reaches the terminal, and so that what is counted
 * in cells is what ncurses counts.
 */
enum { GLYPH_MAX = 16, GLYPH_JOINED = 5 };

enum glyph_style {
	GLYPH_HEX,   /* control characters as \xNN, as everywhere */
	GLYPH_CARET, /* as ^X, a newline as an arrow: what stands on the command line */
};

/* One character with what joins it, or the escape that is shown in its place. */
struct glyph {
	wchar_t text[GLYPH_MAX];
	int count; /* of text; at most GLYPH_JOINED where it is a single character */
	int cells;
	bool escaped;
};

/* The first glyph of s; returns the bytes it stands for, at least 1. len must be at least 1. */
size_t glyph_next(struct glyph *g, const char *s, size_t len, enum glyph_style style);
/* Cells that s takes. */
int draw_cells(const char *s, size_t len);

/*
 * Draws on stdscr, in the attributes that are set, from (y, x) at most width cells of s; the first
 * skip cells are left out. A wide character that is cut leaves a blank. Returns the cells used.
 */
int draw_text(int y, int x, int width, const char *s, size_t len, int skip);
/* The same of a string, padded with blanks to width. */
void draw_padded(int y, int x, int width, const char *s);
void draw_blank(int y, int x, int width);
/* Puts one glyph at (y, x), all of it. */
void draw_glyph(int y, int x, const struct glyph *g);
/* Whether the locale is UTF-8, so that more than ASCII can be shown. */
bool draw_unicode(void);

#endif

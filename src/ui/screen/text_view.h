/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_TEXT_VIEW_H
#define BPFMAN_SCREEN_TEXT_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "ui/screen/layout.h"
#include "ui/screen/theme.h"

/* Lines that can be scrolled, wrapped and searched: what the panes of text show. */
enum { TEXT_LINES = 20000, TEXT_BYTES = 4 * 1024 * 1024 };

struct text_line {
	char *bytes;
	size_t len;
	enum role role;
};

struct text_view {
	struct text_line *lines;
	size_t count, bytes;
	bool follow; /* the last line is to be seen */
	bool wrap;
	size_t top;	   /* first line seen ... */
	int top_row;	   /* ... from this row of its rows on */
	int left;	   /* cells scrolled to the right, when not wrapped */
	char *sought;	   /* NULL: nothing */
	size_t match;	   /* line where it was found */
	int height, width; /* as it was drawn last */
	struct buf *copy;  /* gets each line that is added; or NULL */
};

void text_view_free(struct text_view *t);
void text_view_clear(struct text_view *t);
/*
 * Appends lines. A line that begins with an escape sequence of the table sink gets its role; the
 * sequences themselves go. The oldest lines go when there are more than TEXT_LINES or TEXT_BYTES.
 */
void text_view_add(struct text_view *t, const char *text, size_t len, enum role role);
/* Other contents of the same thing: what is seen stays where it is. */
void text_view_replace(struct text_view *t, const char *text, size_t len);
/* All lines as plain text. */
void text_view_text(const struct text_view *t, struct buf *out);
void text_view_draw(struct text_view *t, const struct rect *at);
/* Moves by rows; negative: up. */
void text_view_scroll(struct text_view *t, int rows);
void text_view_home(struct text_view *t);
void text_view_end(struct text_view *t);
void text_view_sideways(struct text_view *t, int cells);
/* Looks for sought from the top line on (or backwards); false: it stands nowhere else. */
bool text_view_seek(struct text_view *t, bool back, bool from_here);
void text_view_set_sought(struct text_view *t, const char *text);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/screen/text_view.h"

#include <ncurses.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/grow.h"
#include "output/output.h"
#include "ui/screen/draw.h"

void text_view_clear(struct text_view *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->lines[i].bytes);
	free(t->lines);
	t->lines = NULL;
	t->count = t->bytes = t->top = t->match = 0;
	t->top_row = t->left = 0;
}

void text_view_free(struct text_view *t)
{
	text_view_clear(t);
	free(t->sought);
	t->sought = NULL;
}

/* A quarter at once, so that a full view does not move all its lines for each new one. */
static void drop_oldest(struct text_view *t)
{
	size_t n = t->count / 4 + 1;

	for (size_t i = 0; i < n; i++) {
		t->bytes -= t->lines[i].len;
		free(t->lines[i].bytes);
	}
	t->count -= n;
	memmove(t->lines, t->lines + n, t->count * sizeof(*t->lines));
	t->top = t->top > n ? t->top - n : 0;
	t->match = t->match > n ? t->match - n : 0;
}

static void add_line(struct text_view *t, char *bytes, size_t len, enum role role)
{
	struct text_line *grown;

	while (t->count && (t->count >= TEXT_LINES || t->bytes + len > TEXT_BYTES))
		drop_oldest(t);
	grown = bytes ? grow(t->lines, t->count, sizeof(*grown)) : NULL;
	if (!grown) {
		free(bytes);
		return;
	}
	if (t->copy) {
		buf_add(t->copy, bytes, len);
		buf_char(t->copy, '\n');
	}
	t->lines = grown;
	t->lines[t->count++] = (struct text_line){ bytes, len, role };
	t->bytes += len;
}

/* The table sink's own sequences, the only ones there are, go; the first says what the line is. */
static void add_marked(struct text_view *t, const char *s, size_t len, enum role role)
{
	struct buf line = { 0 };

	if (len > 2 && !strncmp(s, "\033[1;31m", 7 < len ? 7 : len))
		role = ROLE_BAD;
	else if (len > 2 && !strncmp(s, "\033[1m", 4 < len ? 4 : len))
		role = ROLE_HEAD;
	table_plain(&line, s, len);
	len = line.len;
	if (!line.data)
		buf_str(&line, "");
	add_line(t, len ? buf_take(&line) : strdup(""), len, role);
	buf_free(&line);
}

/* Tabs to blanks, as a terminal would show them. */
static void expand(struct buf *out, const char *s, size_t len)
{
	size_t column = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\t') {
			buf_fill(out, ' ', 8 - column % 8);
			column += 8 - column % 8;
		} else {
			buf_char(out, s[i]);
			column += ((unsigned char)s[i] & 0xc0) != 0x80;
		}
	}
}

void text_view_add(struct text_view *t, const char *text, size_t len, enum role role)
{
	size_t at = 0;

	while (at < len) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end ? (size_t)(end - text) - at : len - at;

		if (memchr(text + at, '\t', n)) {
			struct buf line = { 0 };

			expand(&line, text + at, n);
			add_marked(t, buf_text(&line), line.len, role);
			buf_free(&line);
		} else {
			add_marked(t, text + at, n, role);
		}
		at += n + 1;
	}
}

void text_view_replace(struct text_view *t, const char *text, size_t len)
{
	size_t top = t->top, match = t->match;
	int top_row = t->top_row, left = t->left;

	text_view_clear(t);
	text_view_add(t, text, len, ROLE_TEXT);
	t->top = top;
	t->top_row = top_row;
	t->match = match;
	t->left = left;
}

void text_view_text(const struct text_view *t, struct buf *out)
{
	for (size_t i = 0; i < t->count; i++) {
		buf_add(out, t->lines[i].bytes, t->lines[i].len);
		buf_char(out, '\n');
	}
}

/* ---- rows of lines ---- */

/* Bytes of the part of a line that fits into one row. */
static size_t row_bytes(const struct text_view *t, const char *s, size_t len)
{
	size_t at = 0, blank = 0;
	struct glyph g;
	int cells = 0;

	if (!t->wrap)
		return len;
	while (at < len) {
		size_t n = glyph_next(&g, s + at, len - at, GLYPH_HEX);

		if (cells + g.cells > t->width)
			/* Between words where there is one in the last third. */
			return blank > at - at / 3 ? blank : at ? at : n;
		cells += g.cells;
		at += n;
		if (s[at - 1] == ' ')
			blank = at;
	}
	return len;
}

static int rows_of(const struct text_view *t, size_t line)
{
	const struct text_line *l = &t->lines[line];
	size_t at = 0;
	int rows = 1;

	/* Most lines are short: no glyph takes fewer bytes than a quarter of its cells. */
	if (!t->wrap || t->width < 1 || l->len * 4 <= (size_t)t->width)
		return 1;
	for (;;) {
		at += row_bytes(t, l->bytes + at, l->len - at);
		if (at >= l->len)
			return rows;
		rows++;
	}
}

static bool up(struct text_view *t)
{
	if (t->top_row > 0) {
		t->top_row--;
		return true;
	}
	if (!t->top)
		return false;
	t->top--;
	t->top_row = rows_of(t, t->top) - 1;
	return true;
}

static bool down(struct text_view *t)
{
	if (t->top >= t->count)
		return false;
	if (t->top_row + 1 < rows_of(t, t->top)) {
		t->top_row++;
	} else {
		if (t->top + 1 >= t->count)
			return false;
		t->top++;
		t->top_row = 0;
	}
	return true;
}

/* The lowest place for the top: the last line in the last row. */
static void to_bottom(struct text_view *t)
{
	if (!t->count)
		return;
	t->top = t->count - 1;
	t->top_row = rows_of(t, t->top) - 1;
	for (int i = 1; i < t->height && up(t); i++)
		;
}

static bool below_bottom(const struct text_view *t)
{
	struct text_view probe = *t;

	to_bottom(&probe);
	return t->top > probe.top || (t->top == probe.top && t->top_row >= probe.top_row);
}

void text_view_scroll(struct text_view *t, int rows)
{
	for (; rows < 0 && up(t); rows++)
		t->follow = false;
	for (; rows > 0 && !below_bottom(t) && down(t); rows--)
		;
	if (below_bottom(t))
		t->follow = true;
}

void text_view_home(struct text_view *t)
{
	t->top = 0;
	t->top_row = t->left = 0;
	t->follow = below_bottom(t);
}

void text_view_end(struct text_view *t)
{
	t->follow = true;
	to_bottom(t);
}

void text_view_sideways(struct text_view *t, int cells)
{
	t->left = t->wrap || t->left + cells < 0 ? 0 : t->left + cells;
}

/* ---- searching ---- */

static const char *find(const struct text_line *l, const char *sought)
{
	return strcasestr(l->bytes, sought);
}

void text_view_set_sought(struct text_view *t, const char *text)
{
	free(t->sought);
	t->sought = *text ? strdup(text) : NULL;
}

bool text_view_seek(struct text_view *t, bool back, bool from_here)
{
	size_t at = t->match < t->count ? t->match : 0;

	if (!t->sought || !t->count)
		return false;
	if (from_here)
		at = t->top +
		     (back ? 0 : t->count - 1); /* so that the first looked at is the top */
	for (size_t i = 0; i < t->count; i++) {
		at = (at + (back ? t->count - 1 : 1)) % t->count;
		if (!find(&t->lines[at], t->sought))
			continue;
		t->match = t->top = at;
		t->top_row = 0;
		t->follow = false;
		/* A third of the lines above it, where there are any. */
		for (int k = 0; k < t->height / 3 && up(t); k++)
			;
		if (below_bottom(t))
			to_bottom(t);
		return true;
	}
	return false;
}

/* ---- drawing ---- */

static void mark_matches(const struct text_view *t, int y, const struct rect *at,
			 const struct text_line *l, size_t from, size_t len)
{
	const char *s = l->bytes, *found = t->sought ? find(l, t->sought) : NULL;

	for (; found && (size_t)(found - s) < from + len;
	     found = strcasestr(found + 1, t->sought)) {
		size_t begin = (size_t)(found - s);
		int x, width;

		if (begin < from)
			continue;
		x = draw_cells(s + from, begin - from) - (t->wrap ? 0 : t->left);
		width = draw_cells(found, strlen(t->sought));
		if (x < 0 || x >= at->width)
			continue;
		theme_change(y, at->x + x, width < at->width - x ? width : at->width - x,
			     ROLE_MATCH);
	}
}

void text_view_draw(struct text_view *t, const struct rect *at)
{
	size_t line, from;
	int skip;

	t->height = at->height;
	t->width = at->width;
	if (t->top >= t->count)
		t->top = t->count ? t->count - 1 : 0;
	if (t->top < t->count && t->top_row >= rows_of(t, t->top))
		t->top_row = 0;
	if (t->follow)
		to_bottom(t);
	line = t->top;
	skip = t->top_row;
	from = 0;
	for (int y = 0; y < at->height; y++) {
		const struct text_line *l = line < t->count ? &t->lines[line] : NULL;
		size_t len = 0;
		int used = 0;

		for (; l && skip > 0 && from < l->len; skip--)
			from += row_bytes(t, l->bytes + from, l->len - from);
		skip = 0;
		theme_use(l ? l->role : ROLE_TEXT);
		if (l) {
			len = row_bytes(t, l->bytes + from, l->len - from);
			used = draw_text(at->y + y, at->x, at->width, l->bytes + from, len,
					 t->wrap ? 0 : t->left);
		}
		theme_use(ROLE_TEXT);
		draw_blank(at->y + y, at->x + used, at->width - used);
		if (!l)
			continue;
		mark_matches(t, at->y + y, at, l, from, len);
		from += len;
		if (!t->wrap || from >= l->len) {
			line++;
			from = 0;
		}
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/screen/draw.h"

#include <langinfo.h>
#include <ncurses.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

bool draw_unicode(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

static void put_ascii(struct glyph *g, const char *text)
{
	for (; *text && g->count < GLYPH_MAX; text++)
		g->text[g->count++] = (wchar_t)(unsigned char)*text;
	g->cells = g->count;
	g->escaped = true;
}

static void put_hex(struct glyph *g, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char text[8];

		snprintf(text, sizeof(text), "\\x%02x", (unsigned)(unsigned char)s[i]);
		put_ascii(g, text);
	}
}

static void put_control(struct glyph *g, const char *s, size_t len, uint32_t code,
			enum glyph_style style)
{
	char caret[3] = { '^', (char)(code ^ 0x40), '\0' };

	if (style != GLYPH_CARET || code > 0x7f) {
		put_hex(g, s, len);
	} else if (code == '\n' && draw_unicode()) {
		g->text[0] = L'\u21b5';
		g->count = g->cells = 1;
		g->escaped = true;
	} else {
		put_ascii(g, caret);
	}
}

size_t glyph_next(struct glyph *g, const char *s, size_t len, enum glyph_style style)
{
	uint32_t code;
	size_t n = utf8_decode(s, len, &code);

	g->count = g->cells = 0;
	g->escaped = false;
	if (!n) {
		put_hex(g, s, 1);
		return 1;
	}
	if (code < 0x20 || code == 0x7f || code_is_control(code)) {
		put_control(g, s, n, code, style);
		return n;
	}
	/* What joins nothing, and what the locale has no width for, cannot be shown as it is. */
	g->cells = wcwidth((wchar_t)code);
	if (g->cells <= 0) {
		put_hex(g, s, n);
		return n;
	}
	g->text[g->count++] = (wchar_t)code;
	while (n < len && (unsigned char)s[n] >= 0x80) {
		size_t more = utf8_decode(s + n, len - n, &code);

		if (!more || code_is_control(code) || wcwidth((wchar_t)code) != 0)
			break;
		/* More marks than a cell holds are counted with it, but not shown. */
		if (g->count < GLYPH_JOINED)
			g->text[g->count++] = (wchar_t)code;
		n += more;
	}
	return n;
}

int draw_cells(const char *s, size_t len)
{
	struct glyph g;
	int cells = 0;

	for (size_t at = 0; at < len;) {
		if ((unsigned char)s[at] >= 0x20 && (unsigned char)s[at] < 0x7f &&
		    (at + 1 == len || (unsigned char)s[at + 1] < 0x80)) {
			at++;
			cells++;
			continue;
		}
		at += glyph_next(&g, s + at, len - at, GLYPH_HEX);
		cells += g.cells;
	}
	return cells;
}

void draw_glyph(int y, int x, const struct glyph *g)
{
	wchar_t text[GLYPH_MAX + 1];
	attr_t attributes;
	cchar_t cell;
	short pair;

	memcpy(text, g->text, (size_t)g->count * sizeof(*text));
	text[g->count] = L'\0';
	if (g->escaped || g->count == 1) {
		mvaddnwstr(y, x, text, g->count);
		return;
	}
	attr_get(&attributes, &pair, NULL);
	setcchar(&cell, text, attributes, pair, NULL);
	mvadd_wch(y, x, &cell);
}

void draw_blank(int y, int x, int width)
{
	if (width > 0)
		mvhline(y, x, ' ' | (chtype)getattrs(stdscr), width);
}

/* Printable ASCII from s on that nothing joins, as far as it goes. */
static size_t ascii_run(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && (unsigned char)s[n] >= 0x20 && (unsigned char)s[n] < 0x7f)
		n++;
	if (n && n < len && (unsigned char)s[n] >= 0x80)
		n--;
	return n;
}

int draw_text(int y, int x, int width, const char *s, size_t len, int skip)
{
	size_t at = 0;
	int used = 0;

	while (at < len && used < width) {
		size_t run = ascii_run(s + at, len - at);
		struct glyph g;

		if (run && skip) {
			size_t left_out = run < (size_t)skip ? run : (size_t)skip;

			at += left_out;
			skip -= (int)left_out;
			continue;
		}
		if (run) {
			int n = run < (size_t)(width - used) ? (int)run : width - used;

			mvaddnstr(y, x + used, s + at, n);
			used += n;
			at += (size_t)n;
			continue;
		}
		at += glyph_next(&g, s + at, len - at, GLYPH_HEX);
		if (skip >= g.cells) {
			skip -= g.cells;
		} else if (g.escaped) {
			for (int i = skip; i < g.count && used < width; i++)
				mvaddnwstr(y, x + used++, &g.text[i], 1);
			skip = 0;
		} else if (skip || used + g.cells > width) {
			/* Half of a wide character. */
			mvaddch(y, x + used++, ' ');
			skip = 0;
		} else {
			draw_glyph(y, x + used, &g);
			used += g.cells;
		}
	}
	return used;
}

void draw_padded(int y, int x, int width, const char *s)
{
	int used = draw_text(y, x, width, s, strlen(s), 0);

	draw_blank(y, x + used, width - used);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mouse, after `set mouse on`: nothing it does that no key does. */
#include "ui/screen/screen.h"

enum { WHEEL_ROWS = 3, DOUBLE_CLICK_MS = 400, NS_PER_MS = 1000000 };

static int pane_at(const struct screen *s, int y, int x)
{
	for (int i = 0; i < PANE_COUNT; i++) {
		const struct rect *at = &s->panes[i].at;

		if (y >= at->y && y < at->y + at->height && x >= at->x && x < at->x + at->width)
			return i;
	}
	return PANE_NONE;
}

static void sort_by(struct screen *s, struct list_view *l, int column)
{
	if (column < 0 || !column_sorts(&l->source->columns[column]))
		return;
	l->reverse = l->sort == (size_t)column && !l->reverse;
	l->sort = (size_t)column;
	list_view_update(l, s);
}

/* Whether the row was clicked just before, too. */
static bool again(struct screen *s, int pane, int64_t key)
{
	int64_t now = s->host.monotonic();
	bool twice = s->click.pane == pane && s->click.key == key && key &&
		     now - s->click.at <= (int64_t)DOUBLE_CLICK_MS * NS_PER_MS;

	s->click.pane = pane;
	s->click.key = twice ? 0 : key; /* the third is a first one */
	s->click.at = now;
	return twice;
}

static void click(struct screen *s, int pane, int y, int x)
{
	struct list_view *l = &s->panes[pane].list;
	int column = -1;
	long row = -1;

	/* Where it is now: with the keys the pane may get another size. */
	if (l->source && y == l->heads_y)
		column = list_view_column_at(l, s, &s->panes[pane].at, x);
	else if (l->source)
		row = list_view_row_at(l, y);
	screen_focus(s, pane);
	sort_by(s, l, column);
	if (row < 0)
		return;
	list_view_move(l, s, row - (long)l->at);
	if (again(s, pane, l->selected))
		screen_act(s, ACTION_DETAIL);
}

void screen_mouse(struct screen *s, enum mouse_event event, int y, int x)
{
	int pane = pane_at(s, y, x);

	buf_reset(&s->message);
	s->dirty = true;
	if (popup_answer(s, 0))
		return;
	/* A filter or a search that is being typed is entered by it. */
	if (s->prompt.entry != ENTRY_COMMAND)
		prompt_feed(s, "\r", 1);
	if (event == MOUSE_CLICK && y == s->layout.prompt)
		screen_focus(s, PANE_NONE);
	if (pane == PANE_NONE)
		return;
	if (event == MOUSE_CLICK)
		click(s, pane, y, x);
	else
		screen_scroll(s, &s->panes[pane],
			      event == MOUSE_WHEEL_UP ? -WHEEL_ROWS : WHEEL_ROWS);
}

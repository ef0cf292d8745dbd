/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keys do that are the application's. */
#include <signal.h>
#include <string.h>

#include "ui/screen/screen.h"

enum { SIDEWAYS_CELLS = 8 };

unsigned screen_places(const struct screen *s)
{
	static const unsigned of[PANE_COUNT] = {
		[PANE_PROGRAMS] = KEYS_LIST | KEYS_MANAGED | KEYS_PROGRAMS,
		[PANE_MAPS] = KEYS_LIST | KEYS_MANAGED | KEYS_REFUSED,
		[PANE_LINKS] = KEYS_LIST | KEYS_MANAGED | KEYS_LINKS | KEYS_REFUSED,
		[PANE_ENTRIES] = KEYS_LIST | KEYS_ENTRIES | KEYS_REFUSED,
		[PANE_DETAIL] = KEYS_TEXT | KEYS_DETAIL,
		[PANE_OUTPUT] = KEYS_TEXT | KEYS_OUTPUT,
	};

	return s->focus == PANE_NONE ? KEYS_PROMPT : KEYS_PANE | of[s->focus];
}

/* The pane that scrolling keys mean: also from the command line. */
static int scrolled(const struct screen *s)
{
	if (s->focus != PANE_NONE)
		return s->focus;
	if (s->zoomed >= 0)
		return s->zoomed;
	return s->panes[PANE_OUTPUT].at.height ? PANE_OUTPUT : s->last;
}

void screen_scroll(struct screen *s, struct pane *p, long rows)
{
	if (p->ops->list)
		list_view_move(&p->list, s, rows);
	else
		text_view_scroll(&p->text, (int)rows);
}

static void next_pane(struct screen *s, int step)
{
	int at = s->focus == PANE_NONE ? s->last - step : s->focus;

	for (int i = 0; i < PANE_COUNT; i++) {
		at = (at + step + PANE_COUNT) % PANE_COUNT;
		if (s->panes[at].shown)
			break;
	}
	screen_focus(s, at);
}

static void zoom(struct screen *s)
{
	if (s->zoomed >= 0)
		s->zoomed = PANE_NONE;
	else
		s->zoomed = s->focus != PANE_NONE ? s->focus : s->last;
	screen_layout(s);
}

static void toggle(struct screen *s, int pane)
{
	struct pane *p = &s->panes[pane];

	if (!p->at.height) {
		screen_focus(s, pane);
		return;
	}
	p->shown = false;
	if (s->focus == pane)
		next_pane(s, 1);
	if (!p->shown)
		screen_layout(s);
}

static void cancel(struct screen *s)
{
	if (s->running) {
		ui_interrupt(s->ui, SIGINT);
		return;
	}
	prompt_clear(s);
	if (s->focus != PANE_NONE)
		screen_focus(s, PANE_NONE);
}

/* At once, also while a command runs, but no other way than `set` would. */
static void set_option(struct screen *s, const char *name, const char *value)
{
	struct error e = ERROR_INIT;
	struct buf command = { 0 };

	buf_printf(&command, "set %s %s", name, value);
	if (!option_set(s->ui->options, option_find(name, strlen(name)), value, &e)) {
		run_show(s, buf_text(&command));
		screen_options(s);
	} else {
		screen_say(s, "%s", e.message);
	}
	error_clear(&e);
	buf_free(&command);
}

static void set_interval(struct screen *s, double seconds)
{
	char value[32];

	snprintf(value, sizeof(value), "%g", seconds);
	set_option(s, "interval", value);
}

static void save_output(struct screen *s)
{
	screen_focus(s, PANE_NONE);
	prompt_offer(s, "set output ");
}

static bool act_anywhere(struct screen *s, enum action action)
{
	struct pane *p = &s->panes[scrolled(s)];
	int page = p->at.height > 3 ? p->at.height - 2 : 1;

	switch (action) {
	case ACTION_HELP:
		detail_help(s);
		break;
	case ACTION_QUIT:
		run_later(s, "quit");
		break;
	case ACTION_CANCEL:
		cancel(s);
		break;
	case ACTION_SUSPEND:
		terminal_suspend(s);
		break;
	case ACTION_REDRAW:
		clearok(curscr, TRUE);
		break;
	case ACTION_TO_PANES:
		screen_focus(s, s->last);
		break;
	case ACTION_TO_PROMPT:
		screen_focus(s, PANE_NONE);
		break;
	case ACTION_NEXT_PANE:
		next_pane(s, 1);
		break;
	case ACTION_PREVIOUS_PANE:
		next_pane(s, -1);
		break;
	case ACTION_ZOOM:
		zoom(s);
		break;
	case ACTION_PAGE_UP:
		screen_scroll(s, p, -page);
		break;
	case ACTION_PAGE_DOWN:
		screen_scroll(s, p, page);
		break;
	case ACTION_PAUSE:
		set_option(s, "pause", s->paused ? "off" : "on");
		break;
	case ACTION_SLOWER:
		set_interval(s, s->interval_ms / 500.0);
		break;
	case ACTION_FASTER:
		set_interval(s, s->interval_ms / 2000.0);
		break;
	case ACTION_OTHERS:
		set_option(s, "others", s->others.hidden ? "on" : "off");
		break;
	case ACTION_SAVE:
		save_output(s);
		break;
	case ACTION_LOG:
		detail_show(s, "log", 0);
		break;
	default:
		return false;
	}
	return true;
}

static void act_in_list(struct screen *s, struct pane *p, enum action action)
{
	struct list_view *l = &p->list;
	const struct row *row = list_view_selected(l, s);

	switch (action) {
	case ACTION_UP:
		list_view_move(l, s, -1);
		break;
	case ACTION_DOWN:
		list_view_move(l, s, 1);
		break;
	case ACTION_HOME:
		list_view_move(l, s, -(long)l->count);
		break;
	case ACTION_END:
		list_view_move(l, s, (long)l->count);
		break;
	case ACTION_SORT:
		list_view_next_sort(l);
		list_view_update(l, s);
		break;
	case ACTION_REVERSE:
		l->reverse = !l->reverse;
		list_view_update(l, s);
		break;
	case ACTION_TAG:
		if (row && !row_foreign(row))
			list_view_tag(l, row->key);
		list_view_move(l, s, 1);
		break;
	case ACTION_UNTAG:
		list_view_untag(l);
		break;
	case ACTION_FILTER:
		prompt_ask(s, ENTRY_FILTER, s->focus, l->filter);
		break;
	default:
		break;
	}
}

static void act_in_text(struct screen *s, struct pane *p, enum action action)
{
	struct text_view *t = &p->text;

	switch (action) {
	case ACTION_UP:
		text_view_scroll(t, -1);
		break;
	case ACTION_DOWN:
		text_view_scroll(t, 1);
		break;
	case ACTION_LEFT:
		text_view_sideways(t, -SIDEWAYS_CELLS);
		break;
	case ACTION_RIGHT:
		text_view_sideways(t, SIDEWAYS_CELLS);
		break;
	case ACTION_HOME:
	case ACTION_GRAPH:
		text_view_home(t);
		break;
	case ACTION_END:
		text_view_end(t);
		break;
	case ACTION_WRAP:
		t->wrap = !t->wrap;
		t->left = t->top_row = 0;
		break;
	case ACTION_SEARCH:
		prompt_ask(s, ENTRY_SEARCH, s->focus, NULL);
		break;
	case ACTION_AGAIN:
	case ACTION_BACK:
		if (!text_view_seek(t, action == ACTION_BACK, false))
			screen_say(s, t->sought ? "it is not there" : "/ looks for a text");
		break;
	default:
		break;
	}
}

void screen_act(struct screen *s, enum action action)
{
	struct pane *p = s->focus == PANE_NONE ? NULL : &s->panes[s->focus];

	s->dirty = true;
	if (p && p->ops->act && p->ops->act(s, p, action))
		return;
	if (action >= ACTION_PANE_1 && action < ACTION_PANE_1 + PANE_COUNT) {
		toggle(s, (int)action - ACTION_PANE_1);
		return;
	}
	if (act_anywhere(s, action) || !p)
		return;
	if (p->ops->list)
		act_in_list(s, p, action);
	else
		act_in_text(s, p, action);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screen as a whole: its panes, where they are, and how it is drawn. */
#include "ui/screen/screen.h"

#include <errno.h>
#include <readline/readline.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "ui/screen/draw.h"

enum { INTERVAL_MS = 1000, NS_PER_MS = 1000000, SPIN_MS = 100, SPIN_AFTER_MS = 200 };

static const struct pane_ops *const pane_list[PANE_COUNT] = {
#define X(id, ops) [PANE_##id] = &ops,
	SCREEN_PANES(X)
#undef X
};

_Static_assert((int)PANE_COUNT <= (int)LAYOUT_PANES, "the layout holds all panes");

/* ---- size and place ---- */

void screen_layout(struct screen *s)
{
	struct layout_wish wishes[PANE_COUNT];

	for (int i = 0; i < PANE_COUNT; i++) {
		const struct pane *p = &s->panes[i];

		wishes[i] = (struct layout_wish){ p->shown,	 p->ops->right, p->ops->weight,
						  p->ops->least, p->ops->from,	p->used };
	}
	layout_make(&s->layout, s->rows, s->columns, wishes, PANE_COUNT, s->zoomed);
	for (int i = 0; i < PANE_COUNT; i++)
		s->panes[i].at = s->layout.panes[i];
	s->dirty = true;
}

void screen_resize(struct screen *s, int rows, int columns)
{
	resizeterm(rows, columns);
	getmaxyx(stdscr, s->rows, s->columns);
	rl_set_screen_size(s->rows, s->columns);
	clearok(curscr, TRUE);
	screen_layout(s);
}

void screen_focus(struct screen *s, int pane)
{
	s->focus = pane;
	if (pane != PANE_NONE) {
		s->last = pane;
		s->panes[pane].shown = true;
		s->panes[pane].used = ++s->uses;
		if (s->zoomed >= 0)
			s->zoomed = pane;
	}
	curs_set(pane == PANE_NONE);
	screen_layout(s);
}

void screen_say(struct screen *s, const char *format, ...)
{
	va_list args;

	buf_reset(&s->message);
	va_start(args, format);
	buf_vprintf(&s->message, format, args);
	va_end(args);
	s->dirty_prompt = true;
}

void screen_options(struct screen *s)
{
	const struct options *o = s->ui->options;

	terminal_mouse(o->mouse);
	s->paused = o->pause;
	s->interval_ms = o->interval_ms;
	if (s->others.hidden != (o->others == SWITCH_OFF)) {
		s->others.hidden = o->others == SWITCH_OFF;
		s->others.next = 0;
		list_view_update(&s->panes[PANE_PROGRAMS].list, s);
	}
	s->dirty = true;
}

/* ---- drawing ---- */

static void count(struct buf *out, size_t n, const char *what)
{
	buf_printf(out, "   %zu %s%s", n, what, n == 1 ? "" : "s");
}

static void draw_header(struct screen *s)
{
	struct buf left = { 0 };
	char clock[16] = "";
	time_t now = (time_t)(s->host.now() / 1000000000);
	struct tm tm;
	int used, right;

	buf_printf(&left, "bpfman %s  %s", s->host.name, s->host.kernel);
	count(&left, s->model.programs.all.count, "program");
	if (s->others.known)
		buf_printf(&left, " (+%zu other%s)", s->others.rows.all.count,
			   s->others.rows.all.count == 1 ? "" : "s");
	count(&left, s->model.maps.all.count, "map");
	count(&left, s->model.links.all.count, "link");
	if (manager_dry_run(s->ui->session.manager))
		buf_str(&left, "   dry run");
	if (s->paused)
		buf_str(&left, "   paused");
	else if (s->interval_ms != INTERVAL_MS)
		buf_printf(&left, "   every %g s", s->interval_ms / 1000.0);
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &tm));
	theme_use(ROLE_HEADER);
	used = draw_text(s->layout.header, 0, s->columns, buf_text(&left), left.len, 0);
	draw_blank(s->layout.header, used, s->columns - used);
	right = s->columns - (int)strlen(clock);
	if (used < right)
		mvaddstr(s->layout.header, right, clock);
	buf_free(&left);
}

static void draw_title(struct screen *s, struct pane *p, bool focused)
{
	struct buf left = { 0 }, right = { 0 };
	int used, at;

	buf_printf(&left, "%s", p->ops->name);
	if (p->ops->title)
		p->ops->title(s, p, &left);
	if (p == &s->panes[PANE_PROGRAMS])
		buf_str(&right, s->ui->options->stats == SWITCH_OFF || s->rates.trouble
					? "stats off   "
					: "");
	if (p->ops->list) {
		const struct list_view *l = &p->list;

		buf_printf(&right, "[%zu/%zu]", l->count ? l->at + 1 : 0, l->count);
		if (l->filter)
			buf_printf(&right, "  filter %s", l->filter);
		if (l->sort || l->reverse)
			buf_printf(&right, "  sort %s%s", list_view_sort(l)->title,
				   l->reverse ? " reversed" : "");
		if (l->tag_count)
			buf_printf(&right, "  %zu tagged", l->tag_count);
	} else if (p->text.sought) {
		buf_printf(&right, "search %s", p->text.sought);
	}
	theme_use(focused ? ROLE_FOCUSED : ROLE_TITLE);
	draw_blank(p->at.y, p->at.x, p->at.width);
	used = draw_text(p->at.y, p->at.x, p->at.width, buf_text(&left), left.len, 0);
	at = p->at.width - draw_cells(buf_text(&right), right.len) - 1;
	if (at > used)
		draw_text(p->at.y, p->at.x + at, p->at.width - at, buf_text(&right), right.len, 0);
	buf_free(&left);
	buf_free(&right);
}

static void draw_pane(struct screen *s, struct pane *p, bool focused)
{
	struct rect inside = { p->at.y + 1, p->at.x, p->at.height - 1, p->at.width };
	struct buf empty = { 0 };

	if (!p->at.height)
		return;
	draw_title(s, p, focused);
	if (!p->ops->list) {
		text_view_draw(&p->text, &inside);
		return;
	}
	if (p->list.filter)
		buf_str(&empty, "no row holds the filter's text: / and an empty line end it");
	else if (s->model.trouble)
		escape_add(&empty, s->model.trouble, strlen(s->model.trouble), ESCAPE_LINE);
	else if (p->ops->empty)
		p->ops->empty(s, &empty);
	list_view_draw(&p->list, s, &inside, focused, buf_text(&empty));
	buf_free(&empty);
}

static void draw_progress(struct screen *s, struct buf *line)
{
	static const char spin[] = "|/-\\";
	const struct progress *p = &s->ui->progress;
	int64_t took = clock_monotonic() - p->begun;

	if (!s->running || !p->what || took < (int64_t)SPIN_AFTER_MS * NS_PER_MS)
		return;
	buf_printf(line, "%c ", spin[(took / NS_PER_MS / SPIN_MS) % 4]);
	buf_add(line, p->what, text_prefix(p->what, p->what_len, 40));
	buf_printf(line, "  %.1f s  ^C cancels", (double)took / 1e9);
	if (s->queued)
		buf_printf(line, "  %zu waiting", s->queued);
}

static void draw_bar(struct screen *s)
{
	struct buf line = { 0 }, name = { 0 };
	int y = s->layout.bar, x = 0;
	const char *label;

	if (y < 0)
		return;
	theme_use(ROLE_BAR);
	draw_blank(y, 0, s->columns);
	draw_progress(s, &line);
	if (!line.len && s->message.len)
		buf_add(&line, s->message.data, s->message.len);
	if (line.len) {
		theme_use(ROLE_KEY);
		draw_text(y, 0, s->columns, line.data, line.len, 0);
	}
	for (size_t n = 0; !line.len && keys_bar(n, screen_places(s), &name, &label); n++) {
		int needs = (int)(name.len + strlen(label)) + 3;

		if (x + needs > s->columns + 2)
			break;
		theme_use(ROLE_KEY);
		x += draw_text(y, x, s->columns - x, buf_text(&name), name.len, 0) + 1;
		theme_use(ROLE_BAR);
		x += draw_text(y, x, s->columns - x, label, strlen(label), 0) + 2;
		buf_reset(&name);
	}
	buf_free(&line);
	buf_free(&name);
}

static void draw_panes(struct screen *s)
{
	if (s->layout.header >= 0)
		draw_header(s);
	for (int i = 0; i < PANE_COUNT; i++)
		draw_pane(s, &s->panes[i], i == s->focus);
	theme_use(ROLE_DIM);
	for (int y = 1; s->layout.divider >= 0 && y < s->layout.prompt; y++)
		draw_padded(y, s->layout.divider, 1, draw_unicode() ? "\u2502" : "|");
}

void screen_draw(struct screen *s)
{
	if (!s->dirty && !s->dirty_prompt)
		return;
	if (s->layout.message) {
		theme_use(ROLE_TEXT);
		erase();
		draw_text(0, 0, s->columns, "too small", 9, 0);
	} else {
		if (s->dirty)
			draw_panes(s);
		draw_bar(s);
		popup_draw(s);
		prompt_draw(s); /* last: it leaves the cursor where it belongs */
	}
	s->dirty = s->dirty_prompt = false;
	s->drawn = clock_monotonic();
	wnoutrefresh(stdscr);
	doupdate();
}

void screen_refresh(struct screen *s)
{
	model_refresh(&s->model);
	for (int i = 0; i < PANE_COUNT; i++) {
		struct pane *p = &s->panes[i];

		if (p->ops->list)
			list_view_take(&p->list, s);
		if (p->ops->refresh)
			p->ops->refresh(s, p);
	}
	ask_all(s);
	s->dirty = true; /* the clock, at least; what looks the same is not sent again */
}

void screen_rated(struct screen *s)
{
	struct pane *programs = &s->panes[PANE_PROGRAMS], *detail = &s->panes[PANE_DETAIL];

	if (list_view_sort(&programs->list)->rate)
		list_view_update(&programs->list, s);
	if (detail->graph)
		detail->ops->refresh(s, detail);
	s->dirty = true;
}

/* ---- life ---- */

int screen_open(struct screen **out, struct ui *ui, const struct screen_host *host, struct error *e)
{
	struct screen *s = calloc(1, sizeof(*s));
	int r;

	*out = NULL;
	if (!s)
		return error_nomem(e);
	s->ui = ui;
	s->host = *host;
	s->focus = PANE_NONE;
	s->zoomed = PANE_NONE;
	s->asking.current = -1;
	s->interval_ms = ui->options->interval_ms;
	for (int i = 0; i < PANE_COUNT; i++) {
		s->panes[i].ops = pane_list[i];
		s->panes[i].shown = pane_list[i]->shown;
		s->panes[i].list.source = pane_list[i]->list;
		s->panes[i].text.wrap = s->panes[i].text.follow = true;
	}
	model_init(&s->model, ui->session.manager);
	entries_init(&s->entries);
	others_init(&s->others);
	s->timer = -1;
	r = loop_open(s, e);
	if (!r)
		r = terminal_open(s, e);
	if (r) {
		screen_close(s);
		return r;
	}
	prompt_open(s);
	screen_layout(s);
	screen_refresh(s);
	*out = s;
	return 0;
}

void screen_close(struct screen *s)
{
	if (!s)
		return;
	prompt_close(s);
	terminal_close(s);
	loop_close(s);
	model_free(&s->model);
	rates_free(&s->rates);
	entries_free(&s->entries);
	others_free(&s->others);
	for (int i = 0; i < PANE_COUNT; i++) {
		list_view_free(&s->panes[i].list);
		text_view_free(&s->panes[i].text);
		free(s->panes[i].command);
		free(s->panes[i].subject);
	}
	run_forget(s);
	free(s->queue);
	free(s->popup.command);
	buf_free(&s->popup.text);
	buf_free(&s->message);
	buf_free(&s->said);
	buf_free(&s->copied);
	free(s);
}

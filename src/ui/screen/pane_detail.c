/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Detail: everything known of one thing, the log of a load, or the help; kept up to date. */
#include <stdlib.h>
#include <string.h>

#include "ui/screen/screen.h"

enum { GRAPH_SECONDS = 300 };

static void add_graph(struct screen *s, struct pane *p, struct buf *text)
{
	const struct program_row *row = model_program(&s->model, p->about);
	int height = p->at.height / 2;

	if (row && row->series)
		rates_graph(row->series, s->rates.now, p->at.width, height < 12 ? height : 12,
			    GRAPH_SECONDS, text);
	else
		buf_str(text, "There is nothing to draw yet.\n");
}

/* By the command that tells it, so that whatever `show` learns to tell is here too. */
static void fill(struct screen *s, struct pane *p)
{
	struct buf text = { 0 };

	if (p->about && p->graph)
		add_graph(s, p, &text);
	if (p->command)
		run_quietly(s, p->command, &text);
	else
		keys_help(&text);
	p->generation = s->model.generation;
	text_view_replace(&p->text, buf_text(&text), text.len);
	buf_free(&text);
	s->dirty = true;
}

static void show(struct screen *s, const char *title, const char *command, int64_t program)
{
	struct pane *p = &s->panes[PANE_DETAIL];

	free(p->command);
	free(p->subject);
	p->command = command ? strdup(command) : NULL;
	p->subject = strdup(title);
	p->about = program;
	p->graph = false;
	text_view_clear(&p->text);
	text_view_set_sought(&p->text, "");
	p->text.follow = false;
	fill(s, p);
	screen_focus(s, PANE_DETAIL);
}

void detail_show(struct screen *s, const char *command, int64_t program)
{
	if (s->running) {
		screen_say(s, "not while a command runs");
		return;
	}
	run_show(s, command);
	show(s, command, command, program);
}

void detail_help(struct screen *s)
{
	show(s, "keys", NULL, 0);
}

static void title(struct screen *s, struct pane *p, struct buf *out)
{
	(void)s;
	if (p->subject)
		buf_printf(out, ": %s", p->subject);
}

static void keep_up(struct screen *s, struct pane *p)
{
	/* A log is of what has been, and is being read: another load's is not put in its place. */
	if (p->command && !strncmp(p->command, "log", 3))
		return;
	/* While a command runs the database may not be asked; there is a next time. */
	if (p->command && p->shown && !s->running &&
	    (p->graph || p->generation != s->model.generation))
		fill(s, p);
}

static bool act(struct screen *s, struct pane *p, enum action action)
{
	if (action != ACTION_GRAPH)
		return false;
	/* Of anything else there is none, and the key goes to the first line as everywhere. */
	if (!p->about)
		return false;
	p->graph = !p->graph;
	if (!s->running)
		fill(s, p);
	text_view_home(&p->text);
	return true;
}

const struct pane_ops detail_pane = {
	.name = "Detail",
	.right = true,
	.weight = 4,
	.least = 10,
	.title = title,
	.refresh = keep_up,
	.act = act,
};

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Detail: everything known of one thing, the log of a load, or the help; kept up to date. */
#include <stdlib.h>
#include <string.h>

#include "ui/screen/screen.h"

/* By the command that tells it, so that whatever `show` learns to tell is here too. */
static void fill(struct screen *s, struct pane *p)
{
	struct buf text = { 0 };

	if (p->command)
		run_quietly(s, p->command, &text);
	else
		keys_help(&text);
	p->generation = s->model.generation;
	text_view_replace(&p->text, buf_text(&text), text.len);
	buf_free(&text);
	s->dirty = true;
}

static void show(struct screen *s, const char *title, const char *command)
{
	struct pane *p = &s->panes[PANE_DETAIL];

	if (s->running) {
		screen_say(s, "not while a command runs");
		return;
	}
	free(p->command);
	free(p->subject);
	p->command = command ? strdup(command) : NULL;
	p->subject = strdup(title);
	text_view_clear(&p->text);
	text_view_set_sought(&p->text, "");
	p->text.follow = false;
	fill(s, p);
	screen_focus(s, PANE_DETAIL);
}

void detail_show(struct screen *s, const char *command)
{
	run_show(s, command);
	show(s, command, command);
}

void detail_help(struct screen *s)
{
	show(s, "keys", NULL);
}

static void title(struct screen *s, struct pane *p, struct buf *out)
{
	(void)s;
	if (p->subject)
		buf_printf(out, ": %s", p->subject);
}

static void keep_up(struct screen *s, struct pane *p)
{
	/* While a command runs the database may not be asked; there is a next time. */
	if (p->command && p->shown && p->generation != s->model.generation && !s->running)
		fill(s, p);
}

const struct pane_ops detail_pane = {
	.name = "Detail",
	.right = true,
	.weight = 4,
	.least = 10,
	.title = title,
	.refresh = keep_up,
};

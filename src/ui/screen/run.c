/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands: entered, waiting, running; and what they say. */
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "output/output.h"
#include "ui/screen/screen.h"

/* What came into Output goes to the file of `set output`, where there is one. */
static void write_copy(struct screen *s)
{
	struct text_view *t = &s->panes[PANE_OUTPUT].text;
	struct error e = ERROR_INIT;

	if (s->copied.len && ui_copy_write(s->ui, s->copied.data, s->copied.len, &e)) {
		text_view_add(t, e.message, strlen(e.message), ROLE_BAD);
		screen_say(s, "%s", e.hint ? e.hint : "");
	}
	error_clear(&e);
	buf_reset(&s->copied);
}

void run_copied(struct screen *s)
{
	struct text_view *t = &s->panes[PANE_OUTPUT].text;

	run_drain(s);
	t->copy = s->ui->copy >= 0 ? &s->copied : NULL;
	if (t->copy)
		text_view_text(t, t->copy);
	write_copy(s);
}

void run_drain(struct screen *s)
{
	struct pane *p = &s->panes[PANE_OUTPUT];

	if (!s->said.len)
		return;
	text_view_add(&p->text, s->said.data, s->said.len, ROLE_TEXT);
	buf_reset(&s->said);
	write_copy(s);
	p->text.follow = true;
	s->dirty = true;
}

/* A command in the Output pane, also one of several lines, before what it says. */
void run_show(struct screen *s, const char *line)
{
	struct pane *p = &s->panes[PANE_OUTPUT];
	const char *before = "> ";

	run_drain(s);
	while (*line) {
		size_t n = strcspn(line, "\n");
		struct buf text = { 0 };

		buf_str(&text, before);
		buf_add(&text, line, n);
		text_view_add(&p->text, buf_text(&text), text.len, ROLE_COMMAND);
		buf_free(&text);
		before = "  ";
		line += n + (line[n] == '\n');
	}
	write_copy(s);
	p->text.follow = true;
	p->used = ++s->uses; /* something happens here */
	p->shown = true;
	screen_layout(s);
}

void run_later(struct screen *s, const char *line)
{
	char **grown = grow(s->queue, s->queued, sizeof(*grown));
	char *copy = strdup(line);

	if (!grown || !copy) {
		s->queue = grown ? grown : s->queue;
		free(copy);
		screen_say(s, "out of memory");
		return;
	}
	s->queue = grown;
	grown[s->queued++] = copy;
	s->dirty_prompt = true;
}

size_t run_forget(struct screen *s)
{
	size_t n = s->queued;

	for (size_t i = 0; i < n; i++)
		free(s->queue[i]);
	s->queued = 0;
	return n;
}

static void run_one(struct screen *s, const char *line)
{
	struct session *session = &s->ui->session;
	bool show = *line && strcmp(line, "quit") != 0;

	if (show)
		run_show(s, line);
	s->running = true;
	s->status = session_run_text(session, "prompt", line, strlen(line));
	s->running = false;
	run_drain(s);
	if (s->status == ERROR_INTERRUPTED && s->queued)
		screen_say(s, "%zu waiting commands were dropped", run_forget(s));
	ui_clear_interrupt(s->ui);
	if (session->quit || s->ui->interrupted)
		s->ended = true;
	screen_options(s);
	screen_refresh(s);
}

void run_queue(struct screen *s)
{
	while (s->queued && !s->ended && !s->running) {
		char *line = s->queue[0];

		s->queued--;
		memmove(s->queue, s->queue + 1, s->queued * sizeof(*s->queue));
		run_one(s, line);
		free(line);
	}
}

void run_rc(struct screen *s)
{
	s->running = true;
	ui_run_rc(s->ui);
	s->running = false;
	run_drain(s);
	screen_options(s);
	ui_clear_interrupt(s->ui);
}

void run_quietly(struct screen *s, const char *line, struct buf *out)
{
	struct session *session = &s->ui->session;
	struct options plain = *session->options, *options = session->options;
	struct table_style style = { .color = true, .error_fd = -1 };
	struct sink *sink = session->sink;
	bool remake = session->remake;

	plain.output = OUTPUT_TABLE;
	plain.echo = plain.timing = plain.quiet = false;
	session->sink = sink_table_buf(out, &style);
	if (!session->sink) {
		session->sink = sink;
		return;
	}
	session->options = &plain;
	session->remake = false;
	s->running = true;
	session_run_text(session, "pane", line, strlen(line));
	s->running = false;
	ui_clear_interrupt(s->ui);
	sink_free(session->sink);
	session->sink = sink;
	session->options = options;
	session->remake = remake;
}

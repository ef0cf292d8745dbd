/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands above the command line for a moment: completions, and a question. */
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

#include "ui/complete.h"
#include "ui/screen/draw.h"
#include "ui/screen/screen.h"

enum { ESCAPE = 27 };

void popup_close(struct screen *s)
{
	buf_reset(&s->popup.text);
	free(s->popup.command);
	s->popup.command = NULL;
	s->popup.question = false;
	s->dirty = true;
}

void popup_draw(struct screen *s)
{
	const char *text = buf_text(&s->popup.text);
	int rows = 0, most = s->layout.prompt - (s->layout.header + 1);

	for (const char *c = text; *c; c++)
		rows += *c == '\n';
	if (rows > most)
		rows = most;
	theme_use(s->popup.question ? ROLE_ASK : ROLE_POPUP);
	for (int i = 0; i < rows; i++) {
		size_t n = strcspn(text, "\n");
		int used = draw_text(s->layout.prompt - rows + i, 0, s->columns, text, n, 0);

		draw_blank(s->layout.prompt - rows + i, used, s->columns - used);
		text += n + 1;
	}
}

void popup_ask(struct screen *s, const char *what, const char *command)
{
	popup_close(s);
	s->popup.command = strdup(command);
	if (!s->popup.command)
		return;
	s->popup.question = true;
	buf_str(&s->popup.text, what);
}

bool popup_answer(struct screen *s, int code)
{
	bool question = s->popup.question, yes = code == 'y';
	char *command;

	if (!s->popup.text.len)
		return false;
	command = question && yes ? strdup(s->popup.command) : NULL;
	popup_close(s);
	if (command)
		run_later(s, command);
	free(command);
	if (question && !yes)
		screen_say(s, "nothing was changed");
	return question || code == ESCAPE;
}

/* Candidates in columns, as many lines as fit; what is left out is counted. */
static void show_candidates(void *data, const struct candidates *c)
{
	struct screen *s = data;
	size_t longest = 1, across, lines, most;
	struct buf *out = &s->popup.text;

	popup_close(s);
	for (size_t i = 0; i < c->count; i++) {
		size_t cells = (size_t)draw_cells(c->words[i], strlen(c->words[i]));

		longest = cells > longest ? cells : longest;
	}
	across = (size_t)s->columns / (longest + 2);
	across = across ? across : 1;
	most = s->layout.prompt > 6 ? (size_t)s->layout.prompt / 2 : 1;
	lines = (c->count + across - 1) / across;
	if (lines > most)
		lines = most;
	for (size_t y = 0; y < lines; y++) {
		for (size_t x = 0; x < across && y + x * lines < c->count; x++) {
			const char *word = c->words[y + x * lines];
			size_t cells = (size_t)draw_cells(word, strlen(word));

			buf_str(out, word);
			buf_fill(out, ' ', longest + 2 - cells);
		}
		if (y + 1 == lines && lines * across < c->count)
			buf_printf(out, " and %zu more", c->count - lines * across);
		buf_char(out, '\n');
	}
}

int popup_complete(int count, int key)
{
	struct screen *s = prompt_screen();

	(void)count;
	(void)key;
	/* What a command is changing just now cannot be asked for names. */
	if (s->running) {
		screen_say(s, "no completion while a command runs");
		return 0;
	}
	s->running = true;
	complete_line(&s->ui->session, show_candidates, s);
	s->running = false;
	s->dirty = true;
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line: readline edits, ncurses draws. readline reads from a queue of bytes and writes
 * to /dev/null; what it would show is drawn from its line, its cursor and its prompt.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "ui/complete.h"
#include "ui/edit.h"
#include "ui/screen/draw.h"
#include "ui/screen/screen.h"

/* readline's hooks have no argument of ours. */
static struct screen *current;
static FILE *nowhere;

static const char *const prompts[] = {
	[ENTRY_COMMAND] = "bpfman> ",
	[ENTRY_FILTER] = "filter: ",
	[ENTRY_SEARCH] = "search: ",
};

struct screen *prompt_screen(void)
{
	return current;
}

/* ---- bytes in ---- */

static int next_byte(FILE *stream)
{
	struct prompt *p = &current->prompt;

	(void)stream;
	/*
	 * readline asks only for what is there. Were it to ask for more: an end of input would
	 * enter the line, but ^G only ends what it is in the middle of.
	 */
	if (p->taken >= p->bytes.len)
		return 'G' & 31;
	return (unsigned char)p->bytes.data[p->taken++];
}

static int more_bytes(void)
{
	return current->prompt.taken < current->prompt.bytes.len;
}

static void no_display(void)
{
	current->dirty_prompt = true;
}

static void put_line_back(struct screen *s)
{
	struct prompt *p = &s->prompt;

	p->restore = false;
	p->entry = ENTRY_COMMAND;
	rl_set_prompt(prompts[ENTRY_COMMAND]);
	rl_replace_line(p->put_aside ? p->put_aside : "", 1);
	rl_point = rl_end;
	free(p->put_aside);
	p->put_aside = NULL;
	s->dirty = true;
}

/* The filter is at work while it is typed. */
static void watch_entry(struct screen *s)
{
	struct pane *pane;

	if (s->prompt.entry != ENTRY_FILTER || s->prompt.restore)
		return;
	pane = &s->panes[s->prompt.pane];
	if (!strcmp(pane->list.filter ? pane->list.filter : "", rl_line_buffer))
		return;
	list_view_set_filter(&pane->list, rl_line_buffer);
	list_view_update(&pane->list, s);
	s->dirty = true;
}

void prompt_feed(struct screen *s, const char *bytes, size_t len)
{
	struct prompt *p = &s->prompt;

	buf_add(&p->bytes, bytes, len);
	s->dirty_prompt = true;
	/* From inside (a completion that waits for the worker) the bytes wait their turn. */
	if (p->reading)
		return;
	p->reading = true;
	edit_before(bytes[0]);
	while (p->taken < p->bytes.len) {
		rl_callback_read_char();
		edit_after();
		if (p->restore)
			put_line_back(s);
	}
	p->reading = false;
	buf_reset(&p->bytes);
	p->taken = 0;
	watch_entry(s);
}

void prompt_insert(struct screen *s, const char *text)
{
	if (s->prompt.reading)
		return;
	edit_finish();
	rl_begin_undo_group();
	rl_insert_text(text);
	rl_end_undo_group();
	s->dirty_prompt = true;
	watch_entry(s);
}

void prompt_offer(struct screen *s, const char *command)
{
	if (s->prompt.reading)
		return;
	edit_finish();
	rl_begin_undo_group();
	rl_delete_text(0, rl_end);
	rl_point = 0;
	rl_insert_text(command);
	rl_end_undo_group();
	s->dirty_prompt = true;
}

bool prompt_empty(void)
{
	return rl_end == 0 && !RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH);
}

bool prompt_vi(void)
{
	return rl_editing_mode == 0;
}

void prompt_clear(struct screen *s)
{
	if (s->prompt.reading)
		return;
	edit_finish();
	rl_free_line_state();
	rl_replace_line("", 1);
	rl_point = 0;
	using_history(); /* back from wherever the arrows had gone */
	edit_after();
	s->dirty_prompt = true;
}

/* ---- lines out ---- */

static void end_entry(struct screen *s, char *line)
{
	struct pane *pane = &s->panes[s->prompt.pane];

	if (s->prompt.entry == ENTRY_SEARCH && line && *line) {
		text_view_set_sought(&pane->text, line);
		if (!text_view_seek(&pane->text, false, true))
			screen_say(s, "\"%s\" is not there", line);
	}
	if (s->prompt.entry == ENTRY_FILTER && !line) {
		list_view_set_filter(&pane->list, "");
		list_view_update(&pane->list, s);
	}
	s->prompt.restore = true; /* readline empties its line when we return */
	screen_focus(s, s->prompt.pane);
}

static void on_line(char *line)
{
	struct screen *s = current;

	if (s->prompt.entry != ENTRY_COMMAND) {
		end_entry(s, line);
	} else if (!line) {
		run_later(s, "quit");
	} else {
		ui_history_add(line);
		run_later(s, line);
	}
	free(line);
}

void prompt_ask(struct screen *s, enum entry entry, int pane, const char *text)
{
	struct prompt *p = &s->prompt;

	if (p->reading || p->entry != ENTRY_COMMAND)
		return;
	edit_finish();
	p->put_aside = strdup(rl_line_buffer);
	p->entry = entry;
	p->pane = pane;
	p->left = 0;
	rl_set_prompt(prompts[entry]);
	rl_replace_line(text ? text : "", 1);
	rl_point = rl_end;
	screen_focus(s, PANE_NONE);
}

void prompt_cancel_entry(struct screen *s)
{
	if (s->prompt.entry == ENTRY_COMMAND || s->prompt.reading)
		return;
	prompt_clear(s);
	end_entry(s, NULL);
	put_line_back(s);
}

/* ---- the whole ---- */

void prompt_open(struct screen *s)
{
	current = s;
	nowhere = fopen("/dev/null", "r+e");
	rl_readline_name = "bpfman";
	rl_instream = rl_outstream = nowhere ? nowhere : s->host.in;
	rl_catch_signals = 0;
	rl_catch_sigwinch = 0;
	rl_change_environment = 0;
	rl_prep_term_function = NULL;
	rl_deprep_term_function = NULL;
	rl_getc_function = next_byte;
	rl_input_available_hook = more_bytes;
	rl_redisplay_function = no_display;
	rl_initialize();
	rl_variable_bind("bell-style", "none"); /* it would ring on standard error */
	rl_variable_bind("enable-bracketed-paste", "off");
	complete_bind(popup_complete);
	rl_set_screen_size(s->rows, s->columns);
	rl_callback_handler_install(prompts[ENTRY_COMMAND], on_line);
	edit_begin();
}

void prompt_close(struct screen *s)
{
	if (current != s)
		return;
	edit_finish();
	rl_callback_handler_remove();
	if (nowhere)
		fclose(nowhere);
	nowhere = NULL;
	rl_instream = stdin;
	rl_outstream = stdout;
	current = NULL;
	free(s->prompt.put_aside);
	buf_free(&s->prompt.bytes);
	buf_free(&s->prompt.paste);
}

/* ---- drawing ---- */

/* The cells before byte `point` of text. */
static int cells_before(const char *text, size_t point)
{
	size_t len = strlen(text), at = 0;
	struct glyph g;
	int cells = 0;

	while (at < len && at < point) {
		at += glyph_next(&g, text + at, len - at, GLYPH_CARET);
		cells += g.cells;
	}
	return cells;
}

static int cells_at(const char *text, size_t point)
{
	struct glyph g;

	if (!text[point])
		return 1;
	glyph_next(&g, text + point, strlen(text + point), GLYPH_CARET);
	return g.cells;
}

static void draw_slice(int y, int left, int width, const char *text)
{
	size_t len = strlen(text), at = 0;
	struct glyph g;
	int cell = -left;

	draw_blank(y, 0, width);
	while (at < len && cell < width) {
		at += glyph_next(&g, text + at, len - at, GLYPH_CARET);
		if (cell >= 0 && cell + g.cells <= width) {
			draw_glyph(y, cell, &g);
		} else if (g.escaped) {
			for (int i = 0; i < g.count; i++)
				if (cell + i >= 0 && cell + i < width)
					mvaddnwstr(y, cell + i, &g.text[i], 1);
		}
		cell += g.cells;
	}
	if (left)
		mvaddch(y, 0, '<');
	if (at < len || cell > width)
		mvaddch(y, width - 1, '>');
}

void prompt_draw(struct screen *s)
{
	struct prompt *p = &s->prompt;
	int y = s->layout.prompt, width = s->columns, cursor, under;
	size_t before, point;
	struct buf text = { 0 };

	s->dirty_prompt = false;
	if (y < 0)
		return;
	buf_str(&text, rl_display_prompt ? rl_display_prompt : "");
	before = text.len;
	buf_str(&text, rl_line_buffer ? rl_line_buffer : "");
	/* A quoted NUL ends the line that is drawn; in a search the point may be of another line.
	 */
	point = before + (size_t)rl_point < text.len ? before + (size_t)rl_point : text.len;
	cursor = cells_before(buf_text(&text), point);
	under = cells_at(buf_text(&text), point);
	/* The cursor stays in sight, beside the marks; sideways it goes by a third of the line. */
	if (cursor < width - 1)
		p->left = 0;
	while (cursor - p->left + under > width - 1)
		p->left += width / 3 + 1;
	while (p->left && cursor - p->left < 1)
		p->left -= p->left < width / 3 + 1 ? p->left : width / 3 + 1;
	theme_use(ROLE_TEXT);
	draw_slice(y, p->left, width, buf_text(&text));
	buf_free(&text);
	if (s->focus == PANE_NONE)
		move(y, cursor - p->left);
	else
		move(y, 0);
}

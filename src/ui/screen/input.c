/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys: from the terminal, to the application or, as the bytes they were, to readline. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/text.h"
#include "ui/screen/draw.h"
#include "ui/screen/screen.h"

enum { PASTE_MAX = 1 << 20, ESCAPE = 27 };

/* The bytes a terminal sends for a key that ncurses has decoded. */
static void feed_key(struct screen *s, int code)
{
	char *bytes;

	if (code == KEY_ENTER) {
		prompt_feed(s, "\r", 1);
		return;
	}
	/* An F-key that nobody claims would type the end of its sequence. */
	if (code >= KEY_F0 && code <= KEY_F(63))
		return;
	bytes = keybound(code, 0);
	if (bytes)
		prompt_feed(s, bytes, strlen(bytes));
	free(bytes);
}

static void feed(struct screen *s, int code)
{
	char bytes[2] = { ESCAPE, 0 };

	/* A lone Esc is readline's in vi mode only: in emacs mode it would make Meta of what
	 * follows. */
	if (code == ESCAPE && !prompt_vi())
		return;
	if (code & KEY_META) {
		bytes[1] = (char)(code & 0xff);
		prompt_feed(s, bytes, 2);
	} else if (code > 0xff) {
		feed_key(s, code);
	} else {
		bytes[0] = (char)code;
		prompt_feed(s, bytes, 1);
	}
}

/* ---- pasting ---- */

static void paste_byte(struct screen *s, int code)
{
	struct buf *paste = &s->prompt.paste;
	char *bytes;

	if (paste->len >= PASTE_MAX)
		return;
	if (code & KEY_META) {
		buf_char(paste, ESCAPE);
		buf_char(paste, (char)(code & 0xff));
	} else if (code > 0xff) {
		bytes = keybound(code, 0);
		buf_str(paste, bytes ? bytes : "");
		free(bytes);
	} else if (code == '\r') {
		buf_char(paste, '\n'); /* as terminals send the end of a line */
	} else if (code) {
		buf_char(paste, (char)code);
	}
}

/* One undo takes all of it back; its newlines stay newlines, and nothing of it runs yet. */
static void paste_end(struct screen *s)
{
	struct buf *paste = &s->prompt.paste;

	s->prompt.pasting = false;
	if (paste->len >= PASTE_MAX)
		screen_say(s, "only the first MiB was taken");
	if (s->focus != PANE_NONE)
		screen_focus(s, PANE_NONE);
	if (!buf_error(paste) && paste->len)
		prompt_insert(s, buf_text(paste));
	buf_reset(paste);
}

/* ---- keys ---- */

static void obey(struct screen *s, int code)
{
	enum action action;

	buf_reset(&s->message);
	if (popup_answer(s, code))
		return;
	/* No pane has Meta keys: it was Esc, and the next key came fast. */
	if (s->focus != PANE_NONE && code & KEY_META) {
		obey(s, ESCAPE);
		obey(s, code & ~KEY_META);
		return;
	}
	if (s->focus == PANE_NONE && s->prompt.entry != ENTRY_COMMAND) {
		if (code == ESCAPE || code == ('c' & 31)) {
			prompt_cancel_entry(s);
			return;
		}
		if (code == '\t')
			return;
	}
	action = keys_action(code, screen_places(s));
	/* Esc only leaves an empty line; what is typed is not lost by it. */
	if (action == ACTION_TO_PANES && !prompt_empty())
		action = ACTION_NONE;
	if (action)
		screen_act(s, action);
	else if (s->focus == PANE_NONE)
		feed(s, code);
	else if (code < KEY_MIN)
		screen_say(s, "no such key here: ? lists them, : goes to the command line");
	s->dirty_prompt = true;
}

/* A character is complete: to readline in one piece. */
static void character(struct screen *s, const char *bytes, size_t len)
{
	buf_reset(&s->message);
	if (popup_answer(s, 0))
		return;
	if (s->focus == PANE_NONE)
		prompt_feed(s, bytes, len);
}

static void text_byte(struct screen *s, int byte)
{
	struct prompt *p = &s->prompt;
	uint32_t code;
	size_t n, valid;

	p->part[p->part_len++] = (char)byte;
	n = utf8_decode(p->part, (size_t)p->part_len, &code);
	if (n) {
		character(s, p->part, n);
		p->part_len = 0;
		return;
	}
	/* More may come; what cannot become a character any more is no key. */
	valid = (unsigned char)p->part[0] >= 0xf0 ? 4 : (unsigned char)p->part[0] >= 0xe0 ? 3 : 2;
	if ((unsigned char)p->part[0] < 0xc2 || (size_t)p->part_len >= valid)
		p->part_len = 0;
}

void screen_key(struct screen *s, int code)
{
	if (code == KEY_PASTE_BEGIN) {
		s->prompt.pasting = true;
		buf_reset(&s->prompt.paste);
	} else if (code == KEY_PASTE_END) {
		paste_end(s);
	} else if (s->prompt.pasting) {
		paste_byte(s, code);
	} else if (code == KEY_RESIZE) {
		/* Sizes come by signal. */
	} else if (code >= 0x80 && code <= 0xff) {
		text_byte(s, code);
	} else {
		s->prompt.part_len = 0;
		obey(s, code);
	}
}

static void mouse_key(struct screen *s)
{
	MEVENT e;

	if (getmouse(&e) != OK || s->prompt.pasting)
		return;
	if (e.bstate & BUTTON1_PRESSED)
		screen_mouse(s, MOUSE_CLICK, e.y, e.x);
	else if (e.bstate & BUTTON4_PRESSED)
		screen_mouse(s, MOUSE_WHEEL_UP, e.y, e.x);
	else if (e.bstate & BUTTON5_PRESSED)
		screen_mouse(s, MOUSE_WHEEL_DOWN, e.y, e.x);
}

bool screen_read_keys(struct screen *s)
{
	int waiting = 0, code, next;
	bool any = false;

	while ((code = wgetch(s->keys)) != ERR) {
		any = true;
		if (code == ESCAPE) {
			/* A lone Esc comes with nothing behind it; with a byte it is Meta. */
			next = wgetch(s->keys);
			if (next != ERR && next < 0x80 && next != ESCAPE)
				code = KEY_META | next;
			else if (next != ERR)
				ungetch(next);
		}
		if (code == KEY_MOUSE)
			mouse_key(s);
		else
			screen_key(s, code);
		if (s->ended)
			return true;
	}
	return any || (!ioctl(fileno(s->host.in), FIONREAD, &waiting) && waiting);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/screen/keys.h"

#include <ncurses.h>
#include <stdlib.h>
#include <string.h>

#define CTRL(c) ((c)&31)

static const struct {
	const char *name, *summary;
} actions[ACTION_COUNT] = {
#define X(id, summary) [ACTION_##id] = { #id, summary },
	SCREEN_ACTIONS(X)
#undef X
};

/* The first row of an action that has a label is the one that the last line of the screen names. */
static const struct key {
	unsigned places;
	int code;
	enum action action;
	const char *label;
} keys[] = {
	{ KEYS_ALWAYS, KEY_F(1), ACTION_HELP, "help" },
	{ KEYS_PROMPT, 27, ACTION_TO_PANES, "panes" },
	{ KEYS_PROMPT, '\t', ACTION_NONE, "complete" }, /* readline's */
	{ KEYS_PROMPT, CTRL('r'), ACTION_NONE, "history" },
	{ KEYS_PANE, 'q', ACTION_QUIT, "quit" },
	{ KEYS_ENTRIES, 'e', ACTION_EDIT, "edit" },
	{ KEYS_MANAGED, '\r', ACTION_DETAIL, "detail" },
	{ KEYS_MANAGED, 'd', ACTION_SHOW, NULL },
	{ KEYS_MANAGED, 'a', ACTION_OTHERS, NULL },
	{ KEYS_LIST, '/', ACTION_FILTER, "filter" },
	{ KEYS_LIST, 's', ACTION_SORT, "sort" },
	{ KEYS_LIST, 'S', ACTION_REVERSE, NULL },
	{ KEYS_MANAGED, ' ', ACTION_TAG, "tag" },
	{ KEYS_MANAGED, 'u', ACTION_UNTAG, NULL },
	{ KEYS_PROGRAMS, 'U', ACTION_UNLOAD, "unload" },
	{ KEYS_PROGRAMS | KEYS_LINKS, 'D', ACTION_DETACH, "detach" },
	{ KEYS_MANAGED, 'y', ACTION_YANK, "id" },
	{ KEYS_ENTRIES, 'y', ACTION_YANK, "key" },
	{ KEYS_REFUSED, '\r', ACTION_DETAIL, NULL },
	{ KEYS_REFUSED, 'd', ACTION_SHOW, NULL },
	{ KEYS_REFUSED, ' ', ACTION_TAG, NULL },
	{ KEYS_REFUSED, 'U', ACTION_UNLOAD, NULL },
	{ KEYS_REFUSED, 'D', ACTION_DETACH, NULL },
	{ KEYS_TEXT, '/', ACTION_SEARCH, "search" },
	{ KEYS_TEXT, 'n', ACTION_AGAIN, "next" },
	{ KEYS_TEXT, 'N', ACTION_BACK, NULL },
	{ KEYS_DETAIL, 'g', ACTION_GRAPH, "graph" },
	{ KEYS_OUTPUT, 'S', ACTION_SAVE, "save" },
	{ KEYS_TEXT, 'w', ACTION_WRAP, "wrap" },
	/* As in less. */
	{ KEYS_TEXT, '\r', ACTION_DOWN, NULL },
	{ KEYS_TEXT, ' ', ACTION_PAGE_DOWN, NULL },
	{ KEYS_TEXT, 'b', ACTION_PAGE_UP, NULL },
	{ KEYS_PANE, 'L', ACTION_LOG, "log" },
	{ KEYS_PANE, ':', ACTION_TO_PROMPT, "command" },
	{ KEYS_PANE, 27, ACTION_TO_PROMPT, NULL },
	{ KEYS_PANE, '\t', ACTION_NEXT_PANE, "next pane" },
	{ KEYS_PANE, KEY_BTAB, ACTION_PREVIOUS_PANE, NULL },
	{ KEYS_PANE, 'z', ACTION_ZOOM, "zoom" },
	{ KEYS_PANE, '1', ACTION_PANE_1, NULL },
	{ KEYS_PANE, '2', ACTION_PANE_2, NULL },
	{ KEYS_PANE, '3', ACTION_PANE_3, NULL },
	{ KEYS_PANE, '4', ACTION_PANE_4, NULL },
	{ KEYS_PANE, '5', ACTION_PANE_5, NULL },
	{ KEYS_PANE, '6', ACTION_PANE_6, NULL },
	{ KEYS_PANE, KEY_UP, ACTION_UP, NULL },
	{ KEYS_PANE, 'k', ACTION_UP, NULL },
	{ KEYS_PANE, KEY_DOWN, ACTION_DOWN, NULL },
	{ KEYS_PANE, 'j', ACTION_DOWN, NULL },
	{ KEYS_PANE, KEY_LEFT, ACTION_LEFT, NULL },
	{ KEYS_PANE, 'h', ACTION_LEFT, NULL },
	{ KEYS_PANE, KEY_RIGHT, ACTION_RIGHT, NULL },
	{ KEYS_PANE, 'l', ACTION_RIGHT, NULL },
	{ KEYS_ALWAYS, KEY_PPAGE, ACTION_PAGE_UP, NULL },
	{ KEYS_PANE, CTRL('u'), ACTION_PAGE_UP, NULL },
	{ KEYS_ALWAYS, KEY_NPAGE, ACTION_PAGE_DOWN, NULL },
	{ KEYS_PANE, CTRL('d'), ACTION_PAGE_DOWN, NULL },
	{ KEYS_PANE, KEY_HOME, ACTION_HOME, NULL },
	{ KEYS_PANE, 'g', ACTION_HOME, NULL },
	{ KEYS_PANE, KEY_END, ACTION_END, NULL },
	{ KEYS_PANE, 'G', ACTION_END, NULL },
	{ KEYS_PANE, 'p', ACTION_PAUSE, NULL },
	{ KEYS_PANE, '+', ACTION_SLOWER, NULL },
	{ KEYS_PANE, '-', ACTION_FASTER, NULL },
	{ KEYS_PANE, '?', ACTION_HELP, NULL },
	{ KEYS_ALWAYS, KEY_F(2), ACTION_ZOOM, NULL },
	{ KEYS_ALWAYS, KEY_F(3), ACTION_NEXT_PANE, NULL },
	{ KEYS_ALWAYS, KEY_F(10), ACTION_QUIT, NULL },
	{ KEYS_ALWAYS, CTRL('c'), ACTION_CANCEL, NULL },
	{ KEYS_ALWAYS, CTRL('z'), ACTION_SUSPEND, NULL },
	{ KEYS_PANE, CTRL('l'), ACTION_REDRAW, NULL },
	{ KEYS_PROMPT, CTRL('l'), ACTION_REDRAW, NULL },
};
enum { KEY_COUNT = sizeof(keys) / sizeof(keys[0]) };

static const struct {
	int code;
	const char *name;
} names[] = {
	{ KEY_UP, "Up" },	   { KEY_DOWN, "Down" },
	{ KEY_LEFT, "Left" },	   { KEY_RIGHT, "Right" },
	{ KEY_PPAGE, "PgUp" },	   { KEY_NPAGE, "PgDn" },
	{ KEY_HOME, "Home" },	   { KEY_END, "End" },
	{ KEY_BTAB, "Shift-Tab" }, { '\t', "Tab" },
	{ '\r', "Enter" },	   { 27, "Esc" },
	{ ' ', "Space" },	   { KEY_BACKSPACE, "Backspace" },
	{ KEY_DC, "Delete" },
};

enum action keys_action(int code, unsigned places)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (keys[i].code == code && (keys[i].places & (places | KEYS_ALWAYS)))
			return keys[i].action;
	return ACTION_NONE;
}

void keys_name(int code, struct buf *out)
{
	if (code & KEY_META) {
		buf_str(out, "Alt-");
		code &= ~KEY_META;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].code == code) {
			buf_str(out, names[i].name);
			return;
		}
	}
	if (code >= KEY_F(1) && code <= KEY_F(12))
		buf_printf(out, "F%d", code - KEY_F(0));
	else if (code < 32)
		buf_printf(out, "Ctrl-%c", code + 'A' - 1);
	else if (code < 127)
		buf_char(out, (char)code);
	else
		buf_printf(out, "key %d", code);
}

int keys_code(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].name, name))
			return names[i].code;
	if (!strncmp(name, "Alt-", 4) && name[4])
		return KEY_META | keys_code(name + 4);
	if (!strncmp(name, "Ctrl-", 5) && name[5] >= 'A' && name[5] <= '_' && !name[6])
		return CTRL(name[5]);
	if (name[0] == 'F' && name[1] >= '1' && name[1] <= '9')
		return KEY_F(atoi(name + 1));
	return name[0] && !name[1] ? (unsigned char)name[0] : 0;
}

static void help_of(enum action action, unsigned places, struct buf *out)
{
	struct buf line = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (keys[i].action != action || !(keys[i].places & places))
			continue;
		buf_str(&line, n++ ? " " : "");
		keys_name(keys[i].code, &line);
	}
	if (n)
		buf_printf(out, "  %-16s  %s\n", buf_text(&line), actions[action].summary);
	buf_free(&line);
}

void keys_help(struct buf *out)
{
	static const struct {
		unsigned places;
		const char *title;
	} groups[] = {
		{ KEYS_ALWAYS, "Everywhere" },
		{ KEYS_PROMPT, "On the command line" },
		{ KEYS_PANE, "In any pane" },
		{ KEYS_LIST, "In a pane of rows" },
		{ KEYS_MANAGED, "In Programs, Maps and Links" },
		{ KEYS_PROGRAMS, "In Programs" },
		{ KEYS_LINKS, "In Links" },
		{ KEYS_ENTRIES, "In Entries" },
		{ KEYS_TEXT, "In a pane of text" },
		{ KEYS_DETAIL, "In Detail" },
		{ KEYS_OUTPUT, "In Output" },
	};

	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		buf_printf(out, "%s%s\n", g ? "\n" : "", groups[g].title);
		for (int a = ACTION_NONE + 1; a < ACTION_COUNT; a++)
			help_of((enum action)a, groups[g].places, out);
	}
}

bool keys_bar(size_t n, unsigned places, struct buf *name, const char **label)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (!keys[i].label || !(keys[i].places & (places | KEYS_ALWAYS)) || n--)
			continue;
		keys_name(keys[i].code, name);
		*label = keys[i].label;
		return true;
	}
	return false;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/complete.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

static int add(void *data, const char *word, size_t start, bool final)
{
	struct candidates *c = data;
	/* Room for the word before the first, and for a NULL behind the last. */
	char **grown = realloc(c->room, (c->count + 3) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	c->room = grown;
	c->words = grown + 1;
	grown[0] = NULL;
	c->words[c->count] = strdup(word);
	c->words[c->count + 1] = NULL;
	if (!c->words[c->count])
		return -ENOMEM;
	c->count++;
	c->start = start;
	c->final = final;
	if (strlen(word) > c->longest)
		c->longest = strlen(word);
	return 0;
}

static size_t common_prefix(const struct candidates *c)
{
	size_t len = strlen(c->words[0]);

	for (size_t i = 1; i < c->count; i++)
		while (strncmp(c->words[0], c->words[i], len))
			len--;
	return len;
}

static void replace(const struct candidates *c, const char *text)
{
	rl_begin_undo_group();
	rl_delete_text((int)c->start, rl_point);
	rl_point = (int)c->start;
	rl_insert_text(text);
	rl_end_undo_group();
}

bool complete_line(struct session *s, void (*show)(void *data, const struct candidates *c),
		   void *data)
{
	struct candidates c = { 0 };
	struct error e = ERROR_INIT;
	char *prefix = NULL;

	session_complete(s, rl_line_buffer, (size_t)rl_point, add, &c, &e);
	error_clear(&e);
	if (c.count == 1) {
		replace(&c, c.words[0]);
		if (c.final)
			rl_insert_text(" ");
	} else if (c.count) {
		prefix = strndup(c.words[0], common_prefix(&c));
		if (prefix && strlen(prefix) > (size_t)rl_point - c.start)
			replace(&c, prefix);
		else
			show(data, &c);
	}
	free(prefix);
	for (size_t i = 0; i < c.count; i++)
		free(c.words[i]);
	free(c.room);
	return c.count > 0;
}

/*
 * To the end of a word, as `e` and `E` do. readline (8.2) never comes back where only blanks
 * follow: its vi mode stops before the end of the line, and it goes on until it has left them.
 */
static int end_of_word(int count, int key)
{
	int r = 0;

	for (int i = 0; !r && i < count; i++) {
		int next = rl_point + 1;

		while (next < rl_end && strchr(" \t", rl_line_buffer[next]))
			next++;
		if (next >= rl_end)
			return rl_ding();
		r = rl_vi_end_word(1, key);
	}
	return r;
}

void complete_bind(int (*fn)(int count, int key))
{
	rl_bind_key_in_map('\t', fn, emacs_standard_keymap);
	rl_bind_key_in_map('\t', fn, vi_insertion_keymap);
	/* What readline itself does for these goes through `E`, and would ask for files. */
	rl_bind_key_in_map('*', fn, vi_movement_keymap);
	rl_bind_key_in_map('=', fn, vi_movement_keymap);
	rl_bind_key_in_map('\\', fn, vi_movement_keymap);
	rl_bind_key_in_map('e', end_of_word, vi_movement_keymap);
	rl_bind_key_in_map('E', end_of_word, vi_movement_keymap);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/map_entries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "command/rows.h"
#include "kernel/protocol/protocol.h"

static const struct sink_column entry_columns[] = {
	{ .key = "key", .title = "KEY" },
	{ .key = "value", .title = "VALUE" },
};
const struct sink_table entries_table = { entry_columns, 2, "no entries" };

static const struct sink_column per_cpu_columns[] = {
	{ .key = "key", .title = "KEY" },
	{ .key = "cpu", .title = "CPU", .align = SINK_RIGHT },
	{ .key = "value", .title = "VALUE" },
};
const struct sink_table entries_per_cpu_table = { per_cpu_columns, 3, "no entries" };

static void pass_type(struct sink *s, const json_t *result, const char *key)
{
	char *type = answer_bytes(result, key);

	sink_str(s, key, type);
	free(type);
}

static void foreign_members(struct sink *s, const json_t *result)
{
	static const char *const numbers[] = { "kernel_id", "key_size", "value_size",
					       "max_entries" };

	sink_null(s, "id");
	pass_type(s, result, "name");
	pass_type(s, result, "type");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sink_int(s, numbers[i], answer_int(result, numbers[i]));
}

int write_map_member(struct session *s, const struct manager_map *map, const json_t *result,
		     struct error *e)
{
	struct db_map row = { 0 };
	struct rows_context c;
	int r = 0;

	if (s->options->output != OUTPUT_JSON)
		return 0;
	sink_object(s->sink, "map", NULL);
	if (map->id) {
		r = rows_context_init(&c, s, false, e);
		if (!r) {
			r = db_map_get(c.db, map->id, &row, e);
			if (!r)
				r = map_members(&c, &row, e);
			rows_context_free(&c);
		}
		if (r == -ENOENT && !e->err)
			r = error_set(e, ENOENT, "%s went away just now", map->name);
		db_map_clear(&row);
	} else {
		foreign_members(s->sink, result);
	}
	if (json_object_get(result, "key_type")) {
		pass_type(s->sink, result, "key_type");
		pass_type(s->sink, result, "value_type");
	}
	sink_object_end(s->sink);
	return r;
}

/* ---- entries as text: lists of strings, checked when they came ---- */

/* What \n and the like stand for in JSON. */
static char plain_escape(char letter)
{
	static const char letters[] = "bfnrt", plain[] = "\b\f\n\r\t";
	const char *found = strchr(letters, letter);

	return found ? plain[found - letters] : letter;
}

/* The string that begins at *at, behind its quote; *at is then behind the other one. */
static void read_string(const char **at, struct buf *out)
{
	const char *s = *at;

	for (;;) {
		size_t n = strcspn(s, "\"\\");

		buf_add(out, s, n);
		s += n;
		if (*s != '\\' || !s[1])
			break;
		if (s[1] == 'u') {
			char digits[5] = "";

			memcpy(digits, s + 2, strnlen(s + 2, 4));
			utf8_add(out, (uint32_t)strtoul(digits, NULL, 16));
			s += 2 + strlen(digits);
		} else {
			buf_char(out, plain_escape(s[1]));
			s += 2;
		}
	}
	*at = s + (*s == '"');
}

/*
 * The next cell of the entry that *at is in, as bytes; false: it has no more, and *at is behind it.
 */
static bool next_cell(const char **at, struct buf *cell)
{
	char *bytes;
	size_t len;

	*at += strspn(*at, "[,");
	buf_reset(cell);
	if (**at != '"') {
		*at += **at == ']';
		return false;
	}
	(*at)++;
	read_string(at, cell);
	/* Strings travel with their backslashes doubled; most have none. */
	if (!cell->len || !memchr(cell->data, '\\', cell->len))
		return true;
	if (wire_decode(cell->data, &bytes, &len)) {
		cell->failed = true;
		return true;
	}
	buf_reset(cell);
	buf_add(cell, bytes, len);
	free(bytes);
	return true;
}

/*
 * The text of a value: of a char array what is inside the quotes, where that alone means the same.
 */
static void drop_quotes(struct buf *text)
{
	const char *s = buf_text(text);
	size_t len = text->len;

	if (len < 3 || s[0] != '"' || s[len - 1] != '"' || strchr(s, '\\') ||
	    strchr("{[\"' -", s[1]) || s[len - 2] == ' ' || !strncmp(s + 1, "hex:", 4))
		return;
	text->data[--text->len] = '\0';
	buf_drop(text, 1);
}

static void write_word(struct sink *s, const char *key, struct buf *text, struct buf *word)
{
	drop_quotes(text);
	buf_reset(word);
	lang_quote(word, buf_text(text));
	sink_strn(s, key, buf_error(word) || buf_error(text) ? NULL : buf_text(word), word->len);
}

static void write_row(struct sink *s, struct buf *key, int cpu, struct buf *value, struct buf *word)
{
	sink_row(s);
	write_word(s, "key", key, word);
	if (cpu >= 0)
		sink_int(s, "cpu", cpu);
	write_word(s, "value", value, word);
	sink_row_end(s);
}

void write_entry_rows(struct sink *s, const struct buf *entries, bool per_cpu)
{
	struct buf key = { 0 }, value = { 0 }, each = { 0 }, word = { 0 };
	const char *at = buf_text(entries);

	while (next_cell(&at, &key)) {
		int cpu = 0;

		next_cell(&at, &value);
		for (; next_cell(&at, &each); cpu++)
			if (per_cpu)
				write_row(s, &key, cpu, &each, &word);
		if (cpu == 0 || !per_cpu)
			write_row(s, &key, -1, &value, &word);
	}
	buf_free(&key);
	buf_free(&value);
	buf_free(&each);
	buf_free(&word);
}

bool entry_key(const char **at, struct buf *key)
{
	struct buf rest = { 0 };

	if (!next_cell(at, key))
		return false;
	while (next_cell(at, &rest))
		;
	buf_free(&rest);
	return !buf_error(key);
}

/* Appends the text as one word; buf_error() tells lost memory. */
static void add_word(struct buf *out, struct buf *text)
{
	drop_quotes(text);
	buf_char(out, ' ');
	lang_quote(out, buf_text(text));
	out->failed |= text->failed;
}

void entry_commands(struct buf *out, const char *map, const struct buf *entries)
{
	struct buf key = { 0 }, value = { 0 }, each = { 0 };
	const char *at = buf_text(entries);

	while (next_cell(&at, &key)) {
		int cpus = 0;

		next_cell(&at, &value);
		buf_printf(out, "map set %s", map);
		add_word(out, &key);
		for (; next_cell(&at, &each); cpus++)
			add_word(out, &each);
		if (!cpus)
			add_word(out, &value);
		buf_char(out, '\n');
	}
	buf_free(&key);
	buf_free(&value);
	buf_free(&each);
}

bool entry_value(const struct buf *entries, struct buf *value)
{
	const char *at = buf_text(entries);

	/* Behind the key. */
	if (!next_cell(&at, value) || !next_cell(&at, value))
		return false;
	drop_quotes(value);
	return !buf_error(value);
}

void write_entry_members(struct sink *s, const struct buf *entry)
{
	/* Without the braces. */
	if (entry->len > 2)
		sink_verbatim(s, entry->data + 1, entry->len - 2);
}

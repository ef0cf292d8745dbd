/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/block.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { COLUMN_GAP = 2 };

/* A finished text: its length in the block's text, and the cells it takes on a terminal. */
struct cell {
	uint32_t len;
	uint32_t width;
};

struct block *block_new(const struct sink_table *table, bool list)
{
	struct block *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->table = table;
	b->list = list;
	b->row = calloc(table->count + 1, sizeof(*b->row));
	b->widths = calloc(table->count + 1, sizeof(*b->widths));
	b->filled = calloc(table->count + 1, sizeof(*b->filled));
	if (!b->row || !b->widths || !b->filled) {
		block_free(b);
		return NULL;
	}
	return b;
}

void block_free(struct block *b)
{
	size_t i;

	if (!b)
		return;
	for (i = 0; b->row && i < b->table->count; i++)
		buf_free(&b->row[i]);
	free(b->row);
	free(b->widths);
	free(b->filled);
	buf_free(&b->text);
	buf_free(&b->cells);
	buf_free(&b->after);
	free(b);
}

int block_column(const struct block *b, const char *path, size_t path_len, const char *key)
{
	size_t i;

	for (i = 0; i < b->table->count; i++) {
		const char *name = b->table->columns[i].key;

		if (path_len) {
			if (strncmp(name, path, path_len) != 0)
				continue;
			name += path_len;
		}
		/* Most keys differ in the first letter; this is asked for every value of a list. */
		if (name[0] == key[0] && strcmp(name, key) == 0)
			return (int)i;
	}
	return -1;
}

bool block_looks_into(const struct block *b, const char *path, size_t path_len)
{
	size_t i;

	for (i = 0; i < b->table->count; i++) {
		if (strncmp(b->table->columns[i].key, path, path_len) == 0)
			return true;
	}
	return false;
}

struct buf *block_value(struct block *b, int column)
{
	struct buf *value = &b->row[column];

	if (value->len)
		buf_char(value, ',');
	return value;
}

void block_row_end(struct block *b)
{
	size_t i;

	for (i = 0; i < b->table->count; i++) {
		struct buf *value = &b->row[i];
		struct cell cell;

		if (value->len > UINT32_MAX)
			value->failed = true;
		if (value->len == 0)
			buf_char(value, '-');
		if (!b->begun && (value->len != 1 || value->data[0] != '-'))
			b->filled[i] = true;
		cell.len = (uint32_t)value->len;
		cell.width = (uint32_t)text_cells(buf_text(value), value->len);
		if (!b->begun && cell.width > b->widths[i])
			b->widths[i] = cell.width;
		buf_add(&b->text, value->data, value->len);
		buf_add(&b->cells, &cell, sizeof(cell));
		/* A value that was lost must be told in the end: the row's buffers are reused. */
		if (buf_error(value))
			b->text.failed = true;
		buf_reset(value);
	}
	b->rows++;
}

int block_error(const struct block *b)
{
	if (buf_error(&b->text) || buf_error(&b->cells) || buf_error(&b->after))
		return -ENOMEM;
	return 0;
}

/* Blanks are written only when something follows them: no line ends in padding. */
struct line {
	struct buf *out;
	size_t blanks;
};

static void line_add(struct line *l, enum sink_align align, size_t room, const char *text,
		     size_t len, size_t width)
{
	size_t padding = room > width ? room - width : 0;

	if (align == SINK_RIGHT)
		l->blanks += padding;
	if (len) {
		buf_fill(l->out, ' ', l->blanks);
		buf_add(l->out, text, len);
		l->blanks = 0;
	}
	if (align == SINK_LEFT)
		l->blanks += padding;
	l->blanks += COLUMN_GAP;
}

static size_t title_width(const struct sink_column *column)
{
	return column->title ? text_cells(column->title, strlen(column->title)) : 0;
}

static bool shown(const struct block *b, size_t column)
{
	return !b->table->columns[column].optional || b->filled[column];
}

static size_t room_of(const struct block *b, size_t column)
{
	size_t title = title_width(&b->table->columns[column]);

	return b->widths[column] > title ? b->widths[column] : title;
}

static void render_heads(const struct block *b, struct buf *out, bool color)
{
	struct line line = { .out = out };
	size_t i;

	if (color)
		buf_str(out, "\033[1m");
	for (i = 0; i < b->table->count; i++) {
		const struct sink_column *column = &b->table->columns[i];

		if (shown(b, i))
			line_add(&line, column->align, room_of(b, i), column->title,
				 strlen(column->title), title_width(column));
	}
	buf_str(out, color ? "\033[0m\n" : "\n");
}

static void render_rows(const struct block *b, struct buf *out)
{
	const struct cell *cell = (const struct cell *)b->cells.data;
	const char *text = b->text.data;
	size_t *rooms = b->widths;
	size_t i, row;

	/* The heads are printed: from here on the widths may count them. */
	for (i = 0; i < b->table->count; i++)
		rooms[i] = room_of(b, i);
	for (row = 0; row < b->rows; row++) {
		struct line line = { .out = out };

		for (i = 0; i < b->table->count; text += cell->len, i++, cell++)
			if (shown(b, i))
				line_add(&line, b->table->columns[i].align, rooms[i], text,
					 cell->len, cell->width);
		buf_char(out, '\n');
	}
}

static void render_object(const struct block *b, struct buf *out)
{
	const struct cell *cell = (const struct cell *)b->cells.data;
	const char *text = b->text.data;
	size_t room = 0;
	size_t i;

	for (i = 0; i < b->table->count; i++) {
		size_t width = title_width(&b->table->columns[i]) + 1;

		if (shown(b, i) && width > room)
			room = width;
	}
	for (i = 0; i < b->table->count; text += cell->len, i++, cell++) {
		const struct sink_column *column = &b->table->columns[i];

		if (!shown(b, i))
			continue;
		buf_str(out, column->title);
		buf_char(out, ':');
		buf_fill(out, ' ', room - title_width(column) - 1 + COLUMN_GAP);
		buf_add(out, text, cell->len);
		buf_char(out, '\n');
	}
}

void block_render(const struct block *b, struct buf *out, bool color)
{
	if (block_error(b)) {
		out->failed = true;
	} else if (!b->list) {
		render_object(b, out);
	} else if (b->rows == 0 && b->table->empty && !b->begun) {
		buf_str(out, b->table->empty);
		buf_char(out, '\n');
	} else {
		if (b->table->columns[0].title && !b->begun)
			render_heads(b, out, color);
		render_rows(b, out);
	}
}

void block_render_part(struct block *b, struct buf *out, bool color)
{
	block_render(b, out, color);
	b->begun = true;
	b->rows = 0;
	buf_reset(&b->text);
	buf_reset(&b->cells);
}

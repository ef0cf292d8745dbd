/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "output/block.h"
#include "output/writer.h"

enum { TABLE_FLUSH = 1 << 20 };

/* What an open list or object means to a table. Hidden ones have no frame, only a count. */
enum frame_kind {
	FRAME_ROWS,   /* a list with a table; its objects are rows */
	FRAME_ROW,    /* such a row */
	FRAME_OBJECT, /* an object with a table */
	FRAME_NESTED, /* an object inside a row or object, whose values are named "outer.inner" */
	FRAME_LIST,   /* a list inside a row or object, whose values are comma-joined */
};

struct frame {
	enum frame_kind kind;
	struct block *block; /* owned by the frame of kind FRAME_ROWS or FRAME_OBJECT */
	size_t outer_path;   /* length of the sink's path outside of this frame */
	size_t block_path;   /* and outside of its block */
	int column;	     /* FRAME_LIST: shows the plain values, or -1 */
};

struct table_sink {
	struct sink sink; /* first: the ops get a pointer to it */
	struct writer to;
	struct writer errors;
	bool color;
	struct buf text;   /* finished lines of the document */
	bool has_block;	   /* a block is among them: the next one needs an empty line before it */
	struct buf frames; /* struct frame, innermost last */
	struct buf path;   /* "outer." inside nested values */
	size_t hidden;	   /* how deep in something hidden, 0: it shows */
	bool failed;	   /* lost memory that no buffer remembers */
	struct error lost; /* the first write of a part that failed; nothing is written after it */
};

static struct table_sink *table_of(struct sink *s)
{
	return (struct table_sink *)s;
}

static struct frame *top_frame(struct table_sink *t)
{
	if (t->frames.len == 0)
		return NULL;
	return (struct frame *)(t->frames.data + t->frames.len) - 1;
}

static bool owns_block(const struct frame *f)
{
	return f->kind == FRAME_ROWS || f->kind == FRAME_OBJECT;
}

static void drop_document(struct table_sink *t)
{
	struct frame *f;

	while ((f = top_frame(t))) {
		if (owns_block(f))
			block_free(f->block);
		t->frames.len -= sizeof(*f);
	}
	buf_reset(&t->frames);
	buf_reset(&t->text);
	buf_reset(&t->path);
	t->has_block = false;
	t->hidden = 0;
	t->failed = false;
	error_clear(&t->lost);
}

/* Where lines go that are finished now: behind the innermost block that is still open, if any. */
static struct buf *lines_of(struct table_sink *t)
{
	struct frame *f = top_frame(t);

	return f ? &f->block->after : &t->text;
}

/* The same for a new block, with the empty line that separates it from an earlier one. */
static struct buf *block_lines(struct table_sink *t)
{
	struct buf *lines = lines_of(t);

	if (lines != &t->text || t->has_block)
		buf_char(lines, '\n');
	if (lines == &t->text)
		t->has_block = true;
	return lines;
}

/* Without memory for the frame, what would be shown is hidden and the loss told in the end. */
static void push(struct table_sink *t, struct frame f)
{
	buf_add(&t->frames, &f, sizeof(f));
	if (buf_error(&t->frames)) {
		if (owns_block(&f))
			block_free(f.block);
		t->hidden = 1;
	}
}

static void cut_path(struct table_sink *t, size_t len)
{
	t->path.len = len;
	if (t->path.data)
		t->path.data[len] = '\0';
}

static int find_column(const struct table_sink *t, const struct frame *f, const char *key)
{
	return block_column(f->block, buf_text(&t->path) + f->block_path,
			    t->path.len - f->block_path, key ? key : "");
}

static void push_block(struct table_sink *t, bool list, const struct sink_table *table)
{
	struct block *b = block_new(table, list);

	if (!b) {
		t->failed = true;
		t->hidden = 1;
		return;
	}
	push(t, (struct frame){ .kind = list ? FRAME_ROWS : FRAME_OBJECT,
				.block = b,
				.outer_path = t->path.len,
				.block_path = t->path.len,
				.column = -1 });
}

/* A list or object without a table inside a row or object: shown where a column asks for it. */
static void push_nested(struct table_sink *t, const struct frame *outer, const char *key, bool list)
{
	struct frame f = *outer;

	f.kind = list ? FRAME_LIST : FRAME_NESTED;
	f.outer_path = t->path.len;
	f.column = -1;
	if (outer->kind == FRAME_LIST) {
		/* Its objects are named like the list; a list in a list has no name. */
		if (list)
			t->hidden = 1;
		else
			push(t, f);
		return;
	}
	if (list)
		f.column = find_column(t, outer, key);
	buf_str(&t->path, key ? key : "");
	buf_char(&t->path, '.');
	if (f.column >= 0 || block_looks_into(f.block, buf_text(&t->path) + f.block_path,
					      t->path.len - f.block_path)) {
		push(t, f);
	} else {
		cut_path(t, f.outer_path);
		t->hidden = 1;
	}
}

static void table_begin(struct sink *s)
{
	drop_document(table_of(s));
}

static void table_open(struct sink *s, const char *key, bool list, const struct sink_table *table)
{
	struct table_sink *t = table_of(s);
	const struct frame *outer = top_frame(t);

	if (t->hidden) {
		t->hidden++;
	} else if (table) {
		push_block(t, list, table);
	} else if (!outer) {
		t->hidden = 1;
	} else if (outer->kind != FRAME_ROWS) {
		push_nested(t, outer, key, list);
	} else if (list) {
		t->hidden = 1;
	} else {
		struct frame row = *outer;

		row.kind = FRAME_ROW;
		push(t, row);
	}
}

/* Prints a block with what came up inside it. Its frame is popped already. */
static void finish_block(struct table_sink *t, struct block *b)
{
	struct buf *lines = b->begun ? lines_of(t) : block_lines(t);

	if (!b->list)
		block_row_end(b);
	block_render(b, lines, t->color);
	buf_add(lines, buf_text(&b->after), b->after.len);
	block_free(b);
}

/* Writes out what there is of a long table: from here its columns keep their widths. */
static void write_part(struct table_sink *t, struct block *b)
{
	if (t->has_block && !b->begun)
		buf_char(&t->text, '\n');
	t->has_block = true;
	block_render_part(b, &t->text, t->color);
	if (!t->failed && !buf_error(&t->text) && !t->lost.err)
		writer_write(&t->to, buf_text(&t->text), t->text.len, &t->lost);
	if (!buf_error(&t->text))
		buf_reset(&t->text);
}

static void table_close(struct sink *s)
{
	struct table_sink *t = table_of(s);
	const struct frame *top = top_frame(t);
	struct frame f;

	if (t->hidden) {
		t->hidden--;
		return;
	}
	if (!top)
		return;
	f = *top;
	t->frames.len -= sizeof(f);
	cut_path(t, f.outer_path);
	if (owns_block(&f))
		finish_block(t, f.block);
	else if (f.kind == FRAME_ROW)
		block_row_end(f.block);
	if (f.kind == FRAME_ROW && t->frames.len == sizeof(f) && f.block->text.len > TABLE_FLUSH)
		write_part(t, f.block);
}

/* Where a value under key is shown, with the column's rules; NULL: nowhere. */
static struct buf *value_of(struct table_sink *t, const char *key,
			    const struct sink_column **column)
{
	const struct frame *f = top_frame(t);
	int i;

	if (t->hidden || !f || f->kind == FRAME_ROWS)
		return NULL;
	i = f->kind == FRAME_LIST ? f->column : find_column(t, f, key);
	if (i < 0)
		return NULL;
	if (column)
		*column = &f->block->table->columns[i];
	return block_value(f->block, i);
}

static void table_null(struct sink *s, const char *key)
{
	struct buf *value = value_of(table_of(s), key, NULL);

	if (value)
		buf_char(value, '-');
}

static void table_boolean(struct sink *s, const char *key, bool b)
{
	struct buf *value = value_of(table_of(s), key, NULL);

	if (value)
		buf_str(value, b ? "yes" : "no");
}

static void table_u64(struct sink *s, const char *key, uint64_t n)
{
	const struct sink_column *column;
	struct buf *value = value_of(table_of(s), key, &column);

	if (!value)
		return;
	if (column->bytes)
		text_bytes(value, n);
	else
		digits_add_u64(value, n);
}

static void table_integer(struct sink *s, const char *key, int64_t n)
{
	struct buf *value;

	if (n >= 0) {
		table_u64(s, key, (uint64_t)n);
		return;
	}
	value = value_of(table_of(s), key, NULL);
	if (value)
		digits_add_i64(value, n);
}

static void table_number(struct sink *s, const char *key, const char *digits, size_t len)
{
	struct buf *value = value_of(table_of(s), key, NULL);

	if (value)
		buf_add(value, digits, len);
}

static void table_string(struct sink *s, const char *key, const char *string, size_t len)
{
	struct buf *value = value_of(table_of(s), key, NULL);

	if (!value)
		return;
	if (len)
		escape_add(value, string, len, ESCAPE_LINE);
	else
		buf_char(value, '-');
}

static void table_text(struct sink *s, const char *key, const char *text, size_t len)
{
	struct table_sink *t = table_of(s);
	const struct frame *f = top_frame(t);
	struct buf *lines;

	if (t->hidden)
		return;
	if (f && (f->kind != FRAME_OBJECT || find_column(t, f, key) >= 0)) {
		table_string(s, key, text, len);
		return;
	}
	if (len == 0)
		return;
	lines = block_lines(t);
	escape_add(lines, text, len, ESCAPE_LINES);
	if (text[len - 1] != '\n')
		buf_char(lines, '\n');
}

static void table_verbatim(struct sink *s, const char *text, size_t len)
{
	(void)s;
	(void)text;
	(void)len;
}

static void table_note(struct sink *s, const char *line)
{
	struct table_sink *t = table_of(s);
	struct buf *lines;

	if (t->hidden)
		return;
	lines = lines_of(t);
	escape_add(lines, line, strlen(line), ESCAPE_LINE);
	buf_char(lines, '\n');
}

static int table_end(struct sink *s, struct error *e)
{
	struct table_sink *t = table_of(s);
	int ret;

	while (t->hidden || t->frames.len)
		table_close(s);
	if (t->failed || buf_error(&t->text) || buf_error(&t->frames) || buf_error(&t->path))
		ret = error_nomem(e);
	else if (t->lost.err)
		ret = -t->lost.err;
	else
		ret = writer_write(&t->to, buf_text(&t->text), t->text.len, e);
	if (t->lost.err && e)
		error_move(e, &t->lost);
	drop_document(t);
	return ret;
}

static void add_line(struct buf *out, const char *before, const char *line, size_t len)
{
	buf_str(out, before);
	escape_add(out, line, len, ESCAPE_LINE);
	buf_char(out, '\n');
}

static void add_error(struct buf *out, const char *where, const char *command,
		      const struct error *failure, bool color)
{
	const char *const prefixes[] = { where, command };
	const char *message = failure->message ? failure->message : strerror(failure->err);
	const char *detail = failure->detail ? failure->detail : "";
	size_t i;

	if (color)
		buf_str(out, "\033[1;31m");
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (!prefixes[i])
			continue;
		escape_add(out, prefixes[i], strlen(prefixes[i]), ESCAPE_LINE);
		buf_str(out, ": ");
	}
	if (color)
		buf_str(out, "\033[0m");
	add_line(out, "", message, strlen(message));
	while (*detail) {
		size_t n = strcspn(detail, "\n");

		add_line(out, "  ", detail, n);
		detail += n;
		if (*detail)
			detail++;
	}
	if (failure->hint)
		add_line(out, "hint: ", failure->hint, strlen(failure->hint));
}

static int table_fail(struct sink *s, const char *where, const char *command,
		      const struct error *failure, struct error *e)
{
	struct table_sink *t = table_of(s);
	int ret;

	drop_document(t);
	add_error(&t->text, where, command, failure, t->color);
	if (buf_error(&t->text))
		ret = error_nomem(e);
	else
		ret = writer_write(&t->errors, buf_text(&t->text), t->text.len, e);
	drop_document(t);
	return ret;
}

/* All that is written is escaped: any sequence in it is one of ours. */
void table_plain(struct buf *out, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *esc = memchr(text, '\033', (size_t)(end - text));
		const char *m = esc ? memchr(esc, 'm', (size_t)(end - esc)) : NULL;

		buf_add(out, text, (size_t)((esc ? esc : end) - text));
		text = m ? m + 1 : end;
	}
}

static void table_free(struct sink *s)
{
	struct table_sink *t = table_of(s);

	drop_document(t);
	buf_free(&t->text);
	buf_free(&t->frames);
	buf_free(&t->path);
	free(t);
}

static const struct sink_ops table_ops = {
	.begin = table_begin,
	.end = table_end,
	.fail = table_fail,
	.open = table_open,
	.close = table_close,
	.null = table_null,
	.boolean = table_boolean,
	.integer = table_integer,
	.u64 = table_u64,
	.number = table_number,
	.string = table_string,
	.text = table_text,
	.verbatim = table_verbatim,
	.note = table_note,
	.free = table_free,
};

static struct sink *table_new(struct writer to, const struct table_style *style)
{
	struct table_sink *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->sink.ops = &table_ops;
	t->to = to;
	t->errors = style->error_fd < 0 ? to : (struct writer){ .fd = style->error_fd };
	t->color = style->color;
	return &t->sink;
}

struct sink *sink_table_new(int fd, const struct table_style *style)
{
	return table_new((struct writer){ .fd = fd }, style);
}

struct sink *sink_table_buf(struct buf *out, const struct table_style *style)
{
	return table_new((struct writer){ .buf = out, .fd = -1 }, style);
}

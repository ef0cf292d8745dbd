/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_OUTPUT_BLOCK_H
#define BPFMAN_OUTPUT_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/sink.h"

/*
 * The values of one table, or of one object shown line by line, until all are there and the
 * columns' widths are known. Lost memory is remembered and told by block_error(). Private to
 * output.
 */
struct block {
	const struct sink_table *table;
	bool list;
	struct buf *row;  /* the row being written: one text per column, empty: no value yet */
	struct buf text;  /* the texts of the finished rows, one behind the other */
	struct buf cells; /* their struct cell, table->count for each row */
	size_t *widths;	  /* of the columns so far, heads not counted */
	bool *filled;	  /* columns that some row had a value for */
	size_t rows;
	bool begun;	  /* a part of it is rendered: heads and widths stay what they are */
	struct buf after; /* finished lines to print behind it: what was opened and said inside */
};

/* NULL without memory. table must outlive the block. */
struct block *block_new(const struct sink_table *table, bool list);
void block_free(struct block *b);
/* The column that shows key below path ("" or "outer."), or -1. */
int block_column(const struct block *b, const char *path, size_t path_len, const char *key);
/* Whether any column shows something below path. */
bool block_looks_into(const struct block *b, const char *path, size_t path_len);
/* Where to append a value of the row in this column; values of one column are comma-joined. */
struct buf *block_value(struct block *b, int column);
/* The row is complete: what has no value gets "-". */
void block_row_end(struct block *b);
/* Appends the finished lines, without what comes after the block. */
void block_render(const struct block *b, struct buf *out, bool color);
/* The same of the rows that there are, which are dropped; more may follow. */
void block_render_part(struct block *b, struct buf *out, bool color);
int block_error(const struct block *b);

#endif

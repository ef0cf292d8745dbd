/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_LIST_VIEW_H
#define BPFMAN_SCREEN_LIST_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "ui/screen/layout.h"
#include "ui/screen/rows.h"
#include "ui/screen/theme.h"

/*
 * Rows in columns: what the panes of rows show. The rows are the model's and come and go; what is
 * selected and tagged is known by key, so that it stays on the same row whatever happens around it.
 */
struct screen;

enum column_align { COLUMN_LEFT, COLUMN_RIGHT };

/* How a field of a row is shown, and which of two comes first (cell.c). */
struct cell {
	void (*text)(const struct screen *s, const struct row *row, const void *field,
		     struct buf *out);
	int (*compare)(const void *a, const void *b);
	enum role (*role)(const struct row *row); /* NULL: as the row */
};
extern const struct cell cell_string;	 /* char *; NULL or "": "-" */
extern const struct cell cell_count;	 /* uint32_t */
extern const struct cell cell_bytes;	 /* uint64_t; 0: "-" */
extern const struct cell cell_since;	 /* int64_t, ns since the epoch: how long ago; 0: nothing */
extern const struct cell cell_kernel_id; /* uint32_t; "-" where it is of another boot, or gone */
extern const struct cell cell_key;	 /* int64_t: the row's own; "k:ID" of somebody else's */
extern const struct cell cell_look;	 /* struct look: the row's own */

struct column {
	const char *title;
	int width;			      /* cells it takes at least */
	int most;			      /* cells it takes where there is room; 0: width */
	int (*needs)(const struct screen *s); /* cells without which it is of no use; or NULL */
	enum column_align align;
	int drop;	 /* where it is narrow, columns with the greatest go first; 0: never */
	bool high_first; /* sorts with the greatest first */
	bool rate;	 /* changes with each reading of what moves */
	/* The field that it shows. */
	const struct cell *cell;
	size_t offset; /* in the row */
	/* In place of what the field's kind does, or without a field: */
	void (*text)(const struct screen *s, const struct row *row, struct buf *out);
	int (*compare)(const struct row *a, const struct row *b);
	enum role (*role)(const struct row *row);
};
/* A column of a field; more designators may follow. */
#define COLUMN(title_, struct_, member_, cell_, ...)                                               \
	{                                                                                          \
		.title = title_, .cell = &cell_, .offset = offsetof(struct_, member_), __VA_ARGS__ \
	}

struct list_source {
	const struct column *columns;
	size_t column_count;
	/* Its rows: those of part 0, and then more while there are. NULL: no such part. */
	struct rows *(*rows)(struct screen *s, unsigned part);
	/* Before a row is drawn, for what is only found out about rows that are seen; or NULL. */
	void (*see)(struct screen *s, struct row *row);
};

struct list_view {
	const struct list_source *source;
	struct row **order; /* the rows shown, as sorted */
	size_t count, room;
	int64_t selected; /* key; 0: none */
	size_t at;	  /* where it stands in order */
	bool moved;	  /* somebody selected it: it stays selected */
	size_t top;
	size_t sort; /* column */
	bool reverse;
	char *filter; /* NULL: all rows */
	int64_t *tags;
	size_t tag_count;
	int height;	     /* rows as drawn last */
	int heads_y, rows_y; /* and where, on the screen; heads -1: not at all */
};

void list_view_free(struct list_view *l);
/* Filters and sorts all anew, after filter or order changed; the selection keeps its place. */
void list_view_update(struct list_view *l, struct screen *s);
/* Takes in what came, changed and went, and leaves the rest as it stands. */
void list_view_take(struct list_view *l, struct screen *s);
void list_view_draw(struct list_view *l, struct screen *s, const struct rect *at, bool focused,
		    const char *empty);
void list_view_move(struct list_view *l, const struct screen *s, long rows);
void list_view_next_sort(struct list_view *l);
void list_view_set_filter(struct list_view *l, const char *text);
/* What stands at a place of the screen: the row, counted as sorted, or the column; or -1. */
long list_view_row_at(const struct list_view *l, int y);
int list_view_column_at(const struct list_view *l, const struct screen *s, const struct rect *at,
			int x);
/* The selected row, or NULL. */
const struct row *list_view_selected(const struct list_view *l, const struct screen *s);
bool list_view_tagged(const struct list_view *l, int64_t key);
void list_view_tag(struct list_view *l, int64_t key);
void list_view_untag(struct list_view *l);
/* Whether it is somebody else's: shown dimmed, behind ours, and never tagged. */
bool row_foreign(const struct row *row);
/* The column whose values the order depends on. */
const struct column *list_view_sort(const struct list_view *l);
bool column_sorts(const struct column *c);
void cell_text(const struct column *c, const struct screen *s, const struct row *row,
	       struct buf *out);

#endif

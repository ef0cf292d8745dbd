/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_LIST_VIEW_H
#define BPFMAN_SCREEN_LIST_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "ui/screen/layout.h"
#include "ui/screen/theme.h"

/*
 * Rows in columns: what the panes of rows show. The rows are the model's and come and go; what is
 * selected and tagged is known by key, so that it stays on the same row whatever happens around it.
 */
struct screen;

enum column_align { COLUMN_LEFT, COLUMN_RIGHT };

struct column {
	const char *title;
	int width;			      /* cells it takes at least */
	int most;			      /* cells it takes where there is room; 0: width */
	int (*needs)(const struct screen *s); /* cells without which it is of no use; or NULL */
	enum column_align align;
	int drop;	 /* where it is narrow, columns with the greatest go first; 0: never */
	bool high_first; /* sorts with the greatest first */
	bool rate;	 /* changes with each reading of the statistics */
	/* The text of a row's cell. */
	void (*text)(const struct screen *s, const void *row, struct buf *out);
	/* Order of two rows; NULL: the column cannot be sorted by. */
	int (*compare)(const void *a, const void *b);
	/* How the cell is drawn, NULL: as the row is. */
	enum role (*role)(const void *row);
};

struct list_source {
	const struct column *columns;
	size_t column_count;
	/* Rows, in order of their keys. */
	size_t (*count)(const struct screen *s);
	const void *(*row)(const struct screen *s, size_t i);
	/* Never 0, and the same for as long as the thing exists. */
	int64_t (*key)(const void *row);
	/* Whether it is somebody else's: shown dimmed, behind ours. */
	bool (*foreign)(const void *row);
	/* Before rows are drawn, for what is only found out about rows that are seen; or NULL. */
	void (*see)(struct screen *s, size_t i);
};

struct list_view {
	const struct list_source *source;
	uint32_t *order; /* indices of the rows shown, as sorted */
	size_t count;
	int64_t selected; /* key; 0: none */
	size_t at;	  /* where it stands in order */
	bool moved;	  /* somebody selected it: it stays selected */
	size_t top;
	size_t sort; /* column */
	bool reverse;
	char *filter; /* NULL: all rows */
	int64_t *tags;
	size_t tag_count;
	int height; /* rows as drawn last */
};

void list_view_free(struct list_view *l);
/* Filters and sorts anew, after rows, filter or order changed; the selection keeps its place. */
void list_view_update(struct list_view *l, const struct screen *s);
void list_view_draw(struct list_view *l, struct screen *s, const struct rect *at, bool focused,
		    const char *empty);
void list_view_move(struct list_view *l, const struct screen *s, long rows);
void list_view_next_sort(struct list_view *l);
void list_view_set_filter(struct list_view *l, const char *text);
/* The selected row, or NULL. */
const void *list_view_selected(const struct list_view *l, const struct screen *s);
bool list_view_tagged(const struct list_view *l, int64_t key);
void list_view_tag(struct list_view *l, int64_t key);
void list_view_untag(struct list_view *l);
/* Whether the order depends on that column's values. */
const struct column *list_view_sort(const struct list_view *l);

#endif

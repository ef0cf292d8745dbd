/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "ui/screen/list_view.h"

#include <ncurses.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "ui/screen/draw.h"

enum { MARK_CELLS = 2, GAP = 1, COLUMNS_MAX = 24 };

void list_view_free(struct list_view *l)
{
	free(l->order);
	free(l->filter);
	free(l->tags);
	l->order = NULL;
	l->filter = NULL;
	l->tags = NULL;
	l->count = l->tag_count = 0;
}

const struct column *list_view_sort(const struct list_view *l)
{
	return &l->source->columns[l->sort];
}

/* ---- order ---- */

struct sorting {
	const struct list_view *l;
	const struct screen *s;
};

static int in_order(const void *a, const void *b, void *data)
{
	const struct sorting *o = data;
	const struct list_source *source = o->l->source;
	const void *x = source->row(o->s, *(const uint32_t *)a);
	const void *y = source->row(o->s, *(const uint32_t *)b);
	const struct column *c = list_view_sort(o->l);
	int64_t key_x = llabs(source->key(x)), key_y = llabs(source->key(y));
	int way = o->l->reverse != c->high_first ? -1 : 1;
	int order = 0;

	if (source->foreign(x) != source->foreign(y))
		return source->foreign(x) ? 1 : -1;
	if (c->compare)
		order = c->compare(x, y) * way;
	if (!order)
		order = (key_x > key_y) - (key_x < key_y);
	return order;
}

static bool passes(const struct list_view *l, const struct screen *s, const void *row,
		   struct buf *text)
{
	const struct list_source *source = l->source;

	if (!l->filter)
		return true;
	buf_reset(text);
	for (size_t i = 0; i < source->column_count; i++) {
		source->columns[i].text(s, row, text);
		buf_char(text, ' ');
	}
	return strcasestr(buf_text(text), l->filter) != NULL;
}

static size_t find_key(const struct list_view *l, const struct screen *s, int64_t key)
{
	for (size_t i = 0; key && i < l->count; i++)
		if (l->source->key(l->source->row(s, l->order[i])) == key)
			return i;
	return SIZE_MAX;
}

/* Tags of rows that are gone go with them. */
static void keep_tags(struct list_view *l, const struct screen *s)
{
	size_t kept = 0, rows = l->source->count(s);

	for (size_t t = 0; t < l->tag_count; t++)
		for (size_t i = 0; i < rows; i++)
			if (l->source->key(l->source->row(s, i)) == l->tags[t]) {
				l->tags[kept++] = l->tags[t];
				break;
			}
	l->tag_count = kept;
}

void list_view_update(struct list_view *l, const struct screen *s)
{
	size_t rows = l->source->count(s), found;
	uint32_t *order = realloc(l->order, (rows + 1) * sizeof(*order));
	struct sorting sorting = { l, s };
	struct buf text = { 0 };
	long offset = (long)l->at - (long)l->top;

	if (!order)
		return; /* what is shown stays */
	l->order = order;
	l->count = 0;
	for (size_t i = 0; i < rows; i++)
		if (passes(l, s, l->source->row(s, i), &text))
			order[l->count++] = (uint32_t)i;
	buf_free(&text);
	/* Rows come in order of their keys. */
	qsort_r(order, l->count, sizeof(*order), in_order, &sorting);
	keep_tags(l, s);
	found = find_key(l, s, l->selected);
	if (!l->moved)
		l->at = 0; /* nobody has chosen yet: the first, whichever that is */
	else if (found != SIZE_MAX)
		l->at = found;
	else if (l->at >= l->count)
		l->at = l->count ? l->count - 1 : 0;
	l->selected = l->count ? l->source->key(l->source->row(s, order[l->at])) : 0;
	/* The selected row keeps its place on the screen. */
	l->top = (long)l->at > offset ? (size_t)((long)l->at - offset) : 0;
}

const void *list_view_selected(const struct list_view *l, const struct screen *s)
{
	return l->at < l->count ? l->source->row(s, l->order[l->at]) : NULL;
}

void list_view_move(struct list_view *l, const struct screen *s, long rows)
{
	long at = (long)l->at + rows;

	if (!l->count)
		return;
	l->moved = true;
	if (at < 0)
		at = 0;
	if (at >= (long)l->count)
		at = (long)l->count - 1;
	l->at = (size_t)at;
	l->selected = l->source->key(list_view_selected(l, s));
}

void list_view_next_sort(struct list_view *l)
{
	do
		l->sort = (l->sort + 1) % l->source->column_count;
	while (!list_view_sort(l)->compare);
	l->reverse = false;
}

void list_view_set_filter(struct list_view *l, const char *text)
{
	free(l->filter);
	l->filter = *text ? strdup(text) : NULL;
}

/* ---- tags ---- */

bool list_view_tagged(const struct list_view *l, int64_t key)
{
	for (size_t i = 0; i < l->tag_count; i++)
		if (l->tags[i] == key)
			return true;
	return false;
}

void list_view_tag(struct list_view *l, int64_t key)
{
	int64_t *grown;

	for (size_t i = 0; i < l->tag_count; i++) {
		if (l->tags[i] == key) {
			memmove(&l->tags[i], &l->tags[i + 1],
				(--l->tag_count - i) * sizeof(*l->tags));
			return;
		}
	}
	grown = grow(l->tags, l->tag_count, sizeof(*grown));
	if (!grown)
		return;
	l->tags = grown;
	l->tags[l->tag_count++] = key;
}

void list_view_untag(struct list_view *l)
{
	l->tag_count = 0;
}

/* ---- drawing ---- */

/* Cells of each column, 0: not shown. */
static void fit_columns(const struct list_source *source, const struct screen *s, int width,
			int *cells)
{
	int taken = MARK_CELLS - GAP;

	for (size_t i = 0; i < source->column_count; i++) {
		const struct column *c = &source->columns[i];
		int needs = c->needs ? c->needs(s) : 0;

		cells[i] = needs > c->width ? needs : c->width;
		taken += cells[i] + GAP;
	}
	while (taken > width) {
		size_t worst = 0;

		for (size_t i = 1; i < source->column_count; i++)
			if (cells[i] && (!cells[worst] ||
					 source->columns[i].drop > source->columns[worst].drop))
				worst = i;
		if (!source->columns[worst].drop)
			break;
		taken -= cells[worst] + GAP;
		cells[worst] = 0;
	}
	/* A cell each in turn, so that none takes all the room there is. */
	for (int spare = width - taken, given = 1; spare > 0 && given;) {
		given = 0;
		for (size_t i = 0; spare > 0 && i < source->column_count; i++) {
			if (!cells[i] || cells[i] >= source->columns[i].most)
				continue;
			cells[i]++;
			given++;
			spare--;
		}
	}
}

static int draw_cell(int y, int x, int left, const struct column *c, int cells, const char *text,
		     size_t len)
{
	int needs, width = cells < left ? cells : left, used;

	if (width <= 0)
		return 0;
	needs = draw_cells(text, len);
	if (c->align == COLUMN_RIGHT && needs < width) {
		draw_blank(y, x, width - needs);
		draw_text(y, x + width - needs, needs, text, len, 0);
	} else {
		used = draw_text(y, x, width, text, len, 0);
		draw_blank(y, x + used, width - used);
		/* What does not fit says so. */
		if (needs > width)
			mvaddch(y, x + width - 1, '~');
	}
	return width;
}

static void draw_heads(const struct list_view *l, const struct rect *at, const int *cells)
{
	int x = MARK_CELLS;

	theme_use(ROLE_HEAD);
	draw_blank(at->y, at->x, at->width);
	for (size_t i = 0; i < l->source->column_count; i++) {
		const struct column *c = &l->source->columns[i];

		if (!cells[i])
			continue;
		draw_cell(at->y, at->x + x, at->width - x, c, cells[i], c->title, strlen(c->title));
		x += cells[i] + GAP;
	}
}

static void draw_row(const struct list_view *l, const struct screen *s, const struct rect *at,
		     int y, const int *cells, const void *row, enum role role, bool selected)
{
	const struct list_source *source = l->source;
	bool tagged = list_view_tagged(l, source->key(row));
	struct buf text = { 0 };
	int x = MARK_CELLS;

	theme_use(role);
	draw_blank(y, at->x, at->width);
	mvaddch(y, at->x, selected ? '>' : ' ');
	mvaddch(y, at->x + 1, tagged ? '*' : ' ');
	for (size_t i = 0; i < source->column_count && x < at->width; i++) {
		const struct column *c = &source->columns[i];

		if (!cells[i])
			continue;
		buf_reset(&text);
		c->text(s, row, &text);
		theme_use(c->role && role == ROLE_TEXT ? c->role(row) : role);
		draw_cell(y, at->x + x, at->width - x, c, cells[i], buf_text(&text), text.len);
		x += cells[i] + GAP;
	}
	buf_free(&text);
}

static int lines_of(const char *text)
{
	int lines = 1;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static void draw_empty(const struct rect *at, const char *empty)
{
	theme_use(ROLE_DIM);
	for (int y = 0; y < at->height; y++) {
		const char *end = strchr(empty, '\n');
		size_t n = end ? (size_t)(end - empty) : strlen(empty);
		int used = draw_text(at->y + y, at->x, at->width, empty, n, 0);

		draw_blank(at->y + y, at->x + used, at->width - used);
		empty += n + (end != NULL);
	}
}

void list_view_draw(struct list_view *l, struct screen *s, const struct rect *at, bool focused,
		    const char *empty)
{
	struct rect rows = *at;
	int cells[COLUMNS_MAX];

	fit_columns(l->source, s, at->width, cells);
	/* The heads go first where there is no room for them and two rows. */
	if (rows.height > 2) {
		draw_heads(l, at, cells);
		rows.y++;
		rows.height--;
	}
	/* Also where only others have something. */
	if (!l->count || (!l->filter && l->source->foreign(l->source->row(s, l->order[0])))) {
		int lines = l->count ? lines_of(empty) : rows.height;
		struct rect hint = { rows.y, rows.x, lines < rows.height ? lines : rows.height,
				     rows.width };

		draw_empty(&hint, empty);
		rows.y += hint.height;
		rows.height -= hint.height;
	}
	l->height = rows.height;
	if (!l->count || rows.height < 1)
		return;
	if (l->at < l->top)
		l->top = l->at;
	if (rows.height > 0 && l->at >= l->top + (size_t)rows.height)
		l->top = l->at - (size_t)rows.height + 1;
	if (l->top + (size_t)rows.height > l->count)
		l->top = l->count > (size_t)rows.height ? l->count - (size_t)rows.height : 0;
	for (int y = 0; y < rows.height; y++) {
		size_t i = l->top + (size_t)y;
		bool selected = i == l->at;
		enum role role = ROLE_TEXT;
		const void *row;

		if (i >= l->count) {
			theme_use(ROLE_TEXT);
			draw_blank(rows.y + y, rows.x, rows.width);
			continue;
		}
		if (l->source->see)
			l->source->see(s, l->order[i]);
		row = l->source->row(s, l->order[i]);
		if (l->source->foreign(row))
			role = ROLE_DIM;
		if (list_view_tagged(l, l->source->key(row)))
			role = ROLE_TAGGED;
		if (selected && focused)
			role = ROLE_SELECTED;
		draw_row(l, s, &rows, rows.y + y, cells, row, role, selected);
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "ui/screen/list_view.h"

#include <ncurses.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "ui/screen/draw.h"

enum { MARK_CELLS = 2, GAP = 1, COLUMNS_MAX = 24, ONE_BY_ONE = 64 };

void list_view_free(struct list_view *l)
{
	free(l->order);
	free(l->filter);
	free(l->tags);
	l->order = NULL;
	l->filter = NULL;
	l->tags = NULL;
	l->count = l->room = l->tag_count = 0;
}

const struct column *list_view_sort(const struct list_view *l)
{
	return &l->source->columns[l->sort];
}

bool row_foreign(const struct row *row)
{
	return row->key < 0;
}

static const void *field_of(const struct column *c, const struct row *row)
{
	return (const char *)row + c->offset;
}

void cell_text(const struct column *c, const struct screen *s, const struct row *row,
	       struct buf *out)
{
	if (c->text)
		c->text(s, row, out);
	else
		c->cell->text(s, row, field_of(c, row), out);
}

bool column_sorts(const struct column *c)
{
	return c->compare || (c->cell && c->cell->compare);
}

/* ---- order ---- */

static int by_column(const struct column *c, const struct row *x, const struct row *y)
{
	if (c->compare)
		return c->compare(x, y);
	return column_sorts(c) ? c->cell->compare(field_of(c, x), field_of(c, y)) : 0;
}

/* Those that are the same there are in order of the first column. */
static int in_order(const void *a, const void *b, void *data)
{
	const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;
	const struct list_view *l = data;
	const struct column *c = list_view_sort(l);
	int order;

	if (row_foreign(x) != row_foreign(y))
		return row_foreign(x) ? 1 : -1;
	order = by_column(c, x, y);
	if (l->reverse != c->high_first)
		order = -order;
	if (!order)
		order = by_column(&l->source->columns[0], x, y);
	return order ? order : (x->key > y->key) - (x->key < y->key);
}

static bool passes(const struct list_view *l, const struct screen *s, const struct row *row,
		   struct buf *text)
{
	const struct list_source *source = l->source;

	if (!l->filter)
		return true;
	buf_reset(text);
	for (size_t i = 0; i < source->column_count; i++) {
		cell_text(&source->columns[i], s, row, text);
		buf_char(text, ' ');
	}
	return strcasestr(buf_text(text), l->filter) != NULL;
}

static bool make_room(struct list_view *l, size_t rows)
{
	struct row **grown;
	size_t room = l->room ? l->room : 16;

	while (room < rows)
		room *= 2;
	if (room == l->room)
		return true;
	grown = realloc(l->order, room * sizeof(*grown));
	if (!grown)
		return false;
	l->order = grown;
	l->room = room;
	return true;
}

static bool still_there(const struct list_view *l, struct screen *s, int64_t key)
{
	const struct rows *rows;

	for (unsigned part = 0; (rows = l->source->rows(s, part)); part++)
		if (rows_find(rows, key))
			return true;
	return false;
}

/* Tags of rows that are gone go with them. */
static void keep_tags(struct list_view *l, struct screen *s)
{
	size_t kept = 0;

	for (size_t t = 0; t < l->tag_count; t++)
		if (still_there(l, s, l->tags[t]))
			l->tags[kept++] = l->tags[t];
	l->tag_count = kept;
}

static size_t find_key(const struct list_view *l, int64_t key)
{
	if (l->at < l->count && l->order[l->at]->key == key)
		return l->at;
	for (size_t i = 0; i < l->count; i++)
		if (l->order[i]->key == key)
			return i;
	return SIZE_MAX;
}

/* The order is another one now: what was selected stays, on the same line where that can be. */
static void settle(struct list_view *l, struct screen *s)
{
	long line = (long)l->at - (long)l->top;
	size_t found = find_key(l, l->selected);
	struct rows *rows;

	keep_tags(l, s);
	if (!l->moved)
		l->at = 0; /* nobody has chosen yet: the first, whichever that is */
	else if (found != SIZE_MAX)
		l->at = found;
	else if (l->at >= l->count)
		l->at = l->count ? l->count - 1 : 0;
	l->selected = l->count ? l->order[l->at]->key : 0;
	l->top = (long)l->at > line ? (size_t)((long)l->at - line) : 0;
	for (unsigned part = 0; (rows = l->source->rows(s, part)); part++)
		rows_told(rows);
}

void list_view_update(struct list_view *l, struct screen *s)
{
	struct buf text = { 0 };
	size_t count = 0;
	struct rows *rows;

	for (unsigned part = 0; (rows = l->source->rows(s, part)); part++)
		count += rows->all.count;
	if (!make_room(l, count))
		return; /* what is shown stays */
	l->count = 0;
	for (unsigned part = 0; (rows = l->source->rows(s, part)); part++)
		for (size_t i = 0; i < rows->all.count; i++)
			if (passes(l, s, rows->all.at[i], &text))
				l->order[l->count++] = rows->all.at[i];
	buf_free(&text);
	/* Mostly they are in order already. */
	for (size_t i = 1; i < l->count; i++) {
		if (in_order(&l->order[i - 1], &l->order[i], l) < 0)
			continue;
		qsort_r(l->order, l->count, sizeof(*l->order), in_order, l);
		break;
	}
	settle(l, s);
}

static void insert(struct list_view *l, struct row *row)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (in_order(&l->order[mid], &row, l) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	memmove(&l->order[low + 1], &l->order[low], (l->count - low) * sizeof(*l->order));
	l->order[low] = row;
	l->count++;
}

void list_view_take(struct list_view *l, struct screen *s)
{
	size_t kept = 0, touched = 0, gone = 0;
	struct buf text = { 0 };
	struct rows *rows;
	bool lost = false;

	for (unsigned part = 0; (rows = l->source->rows(s, part)); part++) {
		touched += rows->touched.count;
		gone += rows->gone.count;
		lost |= rows->lost;
	}
	if (!touched && !gone && !lost)
		return;
	if (lost || touched > ONE_BY_ONE || !make_room(l, l->count + touched)) {
		list_view_update(l, s);
		return;
	}
	for (size_t i = 0; i < l->count; i++)
		if (!l->order[i]->touched && !l->order[i]->gone)
			l->order[kept++] = l->order[i];
	l->count = kept;
	for (unsigned part = 0; (rows = l->source->rows(s, part)); part++)
		for (size_t i = 0; i < rows->touched.count; i++)
			if (passes(l, s, rows->touched.at[i], &text))
				insert(l, rows->touched.at[i]);
	buf_free(&text);
	settle(l, s);
}

const struct row *list_view_selected(const struct list_view *l, const struct screen *s)
{
	(void)s;
	return l->at < l->count ? l->order[l->at] : NULL;
}

void list_view_move(struct list_view *l, const struct screen *s, long rows)
{
	long at = (long)l->at + rows;

	(void)s;
	if (!l->count)
		return;
	l->moved = true;
	if (at < 0)
		at = 0;
	if (at >= (long)l->count)
		at = (long)l->count - 1;
	l->at = (size_t)at;
	l->selected = l->order[l->at]->key;
}

void list_view_next_sort(struct list_view *l)
{
	do
		l->sort = (l->sort + 1) % l->source->column_count;
	while (!column_sorts(list_view_sort(l)));
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

static enum role cell_role(const struct column *c, const struct row *row)
{
	if (c->role)
		return c->role(row);
	return c->cell && c->cell->role ? c->cell->role(row) : ROLE_TEXT;
}

static void draw_row(const struct list_view *l, const struct screen *s, const struct rect *at,
		     int y, const int *cells, const struct row *row, enum role role, bool selected)
{
	const struct list_source *source = l->source;
	bool tagged = list_view_tagged(l, row->key);
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
		cell_text(c, s, row, &text);
		theme_use(role == ROLE_TEXT ? cell_role(c, row) : role);
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

long list_view_row_at(const struct list_view *l, int y)
{
	size_t row = l->top + (size_t)(y - l->rows_y);

	return y >= l->rows_y && y < l->rows_y + l->height && row < l->count ? (long)row : -1;
}

int list_view_column_at(const struct list_view *l, const struct screen *s, const struct rect *at,
			int x)
{
	int cells[COLUMNS_MAX], end = at->x + MARK_CELLS;

	fit_columns(l->source, s, at->width, cells);
	for (size_t i = 0; i < l->source->column_count; i++) {
		if (!cells[i])
			continue;
		end += cells[i] + GAP;
		if (x < end)
			return (int)i;
	}
	return -1;
}

void list_view_draw(struct list_view *l, struct screen *s, const struct rect *at, bool focused,
		    const char *empty)
{
	struct rect rows = *at;
	int cells[COLUMNS_MAX];

	fit_columns(l->source, s, at->width, cells);
	/* The heads go first where there is no room for them and two rows. */
	l->heads_y = rows.height > 2 ? rows.y : -1;
	if (rows.height > 2) {
		draw_heads(l, at, cells);
		rows.y++;
		rows.height--;
	}
	/* Also where only others have something. */
	if (!l->count || (!l->filter && row_foreign(l->order[0]))) {
		int lines = l->count ? lines_of(empty) : rows.height;
		struct rect hint = { rows.y, rows.x, lines < rows.height ? lines : rows.height,
				     rows.width };

		draw_empty(&hint, empty);
		rows.y += hint.height;
		rows.height -= hint.height;
	}
	l->height = rows.height;
	l->rows_y = rows.y;
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
		struct row *row;

		if (i >= l->count) {
			theme_use(ROLE_TEXT);
			draw_blank(rows.y + y, rows.x, rows.width);
			continue;
		}
		row = l->order[i];
		if (l->source->see)
			l->source->see(s, row);
		if (row_foreign(row))
			role = ROLE_DIM;
		if (list_view_tagged(l, row->key))
			role = ROLE_TAGGED;
		if (selected && focused)
			role = ROLE_SELECTED;
		draw_row(l, s, &rows, rows.y + y, cells, row, role, selected);
	}
}

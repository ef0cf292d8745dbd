/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/screen/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

void rows_init(struct rows *r, size_t size, void (*clear)(struct row *row))
{
	*r = (struct rows){ .size = size, .clear = clear };
}

static void free_row(const struct rows *r, struct row *row)
{
	r->clear(row);
	free(row);
}

static bool append(struct row_list *list, struct row *row)
{
	struct row **grown = grow(list->at, list->count, sizeof(*grown));

	if (!grown)
		return false;
	list->at = grown;
	grown[list->count++] = row;
	return true;
}

void rows_told(struct rows *r)
{
	for (size_t i = 0; i < r->gone.count; i++)
		free_row(r, r->gone.at[i]);
	for (size_t i = 0; i < r->touched.count; i++)
		r->touched.at[i]->touched = false;
	free(r->gone.at);
	free(r->touched.at);
	r->gone = r->touched = (struct row_list){ 0 };
	r->lost = false;
}

void rows_free(struct rows *r)
{
	rows_told(r);
	for (size_t i = 0; i < r->all.count; i++)
		free_row(r, r->all.at[i]);
	free(r->all.at);
	r->all = (struct row_list){ 0 };
}

/* Where the key is, or would be. */
static size_t place_of(const struct rows *r, int64_t key)
{
	size_t low = 0, high = r->all.count;

	/* What comes new mostly comes last. */
	if (high && r->all.at[high - 1]->key < key)
		return high;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->all.at[mid]->key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct row *rows_find(const struct rows *r, int64_t key)
{
	size_t i = place_of(r, key);

	return i < r->all.count && r->all.at[i]->key == key ? r->all.at[i] : NULL;
}

void rows_touch(struct rows *r, struct row *row)
{
	if (row->touched)
		return;
	row->touched = append(&r->touched, row);
	r->lost |= !row->touched;
}

struct row *rows_put(struct rows *r, int64_t key)
{
	size_t i = place_of(r, key), behind = r->all.count - i;
	struct row *row = i < r->all.count && r->all.at[i]->key == key ? r->all.at[i] : NULL;

	if (!row) {
		row = calloc(1, r->size);
		if (!row || !append(&r->all, row)) {
			free(row);
			return NULL;
		}
		memmove(&r->all.at[i + 1], &r->all.at[i], behind * sizeof(*r->all.at));
		r->all.at[i] = row;
		row->key = key;
	}
	rows_keep(r, row);
	rows_touch(r, row);
	return row;
}

void rows_keep(const struct rows *r, struct row *row)
{
	row->read = r->read;
	row->part = r->part;
}

/* It is in no list any more but that of those that are gone. */
static void bury(struct rows *r, struct row *row)
{
	if (row->touched) {
		size_t i = 0;

		while (r->touched.at[i] != row)
			i++;
		r->touched.at[i] = r->touched.at[--r->touched.count];
		row->touched = false;
	}
	row->gone = true;
	/* What cannot be told must not be freed before the list has looked at every row. */
	if (!append(&r->gone, row))
		r->lost = true;
}

void rows_drop(struct rows *r, int64_t key)
{
	size_t i = place_of(r, key);
	struct row *row;

	if (i == r->all.count || r->all.at[i]->key != key)
		return;
	row = r->all.at[i];
	r->all.count--;
	memmove(&r->all.at[i], &r->all.at[i + 1], (r->all.count - i) * sizeof(*r->all.at));
	bury(r, row);
}

void rows_begin(struct rows *r, unsigned part)
{
	r->read++;
	r->part = part;
}

void rows_end(struct rows *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->all.count; i++) {
		struct row *row = r->all.at[i];

		if (row->part != r->part || row->read == r->read)
			r->all.at[kept++] = row;
		else
			bury(r, row);
	}
	r->all.count = kept;
}

/* ---- pairs ---- */

static size_t pair_place(const struct pairs *p, int64_t of, int64_t is)
{
	size_t low = 0, high = p->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct pair *pair = &p->at[mid];

		if (pair->of < of || (pair->of == of && pair->is < is))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t pairs_first(const struct pairs *p, int64_t of)
{
	return pair_place(p, of, INT64_MIN);
}

bool pairs_add(struct pairs *p, int64_t of, int64_t is)
{
	size_t i = pair_place(p, of, is);
	struct pair *grown;

	if (i < p->count && p->at[i].of == of && p->at[i].is == is)
		return true;
	grown = grow(p->at, p->count, sizeof(*grown));
	if (!grown)
		return false;
	p->at = grown;
	memmove(&grown[i + 1], &grown[i], (p->count - i) * sizeof(*grown));
	grown[i] = (struct pair){ of, is };
	p->count++;
	return true;
}

void pairs_drop(struct pairs *p, int64_t of, int64_t is)
{
	size_t from = is ? pair_place(p, of, is) : pairs_first(p, of), to = from;

	while (to < p->count && p->at[to].of == of && (!is || p->at[to].is == is))
		to++;
	if (from == to)
		return;
	memmove(&p->at[from], &p->at[to], (p->count - to) * sizeof(*p->at));
	p->count -= to - from;
}

void pairs_free(struct pairs *p)
{
	free(p->at);
	*p = (struct pairs){ 0 };
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What others loaded: asked for now and then, and only for what is not known yet, since who holds
 * it is found by looking through /proc. Holders come and go: now and then it is all asked anew.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/grow.h"
#include "manager/census.h"
#include "ui/screen/screen.h"

enum { EVERY_MS = 5000, ALL_EVERY = 12, NS_PER_MS = 1000000, TRIM_FROM = 500 };

void others_init(struct others *o)
{
	rows_init(&o->rows, sizeof(struct program_row), program_row_clear);
}

void others_free(struct others *o)
{
	rows_free(&o->rows);
}

/* ---- kernel ids in rising order ---- */

struct ids {
	uint32_t *at;
	size_t count;
	bool lost;
};

static void add_id(struct ids *ids, uint32_t id)
{
	uint32_t *grown = grow(ids->at, ids->count, sizeof(*grown));

	ids->lost |= !grown;
	if (!grown)
		return;
	ids->at = grown;
	grown[ids->count++] = id;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sort(struct ids *ids)
{
	size_t kept = 0;

	if (ids->count)
		qsort(ids->at, ids->count, sizeof(*ids->at), compare);
	for (size_t i = 0; i < ids->count; i++)
		if (!kept || ids->at[kept - 1] != ids->at[i])
			ids->at[kept++] = ids->at[i];
	ids->count = kept;
}

static bool has(const struct ids *ids, uint32_t id)
{
	return ids->count && bsearch(&id, ids->at, ids->count, sizeof(*ids->at), compare);
}

/* What is lost is somebody else's by now, if it is there at all. */
static void add_ours(struct ids *ids, const struct model *m)
{
	for (size_t i = 0; i < m->programs.all.count; i++) {
		const struct program_row *row = (struct program_row *)m->programs.all.at[i];

		if (row->p.identity.kernel_id && row->row.look.sight != SIGHT_LOST)
			add_id(ids, row->p.identity.kernel_id);
	}
	sort(ids);
}

/* ---- asking ---- */

static json_t *request(struct screen *s)
{
	struct others *o = &s->others;
	int64_t now = clock_monotonic();
	struct ids known = { 0 };
	json_t *request = NULL;

	if (o->hidden || now < o->next)
		return NULL;
	o->next = now + (int64_t)EVERY_MS * NS_PER_MS;
	o->anew = o->asked++ % ALL_EVERY == 0;
	add_ours(&known, &s->model);
	if (!o->anew) {
		for (size_t i = 0; i < o->rows.all.count; i++)
			add_id(&known, (uint32_t)-o->rows.all.at[i]->key);
		sort(&known);
	}
	if (!known.lost)
		request = census_request_news(DB_PROGRAM, known.at, known.count);
	free(known.at);
	return request;
}

/* ---- taking ---- */

static void set(char **slot, const char *text)
{
	char *copy = strdup(text ? text : "-");

	if (!copy)
		return; /* it stays as it was; an empty one is shown as a dash */
	free(*slot);
	*slot = copy;
}

static void put(struct others *o, const struct census_row *c)
{
	struct program_row *row = (struct program_row *)rows_put(&o->rows, -(int64_t)c->kernel_id);

	if (!row)
		return;
	row->p.identity.kernel_id = c->kernel_id;
	set(&row->p.name, c->name);
	set(&row->p.type, c->type);
	set(&row->holder, c->holder_count ? c->holders[0].comm : NULL);
}

static void take(struct screen *s, const struct census *census)
{
	struct others *o = &s->others;
	struct ids ours = { 0 };

	add_ours(&ours, &s->model);
	if (o->anew)
		rows_begin(&o->rows, 0);
	/* What was loaded since it was asked for may be told, and be ours. */
	for (size_t i = 0; i < census->count; i++)
		if (!has(&ours, census->rows[i].kernel_id))
			put(o, &census->rows[i]);
	if (o->anew)
		rows_end(&o->rows);
	for (size_t i = 0; i < census->gone_count; i++)
		rows_drop(&o->rows, -(int64_t)census->gone[i]);
	for (size_t i = o->rows.all.count; i-- > 0;)
		if (has(&ours, (uint32_t)-o->rows.all.at[i]->key))
			rows_drop(&o->rows, o->rows.all.at[i]->key);
	o->known = true;
	free(ours.at);
}

static void answer(struct screen *s, const json_t *result, const struct error *e)
{
	struct census census = { 0 };

	(void)e;
	/* Without the privilege there is nothing to show, and `list --all` says why. */
	if (result && !census_read(result, DB_PROGRAM, &census, NULL)) {
		take(s, &census);
		list_view_take(&s->panes[PANE_PROGRAMS].list, s);
	}
	s->asking.trim = census.count > TRIM_FROM;
	census_free(&census);
}

const struct asker others_asker = { request, answer };

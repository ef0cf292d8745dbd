/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What others loaded: asked for now and then, since it means looking through /proc. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "manager/census.h"
#include "ui/screen/screen.h"

enum { EVERY_MS = 10000, NS_PER_MS = 1000000, TRIM_FROM = 500 };

void others_free(struct others *o)
{
	for (size_t i = 0; i < o->count; i++) {
		db_program_clear(&o->rows[i].p);
		free(o->rows[i].holder);
	}
	free(o->rows);
	memset(o, 0, sizeof(*o));
}

static json_t *request(struct screen *s)
{
	int64_t now = clock_monotonic();

	if (s->others.hidden || now < s->others.next)
		return NULL;
	s->others.next = now + (int64_t)EVERY_MS * NS_PER_MS;
	return census_request(DB_PROGRAM, 0);
}

static bool ours(const struct model *m, uint32_t kernel_id)
{
	for (size_t i = 0; i < m->program_count; i++)
		if (m->programs[i].p.identity.kernel_id == kernel_id &&
		    m->programs[i].look.sight != SIGHT_LOST)
			return true;
	return false;
}

static bool add(struct others *o, const struct census_row *c)
{
	struct program_row *row = &o->rows[o->count];

	row->p.identity.kernel_id = c->kernel_id;
	row->p.name = strdup(c->name ? c->name : "-");
	row->p.type = strdup(c->type ? c->type : "-");
	row->holder = strdup(c->holder_count ? c->holders[0].comm : "-");
	o->count++;
	return row->p.name && row->p.type && row->holder;
}

static void answer(struct screen *s, const json_t *result, const struct error *e)
{
	struct others fresh = { .next = s->others.next, .known = true };
	struct census census = { 0 };
	bool lost = false;

	(void)e;
	/* Without the privilege there is nothing to show, and `list --all` says why. */
	if (!result || census_read(result, DB_PROGRAM, &census, NULL))
		goto out;
	fresh.rows = calloc(census.count + 1, sizeof(*fresh.rows));
	lost = !fresh.rows;
	for (size_t i = 0; !lost && i < census.count; i++)
		if (!ours(&s->model, census.rows[i].kernel_id))
			lost = !add(&fresh, &census.rows[i]);
	if (lost) {
		others_free(&fresh);
		goto out;
	}
	others_free(&s->others);
	s->others = fresh;
	list_view_update(&s->panes[PANE_PROGRAMS].list, s);
out:
	s->asking.trim = census.count > TRIM_FROM;
	census_free(&census);
}

const struct asker others_asker = { request, answer };

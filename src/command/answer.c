/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands that make an object what it is now answer: the object with all that is in it. */
#include <errno.h>

#include "command/rows.h"

static int write_object(struct rows_context *c, const struct db_object *o, bool links,
			struct error *e)
{
	struct look look;
	int r = object_look(c, o, &look, e);

	if (r)
		return r;
	sink_object(c->s->sink, "object", NULL);
	r = object_members(c, o, look, e);
	sink_object_end(c->s->sink);
	if (!r)
		r = write_programs(c, o->id, &programs_table, e);
	if (!r)
		r = write_maps(c, o->id, &maps_table, e);
	if (!r)
		r = write_links(c, o->id, links ? &links_table : NULL, e);
	return r;
}

int answer_object(struct session *s, int64_t id, bool changed, bool links,
		  void (*note)(struct session *s, const struct db_object *o, void *data),
		  void *data, struct error *e)
{
	struct rows_context c;
	struct db_object o = { 0 };
	int r;

	r = rows_context_init(&c, s, false, e);
	if (r)
		return r;
	r = db_object_get(c.db, id, &o, e);
	if (r == -ENOENT)
		r = error_set(e, ENOENT, "object %lld is gone again", (long long)id);
	if (!r) {
		note(s, &o, data);
		r = write_object(&c, &o, links, e);
		sink_bool(s->sink, "changed", changed);
	}
	db_object_clear(&o);
	rows_context_free(&c);
	return r;
}

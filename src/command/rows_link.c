/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of links, and what they say of their programs. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/grow.h"
#include "command/rows.h"
#include "kernel/protocol/protocol.h"

static const struct sink_column link_columns[] = {
	{ .key = "id", .title = "ID", .align = SINK_RIGHT },
	{ .key = "program", .title = "PROGRAM" },
	{ .key = "type", .title = "TYPE" },
	{ .key = "target_text", .title = "TARGET" },
	{ .key = "state", .title = "STATE" },
	{ .key = "lost_reason", .title = "REASON", .optional = true },
	{ .key = "expires_at", .title = "ON TRIAL UNTIL", .optional = true },
	{ .key = "kernel_id", .title = "KERNEL", .align = SINK_RIGHT },
	{ .key = "pinned_path", .title = "PINNED" },
};
const struct sink_table links_table = { link_columns,
					sizeof(link_columns) / sizeof(link_columns[0]),
					"no links" };

/* ---- links of programs ---- */

struct gathering {
	struct rows_context *c;
	struct error *e;
};

static int add_brief(void *data, struct db_link *l)
{
	struct gathering *g = data;
	struct rows_context *c = g->c;
	struct link_brief *grown = grow(c->links, c->link_count, sizeof(*grown));

	if (!grown)
		return error_nomem(g->e);
	c->links = grown;
	grown[c->link_count++] = (struct link_brief){
		.program_id = l->program_id,
		.id = l->id,
		.attached = manager_look_link(c->s->manager, l).sight == SIGHT_ATTACHED,
	};
	return 0;
}

static int by_program(const void *a, const void *b)
{
	const struct link_brief *x = a, *y = b;

	if (x->program_id != y->program_id)
		return x->program_id < y->program_id ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

int links_of(struct rows_context *c, int64_t program_id, const struct link_brief **first,
	     size_t *count, struct error *e)
{
	struct gathering g = { c, e };
	size_t low = 0, high;
	int r = 0;

	if (!c->whole || !c->links_known) {
		c->link_count = 0;
		r = db_links(c->db, c->whole ? 0 : program_id, add_brief, &g, e);
		if (c->link_count)
			qsort(c->links, c->link_count, sizeof(*c->links), by_program);
		c->links_known = !r;
	}
	high = c->link_count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->links[mid].program_id < program_id)
			low = mid + 1;
		else
			high = mid;
	}
	while (high < c->link_count && c->links[high].program_id == program_id)
		high++;
	*first = c->links ? c->links + low : NULL;
	*count = r ? 0 : high - low;
	return r;
}

int write_link_ids(struct rows_context *c, int64_t program_id, struct error *e)
{
	const struct link_brief *links;
	size_t count;
	int r = links_of(c, program_id, &links, &count, e);

	sink_list(c->s->sink, "links");
	for (size_t i = 0; i < count; i++)
		sink_int(c->s->sink, NULL, links[i].id);
	sink_list_end(c->s->sink);
	return r;
}

int program_look(struct rows_context *c, const struct db_program *p, struct look *look,
		 struct error *e)
{
	const struct link_brief *links;
	size_t count;
	int r;

	*look = manager_look_program(c->s->manager, p);
	if (look->sight != SIGHT_LOADED)
		return 0;
	r = links_of(c, p->id, &links, &count, e);
	for (size_t i = 0; i < count; i++)
		if (links[i].attached)
			look->sight = SIGHT_ATTACHED;
	return r;
}

/* ---- a link's row ---- */

void write_json(struct sink *s, const char *key, const json_t *value)
{
	const char *name;
	const json_t *item;
	char *bytes = NULL;
	size_t i, len;

	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_OBJECT:
		sink_object(s, key, NULL);
		json_object_foreach ((json_t *)value, name, item)
			write_json(s, name, item);
		sink_object_end(s);
		break;
	case JSON_ARRAY:
		sink_list(s, key);
		json_array_foreach (value, i, item)
			write_json(s, NULL, item);
		sink_list_end(s);
		break;
	case JSON_STRING:
		if (wire_decode(json_string_value(value), &bytes, &len))
			sink_null(s, key);
		else
			sink_strn(s, key, bytes, len);
		free(bytes);
		break;
	case JSON_INTEGER:
		sink_int(s, key, json_integer_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		sink_bool(s, key, json_is_true(value));
		break;
	default:
		sink_null(s, key);
	}
}

static void write_target(struct sink *s, const char *text)
{
	json_t *target = text ? json_loads(text, 0, NULL) : NULL;

	write_json(s, "target", target);
	json_decref(target);
}

void link_members(struct rows_context *c, const struct db_link *l, struct look look)
{
	struct sink *s = c->s->sink;

	sink_int(s, "id", l->id);
	write_kernel_id(s, l->identity.kernel_id, look);
	sink_str(s, "program", l->program_name);
	sink_int(s, "program_id", l->program_id);
	sink_str(s, "object", l->object_name);
	sink_str(s, "type", l->type);
	sink_str(s, "attach_type", l->attach_type);
	write_target(s, l->target);
	sink_str(s, "target_text", l->target_text);
	write_look(s, look);
	sink_str(s, "pinned_path", l->pin);
	if (l->expires_at)
		write_time(s, "expires_at", l->expires_at);
	else
		sink_null(s, "expires_at");
	write_time(s, "created_at", l->created_at);
}

static int write_link(void *data, struct db_link *l)
{
	struct rows_context *c = data;

	sink_row(c->s->sink);
	link_members(c, l, manager_look_link(c->s->manager, l));
	sink_row_end(c->s->sink);
	return 0;
}

int write_links(struct rows_context *c, int64_t object_id, const struct sink_table *table,
		struct error *e)
{
	int r;

	sink_rows(c->s->sink, "links", table);
	r = db_links_of_object(c->db, object_id, write_link, c, e);
	sink_rows_end(c->s->sink);
	return r;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define COLUMNS(c) (c), sizeof(c) / sizeof((c)[0])

static const struct sink_column program_columns[] = {
	{ .key = "id", .title = "ID", .align = SINK_RIGHT },
	{ .key = "name", .title = "NAME" },
	{ .key = "type", .title = "TYPE" },
	{ .key = "state", .title = "STATE" },
	{ .key = "lost_reason", .title = "REASON", .optional = true },
	{ .key = "object", .title = "OBJECT" },
	{ .key = "maps", .title = "MAPS" },
	{ .key = "kernel_id", .title = "KERNEL", .align = SINK_RIGHT },
	{ .key = "pinned_path", .title = "PINNED" },
};
const struct sink_table programs_table = { COLUMNS(program_columns), "no programs" };

static const struct sink_column map_columns[] = {
	{ .key = "id", .title = "ID", .align = SINK_RIGHT },
	{ .key = "name", .title = "NAME" },
	{ .key = "type", .title = "TYPE" },
	{ .key = "state", .title = "STATE" },
	{ .key = "lost_reason", .title = "REASON", .optional = true },
	{ .key = "key_size", .title = "KEY", .align = SINK_RIGHT },
	{ .key = "value_size", .title = "VALUE", .align = SINK_RIGHT },
	{ .key = "max_entries", .title = "ENTRIES", .align = SINK_RIGHT },
	{ .key = "object", .title = "OBJECT" },
	{ .key = "programs", .title = "USED BY" },
	{ .key = "kernel_id", .title = "KERNEL", .align = SINK_RIGHT },
	{ .key = "pinned_path", .title = "PINNED" },
};
const struct sink_table maps_table = { COLUMNS(map_columns), "no maps" };

static const struct sink_column object_columns[] = {
	{ .key = "id", .title = "ID", .align = SINK_RIGHT },
	{ .key = "name", .title = "NAME" },
	{ .key = "state", .title = "STATE" },
	{ .key = "lost_reason", .title = "REASON", .optional = true },
	{ .key = "programs", .title = "PROGRAMS" },
	{ .key = "maps", .title = "MAPS" },
	{ .key = "created_at", .title = "LOADED" },
	{ .key = "path", .title = "FILE" },
};
const struct sink_table objects_table = { COLUMNS(object_columns), "no objects" };

static int by_map(const void *a, const void *b)
{
	const struct db_pair *x = a, *y = b;

	if (x->map_id != y->map_id)
		return x->map_id < y->map_id ? -1 : 1;
	return (x->program_id > y->program_id) - (x->program_id < y->program_id);
}

int rows_context_init(struct rows_context *c, struct session *s, bool whole, struct error *e)
{
	int r;

	memset(c, 0, sizeof(*c));
	c->s = s;
	c->whole = whole;
	r = manager_db(s->manager, &c->db, e);
	if (r)
		return r;
	r = db_read_begin(c->db, e);
	if (r)
		return r;
	r = db_has_labels(c->db, &c->labels, e);
	if (!r && !whole)
		return 0;
	if (!r)
		r = db_uses(c->db, &c->by_program, &c->uses, e);
	if (r)
		rows_context_free(c);
	else
		manager_look_begin(s->manager);
	return r;
}

void rows_context_free(struct rows_context *c)
{
	if (c->db)
		db_read_end(c->db);
	if (c->whole)
		manager_look_end(c->s->manager);
	free(c->by_program);
	free(c->by_map);
	free(c->links);
	c->links = NULL;
	c->by_program = c->by_map = NULL;
}

/* The first pair of an id in pairs ordered by it. */
static size_t first_of(const struct db_pair *pairs, size_t count, bool maps, int64_t id)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if ((maps ? pairs[mid].map_id : pairs[mid].program_id) < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int write_ids(struct sink *s, int64_t *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sink_int(s, NULL, ids[i]);
	free(ids);
	return 0;
}

static int write_map_ids(struct rows_context *c, int64_t program_id, struct error *e)
{
	size_t i = first_of(c->by_program, c->uses, false, program_id), count;
	int64_t *ids;
	int r = 0;

	sink_list(c->s->sink, "maps");
	for (; i < c->uses && c->by_program[i].program_id == program_id; i++)
		sink_int(c->s->sink, NULL, c->by_program[i].map_id);
	if (!c->whole)
		r = db_program_maps(c->db, program_id, &ids, &count, e)
			    ?: write_ids(c->s->sink, ids, count);
	sink_list_end(c->s->sink);
	return r;
}

/* The uses in order of their maps: only lists of maps need them. */
static int sort_by_map(struct rows_context *c, struct error *e)
{
	if (c->by_map || !c->whole)
		return 0;
	c->by_map = calloc(c->uses + 1, sizeof(*c->by_map));
	if (!c->by_map)
		return error_nomem(e);
	if (c->uses)
		memcpy(c->by_map, c->by_program, c->uses * sizeof(*c->by_map));
	qsort(c->by_map, c->uses, sizeof(*c->by_map), by_map);
	return 0;
}

static int write_program_ids(struct rows_context *c, int64_t map_id, struct error *e)
{
	int r = sort_by_map(c, e);
	size_t i, count;
	int64_t *ids;

	if (r)
		return r;
	i = first_of(c->by_map, c->uses, true, map_id);
	sink_list(c->s->sink, "programs");
	for (; i < c->uses && c->by_map[i].map_id == map_id; i++)
		sink_int(c->s->sink, NULL, c->by_map[i].program_id);
	if (!c->whole)
		r = db_map_programs(c->db, map_id, &ids, &count, e)
			    ?: write_ids(c->s->sink, ids, count);
	sink_list_end(c->s->sink);
	return r;
}

static int write_labels(struct rows_context *c, int64_t object_id, struct error *e)
{
	struct db_label *labels = NULL;
	size_t count = 0;
	int r = 0;

	if (c->labels)
		r = db_labels(c->db, object_id, &labels, &count, e);
	if (r)
		return r;
	sink_object(c->s->sink, "labels", NULL);
	for (size_t i = 0; i < count; i++)
		sink_str(c->s->sink, labels[i].key, labels[i].value);
	sink_object_end(c->s->sink);
	db_labels_free(labels, count);
	return 0;
}

static bool has_label(const struct db_label *labels, size_t count, const char *pair)
{
	const char *equals = strchr(pair, '=');
	size_t len = (size_t)(equals - pair);

	for (size_t i = 0; i < count; i++)
		if (strlen(labels[i].key) == len && !memcmp(labels[i].key, pair, len) &&
		    !strcmp(labels[i].value, equals + 1))
			return true;
	return false;
}

int labels_match(struct rows_context *c, int64_t object_id, const struct arg_values *wanted,
		 struct error *e)
{
	struct db_label *labels;
	size_t count;
	int match = 1;
	int r;

	if (!wanted->count)
		return 1;
	if (!c->labels || !object_id)
		return 0;
	r = db_labels(c->db, object_id, &labels, &count, e);
	if (r)
		return r;
	for (size_t i = 0; i < wanted->count; i++)
		match &= has_label(labels, count, wanted->values[i]);
	db_labels_free(labels, count);
	return match;
}

bool for_people(const struct session *s)
{
	return s->options->output == OUTPUT_TABLE;
}

void write_shown_kernel_id(struct sink *s, uint32_t kernel_id)
{
	char text[16];

	snprintf(text, sizeof(text), "k:%" PRIu32, kernel_id);
	sink_str(s, "shown_id", text);
}

void write_time(struct sink *s, const char *key, int64_t ns)
{
	char text[CLOCK_TEXT];

	clock_rfc3339(ns, text);
	sink_str(s, key, text);
}

void write_kernel_id(struct sink *s, uint32_t id, struct look look)
{
	if (id && look.sight != SIGHT_LOST && look.sight != SIGHT_PENDING)
		sink_int(s, "kernel_id", id);
	else
		sink_null(s, "kernel_id");
}

void write_look(struct sink *s, struct look look)
{
	sink_str(s, "state", sight_name(look.sight));
	sink_str(s, "lost_reason", look.reason);
}

int program_members(struct rows_context *c, const struct db_program *p, struct look look,
		    struct error *e)
{
	struct sink *s = c->s->sink;
	int r;

	sink_int(s, "id", p->id);
	write_kernel_id(s, p->identity.kernel_id, look);
	sink_str(s, "name", p->name);
	sink_str(s, "type", p->type);
	sink_str(s, "section", p->section);
	sink_str(s, "tag", p->tag);
	sink_str(s, "object", p->object_name);
	sink_int(s, "object_id", p->object_id);
	write_look(s, look);
	sink_str(s, "pinned_path", p->outside_path ? p->outside_path : p->pin);
	r = write_map_ids(c, p->id, e);
	if (!r)
		r = write_link_ids(c, p->id, e);
	if (!r)
		r = write_labels(c, p->object_id, e);
	write_time(s, "created_at", p->created_at);
	return r;
}

int map_members(struct rows_context *c, const struct db_map *m, struct error *e)
{
	struct look look = manager_look_map(c->s->manager, m);
	struct sink *s = c->s->sink;
	int r;

	sink_int(s, "id", m->id);
	write_kernel_id(s, m->identity.kernel_id, look);
	sink_str(s, "name", m->name);
	sink_str(s, "type", m->type);
	sink_int(s, "key_size", m->key_size);
	sink_int(s, "value_size", m->value_size);
	sink_int(s, "max_entries", m->max_entries);
	write_look(s, look);
	sink_str(s, "pinned_path", m->pin);
	r = write_program_ids(c, m->id, e);
	sink_str(s, "object", m->object_name);
	write_time(s, "created_at", m->created_at);
	return r;
}

struct ids_writer {
	struct rows_context *c;
	struct error *e;
	struct look worst;
	size_t lost, attached, count;
};

static int program_id(void *data, struct db_program *p)
{
	struct ids_writer *w = data;

	sink_int(w->c->s->sink, NULL, p->id);
	return 0;
}

static int map_id(void *data, struct db_map *m)
{
	struct ids_writer *w = data;

	sink_int(w->c->s->sink, NULL, m->id);
	return 0;
}

static int look_at(void *data, struct db_program *p)
{
	struct ids_writer *w = data;
	struct look look;
	int r = program_look(w->c, p, &look, w->e);

	w->count++;
	w->lost += look.sight == SIGHT_LOST;
	w->attached += look.sight == SIGHT_ATTACHED;
	if (look.sight != SIGHT_LOADED && look.sight != SIGHT_ATTACHED &&
	    w->worst.sight != SIGHT_UNKNOWN)
		w->worst = look;
	return r;
}

int object_look(struct rows_context *c, const struct db_object *o, struct look *look,
		struct error *e)
{
	struct ids_writer w = { .c = c, .e = e, .worst = { SIGHT_LOADED, NULL } };
	int r;

	*look = (struct look){ SIGHT_PENDING, NULL };
	if (o->state != DB_LOADED)
		return 0;
	r = db_programs(c->db, o->id, look_at, &w, e);
	*look = w.worst;
	/* Some programs lost and others there: the object is; its programs tell. */
	if (w.worst.sight == SIGHT_LOST && w.lost < w.count)
		*look = (struct look){ SIGHT_LOADED, NULL };
	if (look->sight == SIGHT_LOADED && w.attached)
		look->sight = SIGHT_ATTACHED;
	return r;
}

/* For people with how many of its programs: "attached 2/7". */
static int write_object_look(struct rows_context *c, const struct db_object *o, struct look look,
			     struct error *e)
{
	struct ids_writer w = { .c = c, .e = e };
	char text[64];
	int r;

	if (look.sight != SIGHT_ATTACHED || c->s->options->output != OUTPUT_TABLE) {
		write_look(c->s->sink, look);
		return 0;
	}
	r = db_programs(c->db, o->id, look_at, &w, e);
	snprintf(text, sizeof(text), "attached %zu/%zu", w.attached, w.count);
	sink_str(c->s->sink, "state", text);
	return r;
}

int object_members(struct rows_context *c, const struct db_object *o, struct look look,
		   struct error *e)
{
	struct ids_writer w = { .c = c };
	struct sink *s = c->s->sink;
	int r;

	sink_int(s, "id", o->id);
	sink_str(s, "name", o->name);
	sink_str(s, "path", o->path);
	sink_str(s, "sha256", o->sha256[0] ? o->sha256 : NULL);
	r = write_object_look(c, o, look, e);
	sink_str(s, "pin_dir", o->pin_dir);
	sink_list(s, "programs");
	if (!r)
		r = db_programs(c->db, o->id, program_id, &w, e);
	sink_list_end(s);
	sink_list(s, "maps");
	if (!r)
		r = db_maps(c->db, o->id, map_id, &w, e);
	sink_list_end(s);
	if (!r)
		r = write_labels(c, o->id, e);
	sink_bool(s, "on_boot", o->on_boot);
	sink_int(s, "loaded_by", o->loaded_by);
	write_time(s, "created_at", o->created_at);
	return r;
}

struct rows_writer {
	struct rows_context *c;
	struct error *e;
};

static int write_program(void *data, struct db_program *p)
{
	struct rows_writer *w = data;
	struct look look;
	int r = program_look(w->c, p, &look, w->e);

	sink_row(w->c->s->sink);
	if (!r)
		r = program_members(w->c, p, look, w->e);
	sink_row_end(w->c->s->sink);
	return r;
}

static int write_map(void *data, struct db_map *m)
{
	struct rows_writer *w = data;
	int r;

	sink_row(w->c->s->sink);
	r = map_members(w->c, m, w->e);
	sink_row_end(w->c->s->sink);
	return r;
}

int write_programs(struct rows_context *c, int64_t object_id, const struct sink_table *table,
		   struct error *e)
{
	struct rows_writer w = { c, e };
	int r;

	sink_rows(c->s->sink, "programs", table);
	r = db_programs(c->db, object_id, write_program, &w, e);
	sink_rows_end(c->s->sink);
	return r;
}

int write_maps(struct rows_context *c, int64_t object_id, const struct sink_table *table,
	       struct error *e)
{
	struct rows_writer w = { c, e };
	int r;

	sink_rows(c->s->sink, "maps", table);
	r = db_maps(c->db, object_id, write_map, &w, e);
	sink_rows_end(c->s->sink);
	return r;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The global variables of what is loaded: the values they were loaded with, from the stored bytes,
 * and those they have now, from their maps.
 */
#include "manager/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "kernel/protocol/protocol.h"

/* The maps of global data that a program or object has. */
struct data_maps {
	const int64_t *used; /* by the program; NULL: all of the object count */
	size_t used_count;
	struct data_map {
		int64_t id;
		char *name; /* ".rodata" */
		bool there;
		json_t *now; /* variable to value; NULL: they cannot be read */
	} * maps;
	size_t count;
	struct manager *m;
	struct error *e;
};

static bool counts(const struct data_maps *d, int64_t id)
{
	for (size_t i = 0; i < d->used_count; i++)
		if (d->used[i] == id)
			return true;
	return !d->used;
}

static int see_map(void *data, struct db_map *row)
{
	struct data_maps *d = data;
	struct data_map *grown;

	if (row->name[0] != '.' || !counts(d, row->id))
		return 0;
	grown = grow(d->maps, d->count, sizeof(*grown));
	if (!grown)
		return error_nomem(d->e);
	d->maps = grown;
	grown[d->count++] = (struct data_map){
		.id = row->id,
		.name = row->name,
		.there = manager_look_map(d->m, row).sight == SIGHT_LOADED,
	};
	row->name = NULL;
	return 0;
}

static bool is_constant(const char *name)
{
	return !strncmp(name, ".rodata", 7) || !strcmp(name, ".kconfig");
}

/* One part of a map's variables. *cursor: where to go on, NULL at the end. */
static int read_part(struct manager *m, const struct manager_map *map, char **cursor, json_t *now,
		     struct error *e)
{
	const struct manager_entries how = { .text = true };
	json_t *result;
	const json_t *entry;
	size_t i;
	int r = manager_map_part(m, map, *cursor, 0, &how, &result, e);

	free(*cursor);
	*cursor = r ? NULL : answer_bytes(result, "cursor");
	json_array_foreach (json_object_get(result, "entries"), i, entry) {
		const char *name = json_string_value(json_array_get(entry, 0));

		if (name && json_object_set(now, name, json_array_get(entry, 1)))
			r = error_nomem(e);
	}
	json_decref(result);
	return r;
}

/* What the variables of a map are now; NULL where that cannot be told. */
static json_t *read_now(struct manager *m, int64_t id)
{
	struct error e = ERROR_INIT;
	struct manager_map map = { 0 };
	json_t *now = json_object();
	char *cursor = NULL;
	char name[24];
	int r;

	snprintf(name, sizeof(name), "%lld", (long long)id);
	r = now ? manager_map_find(m, name, &map, &e) : -ENOMEM;
	while (!r) {
		r = read_part(m, &map, &cursor, now, &e);
		if (!cursor)
			break;
	}
	free(cursor);
	manager_map_clear(&map);
	error_clear(&e);
	if (!r)
		return now;
	json_decref(now);
	return NULL;
}

/* An "open" of the stored bytes with the options of the load. */
static json_t *make_request(struct manager *m, const struct db_object *o, struct error *e)
{
	json_t *options = o->options ? json_loads(o->options, 0, NULL) : NULL;
	json_t *globals = json_object_get(options, "globals");
	json_t *request = json_pack("{ss}", "op", "open");
	struct input in;
	int r = request ? input_stored(&in, m->db, o, e) : error_nomem(e);

	if (!r) {
		r = input_attach(&in, o->name, request, e);
		if (!r && globals && json_object_set(request, "globals", globals))
			r = error_nomem(e);
		input_free(&in);
	}
	if (r) {
		json_decref(request);
		request = NULL;
	}
	json_decref(options);
	return request;
}

/* Its value now: constants stay. */
static json_t *value_now(const struct data_map *map, const json_t *row)
{
	json_t *now = map->there && is_constant(map->name)
			      ? json_object_get(row, "value")
			      : json_object_get(map->now, answer_str(row, "name", ""));

	return now ? json_incref(now) : json_null();
}

/* The row with its map's id and its present value, when that map is among those that count. */
static int add_row(const struct data_maps *d, const json_t *row, json_t *list)
{
	char *name = answer_bytes(row, "map");
	json_t *copy = NULL;
	int r = name ? 0 : -1;

	for (size_t i = 0; !r && i < d->count; i++) {
		if (strcmp(name, d->maps[i].name) != 0)
			continue;
		copy = json_copy((json_t *)row);
		r = json_object_set_new(copy, "map_id", json_integer(d->maps[i].id));
		r = json_object_set_new(copy, "present", value_now(&d->maps[i], row)) || r;
		r = json_array_append_new(list, copy) || r;
		break;
	}
	free(name);
	return r;
}

static int collect(struct manager *m, struct data_maps *d, int64_t object_id, json_t *list,
		   struct error *e)
{
	json_t *request, *answer = NULL;
	struct db_object o = { 0 };
	const json_t *row;
	size_t i;
	int r;

	r = db_object_get(m->db, object_id, &o, e);
	if (r)
		return r;
	request = make_request(m, &o, e);
	r = request ? manager_ask(m, o.name, request, &answer, e) : -e->err;
	for (i = 0; !r && i < d->count; i++)
		if (d->maps[i].there && !is_constant(d->maps[i].name))
			d->maps[i].now = read_now(m, d->maps[i].id);
	json_array_foreach (json_object_get(json_object_get(answer, "result"), "globals"), i, row)
		if (!r && add_row(d, row, list))
			r = error_nomem(e);
	json_decref(answer);
	db_object_clear(&o);
	return r;
}

int manager_globals(struct manager *m, int64_t object_id, int64_t program_id, json_t **list,
		    struct error *e)
{
	struct data_maps d = { .m = m, .e = e };
	int64_t *used = NULL;
	struct db *db;
	int r = manager_db(m, &db, e);

	*list = json_array();
	if (!r && !*list)
		r = error_nomem(e);
	if (!r && program_id)
		r = db_program_maps(db, program_id, &used, &d.used_count, e);
	d.used = used;
	if (!r && (!program_id || d.used_count))
		r = db_maps(db, object_id, see_map, &d, e);
	if (!r && d.count)
		r = collect(m, &d, object_id, *list, e);
	for (size_t i = 0; i < d.count; i++) {
		free(d.maps[i].name);
		json_decref(d.maps[i].now);
	}
	free(d.maps);
	free(used);
	if (r) {
		json_decref(*list);
		*list = NULL;
	}
	return r;
}

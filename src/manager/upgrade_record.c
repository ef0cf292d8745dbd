/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The new build's rows over the old one's: what has a name that was there keeps its id. */
#include "manager/upgrade.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "kernel/protocol/protocol.h"
#include "manager/load.h"

struct recording {
	struct manager *m;
	const struct db_object *o;
	const struct upgrade_rows *rows;
	int64_t now;
	struct db_pair *map_ids; /* kernel id (program_id's place) -> our id (map_id's) */
	size_t map_count;
	bool *program_stays, *map_stays;
	int64_t *program_ids; /* in the order of the worker's rows */
	struct error *e;
};

/* A pin in ROOT/u<id>, where it was loaded, as it is after the exchange. */
static int move_pin(const struct recording *rec, char **pin)
{
	struct buf path = { 0 };

	buf_printf(&path, "%s/%s", rec->o->pin_dir, path_base(*pin));
	free(*pin);
	*pin = buf_take(&path);
	return *pin ? 0 : error_nomem(rec->e);
}

static int check_id(const struct recording *rec, const json_t *row, int64_t id)
{
	if (answer_int(row, "id") == id)
		return 0;
	return error_set(rec->e, EPROTO, "the worker numbered %s %lld, the database %lld",
			 answer_str(row, "name", "?"), (long long)answer_int(row, "id"),
			 (long long)id);
}

static int record_uses(struct recording *rec, const json_t *row, int64_t program_id)
{
	const json_t *kernel_id;
	size_t i;
	int r = db_unuse(rec->m->db, program_id, rec->e);

	json_array_foreach (json_object_get(row, "map_ids"), i, kernel_id)
		for (size_t k = 0; !r && k < rec->map_count; k++)
			if (rec->map_ids[k].program_id == json_integer_value(kernel_id))
				r = db_use(rec->m->db, program_id, rec->map_ids[k].map_id, rec->e);
	return r;
}

static int record_program(struct recording *rec, const json_t *row, int64_t *id)
{
	const struct db_program *old = NULL;
	struct db_program p;
	int r = record_read_program(row, &p, rec->e);

	for (size_t i = 0; !r && !old && i < rec->rows->program_count; i++) {
		if (strcmp(rec->rows->programs[i].name, p.name))
			continue;
		old = &rec->rows->programs[i];
		rec->program_stays[i] = true;
	}
	p.object_id = rec->o->id;
	p.created_at = old ? old->created_at : rec->now;
	if (!r)
		r = move_pin(rec, &p.pin);
	if (!r && old && old->outside_path) {
		p.outside_path = strdup(old->outside_path);
		r = p.outside_path ? 0 : error_nomem(rec->e);
	}
	if (!r && old) {
		p.id = old->id;
		r = db_program_update(rec->m->db, &p, rec->e);
	} else if (!r) {
		r = db_program_insert(rec->m->db, &p, rec->e);
	}
	if (!r)
		r = check_id(rec, row, p.id);
	*id = p.id;
	db_program_clear(&p);
	return r;
}

/* ---- maps ---- */

struct finding {
	uint32_t kernel_id;
	const char *boot_id;
	int64_t id;
};

static int see_map(void *data, struct db_map *map)
{
	struct finding *f = data;

	if (map->identity.kernel_id == f->kernel_id && map->boot_id &&
	    !strcmp(map->boot_id, f->boot_id))
		f->id = map->id;
	return 0;
}

/* A map of another object's, or pinned by name, that was there before. */
static int find_elsewhere(struct recording *rec, const struct db_map *map, int64_t *id)
{
	struct finding f = { map->identity.kernel_id, rec->m->boot_id, 0 };
	int r = db_maps(rec->m->db, 0, see_map, &f, rec->e);

	*id = f.id;
	return r;
}

/* One of the object's own by this name: kept as it is, or begun anew under its id. */
static int record_own_map(struct recording *rec, size_t at, struct db_map *map, bool created,
			  int64_t *id)
{
	const struct db_map *old = &rec->rows->maps[at];

	rec->map_stays[at] = true;
	*id = old->id;
	if (!created)
		return 0;
	map->id = old->id;
	map->object_id = old->object_id;
	map->created_at = old->created_at;
	return db_map_update(rec->m->db, map, rec->e);
}

static int record_new_map(struct recording *rec, const json_t *row, struct db_map *map, int64_t *id)
{
	int r;

	map->object_id = answer_bool(row, "shared") ? 0 : rec->o->id;
	map->created_at = rec->now;
	r = db_map_insert(rec->m->db, map, rec->e);
	*id = map->id;
	if (!r && json_is_integer(json_object_get(row, "id")))
		r = check_id(rec, row, map->id);
	return r;
}

/* One that is pinned by name, and was lost: it has its row, and that row's id, again. */
static int record_shared_again(struct recording *rec, const json_t *row, struct db_map *map,
			       int64_t *id)
{
	struct db_map known = { 0 };
	int r = db_map_shared(rec->m->db, map->name, &known, rec->e);

	if (!r && known.id == answer_int(row, "id")) {
		map->id = *id = known.id;
		map->created_at = known.created_at;
		r = db_map_update(rec->m->db, map, rec->e);
	}
	db_map_clear(&known);
	return r == -ENOENT ? 0 : r;
}

static int own_map(const struct recording *rec, const char *name)
{
	for (size_t i = 0; i < rec->rows->map_count; i++)
		if (!strcmp(rec->rows->maps[i].name, name))
			return (int)i;
	return -1;
}

static int record_map(struct recording *rec, const json_t *row)
{
	bool shared = answer_bool(row, "shared"), created = answer_bool(row, "created");
	struct db_map map;
	int64_t id = 0;
	int own, r = record_read_map(row, &map, rec->e);

	if (r)
		goto out;
	map.boot_id = rec->m->boot_id;
	map.root_dev = rec->o->root_dev;
	own = shared ? -1 : own_map(rec, map.name);
	if (shared && created)
		r = record_shared_again(rec, row, &map, &id);
	if (!shared && map.pin)
		r = move_pin(rec, &map.pin);
	if (!r && own < 0 && !created)
		r = find_elsewhere(rec, &map, &id);
	if (!r && own >= 0)
		r = record_own_map(rec, (size_t)own, &map, created, &id);
	else if (!r && !id)
		r = record_new_map(rec, row, &map, &id);
	if (!r)
		rec->map_ids[rec->map_count++] = (struct db_pair){ map.identity.kernel_id, id };
out:
	map.boot_id = NULL; /* borrowed */
	db_map_clear(&map);
	return r;
}

/* Those with a new id come first, in the order in which the worker numbered them. */
static int record_maps(struct recording *rec, const json_t *maps)
{
	const json_t *row;
	size_t i;
	int r = 0;

	for (int numbered = 1; numbered >= 0; numbered--)
		json_array_foreach (maps, i, row)
			if (!r && json_is_integer(json_object_get(row, "id")) == numbered)
				r = record_map(rec, row);
	return r;
}

/* ---- the rest ---- */

static int forget_dropped(struct recording *rec)
{
	int r = 0;

	for (size_t i = 0; !r && i < rec->rows->program_count; i++)
		if (!rec->program_stays[i])
			r = db_program_delete(rec->m->db, rec->rows->programs[i].id, rec->e);
	for (size_t i = 0; !r && i < rec->rows->map_count; i++) {
		int64_t *users = NULL;
		size_t count = 0;

		if (rec->map_stays[i])
			continue;
		/* Another object's program may use it still: its pin was carried over. */
		r = db_map_programs(rec->m->db, rec->rows->maps[i].id, &users, &count, rec->e);
		if (!r && !count)
			r = db_map_delete(rec->m->db, rec->rows->maps[i].id, rec->e);
		free(users);
	}
	return r;
}

/* As with an unload, a shared map goes with its last user: it is carried on from here. */
static int leave_shared(struct recording *rec)
{
	int r = 0;

	for (size_t i = 0; !r && i < rec->rows->shared_count; i++) {
		int64_t id = rec->rows->shared[i], *users = NULL;
		size_t count = 0;

		r = db_map_programs(rec->m->db, id, &users, &count, rec->e);
		if (!r && !count)
			r = db_map_set_state(rec->m->db, id, DB_UNLOADING, rec->e);
		free(users);
	}
	return r;
}

/* Links that were attached anew: other ids and inodes, all else as it was. */
static int record_links(struct recording *rec, const json_t *attached)
{
	const json_t *row;
	size_t i;
	int r = 0;

	json_array_foreach (attached, i, row) {
		struct db_link l = { .id = answer_int(row, "id") };

		if (!r)
			r = attach_read_row(row, &l, rec->e);
		if (!r)
			r = db_link_settle(rec->m->db, &l, rec->e);
		db_link_clear(&l);
	}
	return r;
}

int upgrade_record(struct manager *m, const struct db_object *o, const struct upgrade_rows *rows,
		   const json_t *loaded, const json_t *attached, struct error *e)
{
	const json_t *programs = json_object_get(loaded, "programs"), *row;
	const json_t *maps = json_object_get(loaded, "maps");
	struct recording rec = {
		.m = m,
		.o = o,
		.rows = rows,
		.now = clock_now(),
		.map_ids = calloc(json_array_size(maps) + 1, sizeof(*rec.map_ids)),
		.program_stays = calloc(rows->program_count + 1, sizeof(*rec.program_stays)),
		.map_stays = calloc(rows->map_count + 1, sizeof(*rec.map_stays)),
		.program_ids = calloc(json_array_size(programs) + 1, sizeof(*rec.program_ids)),
		.e = e,
	};
	size_t i;
	int r = 0;

	if (!rec.map_ids || !rec.program_stays || !rec.map_stays || !rec.program_ids)
		r = error_nomem(e);
	else if (!json_array_size(programs) || !json_is_array(maps))
		r = error_set(e, EPROTO, "the worker's answer lacks what was loaded");
	/* Programs before maps: so the worker numbered those that are new. */
	json_array_foreach (programs, i, row)
		if (!r)
			r = record_program(&rec, row, &rec.program_ids[i]);
	if (!r)
		r = record_maps(&rec, maps);
	json_array_foreach (programs, i, row)
		if (!r)
			r = record_uses(&rec, row, rec.program_ids[i]);
	if (!r)
		r = forget_dropped(&rec);
	if (!r)
		r = leave_shared(&rec);
	if (!r)
		r = record_links(&rec, attached);
	if (!r)
		r = db_object_update(m->db, o, e);
	free(rec.map_ids);
	free(rec.program_stays);
	free(rec.map_stays);
	free(rec.program_ids);
	return r;
}

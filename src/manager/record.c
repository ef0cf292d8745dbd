/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what the worker answered to rows. */
#include "manager/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct recording {
	struct manager *m;
	int64_t object_id, now;
	uint64_t root_dev;
	struct db_pair *map_ids; /* kernel id (program_id's place) -> our id (map_id's) */
	size_t map_count;
	struct error *e;
};

static struct db_identity identity_of(const json_t *row)
{
	return (struct db_identity){
		.dev = answer_u64(row, "pin_dev"),
		.ino = answer_u64(row, "pin_ino"),
		.kernel_id = (uint32_t)answer_int(row, "kernel_id"),
	};
}

/* The worker named its pins after the ids that we said come next. */
static int check_id(const struct recording *rec, const json_t *row, int64_t id)
{
	if (json_is_integer(json_object_get(row, "id")) && answer_int(row, "id") != id)
		return error_set(rec->e, EPROTO, "the worker numbered %s %lld, the database %lld",
				 answer_str(row, "name", "?"), (long long)answer_int(row, "id"),
				 (long long)id);
	return 0;
}

int record_read_program(const json_t *row, struct db_program *p, struct error *e)
{
	memset(p, 0, sizeof(*p));
	p->name = answer_bytes(row, "name");
	p->type = answer_bytes(row, "type");
	p->section = answer_bytes(row, "section");
	p->attach_type = answer_bytes(row, "attach_type");
	p->tag = answer_bytes(row, "tag");
	p->state = DB_LOADED;
	p->pin = answer_bytes(row, "pin");
	p->identity = identity_of(row);
	p->load_time = answer_u64(row, "load_time_ns");
	p->verified_insns = (uint32_t)answer_int(row, "verified_insns");
	p->xlated_bytes = (uint32_t)answer_int(row, "xlated_bytes");
	p->jited_bytes = (uint32_t)answer_int(row, "jited_bytes");
	p->btf_id = (uint32_t)answer_int(row, "btf_id");
	p->memlock_bytes = answer_u64(row, "memlock_bytes");
	if (!p->name || !p->type || !p->pin)
		return error_set(e, EPROTO, "the worker's answer lacks a program's facts");
	return 0;
}

int record_read_map(const json_t *row, struct db_map *map, struct error *e)
{
	memset(map, 0, sizeof(*map));
	map->name = answer_bytes(row, "name");
	map->type = answer_bytes(row, "type");
	map->state = DB_LOADED;
	map->pin = answer_bytes(row, "pin");
	map->identity = identity_of(row);
	map->key_size = (uint32_t)answer_int(row, "key_size");
	map->value_size = (uint32_t)answer_int(row, "value_size");
	map->max_entries = (uint32_t)answer_int(row, "max_entries");
	map->map_flags = (uint32_t)answer_int(row, "map_flags");
	map->memlock_bytes = answer_u64(row, "memlock_bytes");
	if (!map->name || !map->type)
		return error_set(e, EPROTO, "the worker's answer lacks a map's facts");
	return 0;
}

static int record_program(struct recording *rec, const json_t *row)
{
	struct db_program p;
	int r = record_read_program(row, &p, rec->e);

	p.object_id = rec->object_id;
	p.created_at = rec->now;
	p.outside_path = answer_bytes(row, "pinned_path");
	if (p.outside_path && p.pin && !strcmp(p.outside_path, p.pin)) {
		free(p.outside_path);
		p.outside_path = NULL;
	}
	if (!r)
		r = db_program_insert(rec->m->db, &p, rec->e);
	if (!r)
		r = check_id(rec, row, p.id);
	db_program_clear(&p);
	return r;
}

/* A map that an undecided run unloaded stays after all, when it is used again. */
static int find_pinned(struct recording *rec, const char *pin, struct db_map *map)
{
	bool undecided = db_set_undecided(rec->m->db, false);
	int r = db_map_pinned(rec->m->db, pin, map, rec->e);

	if (!r && map->state == DB_UNLOADING && undecided)
		r = db_map_set_state(rec->m->db, map->id,
				     map->id < rec->m->atomic.first_id ? DB_LOADED : DB_PENDING,
				     rec->e);
	db_set_undecided(rec->m->db, undecided);
	return r;
}

static int record_map(struct recording *rec, const json_t *row, int64_t *id)
{
	bool shared = answer_bool(row, "shared");
	struct db_map known = { 0 };
	struct db_map map;
	int r = record_read_map(row, &map, rec->e);

	map.object_id = shared ? 0 : rec->object_id;
	map.boot_id = rec->m->boot_id;
	map.root_dev = rec->root_dev;
	map.created_at = rec->now;
	if (!r && map.pin && !answer_bool(row, "created")) {
		r = find_pinned(rec, map.pin, &known);
		*id = known.id;
		db_map_clear(&known);
		if (r != -ENOENT)
			goto out;
	}
	if (!r || r == -ENOENT)
		r = db_map_insert(rec->m->db, &map, rec->e);
	if (!r)
		r = check_id(rec, row, map.id);
	*id = map.id;
out:
	map.boot_id = NULL; /* borrowed */
	db_map_clear(&map);
	return r;
}

static int record_uses(struct recording *rec, const json_t *row, int64_t program_id)
{
	const json_t *used = json_object_get(row, "map_ids"), *kernel_id;
	size_t i;
	int r = 0;

	json_array_foreach (used, i, kernel_id)
		for (size_t k = 0; !r && k < rec->map_count; k++)
			if (rec->map_ids[k].program_id == json_integer_value(kernel_id))
				r = db_use(rec->m->db, program_id, rec->map_ids[k].map_id, rec->e);
	return r;
}

/*
 * Reused maps have rows; a map that was created has one of the ids that come after the programs'.
 * What was found pinned by name but is not in the database gets its id last.
 */
static int record_maps(struct recording *rec, const json_t *maps, bool numbered)
{
	const json_t *row;
	size_t i;
	int r = 0;

	json_array_foreach (maps, i, row) {
		int64_t id = 0;

		if (json_is_integer(json_object_get(row, "id")) != numbered)
			continue;
		r = record_map(rec, row, &id);
		if (r)
			break;
		rec->map_ids[rec->map_count++] =
			(struct db_pair){ answer_int(row, "kernel_id"), id };
	}
	return r;
}

int load_record_rows(struct manager *m, int64_t object_id, int64_t now, const json_t *result,
		     struct load_links *links, struct error *e)
{
	const json_t *programs = json_object_get(result, "programs");
	const json_t *maps = json_object_get(result, "maps");
	struct recording rec = {
		.m = m,
		.object_id = object_id,
		.now = now,
		.root_dev = answer_u64(result, "root_dev"),
		.e = e,
	};
	char *pin_dir = root_object_dir(m, object_id);
	const json_t *row;
	int64_t first = 0;
	size_t i;
	int r;

	if (!json_array_size(programs) || !json_is_array(maps) || rec.root_dev != m->root_dev) {
		r = error_set(e, EPROTO, "the worker's answer lacks what was loaded");
		goto out;
	}
	rec.map_ids = calloc(json_array_size(maps) + 1, sizeof(*rec.map_ids));
	if (!pin_dir || !rec.map_ids) {
		r = error_nomem(e);
		goto out;
	}
	r = db_next_id(m->db, &first, e);
	json_array_foreach (programs, i, row)
		if (!r)
			r = record_program(&rec, row);
	if (!r)
		r = record_maps(&rec, maps, true);
	if (!r)
		r = record_maps(&rec, maps, false);
	json_array_foreach (programs, i, row)
		if (!r)
			r = record_uses(&rec, row, first + (int64_t)i);
	if (!r)
		r = load_record_links(m, links, first, now, e);
	if (!r)
		r = db_object_settle(m->db, object_id, pin_dir, rec.root_dev, e);
out:
	free(pin_dir);
	free(rec.map_ids);
	return r;
}

/* ---- dry runs ---- */

static const char *type_for(const struct manager_load *l, const char *program, const json_t *row)
{
	for (size_t i = 0; i < l->type_count; i++)
		if (!strcmp(l->types[i].key, program))
			return l->types[i].value;
	return l->type ? l->type : answer_str(row, "type", NULL);
}

/* Named, or loaded without being named: sections that begin with "?" are not. */
static bool selected(const struct manager_load *l, const char *program, const json_t *row)
{
	for (size_t i = 0; i < l->program_count; i++)
		if (!strcmp(l->programs[i], program))
			return true;
	return !l->program_count && !json_is_false(json_object_get(row, "autoload"));
}

static int check_programs(const struct manager_load *l, const struct input *in, const json_t *file,
			  struct error *e)
{
	const json_t *row;
	size_t i, count = 0;
	int r = manager_has_programs(file, in->path, l->programs, l->program_count, e);

	json_array_foreach (json_object_get(file, "programs"), i, row)
		count += !json_is_false(json_object_get(row, "autoload"));
	if (!r && l->pin_path && !l->program_count && count != 1) {
		error_set(e, EINVAL, "--pin-path is for a single program, %s has %zu", in->path,
			  count);
		r = error_hint(e, "name one with --program NAME");
	}
	return r;
}

static int check_attached(const struct manager_load *l, const json_t *file, struct error *e)
{
	json_t *programs = json_array(), *row;
	size_t i;
	int r = programs ? 0 : error_nomem(e);

	json_array_foreach (json_object_get(file, "programs"), i, row) {
		char *name = answer_bytes(row, "name");

		if (!r && name && selected(l, name, row) && json_array_append(programs, row))
			r = error_nomem(e);
		free(name);
	}
	if (!r)
		r = load_check_attached(l, programs, e);
	json_decref(programs);
	return r;
}

static int plan_program(struct manager *m, const struct manager_load *l, const json_t *row,
			int64_t object_id, int64_t now, struct error *e)
{
	struct db_program p = {
		.object_id = object_id,
		.name = answer_bytes(row, "name"),
		.section = answer_bytes(row, "section"),
		.attach_type = answer_bytes(row, "attach_type"),
		.state = DB_LOADED,
		.created_at = now,
	};
	const char *type = p.name ? type_for(l, p.name, row) : NULL;
	int r = 0;

	if (!p.name || !selected(l, p.name, row))
		goto out;
	if (!type) {
		error_set(e, EINVAL, "program %s: its section \"%s\" tells no type", p.name,
			  p.section ? p.section : "");
		r = error_hint(e, "name its type with --type %s=TYPE", p.name);
		goto out;
	}
	p.type = strdup(type);
	r = p.type ? db_program_insert(m->db, &p, e) : error_nomem(e);
	if (!r)
		r = load_plan_links(m, l, &p, now, e);
out:
	db_program_clear(&p);
	return r;
}

static int plan_map(struct manager *m, const json_t *row, int64_t object_id, int64_t now,
		    struct error *e)
{
	bool shared = answer_bool(row, "pin_by_name");
	struct db_map known = { 0 };
	struct db_map map = {
		.object_id = shared ? 0 : object_id,
		.name = answer_bytes(row, "name"),
		.type = answer_bytes(row, "type"),
		.state = DB_LOADED,
		.boot_id = m->boot_id,
		.key_size = (uint32_t)answer_int(row, "key_size"),
		.value_size = (uint32_t)answer_int(row, "value_size"),
		.max_entries = (uint32_t)answer_int(row, "max_entries"),
		.map_flags = (uint32_t)answer_int(row, "map_flags"),
		.created_at = now,
	};
	int r = map.name && map.type ? -ENOENT : error_nomem(e);

	if (r == -ENOENT && shared) {
		r = db_map_shared(m->db, map.name, &known, e);
		db_map_clear(&known);
	}
	if (r == -ENOENT)
		r = db_map_insert(m->db, &map, e);
	map.boot_id = NULL; /* borrowed */
	db_map_clear(&map);
	return r;
}

/* The worker has checked those that are there, not those that are planned. */
static int check_planned(const struct input *in, const json_t *reuse, const json_t *file,
			 struct error *e)
{
	const json_t *rows = json_object_get(file, "maps"), *row;
	const char **names = calloc(json_array_size(rows) + 1, sizeof(*names)), *name, *near;
	json_t *pin;
	size_t i;
	int r = names ? 0 : error_nomem(e);

	json_array_foreach (rows, i, row)
		if (names)
			names[i] = answer_str(row, "name", "");
	json_object_foreach ((json_t *)reuse, name, pin) {
		for (i = 0; !r && i < json_array_size(rows) && strcmp(names[i], name) != 0; i++)
			;
		if (r || i < json_array_size(rows))
			continue;
		r = error_set(e, ENOENT, "%s has no map '%s'", in->path, name);
		near = text_nearest(name, names, json_array_size(rows));
		if (near)
			error_hint(e, "did you mean \"%s\"?", near);
	}
	free(names);
	return r;
}

int load_plan(struct manager *m, const struct manager_load *l, const json_t *reuse,
	      const struct input *in, const char *name, int64_t object_id, int64_t now,
	      struct error *e)
{
	json_t *request = json_pack("{ss}", "op", "open"), *answer = NULL;
	const json_t *result, *row;
	size_t i;
	int r;

	r = request ? input_attach(in, name, request, e) : error_nomem(e);
	if (!r)
		r = load_pairs(request, "globals", l->globals, l->global_count, e);
	if (!r)
		r = load_reuse_request(request, reuse, e);
	if (r) {
		json_decref(request);
		return r;
	}
	r = manager_do(m, in->path, request, &answer, e);
	result = json_object_get(answer, "result");
	if (!r)
		r = check_programs(l, in, result, e);
	if (!r)
		r = check_planned(in, reuse, result, e);
	if (!r)
		r = check_attached(l, result, e);
	if (!r)
		r = db_begin(m->db, e);
	json_array_foreach (json_object_get(result, "programs"), i, row)
		if (!r)
			r = plan_program(m, l, row, object_id, now, e);
	json_array_foreach (json_object_get(result, "maps"), i, row)
		if (!r && !json_object_get(reuse, answer_str(row, "name", "")))
			r = plan_map(m, row, object_id, now, e);
	if (!r)
		r = db_object_settle(m->db, object_id, NULL, 0, e);
	if (!r)
		r = db_commit(m->db, e);
	if (r)
		db_rollback(m->db);
	json_decref(answer);
	return r;
}

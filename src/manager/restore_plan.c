/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is lost of an object, and how it comes back. */
#include "manager/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "kernel/protocol/protocol.h"

bool restore_loads(const struct upgrading *k)
{
	return k->restore->programs || k->restore->maps;
}

bool restore_exchanges(const struct upgrading *k)
{
	return k->dir_ino && restore_loads(k);
}

static bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

/* ---- what is lost ---- */

static int see(struct upgrading *k, const char *kind, int64_t id, const char *name,
	       struct look look, bool *lost, size_t *count)
{
	*lost = look.sight == SIGHT_LOST;
	*count += *lost;
	return check_reachable(k->m, kind, id, name, look, k->e);
}

int restore_look(struct upgrading *k)
{
	struct restoring *restore = k->restore;
	const struct upgrade_rows *rows = &k->rows;
	int r = 0;

	restore->program_lost = calloc(rows->program_count + 1, sizeof(bool));
	restore->map_lost = calloc(rows->map_count + 1, sizeof(bool));
	restore->link_lost = calloc(rows->link_count + 1, sizeof(bool));
	restore->why_not = calloc(rows->link_count + 1, sizeof(*restore->why_not));
	if (!restore->program_lost || !restore->map_lost || !restore->link_lost ||
	    !restore->why_not)
		return error_nomem(k->e);
	k->m->sight.known = false;
	for (size_t i = 0; !r && i < rows->program_count; i++) {
		const struct db_program *p = &rows->programs[i];

		r = see(k, "program", p->id, p->name, manager_look_program(k->m, p),
			&restore->program_lost[i], &restore->programs);
	}
	for (size_t i = 0; !r && i < rows->map_count; i++) {
		const struct db_map *map = &rows->maps[i];

		/* What the worker could not pin has no pin to be lost. */
		if (map->pin)
			r = see(k, "map", map->id, map->name, manager_look_map(k->m, map),
				&restore->map_lost[i], &restore->maps);
	}
	for (size_t i = 0; !r && i < rows->link_count; i++) {
		const struct db_link *l = &rows->links[i];

		r = see(k, "link", l->id, l->program_name, look_at_link_pin(k->m, l),
			&restore->link_lost[i], &restore->links);
	}
	return r;
}

/* ---- programs ---- */

static bool has_row(const struct upgrading *k, const char *program)
{
	for (size_t i = 0; i < k->rows.program_count; i++)
		if (!strcmp(k->rows.programs[i].name, program))
			return true;
	return false;
}

/* Programs that were unloaded one by one do not come back: then those that stay are named. */
static int choose_programs(struct upgrading *k)
{
	const json_t *row;
	bool all = true;
	json_t *names;
	size_t i;
	int r = 0;

	json_array_foreach (json_object_get(k->file, "programs"), i, row) {
		char *name = answer_bytes(row, "name");

		all &= name && (!upgrade_is_selected(k, name) || has_row(k, name));
		free(name);
	}
	if (all)
		return 0;
	names = json_array();
	for (i = 0; !r && i < k->rows.program_count; i++)
		r = json_array_append_new(names, wire_json(k->rows.programs[i].name));
	if (!r)
		r = json_object_set(k->options, "programs", names);
	json_decref(names);
	return r ? error_nomem(k->e) : 0;
}

/* A lost program that is attached runs on: a second one would have to take its place unseen. */
static int check_runs_on(struct upgrading *k, const struct db_program *p)
{
	for (size_t i = 0; i < k->rows.link_count; i++) {
		const struct db_link *l = &k->rows.links[i];

		if (l->program_id != p->id || k->restore->link_lost[i])
			continue;
		error_set(k->e, EBUSY, "program %lld \"%s\" lost its pin, but link %lld runs it",
			  (long long)p->id, p->name, (long long)l->id);
		return error_hint(k->e, "detach %lld, restore object:%s, and attach it again",
				  (long long)l->id, k->o.name);
	}
	return 0;
}

/* Its second name is to be made again, or moves with it. */
static int plan_second_name(struct upgrading *k, const struct db_program *p, bool lost)
{
	if (!p->outside_path)
		return 0;
	if (!exists(p->outside_path)) {
		k->restore->outside = p->outside_path;
		return 0;
	}
	if (!lost)
		return 0;
	error_set(k->e, EEXIST, "%s, where it was pinned too, is there already", p->outside_path);
	return error_hint(k->e, "see what it is, and move or remove it");
}

static int plan_programs(struct upgrading *k)
{
	int r = choose_programs(k);

	for (size_t i = 0; !r && i < k->rows.program_count; i++) {
		const struct db_program *p = &k->rows.programs[i];

		if (k->restore->program_lost[i])
			r = check_runs_on(k, p);
		if (!r)
			r = upgrade_set_id(k->program_ids, p->name, p->id, k->e);
		if (!r)
			r = plan_second_name(k, p, k->restore->program_lost[i]);
	}
	return r;
}

/* ---- maps ---- */

/* Begins anew, under its id. */
static int plan_lost_map(struct upgrading *k, const struct db_map *map)
{
	int64_t user = 0;
	struct db_program p = { 0 };
	int r = upgrade_foreign_user(k, map->id, &user);

	if (!r && user)
		r = db_program_get(k->m->db, user, &p, k->e);
	if (!r && user && manager_look_program(k->m, &p).sight == SIGHT_LOADED) {
		error_set(k->e, EBUSY,
			  "map %lld \"%s\" lost its pin, but program %lld of another object "
			  "uses it",
			  (long long)map->id, map->name, (long long)user);
		r = error_hint(k->e, "unload %lld first, and load it again afterwards",
			       (long long)user);
	}
	db_program_clear(&p);
	if (!r)
		r = upgrade_set_id(k->map_ids, map->name, map->id, k->e);
	if (!r && !upgrade_is_constant(map->name))
		r = restore_note(k, DB_MAP, map->id, map->name, false,
				 "its contents are gone: it begins anew");
	return r;
}

static int keep_map(struct upgrading *k, const struct db_map *map)
{
	char *key = wire_encode(map->name, strlen(map->name));
	int r = key && !json_object_set_new(k->keep, key, wire_json(map->pin)) ? 0
									       : error_nomem(k->e);

	free(key);
	return r;
}

static int plan_own_maps(struct upgrading *k)
{
	int r = 0;

	for (size_t i = 0; !r && i < k->rows.map_count; i++) {
		const struct db_map *map = &k->rows.maps[i];

		if (k->restore->map_lost[i])
			r = plan_lost_map(k, map);
		else if (upgrade_is_constant(map->name) || !map->pin)
			r = upgrade_set_id(k->map_ids, map->name, map->id, k->e);
		else
			r = keep_map(k, map);
	}
	return r;
}

/* Maps that no object owns: pinned by name, or left by an object that was unloaded. */
static int plan_shared(struct upgrading *k, int64_t id)
{
	char *by_name = root_by_name_dir(k->m);
	struct db_map map = { 0 };
	size_t len = by_name ? strlen(by_name) : 0;
	int r = by_name ? db_map_get(k->m->db, id, &map, k->e) : error_nomem(k->e);
	struct look look = { SIGHT_LOADED, NULL };

	if (!r)
		look = manager_look_map(k->m, &map);
	if (!r)
		r = check_reachable(k->m, "map", map.id, map.name, look, k->e);
	if (r || look.sight != SIGHT_LOST)
		goto out;
	if (map.pin && exists(map.pin)) {
		error_set(k->e, EEXIST, "%s exists, and the database knows nothing of it", map.pin);
		r = error_hint(k->e, "see what it is, and move or remove it");
	} else if (!restore_loads(k)) {
		goto out; /* its users live, and have it still */
	} else if (!map.pin || strncmp(map.pin, by_name, len) != 0 || map.pin[len] != '/') {
		error_set(k->e, ENOENT,
			  "map %lld \"%s\", which it uses, is lost, and the object that made it "
			  "was unloaded",
			  (long long)map.id, map.name);
		r = error_hint(k->e, "unload object:%s, and load it again with another map",
			       k->o.name);
	} else {
		r = plan_lost_map(k, &map);
		k->restore->shared++;
	}
out:
	db_map_clear(&map);
	free(by_name);
	return r;
}

/* Maps of other objects: those come first. */
static int check_reused(struct upgrading *k)
{
	json_t *reused = json_object_get(k->options, "reuse_maps"), *pin;
	const char *name;
	int r = 0;

	json_object_foreach (reused, name, pin) {
		struct db_map map = { 0 };
		char *path = NULL;
		size_t len;

		if (r)
			break;
		r = wire_decode(json_string_value(pin), &path, &len)
			    ? error_nomem(k->e)
			    : db_map_pinned(k->m->db, path, &map, k->e);
		if (r == -ENOENT && !k->e->err)
			r = error_set(k->e, ENOENT, "the map that it used at %s was unloaded",
				      path);
		else if (!r && manager_look_map(k->m, &map).sight != SIGHT_LOADED &&
			 !k->m->config.dry_run) {
			error_set(k->e, ENOENT, "map %lld \"%s\", which it uses, is lost",
				  (long long)map.id, map.name);
			r = map.object_name
				    ? error_hint(k->e, "restore object:%s first", map.object_name)
				    : -k->e->err;
		}
		db_map_clear(&map);
		free(path);
	}
	return r;
}

/* ---- places ---- */

static int check_free(struct upgrading *k, const char *path)
{
	if (!exists(path))
		return 0;
	error_set(k->e, EEXIST, "%s exists, and the database knows nothing of it", path);
	return error_hint(k->e, "it is of a lost or restored database: see what it is, and remove "
				"it or use another --pin-root");
}

/* Whoever recovers removes what is at these places, so nothing may be there before. */
static int check_places(struct upgrading *k)
{
	char *next = root_upgrade_dir(k->m, k->o.id);
	int r = next ? check_free(k, next) : error_nomem(k->e);

	if (!r)
		r = check_free(k, k->staging);
	for (size_t i = 0; !r && i < k->rows.link_count; i++) {
		char *staging = root_link_staging(k->m, k->rows.links[i].id);

		r = staging ? check_free(k, staging) : error_nomem(k->e);
		free(staging);
	}
	free(next);
	return r;
}

/* Pins have the places that their rows tell, under the root that is in use. */
static int check_root(struct upgrading *k)
{
	const char *slash = k->o.pin_dir ? strrchr(k->o.pin_dir, '/') : NULL;

	if (!slash || !strcmp(k->o.pin_dir, k->dir))
		return 0;
	error_set(k->e, EBUSY, "it was pinned at %s, not under %s", k->o.pin_dir, k->m->pin_root);
	return error_hint(k->e, "use --pin-root %.*s", (int)(slash - k->o.pin_dir), k->o.pin_dir);
}

static int plan_places(struct upgrading *k)
{
	struct stat st;
	int r = check_root(k);

	k->dir_ino = lstat(k->dir, &st) ? 0 : st.st_ino;
	if (!r)
		r = check_places(k);
	if (!r && k->dir_ino)
		r = upgrade_check_strangers(k);
	if (!r && !restore_exchanges(k)) {
		free(k->next);
		k->next = strdup(k->dir);
		r = k->next ? 0 : error_nomem(k->e);
	}
	return r;
}

/* ---- links ---- */

static int plan_links(struct upgrading *k)
{
	int r = 0;

	for (size_t i = 0; !r && i < k->rows.link_count; i++) {
		const struct db_link *l = &k->rows.links[i];

		if (!k->restore->link_lost[i]) {
			if (restore_exchanges(k))
				r = upgrade_plan_link(k, i);
			continue;
		}
		k->restore->why_not[i] = restore_why_not(l);
		if (k->restore->why_not[i])
			r = restore_note(k, DB_LINK, l->id, l->program_name, true,
					 "it is not attached again: %s", k->restore->why_not[i]);
	}
	return r;
}

int restore_plan(struct upgrading *k)
{
	int r = upgrade_plan_begin(k);

	if (!r && !k->m->config.dry_run)
		r = plan_places(k);
	if (!r)
		r = input_stored(&k->in, k->m->db, &k->o, k->e);
	if (!r && restore_loads(k)) {
		r = upgrade_look_into(k);
		if (!r)
			r = check_reused(k);
		if (!r)
			r = plan_programs(k);
		if (!r)
			r = plan_own_maps(k);
	}
	for (size_t i = 0; !r && i < k->rows.shared_count; i++)
		r = plan_shared(k, k->rows.shared[i]);
	return r ? r : plan_links(k);
}

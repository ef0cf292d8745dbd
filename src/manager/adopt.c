/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Adopting: a load whose programs are there already. The same intent and the same recovery; the
 * worker gives what others pinned a second name in staging. An object without a file (no sha256) is
 * an adopted one; its options say from where.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "kernel/protocol/protocol.h"
#include "manager/load.h"

struct adopting {
	struct manager *m;
	struct error *e;
	char *pin;	    /* absolute */
	char *name;	    /* of the object */
	json_t *info;	    /* what "info" tells of the pin */
	json_t *known_maps; /* kernel id -> pin, of what is managed */
	int64_t id, now;
};

char *adopted_from(const struct db_object *o)
{
	json_t *options = !o->sha256[0] && o->options ? json_loads(o->options, 0, NULL) : NULL;
	char *from = answer_bytes(options, "adopted");

	json_decref(options);
	return from;
}

/* ---- what it is ---- */

static int see_program(void *data, struct db_program *p)
{
	struct adopting *k = data;

	if (strcmp(p->boot_id, k->m->boot_id) != 0 ||
	    p->identity.kernel_id != answer_int(k->info, "kernel_id") ||
	    p->load_time != answer_u64(k->info, "load_time_ns"))
		return 0;
	error_set(k->e, EEXIST, "%s is program %lld \"%s\", which is managed already", k->pin,
		  (long long)p->id, p->name);
	return error_hint(k->e, "show %lld tells all of it", (long long)p->id);
}

static int see_map(void *data, struct db_map *map)
{
	struct adopting *k = data;
	char key[16];

	if (manager_look_map(k->m, map).sight != SIGHT_LOADED || !map->pin)
		return 0;
	snprintf(key, sizeof(key), "%" PRIu32, map->identity.kernel_id);
	return json_object_set_new(k->known_maps, key, wire_json(map->pin)) ? error_nomem(k->e) : 0;
}

static int look(struct adopting *k)
{
	json_t *answer = NULL;
	const char *kind;
	int r = manager_do(k->m, k->pin,
			   json_pack("{ss so}", "op", "info", "pin_path", wire_json(k->pin)),
			   &answer, k->e);

	k->info = json_incref(json_object_get(answer, "result"));
	json_decref(answer);
	if (r)
		return r;
	kind = answer_str(k->info, "kind", "");
	if (strcmp(kind, "program") != 0) {
		error_set(k->e, EINVAL, "%s is a %s: programs are adopted", k->pin, kind);
		return error_hint(k->e, "name the pin of its program, which brings its maps; a "
					"link stays attached meanwhile");
	}
	r = db_programs(k->m->db, 0, see_program, k, k->e);
	if (!r)
		r = db_maps(k->m->db, 0, see_map, k, k->e);
	return r;
}

static int choose_name(struct adopting *k, const char *given)
{
	struct db_object taken = { 0 };
	int r;

	k->name = given ? strdup(given) : answer_bytes(k->info, "name");
	if (!k->name && !given) /* it has none in the kernel */
		k->name = strdup(strrchr(k->pin, '/') + 1);
	if (!k->name)
		return error_nomem(k->e);
	event_about(k->m, DB_OBJECT, 0, k->name);
	r = load_check_name(k->name, k->e);
	if (r)
		return r;
	r = db_object_by_name(k->m->db, k->name, &taken, k->e);
	if (!r) {
		error_set(k->e, EEXIST, "an object named \"%s\" is there already", k->name);
		r = error_hint(k->e, "give another one with --name NAME");
	}
	db_object_clear(&taken);
	return r == -ENOENT ? 0 : r;
}

/* ---- the change ---- */

static int intend(struct adopting *k)
{
	struct manager *m = k->m;
	json_t *options = json_pack("{so}", "adopted", wire_json(k->pin));
	struct db_object o = {
		.name = k->name,
		.state = DB_PENDING,
		.run_id = m->run_id,
		.boot_id = m->boot_id,
		.root_dev = m->root_dev,
		.options = options ? json_dumps(options, JSON_COMPACT) : NULL,
		.loaded_by = geteuid(),
		.created_at = k->now,
	};
	int64_t next = 0;
	int r = o.options ? db_begin(m->db, k->e) : error_nomem(k->e);

	if (!r && !m->config.dry_run) {
		r = db_next_id(m->db, &next, k->e);
		o.pin_dir = r ? NULL : root_object_dir(m, next);
		if (!r)
			r = o.pin_dir ? load_check_unused(m, next, k->e) : error_nomem(k->e);
	}
	if (!r)
		r = db_object_insert(m->db, &o, k->e);
	if (!r)
		r = db_commit(m->db, k->e);
	if (r)
		db_rollback(m->db);
	else
		k->id = o.id;
	json_decref(options);
	free(o.options);
	free(o.pin_dir);
	return r;
}

static int settle(struct adopting *k, const json_t *result)
{
	struct load_links none = { 0 };
	struct db *db = k->m->db;
	int r = db_begin(db, k->e);

	if (!r)
		r = load_record_rows(k->m, k->id, k->now, result, &none, k->e);
	if (!r)
		r = event_add(k->m, DB_OBJECT, k->id, k->name, NULL, k->e);
	if (!r)
		r = db_commit(db, k->e);
	if (r)
		db_rollback(db);
	return r;
}

/* A dry run's: the program alone, as "info" tells it. */
static int plan(struct adopting *k)
{
	struct db_program p = {
		.object_id = k->id,
		.name = answer_bytes(k->info, "name"),
		.type = answer_bytes(k->info, "type"),
		.tag = answer_bytes(k->info, "tag"),
		.state = DB_LOADED,
		.created_at = k->now,
	};
	struct db *db = k->m->db;
	int r = db_begin(db, k->e);

	if (!p.name)
		p.name = strdup(k->name);
	if (!r && (!p.name || !p.type))
		r = error_nomem(k->e);
	if (!r)
		r = db_program_insert(db, &p, k->e);
	if (!r)
		r = db_object_settle(db, k->id, NULL, 0, k->e);
	if (!r)
		r = db_commit(db, k->e);
	if (r)
		db_rollback(db);
	db_program_clear(&p);
	return r;
}

static int request(struct adopting *k, json_t **answer)
{
	char *staging = root_staging_dir(k->m, k->id), *final = root_object_dir(k->m, k->id);
	int64_t next = 0;
	int r = staging && final ? db_next_id(k->m->db, &next, k->e) : error_nomem(k->e);

	if (!r)
		r = manager_do(k->m, k->pin,
			       json_pack("{ss so so so sI sO}", "op", "adopt", "pin_path",
					 wire_json(k->pin), "staging", wire_json(staging), "final",
					 wire_json(final), "next_id", (json_int_t)next,
					 "known_maps", k->known_maps),
			       answer, k->e);
	free(staging);
	free(final);
	return r;
}

/* The first reason stays in k->e. */
static void take_back(struct adopting *k)
{
	struct error first = ERROR_INIT, later = ERROR_INIT;
	struct db_object o = { 0 };

	error_move(&first, k->e);
	if ((db_object_get(k->m->db, k->id, &o, &later) || recover_pending(k->m, &o, &later)) &&
	    later.message)
		error_detail(&first, "taking it back waits for the next command: %s",
			     later.message);
	db_object_clear(&o);
	error_clear(&later);
	error_move(k->e, &first);
}

/* A pin below our own root is nobody's: now that it has a row's name it goes. */
static void drop_theirs(struct adopting *k)
{
	struct db_identity identity = { .dev = answer_u64(k->info, "pin_dev"),
					.ino = answer_u64(k->info, "pin_ino") };
	json_t *pins = json_array();

	/* Where this fails, doctor finds a second name of ours. */
	if (pins && root_contains(k->m, k->pin) && !request_pin(pins, k->pin, &identity, NULL))
		manager_do(k->m, k->pin, json_pack("{ss sO}", "op", "unpin", "pins", pins), NULL,
			   NULL);
	json_decref(pins);
}

static int adopt(struct adopting *k)
{
	json_t *answer = NULL;
	int r = intend(k);

	if (r)
		return r;
	if (k->m->config.dry_run)
		return plan(k);
	r = request(k, &answer);
	if (!r)
		r = settle(k, json_object_get(answer, "result"));
	if (r)
		take_back(k);
	else
		drop_theirs(k);
	json_decref(answer);
	return r;
}

int manager_adopt(struct manager *m, const struct manager_adopt *a, int64_t *id, struct error *e)
{
	struct adopting k = { .m = m, .e = e, .now = clock_now(), .known_maps = json_object() };
	int r;

	k.pin = file_absolute(a->pin, e);
	if (!k.pin || !k.known_maps) {
		r = k.pin ? error_nomem(e) : -e->err;
		goto out;
	}
	r = manager_lock(m, e);
	if (r)
		goto out;
	m->sight.known = false;
	r = look(&k);
	if (!r)
		r = choose_name(&k, a->name);
	if (!r)
		r = adopt(&k);
	if (!r)
		*id = k.id;
	manager_unlock(m);
out:
	json_decref(k.info);
	json_decref(k.known_maps);
	free(k.pin);
	free(k.name);
	return r;
}

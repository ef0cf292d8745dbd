/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first half of unloading and releasing: what goes is marked, in one transaction. In a run that
 * is all or nothing that is where it ends until the run is decided.
 */
#include "manager/unload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/grow.h"

struct ids {
	int64_t *ids;
	size_t count;
};

static int ids_add(struct ids *list, int64_t id)
{
	int64_t *grown = grow(list->ids, list->count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->ids = grown;
	list->ids[list->count++] = id;
	return 0;
}

static bool ids_have(const struct ids *list, int64_t id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->ids[i] == id)
			return true;
	return false;
}

struct marking {
	struct manager *m;
	struct error *e;
	struct gone gone;   /* all but the maps */
	struct ids objects; /* touched */
	struct ids maps;    /* that go */
	size_t staying;	    /* programs of the object being looked at that do not go */
	const struct manager_release *release; /* NULL: it is unloaded */
	char *to;			       /* where the pins go that are released */
};

int check_reachable(struct manager *m, const char *kind, int64_t id, const char *name,
		    struct look look, struct error *e)
{
	if (look.sight != SIGHT_UNKNOWN || m->config.dry_run)
		return 0;
	error_set(e, EAGAIN, "cannot tell whether %s %lld \"%s\" is still there: %s", kind,
		  (long long)id, name, look.reason);
	return error_hint(e, "bring back the bpffs it was pinned on, or run with the privilege "
			     "to look there; after a reboot it shows as lost and can be unloaded");
}

/* What is released is to run on, so it must be there. */
static int check_going(struct marking *k, enum db_kind kind, int64_t id, const char *name,
		       struct look look, const char *pin)
{
	int r = check_reachable(k->m, db_kind_name(kind), id, name, look, k->e);

	if (r || !k->release)
		return r;
	if (look.sight == SIGHT_LOST) {
		error_set(k->e, ENOENT, "%s %lld \"%s\" is lost (%s): there is nothing to release",
			  db_kind_name(kind), (long long)id, name, look.reason);
		return error_hint(k->e, "unload and detach forget what is lost");
	}
	if (k->release->told)
		k->release->told(k->release->data, kind, id, name, pin);
	return 0;
}

static int mark_link_of(void *data, struct db_link *l)
{
	struct marking *k = data;
	int r = check_going(k, DB_LINK, l->id, l->program_name, look_at_link_pin(k->m, l), l->pin);

	return !r && gone_add(&k->gone.links, l->id, l->program_id, &l->program_name)
		       ? error_nomem(k->e)
		       : r;
}

static int mark_program_of(void *data, struct db_program *p)
{
	struct marking *k = data;
	int r;

	if (gone_has(&k->gone.programs, p->id))
		return 0;
	r = check_going(k, DB_PROGRAM, p->id, p->name, manager_look_program(k->m, p), p->pin);
	if (r)
		return r;
	r = db_links(k->m->db, p->id, mark_link_of, k, k->e);
	return !r && gone_add(&k->gone.programs, p->id, p->object_id, &p->name) ? error_nomem(k->e)
										: r;
}

static int count_staying(void *data, struct db_program *p)
{
	struct marking *k = data;

	k->staying += !gone_has(&k->gone.programs, p->id);
	return 0;
}

static int expand(struct marking *k, const struct named *target)
{
	struct db_program p = { 0 };
	int r;

	if (target->kind == DB_OBJECT) {
		if (!ids_have(&k->objects, target->id) && ids_add(&k->objects, target->id))
			return error_nomem(k->e);
		return db_programs(k->m->db, target->id, mark_program_of, k, k->e);
	}
	r = db_program_get(k->m->db, target->id, &p, k->e);
	if (r == -ENOENT)
		return error_set(k->e, ENOENT, "there is no program %lld", (long long)target->id);
	if (r)
		return r;
	r = mark_program_of(k, &p);
	if (!r && !ids_have(&k->objects, p.object_id) && ids_add(&k->objects, p.object_id))
		r = error_nomem(k->e);
	db_program_clear(&p);
	return r;
}

/* A map goes when nothing that stays uses it and, if it was never used, when its object goes. */
static int mark_map(struct marking *k, const struct db_map *map, bool object_goes)
{
	int64_t *users = NULL;
	size_t count = 0, going = 0;
	int r;

	if (ids_have(&k->maps, map->id))
		return 0;
	r = db_map_programs(k->m->db, map->id, &users, &count, k->e);
	if (r)
		return r;
	for (size_t i = 0; i < count; i++)
		going += gone_has(&k->gone.programs, users[i]);
	free(users);
	if (going < count || (!count && !object_goes))
		return 0;
	if (k->release)
		r = check_going(k, DB_MAP, map->id, map->name, manager_look_map(k->m, map),
				map->pin);
	if (r)
		return r;
	return ids_add(&k->maps, map->id) ? error_nomem(k->e) : 0;
}

struct marking_maps {
	struct marking *k;
	bool object_goes;
};

static int mark_map_of(void *data, struct db_map *map)
{
	struct marking_maps *mm = data;

	return mark_map(mm->k, map, mm->object_goes);
}

static int mark_object(struct marking *k, int64_t id)
{
	struct marking_maps mm = { .k = k };
	struct db_object o = { 0 };
	int r;

	k->staying = 0;
	r = db_programs(k->m->db, id, count_staying, k, k->e);
	mm.object_goes = !k->staying;
	if (!r)
		r = db_maps(k->m->db, id, mark_map_of, &mm, k->e);
	if (r || !mm.object_goes)
		return r;
	r = db_object_get(k->m->db, id, &o, k->e);
	if (!r && gone_add(&k->gone.objects, id, id, &o.name))
		r = error_nomem(k->e);
	if (!r)
		r = db_object_set_state(k->m->db, id, DB_UNLOADING, unload_run_id(k->m), k->e);
	db_object_clear(&o);
	return r;
}

/* That its pin goes elsewhere. */
static int mark_released(struct marking *k, int64_t id)
{
	return k->release && !k->m->config.dry_run ? db_release_add(k->m->db, id, k->to, k->e) : 0;
}

static int mark_all_released(struct marking *k)
{
	int r = 0;

	for (size_t i = 0; !r && i < k->gone.links.count; i++)
		r = mark_released(k, k->gone.links.items[i].id);
	for (size_t i = 0; !r && i < k->gone.programs.count; i++)
		r = mark_released(k, k->gone.programs.items[i].id);
	for (size_t i = 0; !r && i < k->maps.count; i++)
		r = mark_released(k, k->maps.ids[i]);
	return r;
}

static int mark(struct marking *k)
{
	struct db *db = k->m->db;
	int r = db_begin(db, k->e);

	for (size_t i = 0; !r && i < k->objects.count; i++)
		r = mark_object(k, k->objects.ids[i]);
	for (size_t i = 0; !r && i < k->gone.links.count; i++)
		r = db_link_set_state(db, k->gone.links.items[i].id, DB_UNLOADING,
				      unload_run_id(k->m), k->e);
	for (size_t i = 0; !r && i < k->gone.programs.count; i++)
		r = db_program_set_state(db, k->gone.programs.items[i].id, DB_UNLOADING, k->e);
	for (size_t i = 0; !r && i < k->maps.count; i++)
		r = db_map_set_state(db, k->maps.ids[i], DB_UNLOADING, k->e);
	if (!r)
		r = mark_all_released(k);
	if (!r)
		r = db_commit(db, k->e);
	if (r)
		db_rollback(db);
	else if (k->m->atomic.open)
		r = gone_tell(k->m, &k->gone, k->e);
	return r;
}

/* For the event, should it fail. */
static void about(struct manager *m, const struct named *target)
{
	struct db_program p = { 0 };
	struct db_object o = { 0 };

	if (target->kind == DB_PROGRAM ? !db_program_get(m->db, target->id, &p, NULL)
				       : !db_object_get(m->db, target->id, &o, NULL))
		event_about(m, target->kind, target->id, p.name ? p.name : o.name);
	db_program_clear(&p);
	db_object_clear(&o);
}

static void marking_free(struct marking *k)
{
	gone_free(&k->gone);
	free(k->objects.ids);
	free(k->maps.ids);
	free(k->to);
}

int manager_unload(struct manager *m, const struct named *targets, size_t count,
		   manager_kept_fn kept, void *data, struct error *e)
{
	struct marking k = { .m = m, .e = e };
	int r;

	r = manager_lock(m, e);
	if (r)
		return r;
	m->sight.known = false;
	if (count == 1)
		about(m, &targets[0]);
	for (size_t i = 0; !r && i < count; i++)
		r = expand(&k, &targets[i]);
	if (!r)
		r = mark(&k);
	if (!r && !m->atomic.open)
		r = unload_finish_surely(m, kept, data, e);
	manager_unlock(m);
	marking_free(&k);
	return r;
}

/* ---- releasing ---- */

/* Where the user says, or a directory of its own below the root. */
static int choose_place(struct marking *k, const struct named *target)
{
	int r;

	if (!k->release->to) {
		k->to = root_released_dir(k->m, target->id, k->m->command.about);
		return k->to ? 0 : error_nomem(k->e);
	}
	k->to = file_absolute(k->release->to, k->e);
	if (!k->to)
		return -k->e->err;
	if (!root_contains(k->m, k->to))
		return 0;
	r = error_set(k->e, EINVAL, "%s is inside the pin root %s", k->to, k->m->pin_root);
	error_hint(k->e, "bpfman pins there itself; name a place outside");
	return r;
}

int manager_release(struct manager *m, const struct named *target,
		    const struct manager_release *release, char **to, manager_kept_fn kept,
		    void *data, struct error *e)
{
	struct marking k = { .m = m, .e = e, .release = release };
	int r;

	*to = NULL;
	r = manager_lock(m, e);
	if (r)
		return r;
	m->sight.known = false;
	about(m, target);
	r = choose_place(&k, target);
	if (!r)
		r = expand(&k, target);
	if (!r)
		r = mark(&k);
	if (!r)
		r = unload_finish_surely(m, kept, data, e);
	manager_unlock(m);
	if (!r) {
		*to = k.to;
		k.to = NULL;
	}
	marking_free(&k);
	return r;
}

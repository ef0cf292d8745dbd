/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Unloading: what goes is marked in one transaction, and from there carried on to the end by
 * whoever comes next: pins first, then the rows.
 */
#include "manager/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "kernel/protocol/protocol.h"

int request_pin(json_t *pins, const char *path, const struct db_identity *identity, struct error *e)
{
	char dev[24] = "", ino[24] = "";

	if (identity) {
		snprintf(dev, sizeof(dev), "%" PRIu64, identity->dev);
		snprintf(ino, sizeof(ino), "%" PRIu64, identity->ino);
	}
	if (json_array_append_new(pins, json_pack("{so ss ss}", "path", wire_json(path), "pin_dev",
						  dev, "pin_ino", ino)))
		return error_nomem(e);
	return 0;
}

/* ---- carrying on what is marked ---- */

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

/* What goes, with what its event tells. */
struct gone {
	int64_t id, parent; /* the object's of a program, the program's of a link */
	char *name;
	bool on_trial; /* of a link */
};
struct gone_list {
	struct gone *items;
	size_t count;
};

/* Takes the name over. */
static int gone_add(struct gone_list *list, int64_t id, int64_t parent, char **name)
{
	struct gone *grown = grow(list->items, list->count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->items = grown;
	list->items[list->count++] = (struct gone){ .id = id, .parent = parent, .name = *name };
	*name = NULL;
	return 0;
}

static bool gone_has(const struct gone_list *list, int64_t id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].id == id)
			return true;
	return false;
}

static void gone_free(struct gone_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].name);
	free(list->items);
}

struct going {
	struct manager *m;
	struct error *e;
	json_t *links, *pins, *names, *parents;
	struct gone_list attached, programs, objects;
	struct ids maps;
};

enum reach { REACH_PINS, REACH_ROW_ONLY, REACH_NOTHING };

/*
 * After a reboot, and in a dry run, the row is all there is. Pins on another bpffs than the present
 * root's are out of reach, and their rows wait.
 */
static enum reach reach(const struct manager *m, const char *boot_id, uint64_t root_dev)
{
	if (m->config.dry_run || strcmp(boot_id, m->boot_id))
		return REACH_ROW_ONLY;
	return root_dev == m->root_dev ? REACH_PINS : REACH_NOTHING;
}

static int going_link(void *data, struct db_link *l)
{
	struct going *g = data;
	enum reach how = reach(g->m, l->boot_id, l->root_dev);
	int r = 0;

	if (l->state != DB_UNLOADING || how == REACH_NOTHING)
		return 0;
	if (how == REACH_PINS && l->pin)
		r = request_pin(g->links, l->pin, &l->identity, g->e);
	if (!r && gone_add(&g->attached, l->id, l->program_id, &l->program_name))
		r = error_nomem(g->e);
	if (!r)
		g->attached.items[g->attached.count - 1].on_trial = l->expires_at != 0;
	return r;
}

static int going_program(void *data, struct db_program *p)
{
	struct going *g = data;
	enum reach how = reach(g->m, p->boot_id, p->root_dev);
	int r = 0;

	if (p->state != DB_UNLOADING || how == REACH_NOTHING)
		return 0;
	if (how == REACH_PINS && p->pin)
		r = request_pin(g->pins, p->pin, &p->identity, g->e);
	if (!r && how == REACH_PINS && p->outside_path) {
		if (json_array_append_new(g->names, wire_json(p->outside_path)))
			r = error_nomem(g->e);
		else
			r = parents_leading_to(g->m, p->outside_path, g->parents, g->e);
	}
	if (!r && gone_add(&g->programs, p->id, p->object_id, &p->name))
		r = error_nomem(g->e);
	return r;
}

/* A map that outlived its object leaves that one's directory when it goes. */
static int going_directory(struct going *g, const char *pin)
{
	char *by_name = root_by_name_dir(g->m);
	const char *slash = strrchr(pin, '/');
	char *dir = slash ? strndup(pin, (size_t)(slash - pin)) : NULL;
	int r = 0;

	if (!by_name || !dir ||
	    (strcmp(dir, by_name) != 0 && json_array_append_new(g->parents, wire_json(dir))))
		r = error_nomem(g->e);
	free(by_name);
	free(dir);
	return r;
}

static int going_map(void *data, struct db_map *map)
{
	struct going *g = data;
	enum reach how = reach(g->m, map->boot_id, map->root_dev);
	int r = 0;

	if (map->state != DB_UNLOADING || how == REACH_NOTHING)
		return 0;
	if (how == REACH_PINS && map->pin)
		r = request_pin(g->pins, map->pin, &map->identity, g->e);
	if (!r && how == REACH_PINS && map->pin && !map->object_id)
		r = going_directory(g, map->pin);
	if (!r && ids_add(&g->maps, map->id))
		r = error_nomem(g->e);
	return r;
}

static int going_object(void *data, struct db_object *o)
{
	struct going *g = data;
	enum reach how = reach(g->m, o->boot_id, o->root_dev);

	if (o->state != DB_UNLOADING || how == REACH_NOTHING)
		return 0;
	if ((how == REACH_PINS && o->pin_dir &&
	     json_array_append_new(g->parents, wire_json(o->pin_dir))) ||
	    gone_add(&g->objects, o->id, o->id, &o->name))
		return error_nomem(g->e);
	return 0;
}

void unload_tell_kept(const json_t *answer, manager_kept_fn kept, void *data)
{
	const json_t *result = json_object_get(answer, "result"), *item;
	size_t i;

	if (!kept)
		return;
	json_array_foreach (json_object_get(result, "kept"), i, item) {
		char *path = answer_bytes(item, "path");

		if (path)
			kept(data, path, answer_str(item, "why", "it could not be removed"));
		free(path);
	}
	json_array_foreach (json_object_get(result, "held"), i, item) {
		char *path = NULL;
		size_t len;

		if (!wire_decode(json_string_value(item), &path, &len))
			kept(data, path,
			     "the pin is gone, but another pin or a process holds the "
			     "link: it is attached still");
		free(path);
	}
}

static int remove_pins(struct going *g, manager_kept_fn kept, void *data)
{
	json_t *answer = NULL;
	int r;

	if (!json_array_size(g->links) && !json_array_size(g->pins) && !json_array_size(g->parents))
		return 0;
	r = manager_do(g->m, "unload",
		       json_pack("{ss sO sO sO sO}", "op", "unpin", "links", g->links, "pins",
				 g->pins, "names", g->names, "parents", g->parents),
		       &answer, g->e);
	if (!r)
		unload_tell_kept(answer, kept, data);
	json_decref(answer);
	return r;
}

/* An object's event tells of its programs too, a program's of its links. */
static int add_events(struct going *g)
{
	const char *message =
		g->m->recovering ? "an unfinished unload was carried to its end" : NULL;
	const struct gone *gone;
	int r = 0;

	for (size_t i = 0; !r && i < g->objects.count; i++) {
		gone = &g->objects.items[i];
		r = event_add(g->m, DB_OBJECT, gone->id, gone->name, message, g->e);
	}
	for (size_t i = 0; !r && i < g->programs.count; i++) {
		gone = &g->programs.items[i];
		if (!gone_has(&g->objects, gone->parent))
			r = event_add(g->m, DB_PROGRAM, gone->id, gone->name, message, g->e);
	}
	for (size_t i = 0; !r && i < g->attached.count; i++) {
		gone = &g->attached.items[i];
		if (gone_has(&g->programs, gone->parent))
			continue;
		if (g->m->recovering)
			message = gone->on_trial ? "its trial was over, and it was detached"
						 : "an unfinished detach was carried to its end";
		r = event_add(g->m, DB_LINK, gone->id, gone->name, message, g->e);
	}
	return r;
}

static int delete_rows(struct going *g)
{
	struct db *db = g->m->db;
	int r = db_begin(db, g->e);

	for (size_t i = 0; !r && i < g->attached.count; i++)
		r = db_link_delete(db, g->attached.items[i].id, g->e);
	for (size_t i = 0; !r && i < g->programs.count; i++)
		r = db_program_delete(db, g->programs.items[i].id, g->e);
	for (size_t i = 0; !r && i < g->maps.count; i++)
		r = db_map_delete(db, g->maps.ids[i], g->e);
	for (size_t i = 0; !r && i < g->objects.count; i++)
		r = db_object_delete(db, g->objects.items[i].id, g->e);
	if (!r)
		r = parents_forget(g->m, g->e);
	if (!r)
		r = add_events(g);
	if (!r)
		r = db_commit(db, g->e);
	if (r)
		db_rollback(db);
	return r;
}

int unload_finish(struct manager *m, manager_kept_fn kept, void *data, struct error *e)
{
	struct going g = { .m = m, .e = e };
	int r;

	g.links = json_array();
	g.pins = json_array();
	g.names = json_array();
	g.parents = json_array();
	if (!g.links || !g.pins || !g.names || !g.parents) {
		r = error_nomem(e);
		goto out;
	}
	r = db_links_unsettled(m->db, going_link, &g, e);
	if (!r)
		r = db_programs_unsettled(m->db, going_program, &g, e);
	if (!r)
		r = db_maps_unsettled(m->db, going_map, &g, e);
	if (!r)
		r = db_objects_unsettled(m->db, going_object, &g, e);
	if (!r && !m->config.dry_run)
		r = remove_pins(&g, kept, data);
	if (!r)
		r = delete_rows(&g);
out:
	json_decref(g.links);
	json_decref(g.pins);
	json_decref(g.names);
	json_decref(g.parents);
	gone_free(&g.attached);
	gone_free(&g.programs);
	gone_free(&g.objects);
	free(g.maps.ids);
	return r;
}

int unload_finish_surely(struct manager *m, manager_kept_fn kept, void *data, struct error *e)
{
	int r = unload_finish(m, kept, data, e);

	if (r == -EPIPE || r == -EPROTO) {
		/* What is marked can be carried on with a new worker. */
		error_clear(e);
		r = unload_finish(m, kept, data, e);
	}
	return r;
}

/* ---- marking ---- */

struct marking {
	struct manager *m;
	struct error *e;
	struct ids links;    /* that go */
	struct ids programs; /* that go */
	struct ids objects;  /* touched */
	struct ids maps;     /* that go */
	size_t staying;	     /* programs of the object being looked at that do not go */
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

static int mark_link_of(void *data, struct db_link *l)
{
	struct marking *k = data;
	int r = check_reachable(k->m, "link", l->id, l->program_name, look_at_link_pin(k->m, l),
				k->e);

	return !r && ids_add(&k->links, l->id) ? error_nomem(k->e) : r;
}

static int mark_program_of(void *data, struct db_program *p)
{
	struct marking *k = data;
	int r = check_reachable(k->m, "program", p->id, p->name, manager_look_program(k->m, p),
				k->e);

	if (r || ids_have(&k->programs, p->id))
		return r;
	r = db_links(k->m->db, p->id, mark_link_of, k, k->e);
	return !r && ids_add(&k->programs, p->id) ? error_nomem(k->e) : r;
}

static int count_staying(void *data, struct db_program *p)
{
	struct marking *k = data;

	k->staying += !ids_have(&k->programs, p->id);
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
		going += ids_have(&k->programs, users[i]);
	free(users);
	if (going < count || (!count && !object_goes))
		return 0;
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
	int r;

	k->staying = 0;
	r = db_programs(k->m->db, id, count_staying, k, k->e);
	mm.object_goes = !k->staying;
	if (!r)
		r = db_maps(k->m->db, id, mark_map_of, &mm, k->e);
	if (!r && mm.object_goes)
		r = db_object_set_state(k->m->db, id, DB_UNLOADING, k->m->run_id, k->e);
	return r;
}

static int mark(struct marking *k)
{
	struct db *db = k->m->db;
	int r = db_begin(db, k->e);

	for (size_t i = 0; !r && i < k->objects.count; i++)
		r = mark_object(k, k->objects.ids[i]);
	for (size_t i = 0; !r && i < k->links.count; i++)
		r = db_link_set_state(db, k->links.ids[i], DB_UNLOADING, k->m->run_id, k->e);
	for (size_t i = 0; !r && i < k->programs.count; i++)
		r = db_program_set_state(db, k->programs.ids[i], DB_UNLOADING, k->e);
	for (size_t i = 0; !r && i < k->maps.count; i++)
		r = db_map_set_state(db, k->maps.ids[i], DB_UNLOADING, k->e);
	if (!r)
		r = db_commit(db, k->e);
	if (r)
		db_rollback(db);
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
	if (!r)
		r = unload_finish_surely(m, kept, data, e);
	manager_unlock(m);
	free(k.links.ids);
	free(k.programs.ids);
	free(k.objects.ids);
	free(k.maps.ids);
	return r;
}

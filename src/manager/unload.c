/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The second half of unloading and detaching: what is marked is carried on to the end, by whoever
 * comes next: pins first, then the rows.
 */
#include "manager/unload.h"

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

const char *unload_run_id(const struct manager *m)
{
	return m->atomic.open ? NULL : m->run_id;
}

int gone_add(struct gone_list *list, int64_t id, int64_t parent, char **name)
{
	struct gone_item *grown = grow(list->items, list->count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->items = grown;
	list->items[list->count++] =
		(struct gone_item){ .id = id, .parent = parent, .name = *name };
	*name = NULL;
	return 0;
}

bool gone_has(const struct gone_list *list, int64_t id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].id == id)
			return true;
	return false;
}

static void list_free(struct gone_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].name);
	free(list->items);
}

void gone_free(struct gone *gone)
{
	list_free(&gone->links);
	list_free(&gone->programs);
	list_free(&gone->objects);
	list_free(&gone->maps);
	memset(gone, 0, sizeof(*gone));
}

struct going {
	struct manager *m;
	struct error *e;
	json_t *links, *pins, *names, *parents;
	struct gone gone;
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

static int link_is_replaced(struct manager *m, int64_t id, bool *replaced, struct error *e)
{
	struct db_link by = { 0 };
	int r = db_link_replacement(m->db, id, &by, e);

	*replaced = !r;
	db_link_clear(&by);
	return r == -ENOENT ? 0 : r;
}

static int going_link(void *data, struct db_link *l)
{
	struct going *g = data;
	enum reach how = reach(g->m, l->boot_id, l->root_dev);
	bool replaced = false;
	int r = 0;

	if (l->state != DB_UNLOADING || how == REACH_NOTHING)
		return 0;
	/* One that was moved to another program instead lives on under its other pin. */
	if (how == REACH_PINS && l->pin)
		r = link_is_replaced(g->m, l->id, &replaced, g->e);
	if (!r && how == REACH_PINS && l->pin)
		r = request_pin(replaced ? g->pins : g->links, l->pin, &l->identity, g->e);
	if (!r && gone_add(&g->gone.links, l->id, l->program_id, &l->program_name))
		r = error_nomem(g->e);
	if (!r)
		g->gone.links.items[g->gone.links.count - 1].on_trial = l->expires_at != 0;
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
	if (!r && gone_add(&g->gone.programs, p->id, p->object_id, &p->name))
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
	if (!r && gone_add(&g->gone.maps, map->id, 0, &map->name))
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
	    gone_add(&g->gone.objects, o->id, o->id, &o->name))
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

int gone_tell(struct manager *m, const struct gone *gone, struct error *e)
{
	const char *message = m->recovering ? "an unfinished unload was carried to its end" : NULL;
	const struct gone_item *item;
	int r = 0;

	for (size_t i = 0; !r && i < gone->objects.count; i++) {
		item = &gone->objects.items[i];
		r = event_add(m, DB_OBJECT, item->id, item->name, message, e);
	}
	for (size_t i = 0; !r && i < gone->programs.count; i++) {
		item = &gone->programs.items[i];
		if (!gone_has(&gone->objects, item->parent))
			r = event_add(m, DB_PROGRAM, item->id, item->name, message, e);
	}
	for (size_t i = 0; !r && i < gone->links.count; i++) {
		item = &gone->links.items[i];
		if (gone_has(&gone->programs, item->parent))
			continue;
		if (m->recovering)
			message = item->on_trial ? "its trial was over, and it was detached"
						 : "an unfinished detach was carried to its end";
		r = event_add(m, DB_LINK, item->id, item->name, message, e);
	}
	return r;
}

static int delete_rows(struct going *g)
{
	struct db *db = g->m->db;
	int r = db_begin(db, g->e);

	for (size_t i = 0; !r && i < g->gone.links.count; i++)
		r = db_link_delete(db, g->gone.links.items[i].id, g->e);
	for (size_t i = 0; !r && i < g->gone.programs.count; i++)
		r = db_program_delete(db, g->gone.programs.items[i].id, g->e);
	for (size_t i = 0; !r && i < g->gone.maps.count; i++)
		r = db_map_delete(db, g->gone.maps.items[i].id, g->e);
	for (size_t i = 0; !r && i < g->gone.objects.count; i++)
		r = db_object_delete(db, g->gone.objects.items[i].id, g->e);
	if (!r)
		r = parents_forget(g->m, g->e);
	if (!r)
		r = gone_tell(g->m, &g->gone, g->e);
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
	gone_free(&g.gone);
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
	/* The decision stands: what is marked never comes back. */
	if (r)
		error_detail(e, "the next command that changes something carries it on");
	return r;
}

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
#include <sys/stat.h>

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
	json_t *links, *pins, *names, *parents, *moves;
	manager_kept_fn kept; /* NULL: nobody */
	void *kept_data;
	char *to; /* where those of moves go; NULL: there are none */
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

/* A pin that goes; one that is released goes elsewhere instead. *released may be NULL. */
static int going_pin(struct going *g, int64_t id, json_t *list, const char *pin,
		     const struct db_identity *identity, bool *released)
{
	char *to;
	int r = db_release_dir(g->m->db, id, &to, g->e);

	if (released)
		*released = to != NULL;
	if (!r && pin)
		r = request_pin(to ? g->moves : list, pin, identity, g->e);
	if (!to)
		return r;
	free(g->to);
	g->to = to;
	g->gone.released = true;
	return r;
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
		r = going_pin(g, l->id, replaced ? g->pins : g->links, l->pin, &l->identity, NULL);
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
	bool released = false;
	int r = 0;

	if (p->state != DB_UNLOADING || how == REACH_NOTHING)
		return 0;
	if (how == REACH_PINS)
		r = going_pin(g, p->id, g->pins, p->pin, &p->identity, &released);
	if (!r && how == REACH_PINS && p->outside_path && !released) {
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
		r = going_pin(g, map->id, g->pins, map->pin, &map->identity, NULL);
	if (!r && how == REACH_PINS && map->pin && !map->object_id)
		r = going_directory(g, map->pin);
	if (!r && gone_add(&g->gone.maps, map->id, 0, &map->name))
		r = error_nomem(g->e);
	return r;
}

/* Of what was adopted only our pin goes. */
static void tell_adopted(struct going *g, const struct db_object *o)
{
	char *from = g->kept ? adopted_from(o) : NULL;
	struct stat st;

	if (from && !g->gone.released && !lstat(from, &st) && !root_contains(g->m, from))
		g->kept(g->kept_data, from, "its owner pinned it there, so it lives on");
	free(from);
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
	if (how == REACH_PINS)
		tell_adopted(g, o);
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

/* They stay where they are, and their rows with them: whatever is in the way there. */
static int undo_release(struct going *g)
{
	struct db *db = g->m->db;
	int r = db_begin(db, NULL);

	if (!r)
		r = db_release_undo(db, NULL);
	if (!r)
		r = db_commit(db, NULL);
	if (r)
		db_rollback(db);
	return r;
}

static int move_pins(struct going *g, manager_kept_fn kept, void *data)
{
	json_t *answer = NULL;
	int r;

	if (!json_array_size(g->moves))
		return 0;
	r = manager_do(g->m, "release",
		       json_pack("{ss sO so}", "op", "move_pins", "pins", g->moves, "to",
				 wire_json(g->to)),
		       &answer, g->e);
	if (!r)
		unload_tell_kept(answer, kept, data);
	else if (answer && !answer_bool(json_object_get(answer, "error"), "left_behind"))
		undo_release(g);
	json_decref(answer);
	return r;
}

static int remove_pins(struct going *g, manager_kept_fn kept, void *data)
{
	json_t *answer = NULL;
	int r = move_pins(g, kept, data);

	if (r)
		return r;
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
	const char *message = !m->recovering   ? NULL
			      : gone->released ? "an unfinished release was carried to its end"
					       : "an unfinished unload was carried to its end";
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
	if (!r && g->gone.released)
		r = parents_disown(g->m, g->e);
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
	struct going g = { .m = m, .e = e, .kept = kept, .kept_data = data };
	int r;

	g.links = json_array();
	g.pins = json_array();
	g.names = json_array();
	g.parents = json_array();
	g.moves = json_array();
	if (!g.moves || !g.links || !g.pins || !g.names || !g.parents) {
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
	json_decref(g.moves);
	free(g.to);
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

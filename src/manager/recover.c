/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an earlier session left unsettled: a pending load or attachment is taken back, an unload is
 * carried on, and a link whose trial is over is detached. Always pins first, then the row, so that
 * a kill in between only means doing it again.
 */
#include "manager/upgrade.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/grow.h"
#include "kernel/protocol/protocol.h"

struct pending {
	struct db_object *objects;
	size_t count;
	struct db_link *links;
	size_t link_count;
	bool unloading;
};

static int collect(void *data, struct db_object *o)
{
	struct pending *p = data;
	struct db_object *grown;

	if (o->state == DB_UNLOADING) {
		p->unloading = true;
		return 0;
	}
	grown = grow(p->objects, p->count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->objects = grown;
	grown[p->count++] = *o;
	memset(o, 0, sizeof(*o)); /* its strings are ours now */
	return 0;
}

static int collect_link(void *data, struct db_link *l)
{
	struct pending *p = data;
	struct db_link *grown;

	if (l->state == DB_UNLOADING) {
		p->unloading = true;
		return 0;
	}
	grown = grow(p->links, p->link_count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->links = grown;
	grown[p->link_count++] = *l;
	memset(l, 0, sizeof(*l)); /* its strings are ours now */
	return 0;
}

static int saw_program(void *data, struct db_program *p)
{
	(void)p;
	*(bool *)data = true;
	return 0;
}

static int saw_map(void *data, struct db_map *map)
{
	(void)map;
	*(bool *)data = true;
	return 0;
}

struct unknown_names {
	json_t *pins; /* object: path -> true, of entries that no row has been found for */
};

static int strike(void *data, struct db_map *map)
{
	struct unknown_names *u = data;

	if (map->pin)
		json_object_del(u->pins, map->pin);
	return 0;
}

/*
 * Maps pinned by name are published before the load is recorded. With the locks held, an entry
 * that no row knows was made by a load that never settled.
 */
int recover_unknown_by_name(struct manager *m, json_t *pins, struct error *e)
{
	bool undecided = db_set_undecided(m->db, false);
	char *dir = root_by_name_dir(m);
	struct unknown_names u = { .pins = json_object() };
	struct buf path = { 0 };
	const struct dirent *entry;
	const char *key;
	json_t *value;
	DIR *d = NULL;
	int r = 0;

	if (!dir || !u.pins) {
		r = error_nomem(e);
		goto out;
	}
	d = opendir(dir);
	if (!d) {
		if (errno != ENOENT)
			r = error_set(e, errno, "cannot read %s: %s", dir, strerror(errno));
		goto out;
	}
	while (!r && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue; /* bpffs has no names with dots but . and .. */
		buf_reset(&path);
		buf_printf(&path, "%s/%s", dir, entry->d_name);
		if (buf_error(&path) || json_object_set_new_nocheck(u.pins, path.data, json_true()))
			r = error_nomem(e);
	}
	if (!r)
		r = db_maps(m->db, 0, strike, &u, e);
	json_object_foreach (u.pins, key, value) {
		if (!r)
			r = request_pin(pins, key, NULL, e);
	}
out:
	if (d)
		closedir(d);
	db_set_undecided(m->db, undecided);
	buf_free(&path);
	json_decref(u.pins);
	free(dir);
	return r;
}

/*
 * Whether anything can ever have been pinned there. The worker refuses other paths, for a load and
 * for an unpin; an intent may hold one all the same, since it is written first.
 */
static bool pinnable(const char *path)
{
	size_t components = 0;

	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return false;
	while (*path) {
		size_t len = strcspn(++path, "/");

		if (!len || len > NAME_MAX || path[0] == '.')
			return false;
		path += len;
		components++;
	}
	return components;
}

static int take_back_pins(struct manager *m, const struct db_object *o, struct error *e)
{
	char *staging = root_staging_dir(m, o->id);
	char *final = root_object_dir(m, o->id);
	json_t *names = json_array(), *parents = json_array(), *pins = json_array();
	int r = 0;

	if (!staging || !final || !names || !parents || !pins) {
		r = error_nomem(e);
		goto out;
	}
	r = recover_unknown_by_name(m, pins, e);
	if (!r && o->outside_path && pinnable(o->outside_path)) {
		if (json_array_append_new(names, wire_json(o->outside_path)))
			r = error_nomem(e);
		else
			r = parents_leading_to(m, o->outside_path, parents, e);
	}
	if (!r)
		r = manager_do(m, "recovery",
			       json_pack("{ss s[oo] sO sO sO}", "op", "unpin", "dirs",
					 wire_json(staging), wire_json(final), "names", names,
					 "pins", pins, "parents", parents),
			       NULL, e);
out:
	json_decref(names);
	json_decref(parents);
	json_decref(pins);
	free(staging);
	free(final);
	return r;
}

int recover_pending(struct manager *m, const struct db_object *o, struct error *e)
{
	int r = 0;

	/*
	 * After a reboot nothing of it exists. On another bpffs its pins are out of reach: the row
	 * waits until the one it was made on is back.
	 */
	if (!strcmp(o->boot_id, m->boot_id)) {
		if (o->root_dev != m->root_dev)
			return 0;
		r = take_back_pins(m, o, e);
	}
	if (r)
		return r;
	r = db_begin(m->db, e);
	if (!r)
		r = db_object_delete(m->db, o->id, e);
	if (!r && m->recovering)
		r = event_add(m, DB_OBJECT, o->id, o->name, "an unfinished load was taken back", e);
	if (!r)
		r = parents_forget(m, e);
	if (!r)
		r = db_commit(m->db, e);
	if (r)
		db_rollback(m->db);
	return r;
}

int recover_pending_link(struct manager *m, const struct db_link *l, struct error *e)
{
	/* The pin of a link that was moved is a second name only: the link stays. */
	const char *list = l->replaces ? "pins" : "links";
	char *staging = root_link_staging(m, l->id);
	json_t *links = json_array();
	int r = staging && links ? 0 : error_nomem(e);

	/* As with objects: of another boot nothing exists, on another bpffs it is out of reach. */
	if (!r && !strcmp(l->boot_id, m->boot_id)) {
		if (l->root_dev != m->root_dev)
			goto out;
		r = l->replaces ? attach_move_back(m, l, e) : 0;
		if (!r)
			r = request_pin(links, staging, NULL, e);
		if (!r && l->pin)
			r = request_pin(links, l->pin, NULL, e);
		if (!r)
			r = manager_do(m, "recovery",
				       json_pack("{ss sO}", "op", "unpin", list, links), NULL, e);
	}
	if (!r)
		r = db_begin(m->db, e);
	if (!r)
		r = db_link_delete(m->db, l->id, e);
	if (!r && m->recovering)
		r = event_add(m, DB_LINK, l->id, l->program_name,
			      "an unfinished attach was taken back", e);
	if (!r)
		r = db_commit(m->db, e);
	if (r)
		db_rollback(m->db);
out:
	json_decref(links);
	free(staging);
	return r;
}

static int expire(struct manager *m, int64_t now, struct error *e)
{
	int r = db_begin(m->db, e);

	if (!r)
		r = db_links_expire(m->db, now, m->run_id, e);
	if (!r)
		r = db_commit(m->db, e);
	if (r)
		db_rollback(m->db);
	return r;
}

/*
 * Pending links, then pending objects, whose directories links are pinned in; the newest first,
 * since it may use what an older one made. The rest is on its way out.
 */
static int take_back_all(struct manager *m, struct pending *p, struct error *e)
{
	int r = db_objects_unsettled(m->db, collect, p, e);

	if (!r)
		r = db_links_unsettled(m->db, collect_link, p, e);
	for (size_t i = p->link_count; i--;) {
		if (!r)
			r = recover_pending_link(m, &p->links[i], e);
		db_link_clear(&p->links[i]);
	}
	for (size_t i = p->count; i--;) {
		if (!r)
			r = recover_pending(m, &p->objects[i], e);
		db_object_clear(&p->objects[i]);
	}
	free(p->objects);
	free(p->links);
	return r == -ENOMEM && !e->err ? error_nomem(e) : r;
}

int recover_pending_all(struct manager *m, struct error *e)
{
	struct pending p = { 0 };

	return take_back_all(m, &p, e);
}

int recover(struct manager *m, struct error *e)
{
	struct pending p = { 0 };
	int64_t now = clock_now();
	bool any;
	int r;

	/* What is unsettled within a run that is all or nothing is that run's own. */
	if (m->atomic.open)
		return 0;
	r = db_any_unsettled(m->db, now, &any, e);
	if (r || !any)
		return r;
	m->recovering = true;
	r = atomic_recover(m, e);
	if (!r)
		r = upgrade_recover(m, e);
	if (!r)
		r = expire(m, now, e);
	if (!r)
		r = take_back_all(m, &p, e);
	if (!r && !p.unloading)
		r = db_programs_unsettled(m->db, saw_program, &p.unloading, e);
	if (!r && !p.unloading)
		r = db_maps_unsettled(m->db, saw_map, &p.unloading, e);
	if (!r && p.unloading)
		r = unload_finish(m, NULL, NULL, e);
	m->recovering = false;
	if (r)
		error_context(e, "settling what an earlier session left");
	return r;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Restoring: each object by itself, with an upgrade's intent and steps, as far as it needs them. */
#include "manager/restore.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/grow.h"
#include "base/text.h"
#include "kernel/protocol/protocol.h"
#include "manager/load.h"

enum { LOOK_AGAIN_MS = 200 };

/* ---- what became of it ---- */

int restore_note(struct upgrading *k, enum db_kind kind, int64_t id, const char *name, bool lost,
		 const char *format, ...)
{
	struct restored *result = k->restore->result;
	struct restored_note *grown = grow(result->notes, result->note_count, sizeof(*grown));
	struct restored_note note = { .kind = kind, .id = id, .lost = lost };
	va_list args;
	int n;

	if (!grown)
		return error_nomem(k->e);
	result->notes = grown;
	va_start(args, format);
	n = vasprintf(&note.text, format, args);
	va_end(args);
	if (n < 0)
		return error_nomem(k->e);
	note.name = strdup(name);
	grown[result->note_count++] = note;
	return note.name ? 0 : error_nomem(k->e);
}

/* Of a try before: what was said of links that are tried again. */
static void forget_lost(struct restored *result)
{
	size_t kept = 0;

	for (size_t i = 0; i < result->note_count; i++) {
		struct restored_note *note = &result->notes[i];

		if (note->lost) {
			free(note->name);
			free(note->text);
		} else {
			result->notes[kept++] = *note;
		}
	}
	result->note_count = kept;
	result->awaits = false;
}

static void restored_clear(struct restored *result)
{
	for (size_t n = 0; n < result->note_count; n++) {
		free(result->notes[n].name);
		free(result->notes[n].text);
	}
	free(result->notes);
	free(result->name);
	error_clear(&result->failure);
}

void restored_list_free(struct restored_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		restored_clear(&list->at[i]);
	free(list->at);
	memset(list, 0, sizeof(*list));
}

static enum restore_outcome outcome(const struct restored *result)
{
	for (size_t i = 0; i < result->note_count; i++)
		if (result->notes[i].lost)
			return RESTORE_PARTLY;
	return RESTORE_DONE;
}

/* ---- steps ---- */

/* What ends the whole try, where a link's own failure leaves only that link lost. */
static bool is_fatal(int r, const struct error *e)
{
	return r == -EPIPE || r == -EPROTO || r == -ENOMEM || e->class != ERROR_FAILED;
}

static bool is_missing_target(int r)
{
	return r == -ENODEV || r == -ENOENT || r == -ENXIO || r == -ESRCH || r == -ENOTDIR;
}

/* A link that cannot be attached stays lost: better than to leave all of it lost. */
static int try_link(struct upgrading *k, size_t i, bool resolve_only)
{
	const struct db_link *l = &k->rows.links[i];
	struct error *e = k->e, why = ERROR_INIT;
	int r;

	k->e = &why;
	r = restore_link(k, i, resolve_only);
	k->e = e;
	if (r && is_fatal(r, &why)) {
		error_move(e, &why);
		return r;
	}
	if (r) {
		k->restore->result->awaits |= is_missing_target(r);
		k->restore->why_not[i] = "tried";
		r = restore_note(k, DB_LINK, l->id, l->program_name, true,
				 "it is not attached again: %s", why.message);
	}
	error_clear(&why);
	return r;
}

/* Those that were lost, in the order in which they were made, as far as that can be. */
static int try_links(struct upgrading *k, bool resolve_only)
{
	int r = 0;

	for (size_t i = 0; !r && i < k->rows.link_count; i++)
		if (k->restore->link_lost[i] && !k->restore->why_not[i])
			r = try_link(k, i, resolve_only);
	return r;
}

/* Links that live, and cannot move: a second one first. */
static int attach_anew(struct upgrading *k)
{
	int r = 0;

	for (size_t i = 0; !r && i < k->rows.link_count; i++)
		if (k->anew[i])
			r = restore_link(k, i, false);
	return r;
}

static int load(struct upgrading *k, json_t **loaded)
{
	json_t *request;
	int r = upgrade_load_request(k, &request);

	if (!r && k->restore->outside &&
	    json_object_set_new(request, "pin_path", wire_json(k->restore->outside))) {
		json_decref(request);
		return error_nomem(k->e);
	}
	return r ? r : manager_do(k->m, k->in.path, request, loaded, k->e);
}

/* The new programs take the places of those that live. */
static int exchange(struct upgrading *k)
{
	json_t *moved = NULL;
	int r = attach_anew(k);

	if (!r)
		r = upgrade_retarget(k->m, &k->rows, k->next, k->dir, k->moves, &moved, k->e);
	if (!r)
		r = upgrade_check_kept(k, moved);
	if (!r)
		r = upgrade_exchange(k->m, k->dir, k->next, k->e);
	json_decref(moved);
	return r;
}

static int record_loaded(struct upgrading *k, const json_t *loaded)
{
	struct db_log log = { .object_id = k->o.id, .object_name = k->o.name, .path = k->in.path };
	struct db_object o = k->o; /* borrows its strings */
	int r;

	o.run_id = k->m->run_id;
	o.boot_id = k->m->boot_id;
	o.root_dev = k->m->root_dev;
	o.pin_dir = k->dir;
	r = upgrade_record(k->m, &o, &k->rows, json_object_get(loaded, "result"), NULL, k->e);
	return r ? r : load_add_log(k->m, &log, loaded, NULL, k->e);
}

static int record(struct upgrading *k, const json_t *loaded)
{
	struct db *db = k->m->db;
	int r = db_begin(db, k->e);

	if (!r && loaded)
		r = record_loaded(k, loaded);
	if (!r)
		r = restore_record_links(k);
	if (!r)
		r = event_add(k->m, DB_OBJECT, k->o.id, k->o.name,
			      outcome(k->restore->result) == RESTORE_PARTLY
				      ? "not all of its links were attached again"
				      : NULL,
			      k->e);
	if (!r)
		r = restore_exchanges(k) ? db_upgrade_set_done(db, k->o.id, k->e)
					 : db_upgrade_delete(db, k->o.id, k->e);
	if (!r)
		r = db_commit(db, k->e);
	if (r)
		db_rollback(db);
	return r;
}

static int put_in_place(struct upgrading *k, json_t **loaded)
{
	int r = restore_loads(k) ? load(k, loaded) : 0;

	if (!r)
		r = try_links(k, false);
	if (!r && restore_exchanges(k))
		r = exchange(k);
	return r ? r : record(k, *loaded);
}

/* From here it is done, whatever becomes of what was replaced. */
static void finish(struct upgrading *k)
{
	struct db_upgrade u = { .object_id = k->o.id, .restore = true, .done = true };
	struct error later = ERROR_INIT;

	if (upgrade_finish(k->m, &u, k->u->kept, k->u->kept_data, &later))
		k->u->kept(k->u->kept_data, k->next,
			   "what was replaced goes with the next command");
	error_clear(&later);
}

static bool any_link(const struct upgrading *k)
{
	for (size_t i = 0; i < k->rows.link_count; i++)
		if (k->restore->link_lost[i] && !k->restore->why_not[i])
			return true;
	return false;
}

static void count_links(struct upgrading *k)
{
	for (size_t i = 0; i < k->rows.link_count; i++)
		k->restore->result->links += k->restore->link_lost[i] && !k->restore->why_not[i];
}

static int run(struct upgrading *k)
{
	struct restored *result = k->restore->result;
	json_t *loaded = NULL;
	int r = 0;

	/* Without anything to load the programs can be asked before anything is intended. */
	if (!restore_loads(k) && !k->m->config.dry_run)
		r = try_links(k, true);
	if (r || (!restore_loads(k) && !any_link(k)))
		return r;
	if (!k->m->config.dry_run) {
		r = upgrade_intend(k);
		if (r)
			return r;
		r = put_in_place(k, &loaded);
		if (r)
			upgrade_failed(k, loaded);
		else if (restore_exchanges(k))
			finish(k);
	}
	json_decref(loaded);
	if (r)
		return r;
	result->programs += k->restore->programs;
	result->maps += k->restore->maps + k->restore->shared;
	count_links(k);
	return 0;
}

static int restore_locked(struct upgrading *k)
{
	struct restoring *restore = k->restore;
	struct restored *result = restore->result;
	int r = db_object_get(k->m->db, result->id, &k->o, k->e);

	if (r == -ENOENT)
		return error_set(k->e, ENOENT, "there is no object %lld", (long long)result->id);
	if (!r && !result->name) {
		result->name = strdup(k->o.name);
		r = result->name ? 0 : error_nomem(k->e);
	}
	if (!r)
		r = upgrade_rows_read(k->m, k->o.id, &k->rows, k->e);
	if (!r)
		r = restore_look(k);
	if (r || !(restore->programs + restore->maps + restore->links))
		return r;
	if (!k->o.sha256[0]) {
		error_set(k->e, ENODATA, "it was adopted: its file was never known");
		return error_hint(k->e, "unload object:%s, and load its file", k->o.name);
	}
	r = restore_plan(k);
	if (!r)
		r = run(k);
	if (!r)
		result->outcome = outcome(result);
	return r;
}

static void nothing_kept(void *data, const char *path, const char *why)
{
	(void)data;
	(void)path;
	(void)why;
}

/* One try. e: what keeps all others from it too. */
static int restore_one(struct manager *m, const struct manager_restore *ask,
		       struct restored *result, struct error *e)
{
	const struct manager_upgrade u = {
		.object_id = result->id,
		.kept = ask->kept ? ask->kept : nothing_kept,
		.kept_data = ask->kept_data,
	};
	struct restoring restore = { .result = result };
	struct upgrading k = {
		.m = m,
		.u = &u,
		.e = &result->failure,
		.restore = &restore,
		.now = clock_now(),
	};
	int r = manager_lock(m, e);

	if (r)
		return r;
	forget_lost(result);
	r = restore_locked(&k);
	if (r) {
		result->outcome = RESTORE_FAILED;
		event_add_failure(m, DB_OBJECT, result->id, result->name, &result->failure);
	}
	manager_unlock(m);
	upgrade_free(&k);
	free(restore.program_lost);
	free(restore.map_lost);
	free(restore.link_lost);
	free(restore.why_not);
	if (r && result->failure.class != ERROR_FAILED) {
		error_move(e, &result->failure);
		return r;
	}
	return 0;
}

/* ---- all of them ---- */

static int add(struct restored_list *list, int64_t id)
{
	struct restored *grown;

	for (size_t i = 0; i < list->count; i++)
		if (list->at[i].id == id)
			return 0; /* named twice */
	grown = grow(list->at, list->count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->at = grown;
	grown[list->count++] = (struct restored){ .id = id, .failure = ERROR_INIT };
	return 0;
}

struct choosing {
	struct restored_list *list;
	bool boot;
};

static int add_object(void *data, struct db_object *o)
{
	const struct choosing *c = data;

	return o->state == DB_LOADED && (!c->boot || o->on_boot) ? add(c->list, o->id) : 0;
}

static int compare(const void *a, const void *b)
{
	const struct restored *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* In order of ids: whose map another one uses was there before that one. */
static int choose(struct manager *m, const struct manager_restore *ask, struct restored_list *list,
		  struct error *e)
{
	struct choosing c = { list, ask->boot };
	int r = 0;

	for (size_t i = 0; !r && i < ask->count; i++)
		r = add(list, ask->ids[i]);
	if (!r && !ask->count) {
		r = manager_lock(m, e);
		if (!r) {
			r = db_objects(m->db, add_object, &c, e);
			manager_unlock(m);
		}
	}
	if (list->count)
		qsort(list->at, list->count, sizeof(*list->at), compare);
	return r == -ENOMEM && !e->err ? error_nomem(e) : r;
}

static bool any_awaits(const struct restored_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->at[i].awaits)
			return true;
	return false;
}

static int pause_a_little(struct manager *m, struct error *e)
{
	int r = m->config.turn ? m->config.turn->wait(m->config.turn->data, -1, 0, LOOK_AGAIN_MS)
			       : poll(NULL, 0, LOOK_AGAIN_MS);

	return r < 0 ? error_set_class(e, ERROR_INTERRUPTED, EINTR, "interrupted") : 0;
}

/* Without a lock in between: what is waited for may be another session's to make. */
static int await(struct manager *m, const struct manager_restore *ask, struct restored_list *list,
		 struct error *e)
{
	int64_t end = clock_monotonic() + ask->wait;
	int r = 0;

	while (!r && any_awaits(list) && clock_monotonic() < end) {
		r = pause_a_little(m, e);
		manager_look_again(m);
		for (size_t i = 0; !r && i < list->count; i++)
			if (list->at[i].awaits)
				r = restore_one(m, ask, &list->at[i], e);
	}
	return r;
}

/* Of all objects only those of which something was lost are told. */
static void drop_intact(struct restored_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (list->at[i].outcome == RESTORE_INTACT)
			restored_clear(&list->at[i]);
		else
			list->at[kept++] = list->at[i];
	list->count = kept;
}

int manager_restore(struct manager *m, const struct manager_restore *ask,
		    struct restored_list *list, enum restore_brake *brake, struct error *e)
{
	int r = 0;

	memset(list, 0, sizeof(*list));
	*brake = RESTORE_GOES;
	if (ask->boot)
		r = restore_boot_begin(m, brake, e);
	if (r || *brake)
		return r;
	r = choose(m, ask, list, e);
	for (size_t i = 0; !r && i < list->count; i++)
		r = restore_one(m, ask, &list->at[i], e);
	if (!r && !m->config.dry_run)
		r = await(m, ask, list, e);
	if (!r && !m->config.dry_run)
		r = restore_boot_end(m, e);
	if (!r && !ask->count)
		drop_intact(list);
	return r;
}

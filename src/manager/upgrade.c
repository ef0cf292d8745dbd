/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Upgrading: one step after the other, and back where one fails. */
#include "manager/load.h"
#include "manager/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "kernel/protocol/protocol.h"

int upgrade_intend(struct upgrading *k)
{
	struct db *db = k->m->db;
	struct db_upgrade u = {
		.object_id = k->o.id,
		.restore = k->restore,
		.dir_ino = k->dir_ino,
		.run_id = k->m->run_id,
		.boot_id = k->m->boot_id,
		.root_dev = k->m->root_dev,
		.path = k->in.path,
		.created_at = k->now,
	};
	int r = db_begin(db, k->e);

	memcpy(u.sha256, k->in.sha256, sizeof(u.sha256));
	if (!r)
		r = db_file_store(db, k->in.sha256, k->in.bytes, k->in.len, k->e);
	if (!r)
		r = db_upgrade_insert(db, &u, k->e);
	if (!r && k->restore && k->restore->outside)
		r = parents_remember(k->m, k->restore->outside, k->e);
	if (!r)
		r = db_commit(db, k->e);
	if (r)
		db_rollback(db);
	return r;
}

int upgrade_load_request(struct upgrading *k, json_t **request)
{
	int64_t next_id = 0;
	int r = db_next_id(k->m->db, &next_id, k->e);

	*request = NULL;
	if (r)
		return r;
	*request = json_pack("{ss so so so sI sO sO sO sO sO sO sO}", "op", "load", "staging",
			     wire_json(k->staging), "final", wire_json(k->next), "by_name_dir",
			     wire_json(k->by_name), "next_id", (json_int_t)next_id, "program_ids",
			     k->program_ids, "map_ids", k->map_ids, "keep_maps", k->keep,
			     "fill_maps", k->fill, "former_programs", k->former_programs,
			     "former_maps", k->former_maps, "carry", k->carry);
	r = *request && !json_object_update_missing(*request, k->options) ? 0 : error_nomem(k->e);
	/* The second name moves with the links, and they are attached already. */
	if (!r) {
		json_object_del(*request, "pin_path");
		json_object_del(*request, "attach");
		json_object_del(*request, "attach_all");
	}
	if (!r)
		r = input_attach(&k->in, k->o.name, *request, k->e);
	if (r) {
		json_decref(*request);
		*request = NULL;
	}
	return r;
}

char *upgrade_in_next(const struct upgrading *k, const char *pin)
{
	struct buf path = { 0 };

	buf_printf(&path, "%s/%s", k->next, path_base(pin));
	return buf_take(&path);
}

/* The same target, by a link of the new program's; the old one stays until the end. */
static int attach_anew(struct upgrading *k, const struct db_link *l)
{
	static const struct manager_attachment nothing_more;
	const struct db_program *p = upgrade_program(&k->rows, l->program_id);
	char *program = upgrade_in_next(k, p->pin), *final = upgrade_in_next(k, l->pin);
	char *staging = root_link_staging(k->m, l->id);
	json_t *asked = json_loads(l->options ? l->options : "{}", JSON_REJECT_DUPLICATES, NULL);
	json_t *request = NULL, *answer = NULL, *row;
	struct db_program there = *p; /* borrows */
	int r = program && final && staging && asked ? 0 : error_nomem(k->e);

	there.pin = program;
	if (!r)
		r = attach_request(k->m, &nothing_more, &there, &request, k->e);
	if (!r && (json_object_update_missing(request, asked) ||
		   json_object_set_new(request, "staging", wire_json(staging)) ||
		   json_object_set_new(request, "final", wire_json(final)))) {
		json_decref(request);
		r = error_nomem(k->e);
	}
	if (!r)
		r = manager_do(k->m, l->target_text, request, &answer, k->e);
	row = json_object_get(answer, "result");
	if (!r && (!row || json_object_set_new(row, "id", json_integer(l->id)) ||
		   json_array_append(k->attached, row)))
		r = error_nomem(k->e);
	if (r)
		error_context(k->e, "attaching link %lld anew", (long long)l->id);
	json_decref(answer);
	json_decref(asked);
	free(program);
	free(final);
	free(staging);
	return r;
}

/* Where a pin in ROOT/u<id> is going to be, or the path as it is; caller frees. */
static char *in_place(const struct upgrading *k, const char *path)
{
	size_t len = strlen(k->next);
	struct buf place = { 0 };

	if (!strncmp(path, k->next, len) && path[len] == '/')
		buf_printf(&place, "%s%s", k->dir, path + len);
	else
		buf_str(&place, path);
	return buf_take(&place);
}

int upgrade_check_kept(struct upgrading *k, const json_t *answer)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(answer, "result"), "kept"), i, item) {
		char *told = answer_bytes(item, "path"), *path = told ? in_place(k, told) : NULL;
		const char *why = answer_str(item, "why", "it could not be moved");
		int r = 0;

		if (answer_bool(item, "foreign"))
			r = error_set(k->e, EBUSY, "%s: %s", path ? path : "a link", why);
		else if (k->u->kept && path)
			k->u->kept(k->u->kept_data, path, why);
		free(told);
		free(path);
		if (r)
			return r;
	}
	return 0;
}

static int record(struct upgrading *k, const json_t *loaded)
{
	struct db_log log = { .object_id = k->o.id, .object_name = k->o.name, .path = k->in.path };
	struct db_object o = k->o; /* borrows its strings */
	struct db *db = k->m->db;
	int r = db_begin(db, k->e);

	memcpy(o.previous_sha256, o.sha256, sizeof(o.previous_sha256));
	o.previous_path = k->o.path;
	memcpy(o.sha256, k->in.sha256, sizeof(o.sha256));
	o.path = k->in.path;
	if (!k->o.sha256[0]) /* it was adopted, and is no more */
		o.options = (char *)"{}";
	o.run_id = k->m->run_id;
	if (!r)
		r = upgrade_record(k->m, &o, &k->rows, json_object_get(loaded, "result"),
				   k->attached, k->e);
	if (!r)
		r = db_file_forget(db, k->o.previous_sha256, k->e);
	if (!r)
		r = load_add_log(k->m, &log, loaded, NULL, k->e);
	if (!r)
		r = event_add(k->m, DB_OBJECT, o.id, o.name, NULL, k->e);
	if (!r)
		r = db_upgrade_set_done(db, o.id, k->e);
	if (!r)
		r = db_commit(db, k->e);
	if (r)
		db_rollback(db);
	return r;
}

/* *loaded is the worker's answer to the load, the caller's. */
static int put_in_place(struct upgrading *k, json_t **loaded)
{
	json_t *request, *moved = NULL;
	int r;

	r = upgrade_load_request(k, &request);
	if (!r)
		r = manager_do(k->m, k->in.path, request, loaded, k->e);
	for (size_t i = 0; !r && i < k->rows.link_count; i++)
		if (k->anew[i])
			r = attach_anew(k, &k->rows.links[i]);
	if (!r)
		r = upgrade_retarget(k->m, &k->rows, k->next, k->dir, k->moves, &moved, k->e);
	if (!r)
		r = upgrade_check_kept(k, moved);
	if (!r)
		r = upgrade_exchange(k->m, k->dir, k->next, k->e);
	if (!r)
		r = record(k, *loaded);
	json_decref(moved);
	return r;
}

void upgrade_failed(struct upgrading *k, const json_t *loaded)
{
	struct db_upgrade u = {
		.object_id = k->o.id,
		.restore = k->restore,
		.dir_ino = k->dir_ino,
		.boot_id = k->m->boot_id,
		.root_dev = k->m->root_dev,
	};
	struct db_log log = { .object_name = k->o.name, .path = k->in.path };
	struct error later = ERROR_INIT;
	int r = upgrade_take_back(k->m, &u, &later);

	if (!r && loaded && k->e->class != ERROR_INTERRUPTED) {
		r = db_begin(k->m->db, &later);
		if (!r)
			r = load_add_log(k->m, &log, loaded, k->e, &later);
		if (!r)
			r = db_commit(k->m->db, &later);
		if (r)
			db_rollback(k->m->db);
		else if (!k->e->hint && *answer_str(loaded, "log", ""))
			error_hint(k->e, "`log` shows all that libbpf and the verifier said");
	} else if (r) {
		error_detail(k->e, "taking it back waits for the next command: %s",
			     later.message ? later.message : "out of memory");
	}
	error_clear(&later);
}

static int run(struct upgrading *k, bool *changed)
{
	struct error later = ERROR_INIT;
	json_t *loaded = NULL;
	int r = upgrade_intend(k);

	if (r)
		return r;
	r = put_in_place(k, &loaded);
	if (r) {
		upgrade_failed(k, loaded);
		goto out;
	}
	*changed = true;
	/* From here it is done, whatever becomes of what was replaced. */
	r = upgrade_finish(k->m, &(struct db_upgrade){ .object_id = k->o.id, .done = true },
			   k->u->kept, k->u->kept_data, &later);
	if (!r)
		r = unload_finish_surely(k->m, k->u->kept, k->u->kept_data, &later);
	if (r && k->u->kept)
		k->u->kept(k->u->kept_data, k->next,
			   "what was replaced goes with the next command");
	error_clear(&later);
	r = 0;
	for (size_t i = 0; k->u->anew && i < k->rows.link_count; i++)
		if (k->anew[i])
			k->u->anew(k->u->anew_data, k->rows.links[i].id);
out:
	json_decref(loaded);
	return r;
}

/* ---- the file ---- */

static int read_input(struct upgrading *k)
{
	struct db_object before = { .name = k->o.name, .path = k->o.previous_path };

	if (k->u->path)
		return input_read(&k->in, k->u->path, k->e);
	if (!k->o.previous_sha256[0]) {
		error_set(k->e, ENOENT, "object \"%s\" has no build before this one", k->o.name);
		return error_hint(k->e, "upgrade object:%s FILE makes one", k->o.name);
	}
	memcpy(before.sha256, k->o.previous_sha256, sizeof(before.sha256));
	return input_stored(&k->in, k->m->db, &before, k->e);
}

static int upgrade_locked(struct upgrading *k, bool *changed)
{
	int r = db_object_get(k->m->db, k->u->object_id, &k->o, k->e);

	if (r == -ENOENT)
		return error_set(k->e, ENOENT, "there is no object %lld",
				 (long long)k->u->object_id);
	if (r)
		return r;
	event_about(k->m, DB_OBJECT, k->o.id, k->o.name);
	r = upgrade_rows_read(k->m, k->o.id, &k->rows, k->e);
	if (!r)
		r = upgrade_check_alive(k);
	if (!r)
		r = read_input(k);
	if (r)
		return r;
	if (!strcmp(k->in.sha256, k->o.sha256) && !k->u->reset_count) {
		manager_nothing_changed(k->m);
		return 0;
	}
	r = upgrade_plan(k);
	if (!r && k->m->config.dry_run)
		*changed = true;
	else if (!r)
		r = run(k, changed);
	return r;
}

void upgrade_free(struct upgrading *k)
{
	db_object_clear(&k->o);
	upgrade_rows_free(&k->rows);
	input_free(&k->in);
	json_decref(k->options);
	json_decref(k->file);
	json_decref(k->program_ids);
	json_decref(k->map_ids);
	json_decref(k->keep);
	json_decref(k->fill);
	json_decref(k->former_programs);
	json_decref(k->former_maps);
	json_decref(k->carry);
	json_decref(k->moves);
	json_decref(k->attached);
	free(k->anew);
	free(k->dir);
	free(k->next);
	free(k->staging);
	free(k->by_name);
}

int manager_upgrade(struct manager *m, const struct manager_upgrade *u, bool *changed,
		    struct error *e)
{
	struct upgrading k = { .m = m, .u = u, .e = e, .now = clock_now() };
	int r;

	*changed = false;
	r = manager_lock(m, e);
	if (r)
		return r;
	r = upgrade_locked(&k, changed);
	manager_unlock(m);
	upgrade_free(&k);
	return r;
}

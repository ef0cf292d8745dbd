/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loading: locks, recovery, intent, worker, rows. The worker pins into staging and publishes with
 * one rename; until the rows are committed, the intent is what a later session needs to take
 * everything back.
 */
#include "manager/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "kernel/protocol/protocol.h"

/* One load under way. */
struct loading {
	struct manager *m;
	const struct manager_load *l;
	struct error *e;
	struct input in;
	char *name;		 /* of the object */
	char *pin_path;		 /* absolute, or NULL */
	char *options;		 /* JSON */
	json_t *reuse;		 /* by load_find_reused() */
	struct load_links links; /* made with it */
	int64_t id;		 /* of the object, once intended */
	int64_t now;
};

int load_check_name(const char *n, struct error *e)
{
	if (!*n)
		return error_set(e, EINVAL, "an object's name cannot be empty");
	if (strspn(n, "0123456789") == strlen(n)) {
		error_set(e, EINVAL, "the name \"%s\" is all digits, which only ids are", n);
		return error_hint(e, "give another one with --name NAME");
	}
	if (strchr(n, '/') || strchr(n, ':')) {
		error_set(e, EINVAL, "the name \"%s\" has a / or a : in it", n);
		return error_hint(e, "give another one with --name NAME");
	}
	if (strlen(n) > 255)
		return error_set(e, ENAMETOOLONG, "the name is longer than 255 bytes");
	return 0;
}

static int check_pin_path(struct loading *k)
{
	const struct manager_load *l = k->l;

	if (!l->pin_path)
		return 0;
	k->pin_path = file_absolute(l->pin_path, k->e);
	if (!k->pin_path)
		return -k->e->err;
	if (root_contains(k->m, k->pin_path)) {
		error_set(k->e, EINVAL, "the pin path %s is inside the pin root %s", k->pin_path,
			  k->m->pin_root);
		return error_hint(k->e, "bpfman pins there itself; name a place outside");
	}
	return 0;
}

/* The options that make this load what it is, to do it again and to tell whether one is the same.
 */
static int options_text(struct loading *k)
{
	json_t *options = json_object();
	int r = options ? load_selection(k->l, options, k->e) : error_nomem(k->e);

	if (!r && k->pin_path && json_object_set_new(options, "pin_path", wire_json(k->pin_path)))
		r = error_nomem(k->e);
	if (!r)
		r = load_attach_options(k->l, options, k->e);
	if (!r)
		r = load_reuse_request(options, k->reuse, k->e);
	if (!r) {
		k->options = json_dumps(options, JSON_COMPACT | JSON_SORT_KEYS);
		r = k->options ? 0 : error_nomem(k->e);
	}
	json_decref(options);
	return r;
}

static int prepare(struct loading *k)
{
	int r;

	r = k->l->base64 ? input_given(&k->in, k->l->path, k->l->base64, k->e)
			 : input_read(&k->in, k->l->path, k->e);
	if (r)
		return r;
	k->name = k->l->name ? strdup(k->l->name) : object_name_of(k->in.path);
	if (!k->name)
		return error_nomem(k->e);
	r = load_check_name(k->name, k->e);
	if (!r)
		r = check_pin_path(k);
	return r;
}

int load_check_unused(struct manager *m, int64_t id, struct error *e)
{
	char *dirs[] = { root_staging_dir(m, id), root_object_dir(m, id) };
	struct stat st;
	int r = dirs[0] && dirs[1] ? 0 : error_nomem(e);

	for (size_t i = 0; !r && i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (lstat(dirs[i], &st))
			continue;
		error_set(e, EEXIST, "%s exists, and the database knows nothing of it", dirs[i]);
		r = error_hint(e, "it holds pins of a lost or restored database: `doctor` shows "
				  "what they are, and removes them");
	}
	free(dirs[0]);
	free(dirs[1]);
	return r;
}

/*
 * The intent: from here a later session knows what there may be to take back. 1: --ensure, and
 * there is nothing to do.
 */
static int intend(struct loading *k, int64_t *id)
{
	struct manager *m = k->m;
	const struct manager_load *l = k->l;
	struct db_object o = {
		.name = k->name,
		.path = k->in.path,
		.state = DB_PENDING,
		.run_id = m->run_id,
		.boot_id = m->boot_id,
		.root_dev = m->root_dev,
		.outside_path = k->pin_path,
		.options = k->options,
		.on_boot = l->on_boot,
		.loaded_by = geteuid(),
		.created_at = k->now,
	};
	int64_t next = 0;
	int r;

	memcpy(o.sha256, k->in.sha256, sizeof(o.sha256));
	r = db_begin(m->db, k->e);
	if (!r)
		r = load_check_taken(m, l, k->name, k->in.sha256, k->options, id, k->e);
	if (!r && !m->config.dry_run) {
		r = db_next_id(m->db, &next, k->e);
		o.pin_dir = r ? NULL : root_object_dir(m, next);
		if (!r && !o.pin_dir)
			r = error_nomem(k->e);
	}
	if (!r)
		r = db_file_store(m->db, k->in.sha256, k->in.bytes, k->in.len, k->e);
	if (!r)
		r = db_object_insert(m->db, &o, k->e);
	for (size_t i = 0; !r && i < l->label_count; i++)
		r = db_label_set(m->db, o.id, l->labels[i].key, l->labels[i].value, k->e);
	if (!r && k->pin_path && !m->config.dry_run)
		r = parents_remember(m, k->pin_path, k->e);
	if (!r && !m->config.dry_run)
		r = load_check_unused(m, o.id, k->e);
	if (!r)
		r = db_commit(m->db, k->e);
	if (r)
		db_rollback(m->db);
	else
		k->id = o.id;
	free(o.pin_dir);
	return r;
}

int load_pairs(json_t *request, const char *key, const struct manager_pair *pairs, size_t count,
	       struct error *e)
{
	json_t *object = count ? json_object() : NULL;
	int r = 0;

	for (size_t i = 0; !r && i < count; i++) {
		char *name = wire_encode(pairs[i].key, strlen(pairs[i].key));

		r = name ? json_object_set_new(object, name, wire_json(pairs[i].value)) : -1;
		free(name);
	}
	if (!r && count)
		r = json_object_set(request, key, object);
	json_decref(object);
	return r ? error_nomem(e) : 0;
}

int load_selection(const struct manager_load *l, json_t *request, struct error *e)
{
	json_t *programs = json_array();
	int r = programs ? 0 : -1;

	for (size_t i = 0; !r && i < l->program_count; i++)
		r = json_array_append_new(programs, wire_json(l->programs[i]));
	if (!r && l->program_count)
		r = json_object_set(request, "programs", programs);
	if (!r && l->type)
		r = json_object_set_new(request, "type", wire_json(l->type));
	json_decref(programs);
	if (r)
		return error_nomem(e);
	r = load_pairs(request, "types", l->types, l->type_count, e);
	if (!r)
		r = load_pairs(request, "globals", l->globals, l->global_count, e);
	return r;
}

static int make_request(struct loading *k, json_t **request)
{
	char *staging = root_staging_dir(k->m, k->id);
	char *final = root_object_dir(k->m, k->id);
	char *by_name = root_by_name_dir(k->m);
	int64_t next = 0;
	int r;

	*request = NULL;
	r = db_next_id(k->m->db, &next, k->e);
	if (r)
		goto out;
	if (staging && final && by_name)
		*request = json_pack("{ss so so so sI}", "op", "load", "staging",
				     wire_json(staging), "final", wire_json(final), "by_name_dir",
				     wire_json(by_name), "next_id", (json_int_t)next);
	if (!*request ||
	    (k->pin_path && json_object_set_new(*request, "pin_path", wire_json(k->pin_path))) ||
	    (k->l->verbose && json_object_set_new(*request, "verbose", json_true()))) {
		r = error_nomem(k->e);
		goto out;
	}
	r = load_selection(k->l, *request, k->e);
	if (!r)
		r = load_reuse_request(*request, k->reuse, k->e);
	if (!r)
		r = input_attach(&k->in, k->name, *request, k->e);
out:
	if (r) {
		json_decref(*request);
		*request = NULL;
	}
	free(staging);
	free(final);
	free(by_name);
	return r;
}

int load_add_log(struct manager *m, struct db_log *log, const json_t *answer,
		 const struct error *failure, struct error *e)
{
	char *text = answer_bytes(answer, "log");
	int r;

	log->ok = !failure;
	log->message = failure ? failure->message : NULL;
	log->text = text;
	log->text_len = text ? strlen(text) : 0;
	log->log_bytes = (uint64_t)answer_int(answer, "log_bytes");
	log->truncated = answer_bool(answer, "log_truncated");
	log->created_at = clock_now();
	r = db_log_add(m->db, log, e);
	free(text);
	return r;
}

static int add_log(struct loading *k, const json_t *answer, const struct error *failure)
{
	struct db_log log = {
		.object_id = failure ? 0 : k->id,
		.object_name = k->name,
		.path = k->in.path,
	};

	return load_add_log(k->m, &log, answer, failure, k->e);
}

/* The worker loaded and pinned it: rows, identities, state, in one transaction. */
static int record(struct loading *k, const json_t *answer)
{
	struct db *db = k->m->db;
	int r = db_begin(db, k->e);

	if (!r)
		r = load_record_rows(k->m, k->id, k->now, json_object_get(answer, "result"),
				     &k->links, k->e);
	if (!r)
		r = add_log(k, answer, NULL);
	if (!r)
		r = event_add(k->m, DB_OBJECT, k->id, k->name, NULL, k->e);
	if (!r)
		r = db_commit(db, k->e);
	if (r)
		db_rollback(db);
	return r;
}

/*
 * The load failed, or could not be recorded. Unless the worker says that it has undone all of it,
 * what the intent names is looked for. *k->e keeps the first reason.
 */
static void take_back(struct loading *k, const json_t *answer, bool undone)
{
	struct error first = ERROR_INIT, later = ERROR_INIT;
	struct error *e = k->e;
	struct db_object o = { 0 };
	struct db *db = k->m->db;
	int r = 0;

	error_move(&first, e);
	k->e = &later;
	r = db_object_get(db, k->id, &o, &later);
	if (!r && !undone)
		r = recover_pending(k->m, &o, &later);
	if (!r)
		r = db_begin(db, &later);
	if (!r && undone)
		r = db_object_delete(db, k->id, &later);
	if (!r && undone)
		r = parents_forget(k->m, &later);
	if (!r && first.class != ERROR_INTERRUPTED)
		r = add_log(k, answer, &first);
	if (!r)
		r = db_commit(db, &later);
	if (!r && !first.hint && *answer_str(answer, "log", ""))
		error_hint(&first, "`log %s` shows all that libbpf and the verifier said", k->name);
	if (r) {
		db_rollback(db);
		if (later.message)
			error_detail(&first, "taking it back waits for the next command: %s",
				     later.message);
	}
	db_object_clear(&o);
	error_clear(&later);
	error_move(e, &first);
	k->e = e;
}

static int run(struct loading *k, int64_t *id)
{
	json_t *request, *answer = NULL;
	bool undone;
	int r;

	r = intend(k, id);
	if (r)
		return r;
	if (k->m->config.dry_run) {
		r = load_plan(k->m, k->l, k->reuse, &k->in, k->name, k->id, k->now, k->e);
		if (r && !db_begin(k->m->db, NULL) &&
		    (db_object_delete(k->m->db, k->id, NULL) || db_commit(k->m->db, NULL)))
			db_rollback(k->m->db);
		return r;
	}
	r = make_request(k, &request);
	if (!r)
		r = manager_do(k->m, k->in.path, request, &answer, k->e);
	undone = r && answer && !answer_bool(json_object_get(answer, "error"), "left_behind");
	if (!r)
		r = load_attach(k->m, k->l, k->id, json_object_get(answer, "result"), &k->links,
				k->e);
	if (!r)
		r = record(k, answer);
	if (r)
		take_back(k, answer, undone);
	json_decref(answer);
	return r;
}

/* --ensure --on-boot of what is loaded already. */
static int set_on_boot(struct manager *m, int64_t id, bool *changed, struct error *e)
{
	struct db_object o = { 0 };
	int r = db_object_get(m->db, id, &o, e);

	if (!r && !o.on_boot) {
		r = db_begin(m->db, e);
		if (!r)
			r = db_object_set_on_boot(m->db, id, true, e);
		if (!r)
			r = event_add(m, DB_OBJECT, id, o.name, "restored at boot from now on", e);
		if (!r)
			r = db_commit(m->db, e);
		if (r)
			db_rollback(m->db);
		*changed = !r;
	}
	db_object_clear(&o);
	return r;
}

int manager_load(struct manager *m, const struct manager_load *l, int64_t *id, bool *there,
		 bool *changed, struct error *e)
{
	struct loading k = { .m = m, .l = l, .e = e, .now = clock_now() };
	int r;

	*changed = *there = false;
	r = prepare(&k);
	if (r)
		goto out;
	event_about(m, DB_OBJECT, 0, k.name);
	r = manager_lock(m, e);
	if (r)
		goto out;
	r = load_find_reused(m, l, &k.reuse, e);
	if (!r)
		r = options_text(&k);
	if (!r)
		r = run(&k, id);
	if (!r)
		*id = k.id;
	*changed = !r;
	*there = r > 0;
	if (*there && l->on_boot && set_on_boot(m, *id, changed, e))
		r = -e->err;
	manager_unlock(m);
	if (((*there && r > 0) || (!r && m->atomic.open)) && !m->config.dry_run)
		r = load_attach_after(m, l, *id, changed, e);
	if (*there && !r && !*changed)
		manager_nothing_changed(m);
	r = r > 0 ? 0 : r;
out:
	input_free(&k.in);
	load_links_free(&k.links);
	free(k.name);
	free(k.pin_path);
	free(k.options);
	json_decref(k.reuse);
	return r;
}

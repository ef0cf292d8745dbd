/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Attaching: locks, recovery, intent, worker, row. The worker pins the link into staging and
 * renames it to its place; until the row is settled, the intent is what a later session needs to
 * take the link back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "kernel/protocol/protocol.h"
#include "manager/internal.h"

/* One attachment under way. */
struct attaching {
	struct manager *m;
	const struct manager_attach *a;
	struct error *e;
	struct db_program program;
	char *options; /* JSON */
	char *staging, *final;
	int64_t id; /* of the link, once intended */
	int64_t expires_at;
	json_t *request; /* without the places of its pins */
	json_t *row;	 /* the worker's */
};

/*
 * Where another link is to be: by the pin of ours that it is, so that no id is mistaken, or by its
 * kernel id. NULL where that one is only planned, in a dry run: nobody can be asked about it.
 */
static int anchor(struct manager *m, const char *key, const char *text, char **value,
		  struct error *e)
{
	struct db_link l = { 0 };
	struct buf place = { 0 };
	struct named named;
	struct look look;
	uint64_t id;
	int r;

	r = manager_resolve(m, text, WANT_LINK, &named, e);
	if (r == -ENOENT && (!strncmp(text, "kernel:", 7) || !strncmp(text, "k:", 2)) &&
	    parse_u64(strchr(text, ':') + 1, &id)) {
		error_clear(e);
		buf_printf(&place, "link:%llu", (unsigned long long)id);
		r = 0;
		goto out;
	}
	if (r)
		return error_context(e, "--%s", key);
	r = db_link_get(m->db, named.id, &l, e);
	if (r)
		return r == -ENOENT ? error_set(e, ENOENT, "link %s is gone", text) : r;
	look = manager_look_link(m, &l);
	if (look.sight == SIGHT_LOST || look.sight == SIGHT_TARGET_GONE)
		r = error_set(e, ENOENT, "--%s %s: link %lld is not attached any more: %s (%s)",
			      key, text, (long long)l.id, sight_name(look.sight), look.reason);
	else if (l.pin)
		buf_printf(&place, "pin:%s", l.pin);
out:
	if (!r && buf_error(&place))
		r = error_nomem(e);
	*value = r || !place.len ? NULL : buf_take(&place);
	buf_free(&place);
	db_link_clear(&l);
	return r;
}

static bool is_anchor(const char *key)
{
	return !strcmp(key, "before") || !strcmp(key, "after");
}

/* The options as they were typed, or, with m, as the worker takes them. */
static int options_json(struct manager *m, const struct manager_attachment *what, json_t **options,
			struct error *e)
{
	int r = 0;

	*options = json_object();
	if (!*options)
		return error_nomem(e);
	for (size_t i = 0; !r && i < what->option_count; i++) {
		const struct manager_pair *o = &what->options[i];
		bool planned = false;
		char *value = NULL;

		if (m && is_anchor(o->key)) {
			r = anchor(m, o->key, o->value, &value, e);
			planned = !value;
		}
		if (!r && !planned &&
		    json_object_set_new(*options, o->key, wire_json(value ? value : o->value)))
			r = error_nomem(e);
		free(value);
	}
	return r;
}

/* Adds what was asked for to an object. */
static int add_attachment(struct manager *m, const struct manager_attachment *what, json_t *to,
			  struct error *e)
{
	json_t *options = NULL;
	int r = options_json(m, what, &options, e);

	if (!r && ((what->type && json_object_set_new(to, "type", wire_json(what->type))) ||
		   (what->target && json_object_set_new(to, "target", wire_json(what->target))) ||
		   (what->option_count && json_object_set(to, "options", options))))
		r = error_nomem(e);
	json_decref(options);
	return r;
}

int attach_options(const struct manager_attachment *what, char **text, struct error *e)
{
	json_t *options = json_object();
	int r = options ? add_attachment(NULL, what, options, e) : error_nomem(e);

	*text = r ? NULL : json_dumps(options, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(options);
	return !r && !*text ? error_nomem(e) : r;
}

int attach_request(struct manager *m, const struct manager_attachment *what,
		   const struct db_program *p, json_t **request, struct error *e)
{
	int r = 0;

	*request = json_pack("{ss so}", "op", "attach", "program_pin", wire_json(p->pin));
	if (!*request ||
	    (p->section && json_object_set_new(*request, "section", wire_json(p->section))) ||
	    (p->attach_type &&
	     json_object_set_new(*request, "attach_type", wire_json(p->attach_type))))
		r = error_nomem(e);
	if (!r)
		r = add_attachment(m, what, *request, e);
	if (r) {
		json_decref(*request);
		*request = NULL;
	}
	return r;
}

int attach_read_row(const json_t *row, struct db_link *l, struct error *e)
{
	const json_t *target = json_object_get(row, "target");

	l->type = answer_bytes(row, "type");
	l->attach_type = answer_bytes(row, "attach_type");
	l->target_text = answer_bytes(row, "target_text");
	l->target =
		json_is_object(target) ? json_dumps(target, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	l->identity = (struct db_identity){
		.dev = answer_u64(row, "pin_dev"),
		.ino = answer_u64(row, "pin_ino"),
		.kernel_id = (uint32_t)answer_int(row, "kernel_id"),
	};
	if (!l->type || !l->target_text || !l->target)
		return error_set(e, EPROTO, "the worker's answer lacks what was attached");
	return 0;
}

/* ---- before it is attached ---- */

static int check_program(struct attaching *k)
{
	const struct db_program *p = &k->program;
	struct look look;
	int r;

	r = db_program_get(k->m->db, k->a->program_id, &k->program, k->e);
	if (r == -ENOENT)
		return error_set(k->e, ENOENT, "there is no program %lld",
				 (long long)k->a->program_id);
	if (r)
		return r;
	event_about(k->m, DB_PROGRAM, p->id, p->name);
	k->m->sight.known = false;
	look = manager_look_program(k->m, p);
	if (look.sight == SIGHT_LOST) {
		error_set(k->e, ENOENT, "program %lld \"%s\" is lost (%s): it is no longer loaded",
			  (long long)p->id, p->name, look.reason);
		return error_hint(k->e, "unload %lld and load its file again", (long long)p->id);
	}
	return check_reachable(k->m, "program", p->id, p->name, look, k->e);
}

/* What it would be attached to. */
static int resolve(struct attaching *k)
{
	json_t *request = json_copy(k->request), *answer = NULL;
	int r;

	if (!request || json_object_set_new(request, "resolve_only", json_true())) {
		json_decref(request);
		return error_nomem(k->e);
	}
	r = manager_do(k->m, k->program.name, request, &answer, k->e);
	k->row = r ? NULL : json_incref(json_object_get(answer, "result"));
	json_decref(answer);
	return r;
}

struct same {
	struct attaching *k;
	char *type;
	json_t *target;
	int64_t id; /* of the last link to the same target; 0: none */
	char *pin;  /* that link's; NULL: it is only planned */
};

/* Only what a target is: its names are many, and change. */
static void drop_names(json_t *target)
{
	if (json_object_get(target, "ifindex"))
		json_object_del(target, "interface");
	if (json_object_get(target, "netns_ino"))
		json_object_del(target, "netns");
	if (json_object_get(target, "cgroup_id"))
		json_object_del(target, "path");
}

static int see_same(void *data, struct db_link *l)
{
	struct same *s = data;
	json_t *target = l->target ? json_loads(l->target, 0, NULL) : NULL;
	int r = 0;

	drop_names(target);
	if (l->type && s->type && !strcmp(l->type, s->type) && json_equal(target, s->target) &&
	    manager_look_link(s->k->m, l).sight == SIGHT_ATTACHED) {
		s->id = l->id;
		free(s->pin);
		s->pin = l->pin ? strdup(l->pin) : NULL;
		r = l->pin && !s->pin ? error_nomem(s->k->e) : 0;
	}
	json_decref(target);
	return r;
}

/* Its pin does not tell that a link was detached by somebody else: the kernel does. */
static int is_dead(struct attaching *k, const char *pin, bool *dead)
{
	json_t *answer = NULL;
	int r = manager_do(k->m, k->program.name,
			   json_pack("{ss so}", "op", "info", "pin_path", wire_json(pin)), &answer,
			   k->e);

	*dead = !r && answer_bool(json_object_get(answer, "result"), "target_gone");
	json_decref(answer);
	return r;
}

/* 1: it is attached there already, by link *id. */
static int find_same(struct attaching *k, int64_t *id)
{
	struct same s = { .k = k };
	bool dead = false;
	int r;

	s.type = answer_bytes(k->row, "type");
	s.target = json_copy(json_object_get(k->row, "target"));
	drop_names(s.target);
	r = db_links(k->m->db, k->program.id, see_same, &s, k->e);
	if (!r && s.pin)
		r = is_dead(k, s.pin, &dead);
	free(s.type);
	free(s.pin);
	json_decref(s.target);
	if (r || !s.id || dead)
		return r;
	*id = s.id;
	return 1;
}

/* Whoever recovers removes what is pinned at these places, so nothing may be there before. */
static int check_unused(struct attaching *k)
{
	const char *const places[] = { k->staging, k->final };
	struct stat st;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (lstat(places[i], &st))
			continue;
		error_set(k->e, EEXIST, "%s exists, and the database knows nothing of it",
			  places[i]);
		return error_hint(k->e, "it is of a lost or restored database: see what it is, and "
					"remove it or use another --pin-root");
	}
	return 0;
}

/*
 * The intent: from here a later session knows what there may be to take back. In a dry run it is
 * all there will be.
 */
static int intend(struct attaching *k)
{
	struct manager *m = k->m;
	struct db_link l = {
		.program_id = k->program.id,
		.options = k->options,
		.state = DB_PENDING,
		.run_id = m->run_id,
		.boot_id = m->boot_id,
		.root_dev = m->root_dev,
		.expires_at = k->expires_at,
		.created_at = clock_now(),
	};
	int r;

	r = db_next_id(m->db, &k->id, k->e);
	if (r)
		return r;
	k->staging = root_link_staging(m, k->id);
	k->final = root_link_pin(m, k->program.object_id, k->id, k->program.name);
	if (!k->staging || !k->final)
		return error_nomem(k->e);
	l.pin = m->config.dry_run ? NULL : k->final;
	r = m->config.dry_run ? 0 : check_unused(k);
	if (!r)
		r = db_begin(m->db, k->e);
	if (!r)
		r = db_link_insert(m->db, &l, k->e);
	if (!r && l.id != k->id)
		r = error_set(k->e, EPROTO, "the link got the id %lld instead of %lld",
			      (long long)l.id, (long long)k->id);
	if (!r)
		r = db_commit(m->db, k->e);
	if (r)
		db_rollback(m->db);
	return r;
}

/* ---- attaching ---- */

/* The worker attached and pinned it: type, target, identity, state, in one transaction. */
static int record(struct attaching *k)
{
	struct db_link l = { 0 };
	int r = attach_read_row(k->row, &l, k->e);

	l.id = k->id;
	if (!r)
		r = db_begin(k->m->db, k->e);
	if (!r)
		r = db_link_settle(k->m->db, &l, k->e);
	if (!r)
		r = event_add(k->m, DB_LINK, k->id, k->program.name, NULL, k->e);
	if (!r)
		r = db_commit(k->m->db, k->e);
	if (r)
		db_rollback(k->m->db);
	db_link_clear(&l);
	return r;
}

/*
 * It failed, or could not be recorded. Unless the worker says that it has undone all of it, what
 * the intent names is looked for. *k->e keeps the first reason.
 */
static void take_back(struct attaching *k, bool undone)
{
	struct error first = ERROR_INIT, later = ERROR_INIT;
	struct db_link l = { 0 };
	int r;

	error_move(&first, k->e);
	r = db_link_get(k->m->db, k->id, &l, &later);
	if (!r && !undone) {
		r = recover_pending_link(k->m, &l, &later);
	} else if (!r) {
		r = db_begin(k->m->db, &later);
		if (!r)
			r = db_link_delete(k->m->db, k->id, &later);
		if (!r)
			r = db_commit(k->m->db, &later);
		if (r)
			db_rollback(k->m->db);
	}
	if (r && later.message)
		error_detail(&first, "taking it back waits for the next command: %s",
			     later.message);
	db_link_clear(&l);
	error_clear(&later);
	error_move(k->e, &first);
}

static int attach(struct attaching *k)
{
	json_t *answer = NULL;
	bool undone = true;
	int r = 0;

	if (k->a->trial)
		r = k->a->guard(k->a->data, k->id, k->expires_at, k->e);
	if (!r && (json_object_set_new(k->request, "staging", wire_json(k->staging)) ||
		   json_object_set_new(k->request, "final", wire_json(k->final))))
		r = error_nomem(k->e);
	if (!r) {
		r = manager_do(k->m, k->program.name, json_incref(k->request), &answer, k->e);
		undone = r && answer &&
			 !answer_bool(json_object_get(answer, "error"), "left_behind");
	}
	if (!r) {
		json_decref(k->row);
		k->row = json_incref(json_object_get(answer, "result"));
		r = record(k);
	}
	if (r)
		take_back(k, undone);
	json_decref(answer);
	return r;
}

/* A dry run's link to a program that was not loaded either: there is nothing to ask about. */
static int plan(struct attaching *k)
{
	const struct manager_attachment *what = &k->a->what;
	struct db_link l = {
		.type = (char *)(what->type ? what->type : k->program.type),
		.target_text = (char *)what->target,
	};
	int r = intend(k);

	l.id = k->id;
	if (!r)
		r = db_begin(k->m->db, k->e);
	if (!r)
		r = db_link_settle(k->m->db, &l, k->e);
	if (!r)
		r = db_commit(k->m->db, k->e);
	if (r)
		db_rollback(k->m->db);
	return r;
}

/* 1: --ensure, and there is nothing to do. */
static int run(struct attaching *k, int64_t *id)
{
	bool dry = k->m->config.dry_run;
	int r;

	if (dry && !k->program.pin)
		return plan(k);
	r = attach_request(k->m, &k->a->what, &k->program, &k->request, k->e);
	if (!r && (k->a->ensure || dry))
		r = resolve(k);
	if (!r && k->a->ensure)
		r = find_same(k, id);
	if (!r)
		r = intend(k);
	if (!r)
		r = dry ? record(k) : attach(k);
	return r;
}

int manager_attach(struct manager *m, const struct manager_attach *a, int64_t *id, bool *changed,
		   json_t **row, struct error *e)
{
	struct attaching k = { .m = m, .a = a, .e = e };
	int r;

	*changed = false;
	r = attach_options(&a->what, &k.options, e);
	if (!r)
		r = manager_lock(m, e);
	if (r)
		goto out;
	if (a->trial)
		k.expires_at = clock_now() + a->trial;
	r = check_program(&k);
	if (!r)
		r = run(&k, id);
	if (!r)
		*id = k.id;
	*changed = !r;
	if (r > 0) {
		manager_nothing_changed(m);
		r = 0;
	}
	manager_unlock(m);
	if (!r && row)
		*row = json_incref(k.row);
out:
	db_program_clear(&k.program);
	free(k.options);
	free(k.staging);
	free(k.final);
	json_decref(k.request);
	json_decref(k.row);
	return r;
}

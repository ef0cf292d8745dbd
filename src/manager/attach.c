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
#include "manager/attach.h"

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
		return error_hint(k->e, "restore object:%s brings it back", p->object_name);
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
	/* How many a pattern means changes with the modules that are loaded. */
	if (json_object_get(target, "pattern"))
		json_object_del(target, "functions");
}

bool attach_is_same(const struct db_link *l, const json_t *row)
{
	json_t *had = l->target ? json_loads(l->target, 0, NULL) : NULL;
	json_t *wanted = json_copy(json_object_get(row, "target"));
	char *type = answer_bytes(row, "type");
	bool same;

	drop_names(had);
	drop_names(wanted);
	same = l->type && type && !strcmp(l->type, type) && json_equal(had, wanted);
	json_decref(had);
	json_decref(wanted);
	free(type);
	return same;
}

static int see_same(void *data, struct db_link *l)
{
	struct same *s = data;

	if (!attach_is_same(l, s->k->row) || manager_look_link(s->k->m, l).sight != SIGHT_ATTACHED)
		return 0;
	s->id = l->id;
	free(s->pin);
	s->pin = l->pin ? strdup(l->pin) : NULL;
	return l->pin && !s->pin ? error_nomem(s->k->e) : 0;
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

	r = db_links(k->m->db, k->program.id, see_same, &s, k->e);
	if (!r && s.pin)
		r = is_dead(k, s.pin, &dead);
	free(s.pin);
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
		.replaces = k->given_up.id,
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
	int r = k->given_up.id ? 0 : attach_read_row(k->row, &l, k->e);

	if (k->given_up.id) {
		/* It is the same link. */
		l = k->given_up;
		memset(&k->given_up, 0, sizeof(k->given_up));
	}
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
		r = k->given_up.id ? attach_move(k, &answer)
				   : manager_do(k->m, k->program.name, json_incref(k->request),
						&answer, k->e);
		undone = r && answer &&
			 !answer_bool(json_object_get(answer, "error"), "left_behind");
	}
	if (!r && !k->given_up.id) {
		json_decref(k->row);
		k->row = json_incref(json_object_get(answer, "result"));
	}
	if (!r)
		r = record(k);
	if (r)
		take_back(k, undone);
	json_decref(answer);
	return r;
}

/* Who asks for a place in the order gets a link of its own. */
static int find_given_up(struct attaching *k)
{
	static const char *const places[] = { "first", "last", "before", "after" };
	const struct manager_attachment *what = &k->a->what;
	bool any = false;
	int r;

	for (size_t i = 0; i < what->option_count; i++)
		for (size_t n = 0; n < sizeof(places) / sizeof(places[0]); n++)
			if (!strcmp(what->options[i].key, places[n]))
				return 0;
	r = attach_any_given_up(k->m, &any, k->e);
	if (!r && any && !k->row)
		r = resolve(k);
	return r || !any ? r : attach_find_given_up(k);
}

/* 1: --ensure, and there is nothing to do. */
static int run(struct attaching *k, int64_t *id)
{
	bool dry = k->m->config.dry_run;
	int r;

	r = attach_request(k->m, &k->a->what, &k->program, &k->request, k->e);
	if (!r && (k->a->ensure || dry))
		r = resolve(k);
	if (!r && k->a->ensure)
		r = find_same(k, id);
	if (!r && k->m->atomic.open)
		r = find_given_up(k);
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
	db_link_clear(&k.given_up);
	db_program_clear(&k.given_up_by);
	free(k.options);
	free(k.staging);
	free(k.final);
	json_decref(k.request);
	json_decref(k.row);
	return r;
}

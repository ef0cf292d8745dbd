/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A link that is lost, attached again as it was. */
#include "manager/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "kernel/protocol/protocol.h"

const char *restore_why_not(const struct db_link *l)
{
	json_t *asked = json_loads(l->options ? l->options : "{}", 0, NULL);
	json_t *target = json_loads(l->target ? l->target : "{}", 0, NULL);
	const json_t *options = json_object_get(asked, "options");
	const char *why = NULL;

	if (l->expires_at)
		why = "it was on trial";
	else if (json_object_get(options, "pid") ||
		 json_is_integer(json_object_get(target, "pid")) ||
		 !strncmp(answer_str(options, "netns", ""), "pid:", 4))
		why = "it was for a process, and process ids are used again";
	json_decref(asked);
	json_decref(target);
	return why;
}

/* Where another link of this very object is pinned while it comes back; NULL: it is lost. */
static char *place_here(const struct upgrading *k, size_t i)
{
	const struct db_link *l = &k->rows.links[i];
	const json_t *row;
	size_t at;

	if (!k->restore->link_lost[i] && !k->anew[i])
		return restore_exchanges(k) ? upgrade_in_next(k, l->pin) : strdup(l->pin);
	json_array_foreach (k->attached, at, row)
		if (answer_int(row, "id") == l->id)
			return upgrade_in_next(k, l->pin);
	return NULL;
}

/* "pin:PATH" of a link that this one was placed beside; NULL: it is not attached any more. */
static char *anchor(const struct upgrading *k, const char *text)
{
	struct buf place = { 0 };
	struct db_link l = { 0 };
	struct named named;
	char *here = NULL;
	bool own = false;

	if (manager_resolve(k->m, text, WANT_LINK, &named, NULL) ||
	    db_link_get(k->m->db, named.id, &l, NULL))
		return NULL;
	for (size_t i = 0; i < k->rows.link_count; i++) {
		if (k->rows.links[i].id != l.id)
			continue;
		own = true;
		here = place_here(k, i);
	}
	if (here)
		buf_printf(&place, "pin:%s", here);
	else if (!own && l.pin && manager_look_link(k->m, &l).sight == SIGHT_ATTACHED)
		buf_printf(&place, "pin:%s", l.pin);
	free(here);
	db_link_clear(&l);
	return place.len ? buf_take(&place) : NULL;
}

/* --before and --after name links as they were typed; the worker takes their pins. */
static int place_beside(struct upgrading *k, const struct db_link *l, json_t *options)
{
	static const char *const keys[] = { "before", "after" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char *typed = answer_bytes(options, keys[i]);
		char *place = typed ? anchor(k, typed) : NULL;
		int r = 0;

		if (place && json_object_set_new(options, keys[i], wire_json(place)))
			r = error_nomem(k->e);
		if (typed && !place) {
			json_object_del(options, keys[i]);
			r = restore_note(k, DB_LINK, l->id, l->program_name, false,
					 "%s, which it was %s, is not attached: its place may be "
					 "another",
					 typed, keys[i]);
		}
		free(typed);
		free(place);
		if (r)
			return r;
	}
	return 0;
}

/* A path as it was typed may have begun where that session was. */
static int make_absolute(struct upgrading *k, const json_t *target, json_t *asked)
{
	const json_t *path = json_object_get(target, "path");
	const char *typed = answer_str(asked, "target", NULL);

	if (typed && typed[0] != '/' && json_object_get(target, "cgroup_id") && path &&
	    json_object_set(asked, "target", (json_t *)path))
		return error_nomem(k->e);
	return 0;
}

/* Another build of a library has other code at the same place. */
static int check_build_id(struct upgrading *k, const struct db_link *l, const json_t *before,
			  const json_t *row)
{
	const json_t *had = json_object_get(before, "build_id");
	const json_t *has = json_object_get(json_object_get(row, "target"), "build_id");
	char *binary;

	if (!json_object_get(before, "binary") || json_equal(had, has))
		return 0;
	binary = answer_bytes(before, "binary");
	error_set(k->e, ESTALE, "%s is another build (build id %s, it was %s)",
		  binary ? binary : "its file", json_string_value(has) ?: "none",
		  json_string_value(had) ?: "none");
	free(binary);
	return error_hint(k->e, "see whether it still fits, detach %lld and attach it anew",
			  (long long)l->id);
}

static int resolve(struct upgrading *k, const struct db_link *l, const json_t *target,
		   const json_t *request)
{
	json_t *question = json_deep_copy(request), *answer = NULL;
	int r = 0;

	if (!question || json_object_set_new(question, "resolve_only", json_true())) {
		json_decref(question);
		return error_nomem(k->e);
	}
	r = manager_do(k->m, l->program_name, question, &answer, k->e);
	if (!r)
		r = check_build_id(k, l, target, json_object_get(answer, "result"));
	json_decref(answer);
	return r;
}

/* What was asked for, of the program as it is pinned now. */
static int make_request(struct upgrading *k, const struct db_link *l, const json_t *target,
			json_t **request)
{
	static const struct manager_attachment nothing_more;
	json_t *asked = json_loads(l->options ? l->options : "{}", JSON_REJECT_DUPLICATES, NULL);
	struct db_program there = *upgrade_program(&k->rows, l->program_id); /* borrows */
	int r = asked ? 0 : error_nomem(k->e);

	*request = NULL;
	there.pin = upgrade_in_next(k, there.pin);
	if (!r && !there.pin)
		r = error_nomem(k->e);
	if (!r)
		r = place_beside(k, l, json_object_get(asked, "options"));
	if (!r)
		r = make_absolute(k, target, asked);
	if (!r)
		r = attach_request(k->m, &nothing_more, &there, request, k->e);
	if (!r && json_object_update_missing(*request, asked))
		r = error_nomem(k->e);
	json_decref(asked);
	free(there.pin);
	return r;
}

int restore_link(struct upgrading *k, size_t i, bool resolve_only)
{
	const struct db_link *l = &k->rows.links[i];
	json_t *target = json_loads(l->target ? l->target : "{}", 0, NULL);
	char *final = upgrade_in_next(k, l->pin), *staging = root_link_staging(k->m, l->id);
	json_t *request = NULL, *answer = NULL, *row;
	int r = target && final && staging ? 0 : error_nomem(k->e);

	if (!r)
		r = make_request(k, l, target, &request);
	if (!r && (resolve_only || json_object_get(target, "binary")))
		r = resolve(k, l, target, request);
	if (r || resolve_only)
		goto out;
	if (json_object_set_new(request, "staging", wire_json(staging)) ||
	    json_object_set_new(request, "final", wire_json(final)))
		r = error_nomem(k->e);
	if (!r)
		r = manager_do(k->m, l->program_name, json_incref(request), &answer, k->e);
	row = json_object_get(answer, "result");
	if (!r && (!row || json_object_set_new(row, "id", json_integer(l->id)) ||
		   json_array_append(k->attached, row)))
		r = error_nomem(k->e);
out:
	json_decref(answer);
	json_decref(request);
	json_decref(target);
	free(final);
	free(staging);
	return r;
}

static int record(struct upgrading *k, const struct db_link *before, const json_t *row)
{
	struct db_link now = { 0 }, l = *before; /* borrows */
	int r = attach_read_row(row, &now, k->e);

	l.type = now.type;
	l.attach_type = now.attach_type;
	l.target = now.target;
	l.target_text = now.target_text;
	l.identity = now.identity;
	l.state = DB_LOADED;
	l.run_id = k->m->run_id;
	l.boot_id = k->m->boot_id;
	l.root_dev = k->m->root_dev;
	if (!r)
		r = db_link_update(k->m->db, &l, k->e);
	db_link_clear(&now);
	return r;
}

int restore_record_links(struct upgrading *k)
{
	const json_t *row;
	size_t i;
	int r = 0;

	json_array_foreach (k->attached, i, row)
		for (size_t at = 0; !r && at < k->rows.link_count; at++)
			if (k->rows.links[at].id == answer_int(row, "id"))
				r = record(k, &k->rows.links[at], row);
	return r;
}

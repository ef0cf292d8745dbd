/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load --attach: links that are made with the object and belong to its intent. They are pinned, and
 * staged, inside the object's directory, so that whoever takes the object back finds them there,
 * and become rows in the transaction that settles it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/text.h"
#include "kernel/protocol/protocol.h"
#include "manager/load.h"

static const struct manager_attachment nothing_said;

/* What is asked for a program: i from 0; NULL at the end. */
static const struct manager_attachment *wanted(const struct manager_load *l, const char *program,
					       size_t i)
{
	size_t seen = 0;

	for (size_t k = 0; k < l->attach_count; k++)
		if (!strcmp(l->attach[k].program, program) && seen++ == i)
			return &l->attach[k].what;
	return l->attach_all && !seen && !i ? &nothing_said : NULL;
}

int load_check_attached(const struct manager_load *l, const json_t *programs, struct error *e)
{
	size_t count = json_array_size(programs), i;
	char **names = calloc(count + 1, sizeof(*names));
	const json_t *row;
	int r = names ? 0 : error_nomem(e);

	json_array_foreach (programs, i, row)
		if (names)
			names[i] = answer_bytes(row, "name");
	for (size_t k = 0; !r && k < l->attach_count; k++) {
		const char *near;
		size_t at = 0;

		while (at < count && (!names[at] || strcmp(names[at], l->attach[k].program)))
			at++;
		if (at < count)
			continue;
		near = text_nearest(l->attach[k].program, (const char *const *)names, count);
		r = error_set(e, ENOENT, "--attach %s=...: no program of that name is loaded",
			      l->attach[k].program);
		if (near)
			error_hint(e, "did you mean \"%s\"?", near);
	}
	for (i = 0; names && i < count; i++)
		free(names[i]);
	free(names);
	return r;
}

/* The id that the first link will get: behind those of programs and of maps that are new. */
static int first_link_id(struct manager *m, const json_t *result, int64_t *id, struct error *e)
{
	const json_t *maps = json_object_get(result, "maps"), *row;
	size_t i;
	int r = db_next_id(m->db, id, e);

	*id += (int64_t)json_array_size(json_object_get(result, "programs"));
	json_array_foreach (maps, i, row) {
		struct db_map known = { 0 };
		char *pin = answer_bytes(row, "pin");
		int found = -ENOENT;

		if (!r && pin && !answer_bool(row, "created"))
			found = db_map_pinned(m->db, pin, &known, e);
		if (found == -ENOENT)
			++*id;
		else if (found)
			r = found;
		db_map_clear(&known);
		free(pin);
	}
	return r;
}

/* A new item at the end; NULL: lost memory. */
static struct db_link *add_link(struct load_links *links, size_t program)
{
	struct load_link *grown = grow(links->at, links->count, sizeof(*grown));

	if (!grown)
		return NULL;
	links->at = grown;
	grown[links->count] = (struct load_link){ .program = program };
	return &grown[links->count++].link;
}

/* Attaches one loaded program; row is the worker's, of its load. */
static int attach_one(struct manager *m, int64_t object_id, const struct manager_attachment *what,
		      const json_t *row, int64_t id, struct db_link *l, struct error *e)
{
	struct db_program p = {
		.name = answer_bytes(row, "name"),
		.pin = answer_bytes(row, "pin"),
		.section = answer_bytes(row, "section"),
		.attach_type = answer_bytes(row, "attach_type"),
	};
	char *staging = root_link_waiting(m, object_id, id);
	json_t *request = NULL, *answer = NULL;
	int r = p.name && p.pin && staging ? 0 : error_nomem(e);

	l->pin = r ? NULL : root_link_pin(m, object_id, id, p.name);
	if (!r && !l->pin)
		r = error_nomem(e);
	if (!r)
		r = attach_options(what, &l->options, e);
	if (!r)
		r = attach_request(m, what, &p, &request, e);
	if (!r && (json_object_set_new(request, "staging", wire_json(staging)) ||
		   json_object_set_new(request, "final", wire_json(l->pin)))) {
		json_decref(request);
		r = error_nomem(e);
	}
	if (!r) {
		r = manager_do(m, p.name, request, &answer, e);
		if (r)
			error_context(e, "attaching %s", p.name);
	}
	if (!r)
		r = attach_read_row(json_object_get(answer, "result"), l, e);
	json_decref(answer);
	db_program_clear(&p);
	free(staging);
	return r;
}

int load_attach(struct manager *m, const struct manager_load *l, int64_t object_id,
		const json_t *result, struct load_links *links, struct error *e)
{
	const json_t *programs = json_object_get(result, "programs"), *row;
	const struct manager_attachment *what;
	int64_t id = 0;
	size_t i;
	int r;

	if (!l->attach_count && !l->attach_all)
		return 0;
	r = load_check_attached(l, programs, e);
	if (r || m->atomic.open)
		return r; /* a run that is all or nothing does it with load_attach_after() */
	r = first_link_id(m, result, &id, e);
	json_array_foreach (programs, i, row) {
		char *name = answer_bytes(row, "name");

		for (size_t k = 0; !r && name && (what = wanted(l, name, k)); k++) {
			struct db_link *link = add_link(links, i);

			r = link ? attach_one(m, object_id, what, row, id++, link, e)
				 : error_nomem(e);
		}
		free(name);
	}
	return r;
}

struct attaching_after {
	struct manager *m;
	const struct manager_load *l;
	bool changed;
	struct error *e;
	int64_t *ids; /* of the object's programs */
	char **names;
	size_t count;
};

static int note_program(void *data, struct db_program *p)
{
	struct attaching_after *k = data;
	int64_t *ids = grow(k->ids, k->count, sizeof(*ids));
	char **names;

	if (!ids)
		return error_nomem(k->e);
	k->ids = ids;
	names = grow(k->names, k->count, sizeof(*names));
	if (!names)
		return error_nomem(k->e);
	k->names = names;
	ids[k->count] = p->id;
	names[k->count++] = p->name;
	p->name = NULL; /* it is ours now */
	return 0;
}

static int attach_after(struct attaching_after *k, int64_t program_id,
			const struct manager_attachment *what)
{
	struct manager_attach a = { .program_id = program_id, .what = *what, .ensure = true };
	bool changed;
	int64_t id;
	int r = manager_attach(k->m, &a, &id, &changed, NULL, k->e);

	k->changed |= !r && changed;
	return r;
}

int load_attach_after(struct manager *m, const struct manager_load *l, int64_t object_id,
		      bool *changed, struct error *e)
{
	struct attaching_after k = { .m = m, .l = l, .e = e };
	const struct manager_attachment *what;
	int r = 0;

	if (l->attach_count || l->attach_all)
		r = db_programs(m->db, object_id, note_program, &k, e);
	for (size_t i = 0; i < k.count; i++) {
		for (size_t n = 0; !r && (what = wanted(l, k.names[i], n)); n++) {
			r = attach_after(&k, k.ids[i], what);
			if (r)
				error_context(e, "attaching %s", k.names[i]);
		}
		free(k.names[i]);
	}
	*changed |= k.changed;
	free(k.ids);
	free(k.names);
	return r;
}

int load_record_links(struct manager *m, struct load_links *links, int64_t first_program,
		      int64_t now, struct error *e)
{
	int r = 0;

	for (size_t i = 0; !r && i < links->count; i++) {
		struct db_link l = links->at[i].link; /* its strings stay with the list */
		char *pin;

		l.program_id = first_program + (int64_t)links->at[i].program;
		l.state = DB_LOADED;
		l.run_id = m->run_id;
		l.boot_id = m->boot_id;
		l.root_dev = m->root_dev;
		l.created_at = now;
		r = db_link_insert(m->db, &l, e);
		/* Its pin was named by the id that it was to get. */
		pin = r ? NULL : strrchr(l.pin, '/');
		if (pin && strtoll(pin + 2, NULL, 10) != l.id)
			r = error_set(e, EPROTO, "a link got the id %lld, pinned at %s",
				      (long long)l.id, l.pin);
	}
	return r;
}

/* What it would be attached to; of a program that is only planned. */
static int plan_link(struct manager *m, const struct manager_attachment *what,
		     const struct db_program *p, struct db_link *l, struct error *e)
{
	json_t *request = NULL, *answer = NULL;
	int r = attach_options(what, &l->options, e);

	if (!r)
		r = attach_request(m, what, p, &request, e);
	if (!r && json_object_set_new(request, "resolve_only", json_true())) {
		json_decref(request);
		r = error_nomem(e);
	} else if (!r) {
		r = manager_do(m, p->name, request, &answer, e);
	}
	if (r)
		error_context(e, "attaching %s", p->name);
	else
		r = attach_read_row(json_object_get(answer, "result"), l, e);
	json_decref(answer);
	return r;
}

int load_plan_links(struct manager *m, const struct manager_load *l, const struct db_program *p,
		    int64_t now, struct error *e)
{
	const struct manager_attachment *what;
	int r = 0;

	for (size_t i = 0; !r && (what = wanted(l, p->name, i)); i++) {
		struct db_link link = { .state = DB_LOADED };

		r = plan_link(m, what, p, &link, e);
		link.program_id = p->id;
		link.run_id = m->run_id;
		link.boot_id = m->boot_id;
		link.created_at = now;
		if (!r)
			r = db_link_insert(m->db, &link, e);
		link.run_id = link.boot_id = NULL; /* borrowed */
		db_link_clear(&link);
	}
	return r;
}

static int add_options(const struct manager_load_attach *a, json_t *list, struct error *e)
{
	json_t *item = NULL;
	char *text = NULL;
	int r = attach_options(&a->what, &text, e);

	if (!r) {
		item = json_loads(text, 0, NULL);
		if (!item || json_object_set_new(item, "program", wire_json(a->program)) ||
		    json_array_append(list, item))
			r = error_nomem(e);
	}
	json_decref(item);
	free(text);
	return r;
}

int load_attach_options(const struct manager_load *l, json_t *options, struct error *e)
{
	json_t *list = json_array();
	int r = list ? 0 : error_nomem(e);

	for (size_t i = 0; !r && i < l->attach_count; i++)
		r = add_options(&l->attach[i], list, e);
	if (!r && ((l->attach_count && json_object_set(options, "attach", list)) ||
		   (l->attach_all && json_object_set_new(options, "attach_all", json_true()))))
		r = error_nomem(e);
	json_decref(list);
	return r;
}

void load_links_free(struct load_links *links)
{
	for (size_t i = 0; i < links->count; i++)
		db_link_clear(&links->at[i].link);
	free(links->at);
	memset(links, 0, sizeof(*links));
}

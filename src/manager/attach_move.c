/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Within a run that is all or nothing, a link that was given up and one that is attached to the
 * same are one link: the kernel points it at the other program, and no packet passes in between.
 * The old row keeps its pin until the run is decided; the new one's is a second name of it.
 */
#include "manager/attach.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/protocol/protocol.h"

static bool is_given_up(const struct manager *m, const struct db_link *l)
{
	return l->state == DB_UNLOADING && l->pin && l->boot_id &&
	       !strcmp(l->boot_id, m->boot_id) && l->root_dev == m->root_dev;
}

struct any {
	struct manager *m;
	bool found;
};

static int see_any(void *data, struct db_link *l)
{
	struct any *any = data;

	any->found |= is_given_up(any->m, l);
	return 0;
}

int attach_any_given_up(struct manager *m, bool *found, struct error *e)
{
	struct any any = { .m = m };
	bool undecided = db_set_undecided(m->db, false);
	int r = db_links_unsettled(m->db, see_any, &any, e);

	db_set_undecided(m->db, undecided);
	*found = any.found;
	return r;
}

/* The first that is to the same, and not moved already. */
static int see_given_up(void *data, struct db_link *l)
{
	struct attaching *k = data;
	struct db_link by = { 0 };
	int r;

	if (k->given_up.id || !is_given_up(k->m, l) || !attach_is_same(l, k->row))
		return 0;
	r = db_link_replacement(k->m->db, l->id, &by, k->e);
	db_link_clear(&by);
	if (r != -ENOENT)
		return r;
	k->given_up = *l;
	memset(l, 0, sizeof(*l)); /* its strings are ours now */
	return 0;
}

/* How the kernel lets it change its program: asked of the link itself. */
static int check_movable(struct attaching *k)
{
	struct db_link *l = &k->given_up;
	json_t *answer = NULL;
	const char *how;
	int r = manager_do(k->m, l->pin,
			   json_pack("{ss so}", "op", "info", "pin_path", wire_json(l->pin)),
			   &answer, k->e);

	if (r)
		return r;
	how = answer_str(json_object_get(answer, "result"), "update", "none");
	if (!strcmp(how, "none")) {
		error_set(k->e, EOPNOTSUPP,
			  "link %lld (%s %s) is attached until the run is decided: it cannot move "
			  "to another program, and two cannot be attached there at once",
			  (long long)l->id, l->type, l->target_text);
		r = error_hint(k->e, "detach and attach without --atomic");
	} else if (strcmp(how, "replace") ||
		   answer_bool(json_object_get(answer, "result"), "target_gone")) {
		db_link_clear(l); /* both run until then, or neither */
	}
	json_decref(answer);
	return r;
}

int attach_find_given_up(struct attaching *k)
{
	bool undecided = db_set_undecided(k->m->db, false);
	int r = db_links_unsettled(k->m->db, see_given_up, k, k->e);

	if (!r && k->given_up.id)
		r = check_movable(k);
	if (!r && k->given_up.id)
		r = db_program_get(k->m->db, k->given_up.program_id, &k->given_up_by, k->e);
	db_set_undecided(k->m->db, undecided);
	return r == -ENOENT && !k->e->err
		       ? error_set(k->e, ENOENT, "the program of link %lld is gone",
				   (long long)k->given_up.id)
		       : r;
}

static json_t *request(const char *link, const char *program, const char *from)
{
	return json_pack("{ss so so so}", "op", "move_link", "link", wire_json(link), "program",
			 wire_json(program), "from", wire_json(from));
}

int attach_move(struct attaching *k, json_t **answer)
{
	json_t *asked = request(k->given_up.pin, k->program.pin, k->given_up_by.pin);
	const json_t *result;
	int r;

	if (!asked || json_object_set_new(asked, "second", wire_json(k->final))) {
		json_decref(asked);
		return error_nomem(k->e);
	}
	r = manager_do(k->m, k->program.name, asked, answer, k->e);
	result = json_object_get(*answer, "result");
	if (!r && !answer_bool(result, "moved"))
		r = error_set(k->e, EBUSY, "link %lld cannot be moved to %s: %s",
			      (long long)k->given_up.id, k->program.name,
			      answer_str(result, "why", "it is not known why"));
	return r;
}

static bool exists(const char *path)
{
	struct stat st;

	return path && !lstat(path, &st);
}

int attach_move_back(struct manager *m, const struct db_link *l, struct error *e)
{
	struct db_link old = { 0 };
	struct db_program from = { 0 }, to = { 0 };
	bool undecided = db_set_undecided(m->db, false);
	int r = db_link_get(m->db, l->replaces, &old, e);

	if (!r)
		r = db_program_get(m->db, old.program_id, &to, e);
	if (!r)
		r = db_program_get(m->db, l->program_id, &from, e);
	db_set_undecided(m->db, undecided);
	/* Somebody who removed one of these pins took it out of our hands. */
	if (!r && exists(old.pin) && exists(to.pin) && exists(from.pin))
		r = manager_do(m, "recovery", request(old.pin, to.pin, from.pin), NULL, e);
	db_link_clear(&old);
	db_program_clear(&from);
	db_program_clear(&to);
	return r == -ENOENT && !e->err ? 0 : r;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the name of a new object is free, or --ensure finds the same loaded already. */
#include "manager/load.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

/* A load that is asked for, beside the object that has its name. */
struct taken {
	struct manager *m;
	const struct manager_load *l;
	struct error *e;
	bool all;	    /* programs are there */
	struct buf differs; /* what it differs in; empty: nothing */
};

static int see_loaded(void *data, struct db_program *p)
{
	struct taken *t = data;

	t->all &= manager_look_program(t->m, p).sight == SIGHT_LOADED;
	return 0;
}

static void differs_in(struct taken *t, const char *what)
{
	/* An option may stand for two members. */
	if (!strstr(buf_text(&t->differs), what))
		buf_printf(&t->differs, "%s%s", t->differs.len ? ", " : "", what);
}

/* Members of the options that loads are remembered with, as they are given. */
static void compare_options(struct taken *t, const char *had, const char *wanted)
{
	static const struct {
		const char *member, *option;
	} members[] = {
		{ "programs", "--program" },
		{ "types", "--type" },
		{ "type", "--type" },
		{ "globals", "--global" },
		{ "attach", "--attach" },
		{ "attach_all", "--attach" },
		{ "reuse_maps", "--reuse-map" },
		{ "pin_path", "--pin-path" },
	};
	json_t *a = json_loads(had, 0, NULL), *b = json_loads(wanted, 0, NULL);
	size_t before = t->differs.len;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const json_t *x = json_object_get(a, members[i].member);
		const json_t *y = json_object_get(b, members[i].member);

		if (x != y && !json_equal(x, y))
			differs_in(t, members[i].option);
	}
	if (t->differs.len == before && strcmp(had, wanted) != 0)
		differs_in(t, "its options");
	json_decref(a);
	json_decref(b);
}

/* Labels that are asked for must be there; others may be too. */
static int compare_labels(struct taken *t, int64_t object_id)
{
	struct db_label *labels;
	size_t count;
	int r = t->l->label_count ? db_labels(t->m->db, object_id, &labels, &count, t->e) : 0;

	if (r || !t->l->label_count)
		return r;
	for (size_t i = 0; i < t->l->label_count; i++) {
		bool found = false;

		for (size_t k = 0; k < count; k++)
			found |= !strcmp(labels[k].key, t->l->labels[i].key) &&
				 !strcmp(labels[k].value, t->l->labels[i].value);
		if (!found)
			differs_in(t, "--label");
	}
	db_labels_free(labels, count);
	return 0;
}

static int refuse(struct taken *t, const char *name, const struct db_object *o)
{
	error_set(t->e, EEXIST, "the name \"%s\" is taken by object %lld, loaded from %s", name,
		  (long long)o->id, o->path);
	if (!t->l->ensure || !t->all)
		return error_hint(t->e,
				  "load under another name with --name NAME, or unload "
				  "object:%s first",
				  name);
	return error_hint(t->e,
			  "the one that is loaded differs in %s; unload it first, or load under "
			  "another --name",
			  buf_text(&t->differs));
}

int load_check_taken(struct manager *m, const struct manager_load *l, const char *name,
		     const char *sha256, const char *options, int64_t *id, struct error *e)
{
	struct taken t = { .m = m, .l = l, .e = e, .all = true };
	struct db_object o = { 0 };
	int r;

	r = db_object_by_name(m->db, name, &o, e);
	if (r == -ENOENT)
		return 0;
	if (r)
		return r;
	m->sight.known = false;
	r = db_programs(m->db, o.id, see_loaded, &t, e);
	if (!r && strcmp(o.sha256, sha256) != 0)
		differs_in(&t, "the file");
	if (!r)
		compare_options(&t, o.options ? o.options : "{}", options);
	if (!r)
		r = compare_labels(&t, o.id);
	if (!r && buf_error(&t.differs))
		r = error_nomem(e);
	if (!r && l->ensure && t.all && !t.differs.len) {
		*id = o.id;
		r = 1;
	} else if (!r) {
		r = refuse(&t, name, &o);
	}
	buf_free(&t.differs);
	db_object_clear(&o);
	return r;
}

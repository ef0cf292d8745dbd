/* SPDX-License-Identifier: GPL-3.0-or-later */
/* doctor's rules about what is below the pin root, and about directories made outside of it. */
#include "manager/exam.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/text.h"
#include "kernel/protocol/protocol.h"

/* With what it holds: whoever takes it over decides about these, one by one. */
int check_owner(struct exam *x)
{
	struct finding *f;
	size_t pins = 0;

	if (!x->owner)
		return 0;
	for (size_t i = 0; i < x->entry_count; i++)
		pins += !x->entries[i].directory;
	f = finding_add(x, 0, 0, NULL, x->m->pin_root,
			"the pin root, with %zu pin%s, belongs to the database %s, not to %s", pins,
			pins == 1 ? "" : "s", x->owner, x->m->db_path);
	finding_mends(x, f, "doctor --take-root");
	return 0;
}

/* ---- names ---- */

/* "12/..." or "s12", behind the letters that may be there: the number, and what follows it. */
static bool read_number(const char *text, const char *letters, char *letter, int64_t *id,
			const char **rest)
{
	char digits[20];
	uint64_t value;
	size_t len;

	*letter = '\0';
	if (*text && strchr(letters, *text))
		*letter = *text++;
	len = strspn(text, "0123456789");
	if (!len || len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	*rest = text + len;
	if (!parse_u64(digits, &value) || value > INT64_MAX)
		return false;
	*id = (int64_t)value;
	return true;
}

static bool is_below(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return !strncmp(path, directory, len) && path[len] == '/';
}

static bool begins(const char *text, const char *beginning)
{
	return !strncmp(text, beginning, strlen(beginning));
}

/* ---- what rows know ---- */

/* In the middle of a change it is the change's, and told with that. */
static bool is_unsettled(const struct exam *x, const struct entry *entry)
{
	const struct db_object *o;
	bool pending = false;
	const char *rest;
	char letter;
	int64_t id;

	for (size_t i = 0; i < x->object_count; i++)
		pending |= x->objects[i].state == DB_PENDING;
	if (begins(entry->below, "by_name/"))
		return pending;
	if (!read_number(entry->below, "su", &letter, &id, &rest))
		return false;
	o = exam_object(x, id);
	if (o && o->state != DB_LOADED)
		return true;
	for (size_t i = 0; i < x->upgrade_count; i++)
		if (x->upgrades[i].object_id == id)
			return true;
	for (size_t i = 0; i < x->link_count; i++)
		if (x->links[i].id == id && x->links[i].state != DB_LOADED)
			return true;
	return false;
}

static bool is_known(const struct exam *x, const struct entry *entry)
{
	return exam_knows(x, entry->path) ||
	       (entry->directory &&
		(!strcmp(entry->below, "by_name") || !strcmp(entry->below, ROOT_RELEASED) ||
		 begins(entry->below, ROOT_OWNER)));
}

/* ---- whose an orphan is ---- */

static const struct thing *same_pin(const struct exam *x, const struct entry *entry)
{
	for (size_t i = 0; i < x->thing_count; i++) {
		const struct thing *t = &x->things[i];

		if (t->ailment != AILS_STALE && t->identity.dev == entry->dev &&
		    t->identity.ino == entry->ino)
			return t;
	}
	return NULL;
}

/* Another pin of what a row has pinned. */
static const struct thing *same_thing(const struct exam *x, const json_t *info)
{
	const char *kind = answer_str(info, "kind", "");

	for (size_t i = 0; i < x->thing_count; i++) {
		const struct thing *t = &x->things[i];

		if (t->ailment == AILS_NOTHING && t->kernel &&
		    t->identity.kernel_id == answer_int(info, "kernel_id") &&
		    !strcmp(kind, db_kind_name(t->kind)))
			return t;
	}
	return NULL;
}

static void reduce(char *name)
{
	for (; *name; name++)
		if (!strchr(ROOT_PIN_NAME_BYTES, *name))
			*name = '_';
}

/* The kernel's names are cut, and of sections they have the object's in front. */
static bool agrees(const char *name, const char *pin_name)
{
	const char *section = name ? strrchr(name, '.') : NULL;
	char *reduced = name ? strdup(section && section != name ? section : name) : NULL;
	bool same;

	if (reduced)
		reduce(reduced);
	same = reduced && *reduced && begins(pin_name, reduced);
	free(reduced);
	return same;
}

/*
 * Ours is what has a name that only we give, with ids that this database has given, and is what
 * that name says: then a row was there once.
 */
static bool is_ours(const struct exam *x, const struct entry *entry, const json_t *info,
		    int64_t next)
{
	static const char *const kinds[] = { ['p'] = "program", ['m'] = "map", ['l'] = "link" };
	const char *kind = answer_str(info, "kind", ""), *rest = entry->below;
	char *name = answer_bytes(info, "name");
	const struct census_row *row;
	bool ours = false;
	char letter;
	int64_t id;

	if (begins(rest, "by_name/")) {
		ours = !strcmp(kind, "map") && agrees(name, rest + strlen("by_name/"));
		goto out;
	}
	if (!read_number(rest, "su", &letter, &id, &rest) || id >= next)
		goto out;
	if (!*rest) { /* s12, a link that was not whole yet */
		ours = letter == 's' && !strcmp(kind, "link");
		goto out;
	}
	if (*rest != '/' || !read_number(rest + 1, "pmls", &letter, &id, &rest) || id >= next)
		goto out;
	if (letter == 's') {
		ours = !*rest && !strcmp(kind, "link");
		goto out;
	}
	if (!letter || *rest != '_' || strcmp(kind, kinds[(unsigned char)letter]) != 0)
		goto out;
	if (letter == 'l') {
		row = census_find(&x->kernel[DB_PROGRAM], (uint32_t)answer_int(info, "program_id"));
		ours = row && agrees(row->name, rest + 1);
	} else {
		ours = agrees(name, rest + 1);
	}
out:
	free(name);
	return ours;
}

static int tell_orphan(struct exam *x, struct entry *entry, int64_t next)
{
	const struct thing *same = same_pin(x, entry);
	struct finding *f;
	json_t *info = NULL;
	char *what = NULL;
	int r = exam_info(x, entry->path, &info);

	if (!r)
		what = exam_describe(x, info);
	if (!r && !what)
		r = error_nomem(x->e);
	if (r)
		goto out;
	if (!same)
		same = same_thing(x, info);
	if (same) {
		finding_fixable(x, finding_add(x, same->kind, same->id, same->name, entry->path,
					       "it is another pin of %s", same->pin));
	} else if (is_ours(x, entry, info, next)) {
		finding_fixable(x, finding_add(x, 0, 0, NULL, entry->path,
					       "%s: a row knew it once, and none does now", what));
	} else {
		entry->stays = true;
		f = finding_add(x, 0, 0, NULL, entry->path,
				"%s: nobody knows whose it is; --fix takes it only by its path",
				what);
		if (info)
			finding_mends(x, f, "doctor --fix %s", entry->path);
	}
out:
	json_decref(info);
	free(what);
	return r;
}

int check_orphan_pins(struct exam *x)
{
	int64_t next = 0;
	int r = db_next_id(x->db, &next, x->e);

	for (size_t i = 0; !r && i < x->entry_count; i++) {
		struct entry *entry = &x->entries[i];

		entry->stays = x->owner || begins(entry->below, ROOT_TAKEN) ||
			       begins(entry->below, ROOT_RELEASED "/") || is_unsettled(x, entry) ||
			       is_known(x, entry);
		if (!entry->directory && !entry->stays)
			r = tell_orphan(x, entry, next);
	}
	return r;
}

/* Before a root is taken over, in a dry run, what is in it; afterwards, where that is then. */
static bool is_taken(const struct exam *x, const struct entry *entry)
{
	if (entry->directory)
		return false;
	return x->owner ? x->d->take_root : begins(entry->below, ROOT_TAKEN);
}

static void tell_taken(struct exam *x, struct entry *entry, const json_t *info, const char *what)
{
	const struct thing *same = x->owner ? NULL : same_thing(x, info);
	struct finding *f;

	if (same) {
		entry->stays = false;
		finding_fixable(x, finding_add(x, same->kind, same->id, same->name, entry->path,
					       "it is another pin of %s", same->pin));
		return;
	}
	f = finding_add(x, 0, 0, NULL, entry->path, "%s: of the database that %s this root%s", what,
			x->owner ? "owns" : "had", x->owner ? "" : " before");
	if (!x->owner && info)
		finding_mends(x, f, "%s %s",
			      !strcmp(answer_str(info, "kind", ""), "program") ? "adopt"
									       : "doctor --fix",
			      entry->path);
}

int check_taken(struct exam *x)
{
	int r = 0;

	for (size_t i = 0; !r && i < x->entry_count; i++) {
		struct entry *entry = &x->entries[i];
		json_t *info = NULL;
		char *what;

		if (!is_taken(x, entry))
			continue;
		r = exam_info(x, entry->path, &info);
		what = r ? NULL : exam_describe(x, info);
		if (!r && !what)
			r = error_nomem(x->e);
		if (!r)
			tell_taken(x, entry, info, what);
		json_decref(info);
		free(what);
	}
	return r;
}

/* A pin goes, after its detachment where it is a link that nothing else of ours holds. */
int fix_orphan_pin(struct exam *x, const struct finding *f)
{
	json_t *pins = json_array(), *info = NULL, *answer = NULL;
	struct db_identity identity = { 0 };
	struct stat st;
	bool detach;
	int r = pins ? 0 : error_nomem(x->e);

	if (r || lstat(f->path, &st))
		goto out;
	identity.dev = st.st_dev;
	identity.ino = st.st_ino;
	r = exam_info(x, f->path, &info);
	detach = !f->id && !strcmp(answer_str(info, "kind", ""), "link");
	if (!r)
		r = request_pin(pins, f->path, &identity, x->e);
	if (!r)
		r = manager_do(x->m, f->path,
			       json_pack("{ss sO}", "op", "unpin", detach ? "links" : "pins", pins),
			       &answer, x->e);
out:
	json_decref(pins);
	json_decref(info);
	json_decref(answer);
	return r;
}

/* ---- directories ---- */

/* Whether it will be empty once all is mended that can be. */
static bool is_emptied(const struct exam *x, const struct entry *directory)
{
	for (size_t i = 0; i < x->entry_count; i++) {
		const struct entry *entry = &x->entries[i];

		if (!entry->directory && entry->stays && is_below(entry->path, directory->path))
			return false;
	}
	return true;
}

/* The deepest first, so that they go in this order. */
int check_orphan_directories(struct exam *x)
{
	for (size_t i = x->entry_count; !x->owner && i--;) {
		const struct entry *entry = &x->entries[i];

		if (!entry->directory || is_known(x, entry) || is_unsettled(x, entry) ||
		    !is_emptied(x, entry))
			continue;
		finding_fixable(x, finding_add(x, 0, 0, NULL, entry->path,
					       "a directory of pins that nothing needs"));
	}
	return 0;
}

static int remove_directory(struct exam *x, const char *path)
{
	return manager_do(x->m, path,
			  json_pack("{ss s[o]}", "op", "unpin", "parents", wire_json(path)), NULL,
			  x->e);
}

int fix_directory(struct exam *x, const struct finding *f)
{
	return remove_directory(x, f->path);
}

static bool is_needed(const struct exam *x, const char *directory)
{
	for (size_t i = 0; i < x->program_count; i++)
		if (x->programs[i].outside_path && is_below(x->programs[i].outside_path, directory))
			return true;
	for (size_t i = 0; i < x->object_count; i++)
		if (x->objects[i].outside_path && is_below(x->objects[i].outside_path, directory))
			return true;
	return false;
}

int check_directories(struct exam *x)
{
	char **paths;
	size_t count;
	struct stat st;
	int r = db_directories(x->db, &paths, &count, x->e);

	for (size_t i = 0; !r && i < count; i++) {
		if (lstat(paths[i], &st) && errno == ENOENT) {
			/* A second name that is gone asks for it again. */
			if (!is_needed(x, paths[i]))
				finding_fixable(x,
						finding_add(x, 0, 0, NULL, paths[i],
							    "it was made for a pin, and is gone"));
		} else if (!is_needed(x, paths[i])) {
			finding_fixable(x, finding_add(x, 0, 0, NULL, paths[i],
						       "it was made for a pin that is no more"));
		}
	}
	for (size_t i = 0; !r && i < count; i++)
		free(paths[i]);
	if (!r)
		free(paths);
	return r;
}

/* It goes where it is empty; that it was ours is forgotten in any case. */
int fix_parents(struct exam *x, const struct finding *f)
{
	int r = remove_directory(x, f->path);

	if (!r)
		r = db_begin(x->db, x->e);
	if (!r)
		r = db_directory_delete(x->db, f->path, x->e);
	if (!r)
		r = db_commit(x->db, x->e);
	if (r)
		db_rollback(x->db);
	return r;
}

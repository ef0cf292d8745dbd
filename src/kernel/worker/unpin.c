/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernel/worker/pins.h"
#include "kernel/worker/request.h"
#include "kernel/worker/unpin.h"

struct paths {
	char **path; /* clean */
	size_t count;
};

static void paths_free(struct paths *p)
{
	while (p->count)
		free(p->path[--p->count]);
	free(p->path);
}

/* Reads a list of strings, or of pins with their path. A list that is absent is empty. */
static int read_paths(const struct request *request, const char *field, struct paths *p,
		      struct failure *f)
{
	const json_t *list = request_field(request, field);
	size_t size = json_array_size(list);
	int err = 0;

	p->path = calloc(size + 1, sizeof(*p->path));
	if (!p->path)
		return fail_nomem(f);
	while (!err && p->count < size) {
		const json_t *item = json_array_get(list, p->count);
		char *text = NULL;

		if (json_is_object(item))
			item = json_object_get(item, "path");
		err = request_decode(item, field, &text, f);
		if (!err)
			err = path_clean(text, field, &p->path[p->count], f);
		if (!err)
			p->count++;
		free(text);
	}
	return err;
}

static int longest_first(const void *a, const void *b)
{
	size_t left = strlen(*(char *const *)a);
	size_t right = strlen(*(char *const *)b);

	return left < right ? 1 : left > right ? -1 : 0;
}

/* Whether the number is what the request's text says; an empty one means any. */
static bool is_number(const json_t *pin, const char *key, uint64_t number)
{
	const char *text = json_string_value(json_object_get(pin, key));
	uint64_t wanted;

	return !*text || (parse_u64(text, &wanted) && wanted == number);
}

/* What is pinned where the request says: NULL, or why it is not what it means. */
static const char *why_not_meant(int dirfd, const char *name, const json_t *pin)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? NULL : "cannot be looked at"; /* gone: the removal tells */
	if (!S_ISREG(st.st_mode))
		return "is not a pin";
	if (!is_number(pin, "pin_dev", st.st_dev) || !is_number(pin, "pin_ino", st.st_ino))
		return "is another object";
	return NULL;
}

static void single_pin(struct removal *r, int dirfd, const char *name, const char *path)
{
	const char *why = why_not_meant(dirfd, name, r->meant);

	if (why)
		removal_keep(r, path, why);
	else
		r->then(r, dirfd, name, path);
}

static void each_path(struct removal *r, const struct paths *p, removal_step *step)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		removal_at(r, p->path[i], step);
}

/*
 * A pin that is gone, or is another object by now, may have another name that is still what it
 * was: the request's own word for its identity counts too.
 */
static void note_meant(struct removal *r, const json_t *pins)
{
	const json_t *pin;
	size_t i;

	json_array_foreach (pins, i, pin) {
		uint64_t dev, ino;

		if (parse_u64(json_string_value(json_object_get(pin, "pin_dev")), &dev) &&
		    parse_u64(json_string_value(json_object_get(pin, "pin_ino")), &ino))
			removal_ours(r, dev, ino);
	}
}

static void each_pin(struct removal *r, const struct paths *p, const json_t *pins,
		     removal_step *step)
{
	size_t i;

	r->then = step;
	for (i = 0; i < p->count; i++) {
		r->meant = json_array_get(pins, i);
		removal_at(r, p->path[i], single_pin);
	}
}

int handle_UNPIN(const struct request *request, json_t **result, struct failure *f)
{
	struct paths links = { 0 }, dirs = { 0 }, pins = { 0 }, names = { 0 }, parents = { 0 };
	struct paths copies = { 0 };
	const json_t *pin_list = request_field(request, "pins");
	struct removal r = {
		.removed = json_array(),
		.kept = json_array(),
		.held = json_array(),
	};
	int err;

	err = r.removed && r.kept && r.held ? 0 : fail_nomem(f);
	if (!err)
		err = read_paths(request, "links", &links, f);
	if (!err)
		err = read_paths(request, "dirs", &dirs, f);
	if (!err)
		err = read_paths(request, "copies", &copies, f);
	if (!err)
		err = read_paths(request, "pins", &pins, f);
	if (!err)
		err = read_paths(request, "names", &names, f);
	if (!err)
		err = read_paths(request, "parents", &parents, f);
	if (err)
		goto out;

	each_pin(&r, &links, request_field(request, "links"), removal_link);
	r.looking = true;
	each_path(&r, &dirs, removal_note_directory);
	each_path(&r, &copies, removal_note_directory);
	each_pin(&r, &pins, pin_list, removal_note);
	note_meant(&r, pin_list);
	r.looking = false;
	/* While the identities can still be read again, should this be the last we do. */
	each_path(&r, &names, removal_if_ours);
	each_pin(&r, &pins, pin_list, removal_pin);
	each_path(&r, &copies, removal_copies);
	each_path(&r, &dirs, removal_directory);
	qsort(parents.path, parents.count, sizeof(*parents.path), longest_first);
	each_path(&r, &parents, removal_parent);

	if (r.err) {
		err = fail(f, STAGE_PIN, REASON_OTHER, r.err, "cannot remove %s: %s",
			   r.failed ? r.failed : "a pin", strerror(r.err));
		goto out;
	}
	*result =
		json_pack("{s:O, s:O, s:O}", "removed", r.removed, "kept", r.kept, "held", r.held);
	if (r.lost || !*result) {
		json_decref(*result);
		*result = NULL;
		err = fail_nomem(f);
	}
out:
	json_decref(r.removed);
	json_decref(r.kept);
	json_decref(r.held);
	free(r.ours);
	free(r.failed);
	paths_free(&links);
	paths_free(&dirs);
	paths_free(&copies);
	paths_free(&pins);
	paths_free(&names);
	paths_free(&parents);
	return err;
}

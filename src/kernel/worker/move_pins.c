/* SPDX-License-Identifier: GPL-3.0-or-later */
/* move_pins: pins get another directory on their bpffs; what they hold does not notice */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "kernel/worker/pins.h"
#include "kernel/worker/request.h"

struct moving {
	const struct request *request;
	struct failure *f;
	struct place to; /* "DIRECTORY/x": its directory is where they go */
	struct undo undo;
	json_t *moved, *kept;
	struct moved { /* for taking them back */
		struct place from;
	} * at;
	size_t count;
};

static int find_directory(struct moving *k)
{
	struct buf path = { 0 };
	char *to = NULL, *clean = NULL;
	int err = request_string(k->request, "to", &to, k->f);

	if (!err)
		buf_printf(&path, "%s/x", to);
	if (!err && buf_error(&path))
		err = fail_nomem(k->f);
	if (!err)
		err = path_clean(path.data, "to", &clean, k->f);
	free(to);
	buf_free(&path);
	if (!err)
		err = place_find(&k->to, clean, k->f);
	return err ? err : place_make(&k->to, &k->undo, k->f);
}

static bool is_meant(int dirfd, const char *name, const json_t *pin)
{
	uint64_t dev, ino;
	struct stat st;

	return parse_u64(json_string_value(json_object_get(pin, "pin_dev")), &dev) &&
	       parse_u64(json_string_value(json_object_get(pin, "pin_ino")), &ino) &&
	       !fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) && st.st_dev == dev &&
	       st.st_ino == ino;
}

static int tell(struct moving *k, json_t *list, json_t *item)
{
	return json_array_append_new(list, item) ? fail_nomem(k->f) : 0;
}

static int tell_moved(struct moving *k, const char *name)
{
	struct buf path = { 0 };
	int err;

	buf_add(&path, k->to.path, (size_t)(k->to.base - k->to.path));
	buf_str(&path, name);
	err = buf_error(&path) ? fail_nomem(k->f) : tell(k, k->moved, wire_json(path.data));
	buf_free(&path);
	return err;
}

static int cannot(struct moving *k, const struct place *from, int err)
{
	enum reason reason = err == EXDEV    ? REASON_BAD_PATH
			     : err == EEXIST ? REASON_PIN_TAKEN
					     : REASON_OTHER;

	fail(k->f, STAGE_PIN, reason, err, "cannot move %s to %.*s: %s", from->path,
	     (int)(k->to.base - k->to.path - 1), k->to.path, strerror(err));
	if (err == EXDEV)
		error_hint(&k->f->error, "name a directory on the same bpffs mount");
	return -err;
}

/* Takes from over where it was moved. */
static int move(struct moving *k, struct place *from, const json_t *pin)
{
	struct moved *grown = realloc(k->at, (k->count + 1) * sizeof(*grown));
	int err = grown ? tell_moved(k, from->base) : fail_nomem(k->f);

	if (grown)
		k->at = grown;
	if (err)
		return err;
	if (renameat2(place_fd(from), from->base, place_fd(&k->to), from->base, RENAME_NOREPLACE))
		return cannot(k, from, errno);
	k->at[k->count++].from = *from;
	memset(from, 0, sizeof(*from));
	/* Somebody may have put something else there since it was looked at. */
	from = &k->at[k->count - 1].from;
	if (!is_meant(place_fd(&k->to), from->base, pin))
		return fail(k->f, STAGE_PIN, REASON_REPLACED, ESTALE, "%s is another object by now",
			    from->path);
	return 0;
}

static int move_one(struct moving *k, const json_t *pin)
{
	struct place from = PLACE_INIT;
	char *path = NULL, *clean = NULL;
	int err = request_decode(json_object_get(pin, "path"), "pins", &path, k->f);

	if (!err)
		err = path_clean(path, "pins", &clean, k->f);
	if (!err)
		err = place_find(&from, clean, k->f);
	if (err)
		goto out;
	if (from.rest == from.base && is_meant(place_fd(&from), from.base, pin))
		err = move(k, &from, pin);
	else if (is_meant(place_fd(&k->to), from.base, pin))
		err = tell_moved(k, from.base); /* by one that was killed then */
	else
		err = tell(k, k->kept,
			   json_pack("{s:o, s:s}", "path", wire_json(from.path), "why",
				     "is gone, or is another object"));
out:
	place_free(&from);
	free(path);
	return err;
}

static void take_back(struct moving *k)
{
	while (k->count) {
		struct place *from = &k->at[--k->count].from;

		if (renameat2(place_fd(&k->to), from->base, place_fd(from), from->base,
			      RENAME_NOREPLACE)) {
			error_detail(&k->f->error, "left behind: %s (%s)", from->base,
				     strerror(errno));
			k->f->left_behind = true;
		}
		place_free(from);
	}
	undo_run(&k->undo, k->f);
}

int handle_MOVE_PINS(const struct request *request, json_t **result, struct failure *f)
{
	struct moving k = { .request = request,
			    .f = f,
			    .to = PLACE_INIT,
			    .moved = json_array(),
			    .kept = json_array() };
	const json_t *pin;
	size_t i;
	int err;

	f->stage = STAGE_PIN;
	err = k.moved && k.kept ? find_directory(&k) : fail_nomem(f);
	json_array_foreach (request_field(request, "pins"), i, pin)
		if (!err)
			err = move_one(&k, pin);
	if (!err) {
		*result = json_pack("{s:O, s:O}", "moved", k.moved, "kept", k.kept);
		err = *result ? 0 : fail_nomem(f);
	}
	if (err)
		take_back(&k);
	while (k.count)
		place_free(&k.at[--k.count].from);
	free(k.at);
	undo_free(&k.undo);
	place_free(&k.to);
	json_decref(k.moved);
	json_decref(k.kept);
	return err;
}

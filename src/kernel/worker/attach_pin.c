/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/worker/attach.h"

static int find_one(const struct attach *a, const char *field, struct place *p, struct failure *f)
{
	char *clean = NULL;
	char *path;
	int err = request_string(a->request, field, &path, f);

	if (!err && !path)
		err = fail_request(f,
				   "attach: '%s' is needed: without a pin the link would not "
				   "stay",
				   field);
	if (!err)
		err = path_clean(path, field, &clean, f);
	free(path);
	return err ? err : place_find_new(p, clean, f);
}

int attach_pin_find(struct attach *a, struct failure *f)
{
	int err = find_one(a, "staging", &a->staging, f);

	if (!err)
		err = find_one(a, "final", &a->final, f);
	if (!err && strcmp(a->staging.path, a->final.path) == 0)
		err = fail_request(f, "'staging' and 'final' must differ");
	return err;
}

static int cannot(struct failure *f, const char *verb, const struct place *p, int err)
{
	return fail(f, STAGE_PIN, err == EEXIST ? REASON_PIN_TAKEN : REASON_OTHER, err,
		    "cannot %s %s: %s", verb, p->path, strerror(err));
}

int attach_pin_stage(struct attach *a, struct stat *st, struct failure *f)
{
	int dir = place_fd(&a->staging);
	int err = undo_note(&a->undo, dir, a->staging.base, false, f);

	if (err)
		return err;
	err = pin_put(a->link_fd, dir, a->staging.base);
	if (err) {
		undo_drop(&a->undo);
		return cannot(f, "pin the link at", &a->staging, -err);
	}
	if (fstatat(dir, a->staging.base, st, AT_SYMLINK_NOFOLLOW))
		return cannot(f, "find the pin", &a->staging, errno);
	return 0;
}

int attach_pin_publish(struct attach *a, struct failure *f)
{
	if (renameat2(place_fd(&a->staging), a->staging.base, place_fd(&a->final), a->final.base,
		      RENAME_NOREPLACE))
		return cannot(f, "rename the link's pin to", &a->final, errno);
	return 0;
}

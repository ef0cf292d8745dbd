/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/worker/undo.h"

struct undo_step {
	int dirfd;
	bool directory;
	char *name;
};

int undo_note(struct undo *u, int dirfd, const char *name, bool directory, struct failure *f)
{
	struct undo_step *step;

	if (u->count == u->cap) {
		size_t cap = u->cap ? 2 * u->cap : 16;
		struct undo_step *grown = realloc(u->steps, cap * sizeof(*grown));

		if (!grown)
			return fail_nomem(f);
		u->steps = grown;
		u->cap = cap;
	}
	step = &u->steps[u->count];
	step->dirfd = dirfd;
	step->directory = directory;
	step->name = strdup(name);
	if (!step->name)
		return fail_nomem(f);
	u->count++;
	return 0;
}

void undo_drop(struct undo *u)
{
	free(u->steps[--u->count].name);
}

void undo_run(struct undo *u, struct failure *f)
{
	bool stays = false; /* a pin does */

	for (; u->count; undo_drop(u)) {
		const struct undo_step *step = &u->steps[u->count - 1];
		int flag = step->directory ? AT_REMOVEDIR : 0;

		if (!stays && (!unlinkat(step->dirfd, step->name, flag) || errno == ENOENT))
			continue;
		error_detail(&f->error, "left behind: %s (%s)", step->name,
			     stays ? "it tells whose the others are" : strerror(errno));
		f->left_behind = true;
		stays |= !step->directory;
	}
}

void undo_free(struct undo *u)
{
	while (u->count)
		undo_drop(u);
	free(u->steps);
	memset(u, 0, sizeof(*u));
}

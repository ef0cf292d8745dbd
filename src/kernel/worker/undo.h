/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_UNDO_H
#define BPFMAN_WORKER_UNDO_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/worker/failure.h"

/* What a request made in bpffs, in order, so that a failure can take it back. */
struct undo {
	struct undo_step *steps;
	size_t count;
	size_t cap;
};

/*
 * Notes that name (a directory or a pin) is about to be made in dirfd, which must stay open until
 * the end. Noted before it is made, so that lost memory cannot leave it behind; undo_drop() takes
 * the note back when it was not made.
 */
int undo_note(struct undo *u, int dirfd, const char *name, bool directory, struct failure *f);
void undo_drop(struct undo *u);
/*
 * Removes everything in reverse order; what stays becomes a detail of f. Once a pin cannot be
 * removed all that was made before it stays too: it may be another name of one of them, and who
 * takes it back later can tell by them alone that it is ours.
 */
void undo_run(struct undo *u, struct failure *f);
/* Frees the notes; what was made stays. */
void undo_free(struct undo *u);

#endif

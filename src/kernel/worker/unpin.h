/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_UNPIN_H
#define BPFMAN_WORKER_UNPIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct removal;
/* What is done to one name in a directory of bpffs; path is for the answer. */
typedef void removal_step(struct removal *r, int dirfd, const char *name, const char *path);

/* The answer of an unpin while it grows, and what belongs to it. */
struct removal {
	struct identity {
		dev_t dev;
		ino_t ino;
	} * ours; /* pins whose other names go too */
	size_t count;
	json_t *removed;
	json_t *kept;
	json_t *held;
	bool looking;	     /* only looks: nothing is told */
	const json_t *meant; /* the single pin that the step is about ... */
	removal_step *then;  /* ... and the step for it, when it is what was meant */
	bool lost;	     /* memory ran out: the answer is not whole */
	int err;	     /* the errno of the first that could not be removed, or 0 ... */
	char *failed;	     /* ... and its path; NULL: memory ran out */
};

/* Notes an identity as one of ours, whether or not it is still pinned where it was. */
void removal_ours(struct removal *r, dev_t dev, ino_t ino);
/* Notes the pin as one of ours. */
removal_step removal_note;
/* Notes the pins in the directory. */
removal_step removal_note_directory;
/* Removes a pin that was noted under another name; tells what is another object. */
removal_step removal_if_ours;
removal_step removal_pin;
/* The same, after detaching what is a link; waits for the end of one that cannot be detached. */
removal_step removal_link;
/* Removes the directory and the pins in it. */
removal_step removal_directory;
/* The same for second names: what is a link stays attached. */
removal_step removal_copies;
/* Removes the directory when it is empty. */
removal_step removal_parent;

/* Tells that path stays. */
void removal_keep(struct removal *r, const char *path, const char *why);
/* Takes the step for a clean path, unless its directory does not exist or may not be touched. */
void removal_at(struct removal *r, const char *path, removal_step *step);

#endif

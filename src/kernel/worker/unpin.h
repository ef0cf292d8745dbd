/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_UNPIN_H
#define BPFMAN_WORKER_UNPIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* The answer of an unpin while it grows, and what belongs to it. */
struct removal {
	struct identity {
		dev_t dev;
		ino_t ino;
	} * ours; /* pins whose other names go too */
	size_t count;
	json_t *removed;
	json_t *kept;
	bool looking;	     /* only looks: nothing is told */
	const json_t *meant; /* the single pin that the step is about */
	bool lost;	     /* memory ran out: the answer is not whole */
};

/* What is done to one name in a directory of bpffs; path is for the answer. */
typedef void removal_step(struct removal *r, int dirfd, const char *name, const char *path);

/* Notes an identity as one of ours, whether or not it is still pinned where it was. */
void removal_ours(struct removal *r, dev_t dev, ino_t ino);
/* Notes the pin as one of ours. */
removal_step removal_note;
/* Notes the pins in the directory. */
removal_step removal_note_directory;
/* Removes a pin that was noted under another name; tells what is another object. */
removal_step removal_if_ours;
removal_step removal_pin;
/* Removes the directory and the pins in it. */
removal_step removal_directory;
/* Removes the directory when it is empty. */
removal_step removal_parent;

/* Tells that path stays. */
void removal_keep(struct removal *r, const char *path, const char *why);
/* Takes the step for a clean path, unless its directory does not exist or may not be touched. */
void removal_at(struct removal *r, const char *path, removal_step *step);

#endif

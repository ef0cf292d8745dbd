/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_NAMES_H
#define BPFMAN_WORKER_NAMES_H

#include <stddef.h>

/* Names that could have been meant. Lost memory only makes the list shorter: it is for a hint. */
struct names {
	char **name;
	size_t count;
};

void names_add(struct names *n, const char *name);
/* The entries of a directory, but those that begin with a dot. */
void names_of_directory(struct names *n, const char *path);
/* The nearest to word, borrowed; NULL when none is near. */
const char *names_nearest(const struct names *n, const char *word);
void names_free(struct names *n);

#endif

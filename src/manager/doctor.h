/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_MANAGER_DOCTOR_H
#define BPFMAN_MANAGER_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct manager;

/* One thing in which kernel, bpffs and database disagree. */
struct finding {
	const char *rule; /* a stable word */
	const char *kind; /* "program", "link", ... of the row that it is about; NULL: of none */
	int64_t id;	  /* of that row; 0: none */
	char *name;	  /* of what it is about; NULL: it has none */
	char *path;	  /* where it is; NULL: nowhere in particular */
	char *message;	  /* what it means */
	char *mends;	  /* the command that mends it; NULL: none of ours does */
	bool fixable;	  /* `doctor --fix` mends it without being told more */
	bool fixed;
};
struct findings {
	struct finding *items;
	size_t count;
};
void findings_free(struct findings *f);

struct manager_doctor {
	bool fix;
	/*
	 * Takes the pin root over from the database that owns it, after that is shown by doctor:
	 * what is in it is then nobody's, and told so.
	 */
	bool take_root;
	/* With fix: only what is found at these paths; then orphans go whatever they are. */
	const char *const *paths;
	size_t path_count;
};
/*
 * Holds the three stores against each other, while nobody changes them: it waits for a change that
 * is under way, and holds one up for as long as it takes. With fix (and no dry run) it mends what
 * is fixable; what was found is looked for again afterwards, so "fixed" is seen, not believed.
 * found is the caller's, to be freed also after an error.
 */
int manager_doctor(struct manager *m, const struct manager_doctor *d, struct findings *found,
		   struct error *e);

/* The rules in the order in which they are told, i from 0; NULL at the end. */
const char *doctor_rule(size_t i, const char **meaning);

#endif

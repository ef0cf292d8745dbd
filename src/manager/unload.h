/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_MANAGER_UNLOAD_H
#define BPFMAN_MANAGER_UNLOAD_H

#include "manager/internal.h"

/* What goes, with what its event tells. */
struct gone_item {
	int64_t id, parent; /* the object's of a program, the program's of a link */
	char *name;
	bool on_trial; /* of a link */
};
struct gone_list {
	struct gone_item *items;
	size_t count;
};
struct gone {
	struct gone_list links, programs, objects, maps;
	bool released; /* their pins went elsewhere, and live on */
};

/* Takes the name over; -ENOMEM. */
int gone_add(struct gone_list *list, int64_t id, int64_t parent, char **name);
bool gone_has(const struct gone_list *list, int64_t id);
/* An event for each: an object's tells of its programs too, a program's of its links. */
int gone_tell(struct manager *m, const struct gone *gone, struct error *e);
void gone_free(struct gone *gone);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_COMMAND_KEPT_H
#define BPFMAN_COMMAND_KEPT_H

#include <stddef.h>

#include "base/sink.h"

/* What was left in place; told behind what went. */
struct kept_list {
	struct kept {
		char *path, *why;
	} * items;
	size_t count;
};

/* A manager_kept_fn; data is the list. */
void kept_add(void *data, const char *path, const char *why);
/* Writes the member "kept" of the open document, and frees what the list holds. */
void kept_write(struct sink *s, struct kept_list *list);

#endif

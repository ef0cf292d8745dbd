/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_MANAGER_LOAD_H
#define BPFMAN_MANAGER_LOAD_H

#include "manager/internal.h"

/* Adds pairs as an object of strings to a request; nothing where there are none. */
int load_pairs(json_t *request, const char *key, const struct manager_pair *pairs, size_t count,
	       struct error *e);
/* Adds "programs", "types", "type" and "globals" to a request. */
int load_selection(const struct manager_load *l, json_t *request, struct error *e);

/* Writes what a "load" answered as rows, in the open transaction (record.c). */
int load_record_rows(struct manager *m, int64_t object_id, int64_t now, const json_t *result,
		     struct error *e);

/* A dry run's load: what it would have made, from a look into the file (record.c). */
int load_plan(struct manager *m, const struct manager_load *l, const struct input *in,
	      const char *name, int64_t object_id, int64_t now, struct error *e);

#endif

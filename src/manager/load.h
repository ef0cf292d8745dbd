/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_MANAGER_LOAD_H
#define BPFMAN_MANAGER_LOAD_H

#include "manager/internal.h"

/* Adds "programs", "types" and "type" to a request. */
int load_selection(const struct manager_load *l, json_t *request, struct error *e);

/* Writes what a "load" answered as rows, in the open transaction (record.c). */
int load_record_rows(struct manager *m, int64_t object_id, int64_t now, const json_t *result,
		     struct error *e);

/* A dry run's load: what it would have made, from a look into the file (record.c). */
int load_plan(struct manager *m, const struct manager_load *l, const struct input *in,
	      const char *name, int64_t object_id, int64_t now, struct error *e);

#endif

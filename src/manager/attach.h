/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_MANAGER_ATTACH_H
#define BPFMAN_MANAGER_ATTACH_H

#include "manager/internal.h"

/* One attachment under way. */
struct attaching {
	struct manager *m;
	const struct manager_attach *a;
	struct error *e;
	struct db_program program;
	char *options; /* JSON */
	char *staging, *final;
	int64_t id; /* of the link, once intended */
	int64_t expires_at;
	json_t *request; /* without the places of its pins */
	json_t *row;	 /* the worker's */
	/* A link to the same target that this run gives up, and its program: id 0: none. */
	struct db_link given_up;
	struct db_program given_up_by;
};

/* Whether a link is of the type and to the target that the worker's row tells. */
bool attach_is_same(const struct db_link *l, const json_t *row);
/* Whether this run gives up any link. */
int attach_any_given_up(struct manager *m, bool *any, struct error *e);
/*
 * Within a run that is all or nothing: fills given_up, where the kernel can point that link at the
 * program instead. An error where it cannot, and two cannot be attached there at once.
 */
int attach_find_given_up(struct attaching *k);
/* Points it there; the link's pin gets the second name k->final. */
int attach_move(struct attaching *k, json_t **answer);

#endif

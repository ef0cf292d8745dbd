/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_MANAGER_CENSUS_H
#define BPFMAN_MANAGER_CENSUS_H

#include "manager/manager.h"

/* What the kernel has: beside what bpfman manages that which others loaded, and which is theirs. */

/* Kernel ids of what is managed, of one kind, as far as it is still there. */
struct managed {
	uint32_t *ids; /* in order */
	size_t count;
};
int managed_read(struct manager *m, enum db_kind kind, struct managed *managed, struct error *e);
bool managed_has(const struct managed *managed, uint32_t kernel_id);
void managed_free(struct managed *managed);

struct holder {
	int pid;
	char *comm;
};

/* A program, map or link of the kernel. */
struct census_row {
	uint32_t kernel_id;
	bool managed; /* otherwise others loaded it */
	char *name;   /* NULL: it has none */
	char *type;
	char *tag;				    /* of a program */
	uint32_t key_size, value_size, max_entries; /* of a map */
	uint32_t program_id;			    /* of a link: the kernel id of its program */
	uint64_t load_time;			    /* of a program: ns since boot */
	bool target_gone;  /* of a link: it is attached to nothing any more, where that is told */
	char *attach_type; /* of a link; NULL: it has none */
	struct holder *holders; /* processes that have a descriptor of it */
	size_t holder_count;
};

struct census {
	struct census_row *rows; /* in order of kernel id */
	size_t count;
	uint32_t *gone; /* of what was known */
	size_t gone_count;
	char *incomplete; /* why that is not all; NULL: it is */
};
/*
 * What the kernel has of a kind (no object), by the reading worker; kernel_id 0: all of it. Free in
 * any case.
 */
int manager_census(struct manager *m, enum db_kind kind, uint32_t kernel_id, struct census *census,
		   struct error *e);
/*
 * For who does not wait (manager_post()): the request for what the kernel has beside what is known
 * (in rising order), and for what of that is gone. Rows have only name, type and holders. NULL:
 * lost memory. census_read() reads its result, and does not tell what is managed.
 */
json_t *census_request_news(enum db_kind kind, const uint32_t *known, size_t count);
int census_read(const json_t *result, enum db_kind kind, struct census *census, struct error *e);
/* The row of a kernel id, or NULL. */
const struct census_row *census_find(const struct census *census, uint32_t kernel_id);
void census_free(struct census *census);

#endif

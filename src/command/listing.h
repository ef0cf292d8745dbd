/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_COMMAND_LISTING_H
#define BPFMAN_COMMAND_LISTING_H

#include "command/list_all.h"

/* The rows of `list`: what each kind of thing is read, filtered, sorted and written by. */

struct list_filter {
	const char *type, *state, *sort;
	int64_t program; /* links of this one only; 0: of all */
	const struct arg_values *labels;
};

/* One row of any kind. */
struct list_item {
	union {
		struct db_program program;
		struct db_map map;
		struct db_object object;
		struct db_link link;
	};
	const struct census_row *foreign; /* others loaded it: the above is empty; or NULL */
	struct look look;
	const char *text; /* sort key, or NULL */
	int64_t number;	  /* sort key where text is NULL */
};

struct listing;

struct list_kind {
	const char *name;
	enum db_kind kind;
	const struct sink_table *table;
	int (*read)(struct listing *l);
	int (*write)(struct listing *l, const struct list_item *item);
	void (*clear)(struct list_item *item);
};

/*
 * Rows come in order of id, and are written as they come. Any other order needs all of them first:
 * then they are kept.
 */
struct listing {
	struct rows_context c;
	const struct list_filter *filter;
	const struct list_kind *kind;
	struct list_all *all; /* --all; or NULL */
	bool keep;
	struct list_item *items;
	size_t count;
	struct error *e;
};

/* By the name that `list` takes ("maps"); programs for NULL. */
const struct list_kind *list_kind_find(const char *name);
/* Writes one row, whoever loaded it. 0, or a negative errno with l->e filled. */
int listing_write(struct listing *l, const struct list_item *item);
/* Adds what the kernel has besides, behind what l->kind->read() added. */
int listing_read_foreign(struct listing *l);
/* Sorts the rows that were kept; equal ones stay in order of id. */
void listing_sort(struct listing *l);

#endif

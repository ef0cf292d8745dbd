/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_ROWS_H
#define BPFMAN_SCREEN_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manager/manager.h"

/*
 * Rows of one kind, kept by who reads them and shown by one list. A row stays where it is in memory
 * as long as the thing exists; what came, changed and went is noted until the list has been told,
 * so that it need not look at the others.
 */
struct row {
	int64_t key;	  /* what it is known by, never 0; negative: it is somebody else's */
	struct look look; /* as it was seen last */
	unsigned looked;  /* in which round; 0: never */
	unsigned read;	  /* rows.read when it was put last */
	unsigned part;	  /* of what it was read with */
	bool touched;	  /* it is in rows.touched */
	bool gone;	  /* it is in rows.gone */
};

struct row_list {
	struct row **at;
	size_t count;
};

struct rows {
	struct row_list all; /* in order of key */
	/* What the list is to be told: */
	struct row_list touched;	/* rows that came, or look otherwise */
	struct row_list gone;		/* rows that went, and live until it was */
	bool lost;			/* not all could be noted: it must look at every row */
	unsigned read;			/* counts rows_begin() */
	unsigned part;			/* what is being read */
	size_t size;			/* of the struct whose first member a row is */
	void (*clear)(struct row *row); /* frees what a row owns */
};

void rows_init(struct rows *r, size_t size, void (*clear)(struct row *row));
void rows_free(struct rows *r);
/* NULL: there is none. */
struct row *rows_find(const struct rows *r, int64_t key);
/* The row of a key, made (all zero) where there is none, and noted as touched. NULL: lost memory.
 */
struct row *rows_put(struct rows *r, int64_t key);
/* It is to be shown anew, and stands elsewhere perhaps. */
void rows_touch(struct rows *r, struct row *row);
void rows_drop(struct rows *r, int64_t key);
/* Reading a part of them, or all (0): those of it that are not put in between are gone. */
void rows_begin(struct rows *r, unsigned part);
/* It is there still, as it was. */
void rows_keep(const struct rows *r, struct row *row);
void rows_end(struct rows *r);
/* The list has been told. */
void rows_told(struct rows *r);

/* Which of one kind belong to which of another; both by key. In order of both. */
struct pairs {
	struct pair {
		int64_t of, is;
	} * at;
	size_t count;
};

/* False: lost memory. */
bool pairs_add(struct pairs *p, int64_t of, int64_t is);
/* All of one; with is: only that. */
void pairs_drop(struct pairs *p, int64_t of, int64_t is);
/* The first of one; it may be one of another, or none. */
size_t pairs_first(const struct pairs *p, int64_t of);
void pairs_free(struct pairs *p);

#endif

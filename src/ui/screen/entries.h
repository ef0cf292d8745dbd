/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_ENTRIES_H
#define BPFMAN_SCREEN_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/screen/rows.h"

/*
 * The contents of the map that the Entries pane shows. It is read in parts: further ones when
 * somebody scrolls to the end of what is there, and again and again those that are seen.
 */
struct screen;

enum { ENTRIES_PART = 500, ENTRIES_PARTS = 40 };

struct entry_row {
	struct row row;	   /* known by the hash of its key */
	char *key, *value; /* as `map set` takes them */
	int64_t at;	   /* when it was read (monotonic ns) */
	char *moved;	   /* how it has changed since the reading before; NULL: it has not */
	double change;	   /* the greatest of its numbers, a second */
};

struct entries {
	int64_t map_id; /* 0: none */
	int64_t of_id;	/* the map that the answer under way is of; another one's is of no use */
	struct rows rows;
	char *cursors[ENTRIES_PARTS]; /* where each part begins; the first: NULL */
	unsigned parts;		      /* that were read at least once */
	unsigned asked;		      /* the part under way */
	unsigned turn;		      /* what was seen last is not always asked first */
	unsigned stale;		      /* this part begins elsewhere now; 0: none does */
	bool more;		      /* than are read */
	int64_t at;		      /* of the last answer; 0: there was none */
	char *trouble;
};

void entries_init(struct entries *n);
void entries_free(struct entries *n);
/* Shows another map. */
void entries_show(struct screen *s, int64_t map_id);

#endif

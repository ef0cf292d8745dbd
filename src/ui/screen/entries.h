/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_ENTRIES_H
#define BPFMAN_SCREEN_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/screen/rows.h"

/* The contents of the map that the Entries pane shows, as they were read last. */
struct screen;

struct entry_row {
	struct row row;	   /* known by the hash of its key */
	char *key, *value; /* as `map set` takes them */
	bool changed;	   /* since the reading before */
	bool counts;	   /* value is a number, and so was the one before */
	double change;	   /* of it, a second */
};

struct entries {
	int64_t map_id; /* 0: none */
	struct rows rows;
	bool more;  /* than are read */
	int64_t at; /* monotonic ns */
	char *trouble;
};

void entries_init(struct entries *n);
void entries_free(struct entries *n);
/* Shows another map. */
void entries_show(struct screen *s, int64_t map_id);

#endif

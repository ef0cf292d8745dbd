/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_MODEL_H
#define BPFMAN_SCREEN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "db/db.h"
#include "manager/manager.h"

/*
 * What the panes show: rows of the database, read again when another connection has committed
 * (the session's own commands use another one too), and what their pins look like. It has a
 * connection of its own, so that it can look while a command runs.
 */
struct series;

struct program_row {
	struct db_program p; /* without the strings that no column shows */
	struct look look;
	struct series *series; /* how often it runs, or NULL (rates.h) */
	unsigned looked;       /* the model's round when it was looked at last; 0: never */
	char *holder;	       /* of what others loaded (its id is 0): who holds it */
};

struct map_row {
	struct db_map m;
	struct look look;
	unsigned looked;
};

struct link_row {
	struct db_link l;
	struct look look;
	unsigned looked;
};

struct model {
	struct manager *manager;
	struct db *db;
	uint64_t dev, ino; /* of the file that db is */
	int64_t version;   /* PRAGMA data_version as it was read */
	bool live;	   /* db is a file: data_version tells of changes */
	char *trouble;	   /* why nothing can be read, or NULL */
	struct program_row *programs;
	size_t program_count;
	struct map_row *maps;
	size_t map_count;
	struct link_row *links;
	size_t link_count;
	struct db_pair *uses; /* ordered by map */
	size_t use_count;
	unsigned generation; /* grows with each change of the rows */
	unsigned round;	     /* grows with each refresh */
	size_t next_look;    /* where looking at rows that are not seen goes on */
};

void model_init(struct model *m, struct manager *manager);
void model_free(struct model *m);
/*
 * Reads again what changed. The rows that are seen are looked at when they are drawn
 * (model_see_*); of the others a few each time. Returns whether anything may look different.
 */
bool model_refresh(struct model *m);
/* Looks at the pin of a row, once a refresh. */
void model_see_program(struct model *m, size_t i);
void model_see_map(struct model *m, size_t i);
/* A link's target may lie in another network namespace: it is looked at less often. */
void model_see_link(struct model *m, size_t i);
/* NULL: none of that id. */
struct program_row *model_program(const struct model *m, int64_t id);
const struct map_row *model_map(const struct model *m, int64_t id);
const struct link_row *model_link(const struct model *m, int64_t id);
/* The next link of a program from the i-th link on, or NULL; i moves behind it. */
const struct link_row *model_link_of(const struct model *m, int64_t program_id, size_t *i);
/* Appends the names of the programs that use a map, comma-joined. */
void model_users(const struct model *m, int64_t map_id, struct buf *out);

#endif

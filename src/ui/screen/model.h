/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_MODEL_H
#define BPFMAN_SCREEN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "db/db.h"
#include "manager/manager.h"
#include "ui/screen/rows.h"

/*
 * What the panes show: rows of the database, of which those are read again that another connection
 * has changed (the session's own commands use another one too), and what their pins look like. It
 * has a connection of its own, so that it can look while a command runs.
 */
struct series;

struct program_row {
	struct row row;
	struct db_program p;   /* without the strings that no column shows */
	struct series *series; /* how often it runs, or NULL (rates.h) */
	char *holder;	       /* of what others loaded: who holds it */
};

struct map_row {
	struct row row;
	struct db_map m;
};

struct link_row {
	struct row row;
	struct db_link l;
};

struct model {
	struct manager *manager;
	struct db *db;
	uint64_t dev, ino; /* of the file that db is */
	int64_t version;   /* PRAGMA data_version as it was read */
	int64_t change;	   /* the last change that was read (db_changes()); -1: none was */
	bool live;	   /* db is a file: data_version tells of changes */
	char *trouble;	   /* why nothing can be read, or NULL */
	struct rows programs, maps, links;
	struct pairs users;    /* of a map: the programs; some may be gone */
	struct pairs links_of; /* of a program */
	unsigned generation;   /* grows with each change of the rows */
	unsigned round;	       /* grows with each refresh */
	size_t next_look;      /* where looking at rows that are not seen goes on */
};

void model_init(struct model *m, struct manager *manager);
void model_free(struct model *m);
/*
 * Reads again what changed. The rows that are seen are looked at when they are drawn
 * (model_see_*); of the others a few each time. Returns whether anything may look different.
 */
bool model_refresh(struct model *m);
/* Looks at the pin of a row, once a refresh; the row is touched where it looks otherwise. */
void model_see_program(struct model *m, struct program_row *row);
void model_see_map(struct model *m, struct map_row *row);
/* A link's target may lie in another network namespace: it is looked at less often. */
void model_see_link(struct model *m, struct link_row *row);
/* NULL: none of that id. */
struct program_row *model_program(const struct model *m, int64_t id);
struct map_row *model_map(const struct model *m, int64_t id);
struct link_row *model_link(const struct model *m, int64_t id);
/* The n-th link of a program, or the n-th program that uses a map; NULL: there are no more. */
struct link_row *model_link_of(const struct model *m, int64_t program_id, size_t n);
const struct program_row *model_user(const struct model *m, int64_t map_id, size_t n);
/* Frees what a program's row owns: also of one that the model does not keep. */
void program_row_clear(struct row *row);

#endif

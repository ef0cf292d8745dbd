/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_COMMAND_ROWS_H
#define BPFMAN_COMMAND_ROWS_H

#include "command/command.h"

/* How programs, maps and objects are written: the rows that load, list and show share. */
extern const struct sink_table programs_table, maps_table, objects_table;

/*
 * What rows of a list need beside the row itself, read once for the whole list instead of once
 * for each row. From init to free all that is read is of one moment. After an error there is
 * nothing to free.
 */
struct rows_context {
	struct session *s;
	struct db *db;
	struct db_pair *by_program; /* uses, ordered by program */
	struct db_pair *by_map;	    /* the same, ordered by map */
	size_t uses;
	bool whole;  /* the above are there; otherwise each row asks for its own */
	bool labels; /* any object has one */
};
/* whole: for a list of everything; otherwise only a few rows will be written. */
int rows_context_init(struct rows_context *c, struct session *s, bool whole, struct error *e);
void rows_context_free(struct rows_context *c);

/*
 * Write the members of a row whose object is open (sink_row() or sink_object()). Return 0 or a
 * negative errno with e filled.
 */
int program_members(struct rows_context *c, const struct db_program *p, struct look look,
		    struct error *e);
int map_members(struct rows_context *c, const struct db_map *m, struct error *e);
int object_members(struct rows_context *c, const struct db_object *o, struct look look,
		   struct error *e);
/* What an object is: pending, lost where all its programs are, unknown or loaded. */
int object_look(struct rows_context *c, const struct db_object *o, struct look *look,
		struct error *e);

/* RFC 3339. */
void write_time(struct sink *s, const char *key, int64_t ns);
/* Whether people read the answer: then some values are written a second time, as text for them. */
bool for_people(const struct session *s);

/* 1: the object bears all of these KEY=VALUE labels. 0: not. */
int labels_match(struct rows_context *c, int64_t object_id, const struct arg_values *wanted,
		 struct error *e);

/* Lists, each a member of the open document: of one object, or of all (0). */
int write_programs(struct rows_context *c, int64_t object_id, const struct sink_table *table,
		   struct error *e);
int write_maps(struct rows_context *c, int64_t object_id, const struct sink_table *table,
	       struct error *e);

#endif

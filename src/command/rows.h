/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_COMMAND_ROWS_H
#define BPFMAN_COMMAND_ROWS_H

#include "command/command.h"

/* How programs, maps and objects are written: the rows that load, list and show share. */
extern const struct sink_table programs_table, maps_table, objects_table, links_table;

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
	struct link_brief { /* all links, ordered by program; filled when first asked for */
		int64_t program_id, id;
		bool attached;
	} * links;
	size_t link_count;
	bool links_known;
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
/* What a program is: attached where it is loaded and has a live link. */
int program_look(struct rows_context *c, const struct db_program *p, struct look *look,
		 struct error *e);
/* Its links, all of them: *first is borrowed until the next call. */
int links_of(struct rows_context *c, int64_t program_id, const struct link_brief **first,
	     size_t *count, struct error *e);
/* "links": the ids of a program's. */
int write_link_ids(struct rows_context *c, int64_t program_id, struct error *e);
void link_members(struct rows_context *c, const struct db_link *l, struct look look);
int map_members(struct rows_context *c, const struct db_map *m, struct error *e);
int object_members(struct rows_context *c, const struct db_object *o, struct look look,
		   struct error *e);
/*
 * What an object is: pending, lost where all its programs are, unknown, attached where any of its
 * programs is, or loaded.
 */
int object_look(struct rows_context *c, const struct db_object *o, struct look *look,
		struct error *e);

/* Parts of rows. A kernel id says nothing once its owner may be gone: then it is null. */
void write_kernel_id(struct sink *s, uint32_t id, struct look look);
void write_look(struct sink *s, struct look look);
/* RFC 3339. */
void write_time(struct sink *s, const char *key, int64_t ns);
/* A value of the worker's, with its own types. */
void write_json(struct sink *s, const char *key, const json_t *value);
/* Whether people read the answer: then some values are written a second time, as text for them. */
bool for_people(const struct session *s);

/* "k:41" as shown_id: what is not managed is named by its kernel id. */
void write_shown_kernel_id(struct sink *s, uint32_t kernel_id);

/* 1: the object bears all of these KEY=VALUE labels. 0: not. */
int labels_match(struct rows_context *c, int64_t object_id, const struct arg_values *wanted,
		 struct error *e);

/*
 * The answer of load and upgrade (answer.c): "object", "programs", "maps", "links", "changed".
 * links: in a table too. note writes a line for people.
 */
int answer_object(struct session *s, int64_t id, bool changed, bool links,
		  void (*note)(struct session *s, const struct db_object *o, void *data),
		  void *data, struct error *e);

/* Lists, each a member of the open document: of one object, or of all (0). */
int write_programs(struct rows_context *c, int64_t object_id, const struct sink_table *table,
		   struct error *e);
int write_links(struct rows_context *c, int64_t object_id, const struct sink_table *table,
		struct error *e);
int write_maps(struct rows_context *c, int64_t object_id, const struct sink_table *table,
	       struct error *e);

#endif

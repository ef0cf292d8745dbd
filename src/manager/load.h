/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_MANAGER_LOAD_H
#define BPFMAN_MANAGER_LOAD_H

#include "manager/internal.h"

/* Adds pairs as an object of strings to a request; nothing where there are none. */
int load_pairs(json_t *request, const char *key, const struct manager_pair *pairs, size_t count,
	       struct error *e);
/* Adds "programs", "types", "type" and "globals" to a request. */
int load_selection(const struct manager_load *l, json_t *request, struct error *e);

/* Whether an object can have this name; hints at --name. */
int load_check_name(const char *name, struct error *e);
/*
 * Whoever recovers removes the directories that an intent names, so none may be there before it: a
 * database that was restored from a copy gives ids a second time. -EEXIST.
 */
int load_check_unused(struct manager *m, int64_t id, struct error *e);

/*
 * Whether the object's name is taken (-EEXIST). 1: by the same load, which --ensure asks for; *id
 * is the object's then. options: what this load would be remembered with.
 */
int load_check_taken(struct manager *m, const struct manager_load *l, const char *name,
		     const char *sha256, const char *options, int64_t *id, struct error *e);

/* Links that were made with an object, before they are rows. */
struct load_links {
	struct load_link {
		struct db_link link;
		size_t program; /* of the answer's programs, from 0 */
	} * at;
	size_t count;
};
/* Attaches what --attach asks for, after a "load" that answered result (load_attach.c). */
int load_attach(struct manager *m, const struct manager_load *l, int64_t object_id,
		const json_t *result, struct load_links *links, struct error *e);
/*
 * The same for an object that is loaded: each that is not attached already, as changes of their
 * own. *changed becomes true where one was made.
 */
int load_attach_after(struct manager *m, const struct manager_load *l, int64_t object_id,
		      bool *changed, struct error *e);
/* Their rows, in the open transaction. */
int load_record_links(struct manager *m, struct load_links *links, int64_t first_program,
		      int64_t now, struct error *e);
/* A dry run's, of one program. */
int load_plan_links(struct manager *m, const struct manager_load *l, const struct db_program *p,
		    int64_t now, struct error *e);
/* Each program that is to be attached has to be among those loaded (rows with a name). */
int load_check_attached(const struct manager_load *l, const json_t *programs, struct error *e);
/* Adds what --attach asks for to the load's options. */
int load_attach_options(const struct manager_load *l, json_t *options, struct error *e);
void load_links_free(struct load_links *links);

/*
 * Keeps the text of a "load" in the open transaction. log holds object_id, object_name and path,
 * all borrowed; failure NULL: it succeeded.
 */
int load_add_log(struct manager *m, struct db_log *log, const json_t *answer,
		 const struct error *failure, struct error *e);

/* A row of a "load" as ours, without ids and times; cleared by the caller, also on error. */
int record_read_program(const json_t *row, struct db_program *p, struct error *e);
int record_read_map(const json_t *row, struct db_map *map, struct error *e);

/*
 * What --reuse-map names, as an object: map of the file to the pin of the one to use, null where a
 * dry run only plans that. *reuse is the caller's, also after an error.
 */
int load_find_reused(struct manager *m, const struct manager_load *l, json_t **reuse,
		     struct error *e);
/* Adds "reuse_maps" to a request where there are any. */
int load_reuse_request(json_t *request, const json_t *reuse, struct error *e);

/* Writes what a "load" answered as rows, and its links, in the open transaction (record.c). */
int load_record_rows(struct manager *m, int64_t object_id, int64_t now, const json_t *result,
		     struct load_links *links, struct error *e);

/* A dry run's load: what it would have made, from a look into the file (record.c). */
int load_plan(struct manager *m, const struct manager_load *l, const json_t *reuse,
	      const struct input *in, const char *name, int64_t object_id, int64_t now,
	      struct error *e);

#endif

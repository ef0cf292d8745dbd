/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_MANAGER_UPGRADE_H
#define BPFMAN_MANAGER_UPGRADE_H

#include "manager/internal.h"

/*
 * Another build of an object takes its place. The new one is loaded into ROOT/u<id>, under the same
 * pins' names; links are pointed at its programs; the two directories change places; one
 * transaction makes it so; what was replaced, now in ROOT/u<id>, is removed.
 */

/* An object's own rows, read once. */
struct upgrade_rows {
	struct db_program *programs;
	size_t program_count;
	struct db_map *maps; /* those it owns */
	size_t map_count;
	struct db_link *links;
	size_t link_count;
	int64_t *shared; /* maps it uses that no object owns */
	size_t shared_count;
};
int upgrade_rows_read(struct manager *m, int64_t object_id, struct upgrade_rows *rows,
		      struct error *e);
void upgrade_rows_free(struct upgrade_rows *rows);
const struct db_program *upgrade_program(const struct upgrade_rows *rows, int64_t id);

/* One upgrade under way. */
struct upgrading {
	struct manager *m;
	const struct manager_upgrade *u;
	struct error *e;
	struct db_object o;
	struct upgrade_rows rows;
	struct input in;
	json_t *options; /* those of the load */
	json_t *file;	 /* what "open" tells of the new one */
	char *dir, *next, *staging, *by_name;
	json_t *program_ids, *map_ids; /* name -> id, for the new build's pins */
	json_t *keep;		       /* map name -> pin: it keeps its contents */
	json_t *carry;		       /* pins that get a second name in the new directory */
	json_t *moves;		       /* link's pin -> program's pin */
	bool *anew;		       /* links[i] is attached anew: the kernel cannot move it */
	json_t *attached;	       /* the worker's rows of those, with our id as "id" */
	int64_t now;
};

/* Refuses an object of which anything is lost or out of reach (upgrade_plan.c). */
int upgrade_check_alive(struct upgrading *k);
/* Fills the lists of what is to be done, and refuses what cannot be. */
int upgrade_plan(struct upgrading *k);

/*
 * Asks the worker to point those links, and the --pin-path names, at the programs in dir instead
 * of those in other. links: link pin's name to program pin's name. answer may be NULL.
 */
int upgrade_retarget(struct manager *m, const struct upgrade_rows *rows, const char *dir,
		     const char *other, const json_t *links, json_t **answer, struct error *e);
int upgrade_exchange(struct manager *m, const char *a, const char *b, struct error *e);

/* The upgrade did not come to its end: everything as it was before, then its row goes. */
int upgrade_take_back(struct manager *m, const struct db_upgrade *u, struct error *e);
/*
 * The rows tell the new build: removes what was replaced, then the upgrade's row. kept is told what
 * could not be removed or lives on in other hands; it may be NULL.
 */
int upgrade_finish(struct manager *m, int64_t object_id, manager_kept_fn kept, void *data,
		   struct error *e);

/* Settles whatever upgrade an earlier session left; see recover(). */
int upgrade_recover(struct manager *m, struct error *e);

/* Writes what the new build is over the object's rows, in the open transaction. */
int upgrade_record(struct manager *m, const struct db_object *o, const struct upgrade_rows *rows,
		   const json_t *loaded, const json_t *attached, struct error *e);

#endif

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
	struct restoring *restore; /* what is lost comes back (restore.h); NULL: another build */
	uint64_t dir_ino;	   /* st_ino of the object's directory; 0: it has none */
	struct upgrade_rows rows;
	struct input in;
	json_t *options; /* those of the load */
	json_t *file;	 /* what "open" tells of the new one */
	char *dir, *next, *staging, *by_name;
	json_t *program_ids, *map_ids; /* name -> id, for the new build's pins */
	json_t *keep;		       /* map name -> pin: it keeps its contents */
	json_t *fill;		       /* the same: the new one is filled as it is */
	json_t *former_programs;       /* kernel id -> name, for what is in those */
	json_t *former_maps;	       /* kernel id -> name of maps that are not kept */
	json_t *carry;		       /* pins that get a second name in the new directory */
	json_t *moves;		       /* link's pin -> program's pin */
	bool *anew;		       /* links[i] is attached anew: the kernel cannot move it */
	json_t *attached;	       /* the worker's rows of those, with our id as "id" */
	int64_t now;
};

void upgrade_free(struct upgrading *k);

/* ---- what is to be done (upgrade_plan.c) ---- */

/* Refuses an object of which anything is lost or out of reach. */
int upgrade_check_alive(struct upgrading *k);
/* Fills the lists of what is to be done, and refuses what cannot be. */
int upgrade_plan(struct upgrading *k);
/* Its parts: the lists are made, empty. */
int upgrade_plan_begin(struct upgrading *k);
/* The directory goes as a whole in the end, and with it whatever a stranger put there: refused. */
int upgrade_check_strangers(struct upgrading *k);
/* Fills k->file. */
int upgrade_look_into(struct upgrading *k);
/* Whether the new build is going to have this program: as the load chose, or all. */
bool upgrade_is_selected(const struct upgrading *k, const char *program);
/* What the object file says of these is the program's text as much as its instructions are. */
bool upgrade_is_constant(const char *map);
/* Adds the id of a program or map to a list. */
int upgrade_set_id(json_t *ids, const char *name, int64_t id, struct error *e);
/* *program is one of another object that uses the map, or 0. */
int upgrade_foreign_user(struct upgrading *k, int64_t map_id, int64_t *program);
/* How the kernel lets link i change its program: asked of the link itself. */
int upgrade_plan_link(struct upgrading *k, size_t i);

/* ---- its steps (upgrade.c) ---- */

int upgrade_intend(struct upgrading *k);
/* The load's own options, as they were, with the places of an upgrade. */
int upgrade_load_request(struct upgrading *k, json_t **request);
/* Where a pin of the object's is while the new build is on its way; caller frees. */
char *upgrade_in_next(const struct upgrading *k, const char *pin);
/* A link that runs a third program was changed behind our back: better to stop than to guess. */
int upgrade_check_kept(struct upgrading *k, const json_t *answer);
/*
 * It failed on the way: back to where it was. The reason in k->e stays. loaded: the worker's answer
 * to the load, for its log; may be NULL.
 */
void upgrade_failed(struct upgrading *k, const json_t *loaded);

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
int upgrade_finish(struct manager *m, const struct db_upgrade *u, manager_kept_fn kept, void *data,
		   struct error *e);

/* Settles whatever upgrade an earlier session left; see recover(). */
int upgrade_recover(struct manager *m, struct error *e);

/*
 * Writes what the new build is over the object's rows, in the open transaction; attached may be
 * NULL.
 */
int upgrade_record(struct manager *m, const struct db_object *o, const struct upgrade_rows *rows,
		   const json_t *loaded, const json_t *attached, struct error *e);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_MANAGER_EXAM_H
#define BPFMAN_MANAGER_EXAM_H

#include <sys/types.h>

#include "manager/census.h"
#include "manager/doctor.h"
#include "manager/internal.h"

/*
 * What doctor's rules look at: all rows, what is below the pin root, and what the kernel has, read
 * once (exam.c). Rules only compare (doctor_*.c).
 */

/* What is wrong with a row whose pin was looked for, at most one thing. */
enum ailment {
	AILS_NOTHING,
	AILS_UNSETTLED,
	AILS_STALE,	  /* of an earlier boot */
	AILS_BPFFS,	  /* on another bpffs, or there is none */
	AILS_UNREACHABLE, /* it cannot be looked at */
	AILS_GONE,	  /* neither a pin, nor anything in the kernel */
	AILS_UNPINNED,	  /* the kernel has it, or may have it */
	AILS_FOREIGN,	  /* something else is pinned there */
	AILS_REPINNED,	  /* the same thing, by another pin than the row says */
	AILS_TARGET,	  /* a link: what it was attached to is gone */
	AILS_DETACHED,	  /* a link: somebody else detached it */
	AILS_REDIRECTED,  /* a link: somebody else had it run another program */
};

/* A row that has a pin. */
struct thing {
	enum db_kind kind;
	int64_t id;
	int64_t object_id; /* 0: none owns it */
	const char *name, *pin, *boot_id;
	struct db_identity identity;
	uint64_t root_dev;
	enum db_state state;
	const struct db_program *program; /* of a program, and of a link its own */
	const struct db_link *link;	  /* of a link */
	enum ailment ailment;
	const char *reason;		 /* of what cannot be looked at, or is gone */
	const struct census_row *kernel; /* NULL: the kernel has nothing of its id */
	char *there;			 /* what is pinned in its place; NULL: it is */
};

/* Something below the pin root. */
struct entry {
	char *path;
	const char *below; /* the path from the root */
	bool directory;
	bool stays; /* known, or not to be taken without being named */
	dev_t dev;
	ino_t ino;
};

struct exam {
	struct manager *m;
	const struct manager_doctor *d;
	struct db *db;
	struct error *e;
	struct findings *found;
	const char *rule; /* that is held against things now */
	bool nomem;	  /* a finding was lost */
	struct db_object *objects;
	size_t object_count;
	struct db_program *programs;
	size_t program_count;
	struct db_map *maps;
	size_t map_count;
	struct db_link *links;
	size_t link_count;
	struct db_upgrade *upgrades;
	size_t upgrade_count;
	struct thing *things; /* programs, maps, links, each in order of id */
	size_t thing_count;
	struct census kernel[DB_LINK + 1]; /* by kind; none of objects */
	char *blind;			   /* why not all of that is known; NULL: it is */
	char **known; /* paths of pins, and of directories with pins, in order */
	size_t known_count;
	struct entry *entries; /* directories before what is in them */
	size_t entry_count;
	int root_err;	   /* why the root cannot be read, or 0 */
	const char *owner; /* the uuid of another database, whose root it is; NULL: it is not */
};

/* Reads it all. Free in any case. */
int exam_read(struct exam *x);
void exam_free(struct exam *x);
const struct db_object *exam_object(const struct exam *x, int64_t id);
/* Whether a row has its pin there, or pins below there. */
bool exam_knows(const struct exam *x, const char *path);
/*
 * What is pinned at a path, by the reading worker's "info"; *result is the caller's. NULL without
 * an error: nothing of bpf(2), or it went.
 */
int exam_info(struct exam *x, const char *path, json_t **result);
/* Of that: "program k:7 \"pass\""; caller frees; NULL: lost memory. */
char *exam_describe(const struct exam *x, const json_t *info);

/*
 * Adds a finding of the present rule, about a row (kind and id) or about none (id 0); name and path
 * may be NULL. NULL: lost memory, which x remembers. Valid until the next one.
 */
struct finding *finding_add(struct exam *x, enum db_kind kind, int64_t id, const char *name,
			    const char *path, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* f may be NULL. */
void finding_mends(struct exam *x, struct finding *f, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* `doctor --fix` mends it. */
void finding_fixable(struct exam *x, struct finding *f);

/* ---- the rules' checks, and what mends (locks held, the database open for writing) ---- */

typedef int check_fn(struct exam *x);
typedef int fix_fn(struct exam *x, const struct finding *f);

check_fn check_integrity, check_unsettled, check_bytes, check_incomplete, check_other_bpfman;
check_fn check_stale, check_bpffs, check_unreachable, check_gone, check_unpinned, check_foreign;
check_fn check_repinned, check_target, check_detached, check_redirected, check_second_name;
check_fn check_owner, check_orphan_pins, check_orphan_directories, check_taken, check_directories;
fix_fn fix_bytes, fix_identity, fix_second_name, fix_orphan_pin, fix_directory, fix_parents;

#endif

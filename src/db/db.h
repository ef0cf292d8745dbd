/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_DB_DB_H
#define BPFMAN_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * What bpfman manages, in SQLite. The only SQL of the program. Rows are typed structs in and out;
 * the meaning of states and the order of steps are the manager's.
 *
 * Functions return 0 or a negative errno with e filled (class ERROR_ENVIRONMENT where the database
 * itself is unusable). Every function that finds one row returns -ENOENT without filling e when
 * there is none. Strings in rows read are owned by the row; the matching *_clear() frees them.
 * Rows written only borrow their strings. Strings are bytes without NUL, not always UTF-8.
 */
struct db;

enum db_mode {
	DB_READ,    /* a missing database reads as an empty one and is not created */
	DB_WRITE,   /* created with its directory (0700; file 0600) when missing */
	DB_SCRATCH, /* a copy in memory, for --dry-run: all writes go to the copy; no file is made */
};

/*
 * Refused, with the path, and never touched: a file that is no SQLite database, a database of
 * another application (PRAGMA application_id), a newer schema (PRAGMA user_version), a corrupt
 * one, one that may not be read. An older schema is migrated in DB_WRITE; in DB_READ it is copied
 * to memory and migrated there.
 */
int db_open(struct db **out, const char *path, enum db_mode mode, struct error *e);
void db_close(struct db *db);
/* The database's uuid: 32 hex digits, made when it was created; "" for an empty DB_READ. */
const char *db_uuid(const struct db *db);
/* The version of SQLite, "3.40.1". */
const char *db_engine_version(void);
/* A number that changes when another connection commits (PRAGMA data_version). */
int db_data_version(struct db *db, int64_t *version, struct error *e);
/* Whether the file itself is open: a copy in memory never tells of changes. */
bool db_is_live(const struct db *db);

/*
 * What was committed since: the ids of things whose rows came, changed or went, each once and in
 * order; of a map also when another program uses it. since: the *last of the call before, -1 where
 * there was none. *all: that is not known any more, and everything has to be read. The caller frees
 * *ids. Between db_read_begin() and db_read_end() the rows are of the same moment.
 */
int db_changes(struct db *db, int64_t since, int64_t *last, bool *all, int64_t **ids, size_t *count,
	       struct error *e);

/* Transactions. BEGIN IMMEDIATE; commits are WAL with synchronous=NORMAL: they survive a process. */
int db_begin(struct db *db, struct error *e);
int db_commit(struct db *db, struct error *e);
/* Does nothing when no transaction is open. */
void db_rollback(struct db *db);
/*
 * What is read between these is of one moment, whatever others commit meanwhile. Not inside a
 * transaction, and no transaction inside them.
 */
int db_read_begin(struct db *db, struct error *e);
void db_read_end(struct db *db);
/*
 * One commit with synchronous=FULL that really changes a row, when anything was committed since
 * the last one: from here all earlier commits survive a power cut.
 */
int db_make_durable(struct db *db, struct error *e);

/* BEGIN IMMEDIATE of a transaction whose commit, and all before it, survives a power cut. */
int db_begin_durable(struct db *db, struct error *e);

/*
 * Runs that are all or nothing (atomic.c). At most one is undecided: what it made is stored as
 * pending, what it unloaded as unloading.
 */
struct db_atomic {
	char *run_id;
	int64_t first_id; /* what it made has this id or a higher one */
	char *boot_id;
	uint64_t root_dev;
	int64_t created_at; /* ns since the epoch */
};
void db_atomic_clear(struct db_atomic *a);
int db_atomic_begin(struct db *db, const struct db_atomic *a, struct error *e);
/* The one that is undecided; -ENOENT when none is. */
int db_atomic_get(struct db *db, struct db_atomic *a, struct error *e);
/* It is done: what it made is loaded, what it unloaded is left to be removed. */
int db_atomic_decide(struct db *db, const struct db_atomic *a, struct error *e);
/* It is not: what it made is left to be taken back, what it unloaded is loaded as before. */
int db_atomic_undo(struct db *db, const struct db_atomic *a, struct error *e);
/*
 * This connection is the undecided run's: rows that are pending read as loaded and are written so
 * where they would be loaded; those that are unloading are not found. Returns what it was before.
 */
bool db_set_undecided(struct db *db, bool undecided);

/* Ids: objects, programs, maps and links share one AUTOINCREMENT sequence. */
enum db_kind { DB_OBJECT, DB_PROGRAM, DB_MAP, DB_LINK };
/* "object", "program", "map", "link" */
const char *db_kind_name(enum db_kind kind);
/* What id names; -ENOENT when nothing. */
int db_kind_of(struct db *db, int64_t id, enum db_kind *kind, struct error *e);
/* The id that the next insertion will get. */
int db_next_id(struct db *db, int64_t *id, struct error *e);

/* Where a pin was seen. All zero: not pinned. */
struct db_identity {
	uint64_t dev, ino; /* st_dev, st_ino of the pin on bpffs */
	uint32_t kernel_id;
};

/* Stored states; what a row shows (lost, unknown) is found by looking at the pins. */
enum db_state { DB_PENDING, DB_LOADED, DB_UNLOADING };
/* "pending", "loaded", "unloading" */
const char *db_state_name(enum db_state state);

struct db_object {
	int64_t id;
	char *name;
	char *path;       /* of the file it was loaded from, absolute */
	char sha256[65];  /* lower-case hex of the file's bytes; "" none */
	enum db_state state;
	char *run_id;     /* of the run that changed it last */
	char *boot_id;    /* of the boot in which its kernel objects live */
	uint64_t root_dev; /* st_dev of the pin root's bpffs */
	char *pin_dir;    /* absolute; NULL: none */
	char *outside_path; /* of --pin-path while pending; NULL: none */
	char *options;    /* JSON: the load's options, to do it again */
	char previous_sha256[65]; /* of the build before the last upgrade; "" none */
	char *previous_path;
	bool on_boot; /* `restore --boot` brings it back */
	uint32_t loaded_by; /* uid */
	int64_t created_at; /* ns since the epoch */
};
void db_object_clear(struct db_object *o);

struct db_program {
	int64_t id, object_id;
	char *object_name; /* read only */
	char *name, *type, *section, *tag;
	char *attach_type; /* as libbpf names it; NULL: none, or not known */
	enum db_state state;
	char *boot_id; /* read only: its object's */
	uint64_t root_dev; /* read only: its object's */
	char *pin;         /* our own pin, under the pin root */
	char *outside_path; /* second name of the same pin (--pin-path), or NULL */
	struct db_identity identity;
	uint64_t load_time; /* ns since boot, as the kernel tells it */
	uint32_t verified_insns, xlated_bytes, jited_bytes, btf_id;
	uint64_t memlock_bytes;
	int64_t created_at;
};
void db_program_clear(struct db_program *p);

struct db_map {
	int64_t id, object_id; /* object_id 0: pinned by name, owned by its users */
	char *object_name; /* read only; NULL when object_id is 0 */
	char *name, *type;
	enum db_state state;
	char *boot_id;
	uint64_t root_dev;
	char *pin;
	struct db_identity identity;
	uint32_t key_size, value_size, max_entries, map_flags;
	uint64_t memlock_bytes;
	int64_t created_at;
};
void db_map_clear(struct db_map *m);

struct db_link {
	int64_t id, program_id;
	char *program_name;  /* read only */
	int64_t object_id;   /* read only: its program's */
	char *object_name;   /* read only */
	char *type;	     /* "xdp", "tracepoint", ...; NULL while that is not known */
	char *attach_type;   /* or NULL */
	char *target;	     /* JSON object: what it is attached to, canonical */
	char *target_text;   /* words that attach it again */
	char *options;	     /* JSON: what was asked for */
	enum db_state state;
	char *run_id;
	char *boot_id;
	uint64_t root_dev;
	char *pin;
	struct db_identity identity;
	int64_t expires_at; /* ns since the epoch: the end of its trial; 0: it is not on trial */
	int64_t replaces; /* the link that was pointed at its program instead; 0: none */
	int64_t created_at;
};
void db_link_clear(struct db_link *l);

struct db_label {
	char *key, *value;
};

/* Files: an object file's bytes, stored once per SHA-256. */
int db_file_store(struct db *db, const char *sha256, const void *bytes, size_t len, struct error *e);
/* Stores them again where what is stored under this hash was damaged. */
int db_file_replace(struct db *db, const char *sha256, const void *bytes, size_t len, struct error *e);
/* Caller frees *bytes. */
int db_file_bytes(struct db *db, const char *sha256, void **bytes, size_t *len, struct error *e);
/* Removes the bytes where no object and no upgrade needs them; "" is none. */
int db_file_forget(struct db *db, const char *sha256, struct error *e);

/* Objects. Insertion fills o->id and makes state what o->state says. */
int db_object_insert(struct db *db, struct db_object *o, struct error *e);
int db_object_update(struct db *db, const struct db_object *o, struct error *e);
int db_object_set_state(struct db *db, int64_t id, enum db_state state, const char *run_id,
			struct error *e);
/* After a load: pin_dir, root_dev and state loaded; clears outside_path. */
int db_object_settle(struct db *db, int64_t id, const char *pin_dir, uint64_t root_dev,
		     struct error *e);
/*
 * Removes the object, its programs, their links, its own maps, their ids, and the file's bytes if
 * unused. A map that programs of other objects use stays, without owner.
 */
int db_object_delete(struct db *db, int64_t id, struct error *e);
int db_object_get(struct db *db, int64_t id, struct db_object *o, struct error *e);
/*
 * Where the newest object of this boot and this bpffs is pinned; caller frees. NULL: there is none.
 */
int db_newest_pin_dir(struct db *db, const char *boot_id, uint64_t root_dev, char **pin_dir,
		      struct error *e);
int db_object_by_name(struct db *db, const char *name, struct db_object *o, struct error *e);

/*
 * Iteration: fn is called for each row in order of id, and may keep the row's strings by taking
 * them (set the pointer to NULL); a non-zero return ends the iteration and is returned. fn may
 * read from the database but not write.
 */
typedef int (*db_object_fn)(void *data, struct db_object *o);
typedef int (*db_program_fn)(void *data, struct db_program *p);
typedef int (*db_map_fn)(void *data, struct db_map *m);
typedef int (*db_link_fn)(void *data, struct db_link *l);
int db_objects(struct db *db, db_object_fn fn, void *data, struct error *e);
/*
 * Objects, programs, maps and links whose state is not DB_LOADED, and links whose trial is over
 * now; cheap when there is none.
 */
int db_any_unsettled(struct db *db, int64_t now, bool *any, struct error *e);
int db_objects_unsettled(struct db *db, db_object_fn fn, void *data, struct error *e);
int db_programs_unsettled(struct db *db, db_program_fn fn, void *data, struct error *e);
int db_maps_unsettled(struct db *db, db_map_fn fn, void *data, struct error *e);

int db_program_insert(struct db *db, struct db_program *p, struct error *e);
/* Writes all of p over the row with its id, as it is after an upgrade. */
int db_program_update(struct db *db, const struct db_program *p, struct error *e);
int db_program_set_state(struct db *db, int64_t id, enum db_state state, struct error *e);
/* Its links' rows go with it. */
int db_program_delete(struct db *db, int64_t id, struct error *e);
int db_program_get(struct db *db, int64_t id, struct db_program *p, struct error *e);
/* object_id 0: of all objects. */
int db_programs(struct db *db, int64_t object_id, db_program_fn fn, void *data, struct error *e);
int db_programs_by_name(struct db *db, const char *name, db_program_fn fn, void *data,
			struct error *e);

int db_map_insert(struct db *db, struct db_map *m, struct error *e);
int db_map_update(struct db *db, const struct db_map *m, struct error *e);
int db_map_set_state(struct db *db, int64_t id, enum db_state state, struct error *e);
int db_map_delete(struct db *db, int64_t id, struct error *e);
int db_map_get(struct db *db, int64_t id, struct db_map *m, struct error *e);
/* object_id 0: all maps; otherwise those it owns and those its programs use. */
int db_maps(struct db *db, int64_t object_id, db_map_fn fn, void *data, struct error *e);
int db_maps_by_name(struct db *db, const char *name, db_map_fn fn, void *data, struct error *e);
/* The newest map with this pin; -ENOENT when none. */
int db_map_pinned(struct db *db, const char *pin, struct db_map *m, struct error *e);
/* The map without owner that is pinned by this name; -ENOENT when none. */
int db_map_shared(struct db *db, const char *name, struct db_map *m, struct error *e);

int db_use(struct db *db, int64_t program_id, int64_t map_id, struct error *e);
/* Forgets which maps a program uses. */
int db_unuse(struct db *db, int64_t program_id, struct error *e);
/* Ids of the maps a program uses, or of the programs that use a map; caller frees *ids. */
int db_program_maps(struct db *db, int64_t program_id, int64_t **ids, size_t *count,
		    struct error *e);
int db_map_programs(struct db *db, int64_t map_id, int64_t **ids, size_t *count, struct error *e);
/* All (program, map) pairs at once, for lists: ordered by program, then map; caller frees. */
struct db_pair {
	int64_t program_id, map_id;
};
int db_uses(struct db *db, struct db_pair **pairs, size_t *count, struct error *e);

int db_link_insert(struct db *db, struct db_link *l, struct error *e);
/* Writes all of l over the row with its id, as it is after a restore. */
int db_link_update(struct db *db, const struct db_link *l, struct error *e);
/* It is attached: stores type, target and identity, and makes the state DB_LOADED. */
int db_link_settle(struct db *db, const struct db_link *l, struct error *e);
int db_link_set_state(struct db *db, int64_t id, enum db_state state, const char *run_id,
		      struct error *e);
/* Ends its trial: it stays. */
int db_link_keep(struct db *db, int64_t id, struct error *e);
int db_link_delete(struct db *db, int64_t id, struct error *e);
int db_link_get(struct db *db, int64_t id, struct db_link *l, struct error *e);
/* program_id 0: of all programs. */
int db_links(struct db *db, int64_t program_id, db_link_fn fn, void *data, struct error *e);
/* Those of the programs of this name. */
int db_links_by_name(struct db *db, const char *program, db_link_fn fn, void *data,
		     struct error *e);
/* Those of a program whose target_text is this word, or begins with it. */
int db_links_to(struct db *db, int64_t program_id, const char *target, db_link_fn fn, void *data,
		struct error *e);
int db_links_of_object(struct db *db, int64_t object_id, db_link_fn fn, void *data,
		       struct error *e);
/* The link that replaces this one; -ENOENT when none does. */
int db_link_replacement(struct db *db, int64_t id, struct db_link *l, struct error *e);
int db_links_unsettled(struct db *db, db_link_fn fn, void *data, struct error *e);
/* Marks the links whose trial is over as DB_UNLOADING. */
int db_links_expire(struct db *db, int64_t now, const char *run_id, struct error *e);

int db_label_set(struct db *db, int64_t object_id, const char *key, const char *value,
		 struct error *e);
/* Ordered by key; caller frees with db_labels_free(). */
int db_labels(struct db *db, int64_t object_id, struct db_label **labels, size_t *count,
	      struct error *e);
void db_labels_free(struct db_label *labels, size_t count);
/* Whether any object has a label: lists skip the look-ups when none has. */
int db_has_labels(struct db *db, bool *any, struct error *e);

/* Directories that bpfman made for outside paths, removed again when they are empty. */
int db_directory_add(struct db *db, const char *path, struct error *e);
int db_directory_delete(struct db *db, const char *path, struct error *e);
/* Longest path first: children before parents. Caller frees the array and each string. */
int db_directories(struct db *db, char ***paths, size_t *count, struct error *e);

/* The text of loads: bounded to the last 200 logs and 32 MiB. */
struct db_log {
	int64_t id;          /* of the log itself */
	int64_t object_id;   /* 0: the load failed, there is no object */
	char *object_name, *path;
	bool ok;
	char *message;       /* of the error; NULL: none */
	char *text;
	size_t text_len;
	uint64_t log_bytes;  /* before truncation */
	bool truncated;
	int64_t created_at;
};
void db_log_clear(struct db_log *l);
int db_log_add(struct db *db, struct db_log *l, struct error *e);
/* Of one object's load, or the newest when object_id is 0. */
int db_log_last(struct db *db, int64_t object_id, struct db_log *l, struct error *e);
/* The newest failed or successful one for an object name that may be gone or never came to be. */
int db_log_by_name(struct db *db, const char *object_name, struct db_log *l, struct error *e);

/* Who did what, when, with what result: bounded to the last 10,000 events and 8 MiB of text. */
struct db_event {
	int64_t id; /* of the event itself */
	int64_t created_at;
	uint32_t uid;	   /* effective */
	int64_t login_uid; /* of the login that the session descends from; -1: none */
	char *action;	   /* "load": the command's name; "recover" */
	char *command;	   /* as typed; NULL: none */
	char *kind;	   /* of what it was done to: "object", "program", ...; NULL: nothing */
	int64_t thing_id;  /* its id, which may be gone; 0: it never had one */
	char *name;
	bool ok;
	char *message;	     /* of the error, or more about what was done; NULL: none */
	uint64_t text_bytes; /* filled by db_event_add() */
};
void db_event_clear(struct db_event *event);
int db_event_add(struct db *db, struct db_event *event, struct error *e);
/* The last limit events, the oldest of them first; see db_object_fn. */
typedef int (*db_event_fn)(void *data, struct db_event *event);
int db_events(struct db *db, int64_t limit, db_event_fn fn, void *data, struct error *e);
/*
 * Upgrades under way, one an object at most: the intent of putting another file's programs in place
 * of an object's, or (a restore) its own again. Until it is done it is taken back; from then on only
 * what was replaced is to be removed.
 */
struct db_upgrade {
	int64_t object_id;
	bool done;       /* the rows tell the new build */
	bool restore;    /* of what is lost, from the object's own bytes */
	uint64_t dir_ino; /* st_ino of the object's directory before; 0: it had none */
	char *run_id;
	char *boot_id;
	uint64_t root_dev;
	char *path;      /* of the new file */
	char sha256[65]; /* its bytes */
	int64_t created_at;
};
typedef int (*db_upgrade_fn)(void *data, struct db_upgrade *u);
void db_upgrade_clear(struct db_upgrade *u);
int db_upgrade_insert(struct db *db, const struct db_upgrade *u, struct error *e);
int db_upgrade_set_done(struct db *db, int64_t object_id, struct error *e);
/* Forgets it, and its file's bytes where nothing else needs them. */
int db_upgrade_delete(struct db *db, int64_t object_id, struct error *e);
int db_upgrades(struct db *db, db_upgrade_fn fn, void *data, struct error *e);

/* Whether `restore --boot` brings an object back. */
int db_object_set_on_boot(struct db *db, int64_t id, bool on_boot, struct error *e);
/* A restore at boot was begun, in this boot or before, and did not come to its end. */
int db_boot_begun(struct db *db, bool *begun, struct error *e);
int db_boot_begin(struct db *db, const char *boot_id, struct error *e);
int db_boot_end(struct db *db, struct error *e);

/*
 * Writes a copy to path, which must be absolute and must not exist: 0600, of one moment, and
 * durable. What fails leaves nothing there.
 */
int db_backup(struct db *db, const char *path, struct error *e);

/*
 * What is released: its row is DB_UNLOADING, and its pin goes into a directory instead of being
 * removed. The mark goes with the row.
 */
int db_release_add(struct db *db, int64_t id, const char *dir, struct error *e);
/* Caller frees *dir; NULL: it is not released. */
int db_release_dir(struct db *db, int64_t id, char **dir, struct error *e);
/* All that is marked so is DB_LOADED again. */
int db_release_undo(struct db *db, struct error *e);

/* PRAGMA integrity_check; 0 and *problem NULL when sound; caller frees *problem. */
int db_check(struct db *db, char **problem, struct error *e);

#endif

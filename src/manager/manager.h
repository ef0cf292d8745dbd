/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_MANAGER_H
#define BPFMAN_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "db/db.h"
#include "kernel/client/client.h"

/*
 * What load, unload, list and recover mean across kernel, bpffs and database. A change goes:
 * locks, recovery of what was left unsettled, intent, worker, rows (doc/state.md).
 */
struct manager;

struct manager_config {
	const char *db_path;  /* absolute */
	const char *pin_root; /* absolute */
	const char *worker;   /* absolute */
	bool default_root;    /* pin_root is the default: bpffs may be mounted for it */
	bool dry_run;	  /* changes go to a copy of the database in memory, none to the kernel */
	bool ephemeral;	  /* private database and pin root, gone at exit */
	int lock_timeout; /* seconds to wait for another session */
	const struct client_turn *turn; /* may be NULL */
	/* Something the user should know while it happens (waiting, mounting); may be NULL. */
	void (*notice)(void *data, const char *line);
	void *notice_data;
};

#define MANAGER_DB_DEFAULT   "/var/lib/bpfman/bpfman.db"
#define MANAGER_ROOT_DEFAULT "/sys/fs/bpf/bpfman"

/* The strings of config are borrowed. Opens nothing yet. */
int manager_new(struct manager **out, const struct manager_config *config, struct error *e);
/* Ends the worker, closes the database; an ephemeral session's things go. */
void manager_free(struct manager *m);
/* lock_timeout may change during a session. */
void manager_set_lock_timeout(struct manager *m, int seconds);
/*
 * A new command begins: what was seen of the pin root, or that there is no database, is looked at
 * anew. What manager_db() gave before is no longer valid. name is the command's, text (len bytes)
 * how it was typed: both are borrowed until the next command, for its events.
 */
void manager_new_command(struct manager *m, const char *name, const char *text, size_t len);
/*
 * A command that changes something has ended, with failure or (NULL) well. An event is written for
 * a failure, and for a change that told none itself. What cannot be written is not told.
 */
void manager_end_command(struct manager *m, const struct error *failure);
/* The command found nothing to do: there is no event to tell. */
void manager_nothing_changed(struct manager *m);
/* The database for reading; a missing one reads as empty. Borrowed until the next command. */
int manager_db(struct manager *m, struct db **db, struct error *e);
/*
 * A second connection that only reads, for who looks while commands run: manager_db()'s may be
 * inside a change just then. The caller closes it with db_close(). A missing database reads as
 * empty; whether there is one now, and where, is manager_db_path()'s to tell.
 */
int manager_db_open(struct manager *m, struct db **db, struct error *e);
const char *manager_db_path(const struct manager *m);
/*
 * Makes what was done survive a power cut; does nothing when nothing was. last: no command will
 * follow, so the worker ends meanwhile.
 */
int manager_make_durable(struct manager *m, bool last, struct error *e);
/*
 * From now on the run is all or nothing: what it changes counts only once manager_atomic_decide()
 * has succeeded, and goes with manager_atomic_undo(), or with the next command of anybody should
 * this process be killed. now: take the locks at once; else with its first change. To this session
 * everything looks as if it were done; others see what it made and unloaded as pending. In a dry
 * run nothing is different.
 */
int manager_atomic_begin(struct manager *m, bool now, struct error *e);
/* Whether it is, and neither decided nor undone. */
bool manager_atomic(const struct manager *m);
/* 0: it is done and survives a power cut. Else it is to be undone. */
int manager_atomic_decide(struct manager *m, struct error *e);
/* Takes everything back. An error: the next command of anybody does. */
int manager_atomic_undo(struct manager *m, struct error *e);
bool manager_dry_run(const struct manager *m);
/* The worker's "hello": its versions and what this kernel offers. *result is the caller's. */
int manager_hello(struct manager *m, json_t **result, struct error *e);

/*
 * The reading worker without waiting; see client_post(). The answer is whole: its "op" tells what
 * it answers.
 */
int manager_post(struct manager *m, json_t *request, struct error *e);
int manager_collect(struct manager *m, json_t **answer, struct error *e);
struct pollfd;
void manager_poll(const struct manager *m, struct pollfd *p);

/* ---- what rows look like now (look.c) ---- */

enum sight {
	SIGHT_LOADED,
	SIGHT_ATTACHED,	   /* a link; a program or object with one */
	SIGHT_LOST,	   /* what the row tells of is gone */
	SIGHT_TARGET_GONE, /* a link: what it was attached to is */
	SIGHT_UNKNOWN,
	SIGHT_PENDING,
};
/* "loaded", "attached", "lost", ... */
const char *sight_name(enum sight sight);

struct look {
	enum sight sight;
	/*
	 * lost: reboot, unpinned, replaced; target_gone: interface, netns, cgroup, process;
	 * unknown: why; otherwise NULL.
	 */
	const char *reason;
};
/*
 * Looks at a pin without any privilege but search permission. Only ENOENT on our own bpffs means
 * gone; what cannot be told is SIGHT_UNKNOWN with the reason.
 */
struct look manager_look(struct manager *m, const char *boot_id, uint64_t root_dev, const char *pin,
			 const struct db_identity *identity, enum db_state state);
/*
 * Around looks at many pins: the pin root stays open, since half of each look would be the way
 * there. It cannot be unmounted meanwhile. What was seen of it before is looked at anew.
 */
void manager_look_begin(struct manager *m);
void manager_look_end(struct manager *m);
struct look manager_look_program(struct manager *m, const struct db_program *p);
struct look manager_look_map(struct manager *m, const struct db_map *map);
/*
 * Its pin, then its target: an interface is looked for in its network namespace (another one is
 * looked into by a child, once until the next command), a cgroup by path and id. Never
 * SIGHT_LOADED.
 */
struct look manager_look_link(struct manager *m, const struct db_link *l);
/* Looks at the pin root anew, too; manager_new_command() does so as well. */
void manager_look_again(struct manager *m);

/* ---- names (resolve.c) ---- */

/*
 * What a word names: an id, a name where it is unique, OBJECT/NAME, object:NAME, kernel:ID or
 * k:ID, or a pin path. want is the kind asked for; a bare name means the program before the object
 * before the map. A link has its program's name and, where no program is asked for, its id. Not
 * found: -ENOENT with e filled and the nearest name hinted; ambiguous: -ENOTUNIQ listing what it
 * could mean.
 */
enum want {
	WANT_PROGRAM = 1 << DB_PROGRAM,
	WANT_OBJECT = 1 << DB_OBJECT,
	WANT_MAP = 1 << DB_MAP,
	WANT_LINK = 1 << DB_LINK,
	WANT_ANY = WANT_PROGRAM | WANT_OBJECT | WANT_MAP | WANT_LINK,
};
struct named {
	enum db_kind kind;
	int64_t id;
};
int manager_resolve(struct manager *m, const char *text, unsigned want, struct named *named,
		    struct error *e);

/* ---- operations ---- */

struct manager_pair {
	const char *key, *value;
};

/* One attachment, as asked for. */
struct manager_attachment {
	const char *type;   /* "xdp", "uprobe", ...; NULL: from the program */
	const char *target; /* NULL: the program's section says it */
	/* "ingress" -> "", "netns" -> "blue", ...; the links that before and after name as typed.
	 */
	const struct manager_pair *options;
	size_t option_count;
};

struct manager_attach {
	int64_t program_id;
	struct manager_attachment what;
	bool ensure;
	/*
	 * ns until it is detached unless manager_keep() comes; 0: it stays. guard is called before
	 * the kernel is changed, to start somebody who sees to it whatever becomes of us.
	 */
	int64_t trial;
	int (*guard)(void *data, int64_t link_id, int64_t expires_at, struct error *e);
	void *data;
};
/*
 * Attaches a program by a pinned link. 0: it is attached, recorded and will survive any kill; *id
 * is the link's; *changed is false where ensure found the same attachment alive. *row (may be NULL)
 * is the worker's row, owned by the caller; NULL where there was nothing to ask it.
 */
int manager_attach(struct manager *m, const struct manager_attach *a, int64_t *id, bool *changed,
		   json_t **row, struct error *e);

/* Called for a path that was left because it is another object now, or could not be removed. */
typedef void (*manager_kept_fn)(void *data, const char *path, const char *why);

/* Detaches links and forgets them; those that are lost too. kept may be NULL. */
int manager_detach(struct manager *m, const int64_t *ids, size_t count, manager_kept_fn kept,
		   void *data, struct error *e);
/* Ends the trials of links; *changed tells whether any was on trial. */
int manager_keep(struct manager *m, const int64_t *ids, size_t count, bool *changed,
		 struct error *e);
/*
 * Waits until a link is no longer on trial; detaches it when its time is over before that.
 * -EINTR where the turn gives up.
 */
int manager_see_trial_out(struct manager *m, int64_t id, struct error *e);
/*
 * What an iterator's link has to say, by the reading worker: *result has "text" and "truncated",
 * and is owned by the caller.
 */
int manager_read_link(struct manager *m, const struct db_link *l, json_t **result, struct error *e);
/* The database, pin root and worker in use: to run another bpfman on the same things. */
struct manager_places {
	const char *db, *pin_root, *worker;
};
struct manager_places manager_places(const struct manager *m);

struct manager_load {
	const char *path;
	const char *base64; /* the file's bytes; NULL: they are read from path */
	const char *const *programs; /* NULL: all */
	size_t program_count;
	const char *pin_path;		  /* NULL: none; made absolute */
	const char *name;		  /* NULL: from the path */
	const char *type;		  /* for all programs, or NULL */
	const struct manager_pair *types; /* program, type */
	size_t type_count;
	const struct manager_pair *labels;
	size_t label_count;
	const struct manager_pair *globals; /* variable, value as text */
	size_t global_count;
	const struct manager_load_attach {
		const char *program;
		struct manager_attachment what;
	} * attach;
	size_t attach_count;
	bool attach_all;		  /* the other programs too, where their sections say it */
	const struct manager_pair *reuse; /* map of the object, MAP to use for it */
	size_t reuse_count;
	bool on_boot; /* `restore --boot` brings it back */
	bool ensure;
	bool verbose;
};
/*
 * Loads one object, all or nothing. 0: it is loaded, recorded and will survive any kill; *id is
 * the object's. Where ensure finds the same loaded already *there is true, and *changed only where
 * something that it is to be attached to had to be attached again. What it is attached
 * to belongs to it: a link that cannot be made takes all of it back. Log of a failure is kept in
 * the database.
 */
int manager_load(struct manager *m, const struct manager_load *l, int64_t *id, bool *there,
		 bool *changed, struct error *e);

/*
 * Looks into an object file, by the worker's "open"; *result is its result, owned by the caller.
 * *sha256 (may be NULL) receives the hex hash of its bytes.
 */
int manager_open(struct manager *m, const char *path, json_t **result, char sha256[65],
		 uint64_t *size, struct error *e);

/*
 * The same of l->path, also whether it has the global variables of l and their values are of its
 * types, and whether the maps of l can be used in place of its own.
 */
int manager_check_file(struct manager *m, const struct manager_load *l, json_t **file,
		       struct error *e);

/*
 * The global variables that a program (0: all of the object's) has in its maps: rows as the
 * worker's "open" tells them, with the values that they were loaded with, map_id, and their present
 * value (null: it cannot be read). An empty list without asking a worker where there is no such
 * map. *list is the caller's.
 */
int manager_globals(struct manager *m, int64_t object_id, int64_t program_id, json_t **list,
		    struct error *e);

/*
 * Whether a file, as manager_open() tells it, has all programs of these names, and any at all. Not:
 * -ENOENT, with those it has as hint.
 */
int manager_has_programs(const json_t *file, const char *path, const char *const *names,
			 size_t count, struct error *e);

/*
 * Verifies one program of l->path, with the global variables and the maps of l. *answer is the
 * worker's whole answer, also when the verdict is a failure (then e is filled too, and the negative
 * errno returned).
 */
int manager_verify(struct manager *m, const struct manager_load *l, const char *program,
		   const char *type, json_t **answer, struct error *e);

struct manager_upgrade {
	int64_t object_id;
	const char *path;	       /* NULL: back to the build before */
	const char *const *reset_maps; /* names of maps that begin anew */
	size_t reset_count;
	/* A link was attached anew, since the kernel cannot move it; may be NULL. */
	void (*anew)(void *data, int64_t link_id);
	void *anew_data;
	manager_kept_fn kept; /* a link or pin that was left as it was; may be NULL */
	void *kept_data;
};
/*
 * Puts another build in an object's place, all or nothing. 0: it is in force, recorded and will
 * survive any kill; *changed is false where the object is that build already.
 */
int manager_upgrade(struct manager *m, const struct manager_upgrade *u, bool *changed,
		    struct error *e);

enum restore_outcome {
	RESTORE_INTACT, /* nothing was lost */
	RESTORE_DONE,
	RESTORE_PARTLY, /* a link is lost still */
	RESTORE_FAILED,
};
/* What became of one object. */
struct restored {
	int64_t id;
	char *name;
	enum restore_outcome outcome;
	size_t programs, maps, links; /* that came back */
	struct restored_note {
		enum db_kind kind; /* of the map or link that it is about */
		int64_t id;
		char *name; /* a link's is its program's */
		bool lost;  /* it is not there again */
		char *text;
	} * notes;
	size_t note_count;
	bool awaits;	      /* it is not attached because its target is not there */
	struct error failure; /* why nothing came back, or more is lost */
};
struct restored_list {
	struct restored *at;
	size_t count;
};
void restored_list_free(struct restored_list *list);

/* Why `restore --boot` does nothing. */
enum restore_brake {
	RESTORE_GOES,
	RESTORE_SWITCHED_OFF, /* bpfman.restore=0 is on the kernel's command line */
	RESTORE_BEGUN_BEFORE, /* one was begun before and did not come to its end */
};
struct manager_restore {
	bool boot; /* only what asked for it; see *brake */
	const int64_t *ids;   /* of objects */
	size_t count;	      /* 0: all of which something is lost */
	int64_t wait;	      /* ns to wait for targets of links that are not there */
	manager_kept_fn kept; /* as of an upgrade */
	void *kept_data;
};
/*
 * Brings back what is lost, object by object, under the same ids: each is whole and will survive
 * any kill before the next begins, and one that fails does not keep the others from it. 0: the
 * list, in order of ids, tells how each went; free it in any case.
 */
int manager_restore(struct manager *m, const struct manager_restore *ask,
		    struct restored_list *list, enum restore_brake *brake, struct error *e);

/*
 * Unloads programs and objects in one step: detached, unpinned, forgotten. Maps that other
 * programs use stay. kept may be NULL.
 */
int manager_unload(struct manager *m, const struct named *targets, size_t count,
		   manager_kept_fn kept, void *data, struct error *e);

struct manager_release {
	const char *to; /* the directory where its pins go; NULL: ROOT/released/<id>_<name> */
	/* Called for each program, map and link, with the pin that it has had; may be NULL. */
	void (*told)(void *data, enum db_kind kind, int64_t id, const char *name, const char *pin);
	void *data;
};
/*
 * Forgets a program or an object and leaves it running: its pins, and those of its links and maps,
 * move to a directory, under their names. Maps that other programs use stay. *to is that directory;
 * the caller frees it.
 */
int manager_release(struct manager *m, const struct named *target,
		    const struct manager_release *release, char **to, manager_kept_fn kept,
		    void *data, struct error *e);

struct manager_adopt {
	const char *pin;  /* of the program */
	const char *name; /* of the object that it becomes; NULL: the program's */
};
/*
 * Takes in a program that others pinned, with its maps: it becomes an object without a file, pinned
 * in our root too. Their pin stays; one below our own root, which is nobody's, goes. *id is the
 * object's.
 */
int manager_adopt(struct manager *m, const struct manager_adopt *a, int64_t *id, struct error *e);
/* Where an object was adopted from, if it was; caller frees; NULL: it was loaded. */
char *adopted_from(const struct db_object *o);

/* ---- the contents of maps (map.c) ---- */

/* A map as named by a word: one that is managed, or (id 0) one that somebody else made. */
struct manager_map {
	int64_t id;
	char *name;		     /* what messages call it; NULL: its kernel name */
	char *pin;		     /* NULL: found by its kernel id */
	struct db_identity identity; /* of a managed one its pin's; else the kernel id, or none */
	char *type;		     /* of a managed one */
	bool planned;		     /* a dry run would have made it: there is nothing to read */
};
/* Like manager_resolve(), but a kernel id or a pin that is not managed will do. */
int manager_map_find(struct manager *m, const char *text, struct manager_map *map, struct error *e);
void manager_map_clear(struct manager_map *map);

/* How entries are wanted; *entries receives them as the worker tells them (doc/protocol.md). */
struct manager_entries {
	struct buf *entries;
	bool text;    /* lists of strings, not JSON values */
	bool per_cpu; /* in text: each CPU's value too */
};
/*
 * Some entries, by the reading worker: about as many as fit in 256 KiB, at most limit where that is
 * not 0. cursor: the result's of the part before, NULL at first. *result is the worker's answer to
 * map_dump (doc/protocol.md), owned by the caller.
 */
int manager_map_part(struct manager *m, const struct manager_map *map, const char *cursor,
		     uint64_t limit, const struct manager_entries *how, json_t **result,
		     struct error *e);
/* The request of that, as C text, for who does not wait (manager_post()). NULL: lost memory. */
json_t *manager_map_request(const struct manager_map *map, const char *cursor, uint64_t limit);
/* One entry; key NULL for a queue or stack. -ENOENT: there is none. */
int manager_map_get(struct manager *m, const struct manager_map *map, const char *key,
		    const struct manager_entries *how, json_t **result, struct error *e);
/*
 * Writes an entry; values: one, or one for each CPU. mode: "create" (it must be new), "existing" or
 * NULL. Only managed maps are written to; a dry run checks what can be checked.
 */
int manager_map_set(struct manager *m, const struct manager_map *map, const char *key,
		    const char *const *values, size_t count, const char *mode, struct error *e);
/* Deletes one, or takes the next from a queue or stack: that is told as by manager_map_get(). */
int manager_map_delete(struct manager *m, const struct manager_map *map, const char *key,
		       const struct manager_entries *how, json_t **result, struct error *e);

/* ---- running programs (run.c) ---- */

struct manager_run {
	const void *data, *ctx; /* NULL: none */
	size_t data_len, ctx_len;
	uint32_t repeat; /* 0: once */
	int cpu;	 /* -1: any */
	bool data_out;	 /* tell the data as it is afterwards */
};
/*
 * Runs a managed program on given data; what it writes to maps stays. *result is the worker's
 * answer to run (doc/protocol.md), owned by the caller; NULL in a dry run.
 */
int manager_run(struct manager *m, int64_t program_id, const struct manager_run *run,
		json_t **result, struct error *e);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_TESTS_FAULT_SWEEP_H
#define BPFMAN_TESTS_FAULT_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The sweeps: bpfman or its worker is killed at each entry and exit of each of its system calls, or
 * a system call fails, or memory runs out, or a file of SQLite's does. Then kernel, bpffs and
 * database are held against each other by looking at them, never through bpfman.
 */

/* ---- place.c: a mount namespace, a bpffs, a tmpfs and objects of one job's own ---- */

enum { TOKEN = 6, PLACE_PATH = 256 };

struct place {
	char dir[PLACE_PATH];			      /* a tmpfs */
	char bpffs[PLACE_PATH];			      /* the mount */
	char root[PLACE_PATH];			      /* the pin root, on it */
	char db_dir[PLACE_PATH], db[PLACE_PATH];      /* both are not there at first */
	char saved[PLACE_PATH], saved_db[PLACE_PATH]; /* copies; of pins, on the bpffs */
	char out[PLACE_PATH], err[PLACE_PATH];
	/*
	 * Begins the names of all programs and maps, and of objects: what others have in the
	 * kernel does not count.
	 */
	char token[TOKEN + 1];
	const char *worker;
};

/* Why the sweep cannot run here; NULL: it can. */
const char *place_refused(void);
/* Ends the process where it fails: nothing can be tested then. */
void place_enter(struct place *p, const char *examples, const char *worker);
/* Detaches what is pinned: one that only loses its pin is detached too late to attach again. */
void place_detach(const struct place *p);
/* Back to the clean state: no pins, no database. */
void place_clean(const struct place *p);
/* Removes pins, or directories with what is in them, below the root; links are detached. */
void place_unpin(const struct place *p, const char *pattern);
/* Remembers the state that is there now, instead of an earlier one. */
void place_save(const struct place *p);
/* Back to what was saved: the same rows, and the same pins with the same inodes. */
void place_restore(const struct place *p);
/* Calls fn for each entry below the bpffs mount, directories before what is in them. */
typedef void (*place_fn)(void *data, const char *path, bool directory);
void place_walk(const struct place *p, place_fn fn, void *data);
/*
 * Text as the operations' table has it: in it a word "@NAME" is an object file, "=NAME" a name that
 * begins with the token, "^PATH" a path on the bpffs, all else is itself. Caller frees.
 */
char *place_word(const struct place *p, const char *text);

/* ---- run.c, trace.c, names.c: processes ---- */

enum victim {
	VICTIM_FRONT,
	VICTIM_WORKER,
	VICTIM_BOTH, /* at the worker's stop, both are killed */
	VICTIM_SLOW, /* at the worker's stop, the front end is killed and the worker stops */
};

/* One stop of the victim. */
struct point {
	int nr;	    /* of the system call, -1 unknown */
	int detail; /* bpf(2)'s command, else 0 */
	bool exit;
};

struct points {
	struct point *at;
	size_t count, cap;
};

struct command {
	const char *binary;
	const char *const *words; /* NULL-terminated, as place_word() takes them */
	const char *setting;	  /* NAME=VALUE for its environment, or NULL */
};

/*
 * Runs it untraced until it ends, whatever else runs on: its exit status, 128 + a signal. stopped,
 * unless 0, is a process that goes on a little after the start.
 */
int trace_run(const struct place *p, const struct command *c, pid_t stopped);
/*
 * Runs it and counts the victim's stops, which are numbered from 1. At the n-th the victim is
 * killed. Returns when it is gone and leaves the other alone; *killed tells whether there was an
 * n-th stop. With n 0 nothing is killed. points may be NULL. Returns the worker that is stopped, to
 * be given SIGCONT, or 0.
 */
pid_t trace_kill(const struct place *p, const struct command *c, enum victim victim, size_t n,
		 struct points *points, bool *killed);

/* An error that system calls of the victim return instead of being made. */
struct injection {
	enum victim victim; /* VICTIM_FRONT or VICTIM_WORKER */
	size_t at;	    /* the first stop from which on a call's entry is taken */
	int error;	    /* an errno */
	size_t count;	    /* that many calls; SIZE_MAX: all that come */
};
struct outcome {
	bool hit;      /* the victim came so far */
	bool hung;     /* it went on and on, and was ended */
	bool unsynced; /* the last fsync(2) of a file failed */
	int status;    /* the front end's, 128 + a signal */
	int signal;    /* that ended the victim, or 0 */
};
/* Runs it to its end; usual is the number of stops without an injection. */
void trace_inject(const struct place *p, const struct command *c, const struct injection *i,
		  size_t usual, struct outcome *o);
/* Why errors cannot be injected here; NULL: they can. */
const char *trace_inject_refused(void);
/* Waits until no process of the run is left. False: one had to be killed. */
bool trace_wait_all(void);
/* Says "renameat2 (entry)"; the text lives until the next call. */
const char *trace_name(const struct point *point);
/* The calls that change what is kept: each of them matters. */
bool trace_changes(const struct point *point);

/* ---- kernel.c ---- */

enum thing { A_PROGRAM, A_MAP, A_LINK, THINGS };
extern const char *const thing_names[THINGS];

struct kernel_mark {
	uint32_t id[THINGS]; /* the highest ids in use */
};
/* To be called again and again with the same mark: it goes on from there. */
void kernel_mark(struct kernel_mark *m);

/* Kernel ids of one kind of thing. */
struct ids {
	uint32_t *id;
	size_t count, cap;
};
void ids_add(struct ids *list, uint32_t id);
bool ids_have(const struct ids *list, uint32_t id);
void ids_free(struct ids *list);

/*
 * Programs and maps whose name begins with the token, and links of such programs, newer than the
 * mark, that are not among those known (THINGS lists). The kernel frees them a little after their
 * last user went: they are suspects until they go.
 */
struct suspect {
	enum thing thing;
	uint32_t id;
	size_t point;
	char name[16];
};
struct suspects {
	struct suspect *at;
	size_t count, cap;
};
void suspects_add(struct suspects *s, const struct kernel_mark *since, const char *token,
		  const struct ids *known, size_t point);
/* Strikes out those that are gone. */
void suspects_look(struct suspects *s);
/* The kernel id of the program that the link pinned there runs; 0: it cannot be told. */
uint32_t kernel_link_program(const char *path);
/* The kernel id of the thing of this kind that is pinned there; 0: there is none. */
uint32_t kernel_pinned(const char *path, enum thing thing);

/* ---- check.c ---- */

enum kind { FOUND_ORPHAN, FOUND_GHOST, FOUND_LOST, FOUND_STUCK, FOUND_WRONG, FOUND_KINDS };

struct findings {
	bool found[FOUND_KINDS];
	void (*tell)(void *data, enum kind kind, const char *what);
	void *data;
};
void found(struct findings *f, enum kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Holds the pins, but for those below others (NULL: none), against the rows; known (THINGS lists)
 * receives the kernel ids that rows know.
 */
void check_stores(const struct place *p, const char *others, struct ids *known, struct findings *f);
/* Pins below a path on the bpffs. */
size_t check_count(const struct place *p, const char *others);
/*
 * Whether a program ("programs"), an object ("objects"), a link of a program ("links") or the new
 * build of an object ("new") of this name is there, and settled.
 */
bool check_row(const struct place *p, const char *table, const char *name);
/* Whether any row is not settled. */
bool check_unsettled(const struct place *p);
/* Whether the command wrote its whole result, and it is a good one. */
bool check_acknowledged(const struct place *p);
/*
 * What it said where it began with a document that tells an error, and not that it was carried out
 * all the same; NULL: it did not. Caller frees.
 */
char *check_refused(const struct place *p);

/* ---- operations.c ---- */

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct operation {
	const char *title;
	const char *const *before; /* a command whose result it starts from, or NULL */
	const char *lost;	   /* what is then unpinned by hand: see place_unpin(); or NULL */
	const char *const *command;
	/* A command that makes good, after the next one, what is lost as it was before; or NULL. */
	const char *const *mends;
	bool removes;		  /* it unloads or detaches */
	const char *table, *name; /* what it makes or removes: see check_row() */
	/* Of a run that is all or nothing: all that it does, to a part without table. */
	const struct part {
		const char *table, *name; /* see check_row() */
		bool made;
	} * parts;
	const char *stays; /* an object that was loaded before and stays, or NULL */
	/*
	 * What lies below this path is nobody's, and no row knows it; NULL: there is no such. At
	 * least so many pins are there: all the time, or where it removes, once that is done.
	 */
	const char *others;
	size_t others_least;
	bool control; /* also with its steps in a wrong order */
	/* It moves links, which copies of their pins do not bring back: made anew for each kill. */
	bool moves;
	bool intricate; /* it leaves much where it is killed: its recovery is killed too */
	bool reads;	/* it changes nothing: what it says is as without a fault, or an error */
	/* What else is tried on it than to kill it. */
	enum {
		FAILS_ERROR = 1,
		FAILS_MEMORY = 2,
		FAILS_IO = 4,
		FAILS = FAILS_ERROR | FAILS_MEMORY | FAILS_IO,
		NOT_KILLED = 8,
	} fails;
	enum {
		IN_SHORT = 1,
		IN_SHORT_EACH_KIND = 2, /* at each kind of system call */
		IN_SHORT_BOTH = 4,	/* also both killed at once */
		IN_SHORT_TWICE = 8,	/* also with its recovery killed */
	} in_short;
};
extern const struct operation operations[];
extern const size_t operation_count;

enum fault { FAULT_KILL, FAULT_ERROR, FAULT_MEMORY, FAULT_IO };

struct sweep {
	enum fault fault;
	const struct operation *operation;
	const char *binary;
	const char *worker; /* NULL: the one that is tested */
	enum victim victim;
	bool twice;   /* the recovery is killed too: victim is the next command's */
	bool all;     /* at all points, not at a choice of them */
	bool control; /* something must be found */
	size_t verbose;
};

struct result {
	size_t stops, points, killed; /* killed: or otherwise hit */
	size_t at[FOUND_KINDS];	      /* points at which such a thing was found */
	bool broken;		      /* something was found before any kill */
	double seconds;
};
void sweep_run(const struct sweep *s, const struct place *p, struct result *r);

#endif

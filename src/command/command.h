/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_COMMAND_H
#define BPFMAN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/sink.h"
#include "command/options.h"
#include "lang/lang.h"
#include "manager/manager.h"

/*
 * A command is one row: name, summary, arguments, flags, function. Parsing, help, completion,
 * --dry-run and the man page derive from it; an argument's type is its completer.
 */
struct session;
struct invocation;

enum arg_type {
	ARG_FLAG,	  /* an option without value */
	ARG_TEXT,	  /* anything */
	ARG_NAME,	  /* a name to give */
	ARG_CHOICE,	  /* one of choices */
	ARG_SECONDS,	  /* a number of seconds, fractions allowed */
	ARG_COUNT,	  /* a whole number from 1 */
	ARG_NUMBER,	  /* a whole number from 0 */
	ARG_LABEL,	  /* KEY=VALUE of an object */
	ARG_REUSE,	  /* NAME=MAP: a map of the FILE, and one that is managed */
	ARG_GLOBAL,	  /* NAME=VALUE of a global variable of the FILE given before */
	ARG_FILE,	  /* a file's path */
	ARG_FILE_PROGRAM, /* a program inside the FILE given before */
	ARG_PIN_PATH,	  /* a path to be on bpffs */
	ARG_PROGRAM_TYPE, /* [PROGRAM=]TYPE */
	ARG_PROGRAM,	  /* what PROGRAM means in COMMANDS */
	ARG_OBJECT,
	ARG_PROGRAM_OR_OBJECT,
	ARG_MAP,
	ARG_MAP_KEY,  /* a key of the MAP given before */
	ARG_OWN_MAP,  /* the name of a map of the OBJECT given before */
	ARG_ANYTHING, /* program, object, map or link */
	ARG_LINK,
	ARG_PROGRAM_OR_LINK,
	ARG_TARGET,	 /* what the PROGRAM given before can be attached to */
	ARG_ATTACH_TYPE, /* a type of attachment */
	ARG_NETNS,	 /* a network namespace: NAME, PATH or pid:N */
	ARG_ATTACH,	 /* PROGRAM=TARGET, of a program inside the FILE given before */
	ARG_COMMAND,	 /* a command's name */
	ARG_OPTION,	 /* a settable option's name */
	ARG_OPTION_VALUE,
	ARG_WORDS, /* all words that are left, whatever they look like */
};

enum arg_flags {
	ARG_REQUIRED = 1,
	ARG_REPEAT = 2, /* an option may be given again; a positional takes all that follow */
	ARG_FORMS = 4,	/* value spells out all the words that a positional may take */
	ARG_BARE = 8,	/* an option may stand alone: the next word is its value if it has a "=" */
};

struct arg {
	const char *name; /* "--program", or "FILE" for a positional */
	char letter;	  /* one-letter form of an option, 0: none */
	enum arg_type type;
	unsigned flags;
	const char *value; /* what an option's value is called */
	const char *const *choices;
	const char *help;
};

enum command_flags {
	COMMAND_MUTATES = 1,   /* changes what is managed */
	COMMAND_DOCUMENTS = 2, /* writes its documents itself, none or several */
	COMMAND_UNDOABLE = 4,  /* changes only what --atomic can take back */
};

struct command {
	const char *name; /* one word, or two: "map dump" */
	const char *summary;
	const struct arg *args;
	size_t arg_count;
	unsigned flags;
	/*
	 * Runs it; the answer goes to session->sink, whose document is open. 0 or a negative errno
	 * with e filled; a negative errno and an e without message: already told.
	 */
	int (*run)(struct session *s, const struct invocation *in, struct error *e);
	const char *description; /* a paragraph or two for help and the man page, or NULL */
	/* What the rows cannot say of the words, before anything runs; ERROR_USAGE; or NULL. */
	int (*check)(const struct invocation *in, struct error *e);
};

/* The families, one a file. */
extern const struct command load_commands[], list_commands[], show_commands[], unload_commands[],
	attach_commands[], detach_commands[], upgrade_commands[], log_commands[], stats_commands[],
	map_commands[], test_run_commands[], session_commands[], run_commands[], doctor_commands[],
	restore_commands[], backup_commands[], export_commands[], adopt_commands[];
extern const size_t load_command_count, list_command_count, show_command_count,
	unload_command_count, attach_command_count, detach_command_count, upgrade_command_count,
	log_command_count, stats_command_count, map_command_count, test_run_command_count,
	session_command_count, run_command_count, doctor_command_count, restore_command_count,
	backup_command_count, export_command_count, adopt_command_count;

/* By its whole name. */
const struct command *command_find(const char *name);
/*
 * The command that a line's first words name; second may be NULL. *used: how many they are. NULL:
 * none; then *used is 1 where the first is the begin of commands of two words, else 0.
 */
const struct command *command_match(const char *first, const char *second, size_t *used);
/* The second word of a command whose first one is this; NULL: it is another, or has no second. */
const char *command_second(const struct command *c, const char *first);
/* All commands in order of the families; i from 0; NULL at the end. */
const struct command *command_at(size_t i);
/* "load FILE [--program NAME]..." */
void command_usage(const struct command *c, struct buf *out);
/* The whole help text of one command, or of all in short. */
void command_help(const struct command *c, struct buf *out);
/* The options of bpfman itself, a line each. */
void options_help(struct buf *out);
/* The parts of bpfman(1) that derive from the tables: OPTIONS and COMMANDS, in man(7) format. */
void command_manual(struct buf *out);

/* ---- binding words to a command's arguments (bind.c) ---- */

struct arg_values {
	const char **values;
	size_t count;
};

struct invocation {
	const struct command *command;
	const struct statement *statement;
	struct arg_values *args; /* command->arg_count of them */
};

/*
 * Finds the command and binds the words. prefixes: a unique prefix of a command that changes
 * nothing is enough. Class ERROR_USAGE on any mistake, with the nearest command or option as hint.
 */
int invocation_bind(struct invocation *in, const struct statement *st, bool prefixes,
		    struct error *e);
void invocation_free(struct invocation *in);
/* The value of an option or positional by its name, NULL when not given; "" for a given flag. */
const char *invocation_value(const struct invocation *in, const char *name);
const struct arg_values *invocation_values(const struct invocation *in, const char *name);

/* ---- the session (session.c) ---- */

struct session {
	struct manager *manager;
	struct sink *sink;
	struct options *options;
	bool interactive;
	bool quit;
	bool done;   /* the command has made its change: what fails now is only to tell of it */
	int verdict; /* a command whose answer is a "no" leaves its exit status here */
	bool remake; /* `set` changed how results look: the next document has a new sink */
	/* Makes s->sink after s->options; the ui knows where results go. */
	int (*make_sink)(struct session *s, struct error *e);
	/* Has all results, from the next command on, go to a file as well; NULL: no more. */
	int (*copy_to)(void *data, const char *path, struct error *e);
	/* The command that runs now, NULL when none does any more: for a progress line. Borrowed.
	 */
	void (*busy)(void *data, const char *what, size_t len);
	/* Whoever sleeps has what was written until now shown first. */
	void (*before_sleep)(void *data);
	/* Waits, like client_turn.wait; -EINTR on ^C. */
	int (*wait)(void *data, int fd, short events, int timeout_ms);
	void *ui;		     /* data of the hooks */
	const struct source *source; /* innermost file being sourced, or NULL */
	unsigned depth;
};

/*
 * Runs scripts: first everything in all of them is bound, then the commands run until one fails
 * (all of them with keep_going). Errors and results go to the sink. At the outermost level what
 * was done is made durable at the end. Returns the exit status: 0, 1, 2, 3, 130.
 */
int session_run(struct session *s, const struct script *scripts, size_t count);
/* Parses and runs; a syntax error is told like any other. */
int session_run_text(struct session *s, const char *name, const char *text, size_t len);
/* A command that writes several documents: this one is written, and the next one begins. */
int session_next_document(struct session *s, const struct invocation *in, struct error *e);
/* Waits until the monotonic clock shows end (ns); -EINTR on ^C. */
int session_sleep_until(struct session *s, int64_t end);
/* Tells an error outside any command. Returns its exit status. */
int session_tell(struct session *s, const char *where, struct error *e);
/* The graver of two exit statuses: 130, 3, 2, 1, 0. */
int status_graver(int a, int b);

/* ---- completion (complete.c) ---- */

/*
 * Calls fn for each completion of the text before the cursor: word replaces the text from byte
 * offset start; it is quoted where needed. final: nothing more belongs to this word (a blank
 * follows). Order is stable, no duplicates. Never fails because something cannot be read.
 */
typedef int (*complete_fn)(void *data, const char *word, size_t start, bool final);
int session_complete(struct session *s, const char *text, size_t len, complete_fn fn, void *data,
		     struct error *e);

#endif

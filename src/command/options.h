/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_COMMAND_OPTIONS_H
#define BPFMAN_COMMAND_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/* What options and `set` decide. Strings are owned. */
enum { OUTPUT_TABLE, OUTPUT_JSON };
enum { SWITCH_ON, SWITCH_OFF };
enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct options {
	int output;
	char *output_file; /* where results go as well; NULL: nowhere */
	bool dry_run;
	bool atomic;
	bool keep_going;
	bool quiet;
	bool echo;
	bool timing;
	int lock_timeout; /* seconds */
	char *db, *pin_root, *worker;
	bool ephemeral;
	bool line;
	bool no_rc;
	int color;
	int stats;	 /* the screen has the kernel count */
	int interval_ms; /* between two readings of the screen */
	bool pause;
	int others; /* the screen shows what others loaded */
	bool mouse;
	int pager; /* the line mode has one */
	bool help, version;
};

enum option_kind { OPTION_FLAG, OPTION_CHOICE, OPTION_SECONDS, OPTION_INTERVAL, OPTION_PATH };
/* An interval is a number of seconds, fractions allowed, in this range. */
enum { OPTION_INTERVAL_LEAST_MS = 125, OPTION_INTERVAL_MOST_MS = 64000 };

/* One row an option: parsing, `set`, help and the man page come from it. */
struct option_row {
	const char *name;
	char letter; /* 0: none */
	enum option_kind kind;
	const char *value; /* what its value is called, NULL: takes none */
	const char *const *choices;
	const char *env;   /* environment variable, or NULL */
	size_t offset;	   /* in struct options */
	size_t file;	   /* there too, of the path of a file that `set` takes as well; 0: none */
	bool settable;	   /* by `set`, in a session */
	bool session_only; /* nothing for the shell's command line */
	const char *help;
};

extern const struct option_row option_rows[];
extern const size_t option_count;

/* Defaults and environment. */
int options_init(struct options *o, struct error *e);
void options_free(struct options *o);
const struct option_row *option_find(const char *name, size_t len);
const struct option_row *option_by_letter(char letter);
/* value NULL: a flag is switched on. Class ERROR_USAGE on a bad value. Takes no files. */
int option_set(struct options *o, const struct option_row *row, const char *value, struct error *e);
/*
 * Whether `set` means a file by the value, not one of the choices: it has a "/" or a "." in it, or
 * is the "-" that ends writing to one.
 */
bool option_names_file(const struct option_row *row, const char *value);
/* The file that was set, or NULL. Borrowed. */
const char *option_file(const struct options *o, const struct option_row *row);
/* The value as `set` shows it. */
void option_text(const struct options *o, const struct option_row *row, struct buf *out);

#endif

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
	int stats; /* the screen has the kernel count */
	bool help, version;
};

enum option_kind { OPTION_FLAG, OPTION_CHOICE, OPTION_SECONDS, OPTION_PATH };

/* One row an option: parsing, `set`, help and the man page come from it. */
struct option_row {
	const char *name;
	char letter; /* 0: none */
	enum option_kind kind;
	const char *value; /* what its value is called, NULL: takes none */
	const char *const *choices;
	const char *env; /* environment variable, or NULL */
	size_t offset;	 /* in struct options */
	bool settable;	 /* by `set`, in a session */
	const char *help;
};

extern const struct option_row option_rows[];
extern const size_t option_count;

/* Defaults and environment. */
int options_init(struct options *o, struct error *e);
void options_free(struct options *o);
const struct option_row *option_find(const char *name, size_t len);
const struct option_row *option_by_letter(char letter);
/* value NULL: a flag is switched on. Class ERROR_USAGE on a bad value. */
int option_set(struct options *o, const struct option_row *row, const char *value, struct error *e);
/* The value as `set` shows it. */
void option_text(const struct options *o, const struct option_row *row, struct buf *out);

#endif

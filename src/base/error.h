/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_BASE_ERROR_H
#define BPFMAN_BASE_ERROR_H

#include <stdarg.h>

/* What went wrong decides the exit status; the values are those statuses. */
enum error_class {
	ERROR_FAILED = 1,      /* the command failed */
	ERROR_USAGE = 2,       /* usage or syntax: nothing was run */
	ERROR_ENVIRONMENT = 3, /* no privilege, no bpffs, no worker, database unusable */
	ERROR_INTERRUPTED = 130,
};

/*
 * What failed, filled where it failed. Start from ERROR_INIT. Functions that take one return a
 * negative errno when they filled it. All strings are owned by the error and may be NULL.
 */
struct error {
	int err; /* positive errno; 0: no error */
	enum error_class class;
	char *message; /* one line: what failed, on which object, why */
	char *detail;  /* more lines, printed indented below the message */
	char *hint;    /* one line: what the user can do */
	char *where;   /* place in the input, "script.txt:12:8", where that is what failed */
};

#define ERROR_INIT { .err = 0, .class = ERROR_FAILED }

/* Fills e as ERROR_FAILED, replacing what it held, and returns -err. e may be NULL. */
int error_set(struct error *e, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with another class. */
int error_set_class(struct error *e, enum error_class class, int err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* -ENOMEM, filled without allocating. */
int error_nomem(struct error *e);
/* Puts "CONTEXT: " in front of the message; returns -e->err. */
int error_context(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Sets the hint; returns -e->err. */
int error_hint(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds a line (no newline needed) to the details; returns -e->err. */
int error_detail(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Sets the place; returns -e->err. */
int error_where(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
void error_clear(struct error *e);
/* Moves from into to; from is empty afterwards. */
void error_move(struct error *to, struct error *from);
/* "EPERM" for EPERM; "E<number>" for what the C library does not know. Never NULL. */
const char *error_code(int err);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_BASE_SINK_H
#define BPFMAN_BASE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Where a command's answer goes. A command writes one document, value by value, and does not know
 * whether a table, JSON or a pane becomes of it:
 *
 *	sink_begin(s);
 *	sink_rows(s, "programs", &program_table);      list of rows; NULL table: JSON only
 *		sink_row(s);
 *			sink_int(s, "id", 3); sink_str(s, "name", "xdp_pass"); ...
 *		sink_row_end(s);
 *	sink_rows_end(s);
 *	sink_end(s);
 *
 * Keys are stable snake_case and part of the interface; a key's type never changes. Strings are
 * bytes from anywhere: the sink escapes them. Write errors and lost memory are remembered and
 * told by sink_end(), so that writers need no check per call.
 */
struct sink;

enum sink_align { SINK_LEFT, SINK_RIGHT };

struct sink_column {
	const char *key;   /* the row's value that this column shows */
	const char *title; /* table head, or the label of an object's line; all NULL: no heads */
	enum sink_align align;
	bool bytes; /* an integer shown with a binary unit: 4.1K */
	bool optional; /* left out of a table where no row has a value for it */
};

struct sink_table {
	const struct sink_column *columns;
	size_t count;
	const char *empty; /* line shown when there are no rows; NULL: just the heads */
};

struct sink_ops {
	void (*begin)(struct sink *s);
	/* Ends the document and writes it out. Returns 0 or a negative errno with e filled. */
	int (*end)(struct sink *s, struct error *e);
	/* Ends a document that failed: what it held is dropped, the error takes its place. */
	int (*fail)(struct sink *s, const char *where, const char *command, const struct error *failure,
		    struct error *e);
	/*
	 * Opens an object or a list under key (NULL inside a list). columns say how a table shows
	 * it; NULL: a table does not show it. For an object the columns are its lines.
	 */
	void (*open)(struct sink *s, const char *key, bool list, const struct sink_table *table);
	void (*close)(struct sink *s);
	void (*null)(struct sink *s, const char *key);
	void (*boolean)(struct sink *s, const char *key, bool value);
	void (*integer)(struct sink *s, const char *key, int64_t value);
	/* u64 counters and nanoseconds: a string of digits in JSON, a number in a table. */
	void (*u64)(struct sink *s, const char *key, uint64_t value);
	/* A number with a fraction, as its digits. */
	void (*number)(struct sink *s, const char *key, const char *digits, size_t len);
	void (*string)(struct sink *s, const char *key, const char *value, size_t len);
	/* Text of several lines (a log): a string in JSON; verbatim, escaped, in a table. */
	void (*text)(struct sink *s, const char *key, const char *value, size_t len);
	/* The inside of what is open as JSON text; only JSON has it. */
	void (*verbatim)(struct sink *s, const char *text, size_t len);
	/* A line for people; JSON has none. */
	void (*note)(struct sink *s, const char *line);
	void (*free)(struct sink *s);
};

struct sink {
	const struct sink_ops *ops;
};

void sink_begin(struct sink *s);
int sink_end(struct sink *s, struct error *e);
/* where NULL: the place that the failure itself names, if any. */
int sink_fail(struct sink *s, const char *where, const char *command, const struct error *failure,
	      struct error *e);
void sink_object(struct sink *s, const char *key, const struct sink_table *table);
void sink_object_end(struct sink *s);
void sink_rows(struct sink *s, const char *key, const struct sink_table *table);
void sink_rows_end(struct sink *s);
void sink_row(struct sink *s);
void sink_row_end(struct sink *s);
/* A list of plain values under key; its values have no key. A table shows them comma-separated. */
void sink_list(struct sink *s, const char *key);
void sink_list_end(struct sink *s);
void sink_null(struct sink *s, const char *key);
void sink_bool(struct sink *s, const char *key, bool value);
void sink_int(struct sink *s, const char *key, int64_t value);
void sink_u64(struct sink *s, const char *key, uint64_t value);
/* value / 10^decimals, exactly: 1042 with 2 decimals is 10.42. At most 9 decimals. */
void sink_fixed(struct sink *s, const char *key, uint64_t value, unsigned decimals);
/* NULL is written as null. */
void sink_str(struct sink *s, const char *key, const char *value);
void sink_strn(struct sink *s, const char *key, const char *value, size_t len);
void sink_text(struct sink *s, const char *key, const char *value, size_t len);
/*
 * Elements of the list, or members of the object, that is open, comma-joined: JSON text made
 * elsewhere, which must be as careful with what reaches a terminal as json_quote_add() is. Only JSON
 * has them.
 */
void sink_verbatim(struct sink *s, const char *text, size_t len);
void sink_note(struct sink *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sink_free(struct sink *s);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_OUTPUT_OUTPUT_H
#define BPFMAN_OUTPUT_OUTPUT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/sink.h"

/*
 * The two forms of an answer (base/sink.h says what is written to them). A sink serves any number
 * of documents, one after the other. All return NULL without memory; sink_free() releases them.
 * File descriptors and buffers stay the caller's.
 *
 * Writing goes on after short writes, EINTR and EAGAIN. What cannot be written (EPIPE, ENOSPC) is
 * told by sink_end() and sink_fail() as -errno with "cannot write the result: ...", ERROR_FAILED;
 * SIGPIPE must be ignored by the program for that. Lost memory is told as -ENOMEM, and nothing of
 * the document is written then that was not out before; sink_fail() may follow.
 */

/*
 * JSON: one compact document and a newline for each sink_begin(). Bytes that are no UTF-8 become
 * \xNN; control characters and those that reorder a line are written as \uNNNN. u64 is a string
 * of digits. A failure writes {"error":{"code","message","hint","where"}} and, when it has any,
 * "details", a list of lines.
 *
 * A document larger than 1 MiB goes out in parts. When it fails after that, what is open is closed
 * and "error" becomes its last member.
 */
struct sink *sink_json_new(int fd);
struct sink *sink_json_buf(struct buf *out);

struct table_style {
	bool color;   /* table heads and the error's prefix in colour; they read the same without */
	int error_fd; /* where sink_fail() writes; below 0: where results go */
};

/*
 * Tables for people: what sink_rows() opens with a table is aligned in columns; what sink_object()
 * opens with a table becomes one "Title:  value" a line; both show only what their columns name.
 * "outer.inner" names a value of an object, or of each object of a list, inside the row. A list
 * shows as 3,4; null, an empty list, an empty string and a missing value as "-".
 *
 * Text (sink_text) of the document itself, or of an object with a table, is printed as it is,
 * escaped; inside a row it is a value like any other. Tables, objects and texts are separated by
 * an empty line; notes are lines between them, in the order written, those made inside a table
 * behind it. Tables opened inside a row or an object come behind it. Whatever else is opened
 * without a table is hidden, with all that is in it.
 *
 * A list of more than 1 MiB goes out in parts, with the columns as wide as the first part needs.
 * When the document fails after that, the error follows what is out.
 *
 * A failure writes "WHERE: COMMAND: MESSAGE", the details indented, and "hint: ..." to error_fd.
 */
struct sink *sink_table_new(int fd, const struct table_style *style);
struct sink *sink_table_buf(struct buf *out, const struct table_style *style);

/* Drops all answers and passes failures on to inner, which it owns (also when it returns NULL). */
struct sink *sink_quiet_new(struct sink *inner);

/* A file that answers and failures are written to as well, as plain text or as JSON. */
struct tee_file {
	int fd; /* the caller's still */
	const char *name;
	/* It cannot be written (any more), which the document's end has told; nothing goes there
	 * now. */
	void (*lost)(void *data);
	void *data;
};
/* Passes everything on to inner, which it owns (also when it returns NULL), and to the file. */
struct sink *sink_tee_new(struct sink *inner, bool json, const struct tee_file *file);

/* Appends what a table sink wrote in colour, without its colours. */
void table_plain(struct buf *out, const char *text, size_t len);

#endif

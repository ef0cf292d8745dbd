/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_OUTPUT_WRITER_H
#define BPFMAN_OUTPUT_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* What both sinks share. Private to output. */

/* Where bytes go: to buf when there is one, else to fd. */
struct writer {
	struct buf *buf;
	int fd;
};

/*
 * Writes all of it, however often that takes. Returns 0 or a negative errno with e filled:
 * "cannot write the result: ...".
 */
int writer_write(const struct writer *w, const char *bytes, size_t len, struct error *e);

enum { DIGITS = 20 };

/* Writes the number in decimal, without a NUL; returns its length. Much faster than printf. */
size_t digits_u64(char text[DIGITS], uint64_t value);
void digits_add_u64(struct buf *out, uint64_t value);
void digits_add_i64(struct buf *out, int64_t value);

#endif

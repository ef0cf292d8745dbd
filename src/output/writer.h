/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_OUTPUT_WRITER_H
#define BPFMAN_OUTPUT_WRITER_H

#include <stddef.h>

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

#endif

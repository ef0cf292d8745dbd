/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_COMMAND_EXPECT_H
#define BPFMAN_COMMAND_EXPECT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/* What a value is to be: [PART] = | != | < | <= | > | >= followed by a number or a text. */
struct expect {
	const char *part; /* "packets", "ports[1].min"; part_len 0: the whole value */
	size_t part_len;
	enum { EXPECT_EQ, EXPECT_NE, EXPECT_LT, EXPECT_LE, EXPECT_GT, EXPECT_GE } op;
	const char *wanted;
};

/* Points into text. ERROR_USAGE where it is none. */
int expect_parse(struct expect *x, const char *text, struct error *e);
/*
 * Whether the value, as JSON output has it, is so: 1 or 0. -ENOENT with e filled: it has no such
 * part. shown (may be NULL) receives the part as text.
 */
int expect_holds(const struct expect *x, const json_t *value, struct buf *shown, struct error *e);

#endif

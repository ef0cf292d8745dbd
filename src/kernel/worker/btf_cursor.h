/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_BTF_CURSOR_H
#define BPFMAN_WORKER_BTF_CURSOR_H

#include <stdbool.h>

#include "base/buf.h"
#include "kernel/worker/btf_parse.h"

/* A text while values are read from it: what btf_parse.c (composed ones) and btf_word.c share. */
struct cursor {
	const struct btf *btf;
	const char *at;
	unsigned char *bytes; /* of the variable */
	int depth;	      /* of braces */
	struct buf path;      /* of the part: ".ports[1]" */
	struct failure *f;
};

struct word {
	struct buf text;
	char quote; /* the quote it stood in; 0: none */
};

enum { CURSOR_SHOWN = 40 }; /* bytes of the text that a message repeats */

/* Fills the failure, reason bad_value; the part's path comes before the message. */
int cursor_bad(struct cursor *c, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool cursor_is_blank(char ch);
void cursor_skip_blanks(struct cursor *c);
/* The next word: in quotes, or up to a blank, comma, brace, bracket or equals sign. */
int cursor_word(struct cursor *c, struct word *w);
/* Reads an integer, bool, enum, float or pointer into its place. */
int cursor_parse_word(struct cursor *c, const struct btf_place *place, const struct btf_type *t);

#endif

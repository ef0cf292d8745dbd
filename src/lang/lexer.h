/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_LANG_LEXER_H
#define BPFMAN_LANG_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "lang/lang.h"

/*
 * Text to tokens, one at a time, in one pass. Private to lang. The same lexer serves a script,
 * where the first fault ends it, and completion, where nothing is a fault (lenient).
 */
enum token_kind {
	TOKEN_WORD,
	TOKEN_COMMENT,	   /* lenient only: a comment that no newline has ended yet */
	TOKEN_COMMAND_END, /* ; or a newline */
	TOKEN_TEXT_END,
	TOKEN_FAULT,
};

struct token {
	enum token_kind kind;
	const char *start; /* as typed */
	const char *end;
	char *text; /* unquoted, NUL-terminated, in the lexer's out; NULL without out */
	size_t len;
	bool quoted;
	char open_quote; /* lenient: the quote that the text's end left open, or 0 */
};

struct lexer {
	const char *p;
	const char *end;
	bool lenient;
	/*
	 * Where unquoted words go; NULL to only look. A word and its NUL never need more bytes than
	 * the word and the character that ends it, so the text's length + 1 is enough for all.
	 */
	char *out;
	/* The fault: where, and what as a message; the message may name the bytes at fault. */
	const char *fault_at;
	struct buf fault;
};

/* A byte order mark at the text's start is skipped. */
void lexer_init(struct lexer *lx, const char *text, size_t len, bool lenient);
void lexer_next(struct lexer *lx, struct token *t);

/*
 * Moves place from one point of a text to a later one: newlines count lines, characters count
 * columns. The bytes between must be valid UTF-8.
 */
void place_advance(struct place *place, const char *from, const char *to);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_LANG_LANG_H
#define BPFMAN_LANG_LANG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * The command language: text to words with their places. Pure: no table of commands, no files.
 * Grammar: doc/language.md.
 */
struct place {
	unsigned line;   /* from 1 */
	unsigned column; /* from 1, in characters */
};

struct word {
	const char *text; /* unquoted, NUL-terminated, without NUL inside */
	size_t len;
	struct place place;
	bool quoted; /* any part of it was quoted or escaped: never an option or a "--" */
};

struct statement {
	struct word *words;
	size_t count; /* at least 1 */
	const char *source; /* as typed, for --echo: points into the parsed text's copy */
	size_t source_len;
};

struct script {
	char *name; /* "script.txt", "stdin", "-c" */
	bool words; /* made of words, not of lines: places mean nothing to the user */
	struct statement *statements;
	size_t count;
	struct lang_arena *arena; /* owns statements, words and text */
};

/*
 * Parses a whole text. Memory grows with the text only; lines and words have no other limit.
 * On a syntax error e says where ("NAME:LINE:COLUMN"), class ERROR_USAGE, and s is empty.
 */
int script_parse(struct script *s, const char *name, const char *text, size_t len, struct error *e);
/* One command whose words are taken as they are (the shell's argv). */
int script_from_words(struct script *s, const char *name, const char *const *words, size_t count,
		      struct error *e);
void script_free(struct script *s);

/* What stands before the cursor, for completion: never an error. */
struct partial {
	struct script script;  /* holds the words of the last, unfinished command before the cursor */
	struct word *words;    /* finished words */
	size_t count;
	char *current;         /* the unquoted word under the cursor, "" between words; owned */
	size_t current_start;  /* byte offset where that word begins in the text, its quote included */
	char quote;            /* the quote it is in: ' or " or 0 */
};
int partial_parse(struct partial *p, const char *text, size_t len, struct error *e);
void partial_free(struct partial *p);

/* Appends word so that it parses back as exactly this one word. Control bytes become "\xNN". */
void lang_quote(struct buf *out, const char *word);

#endif

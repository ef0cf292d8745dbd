/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_BASE_TEXT_H
#define BPFMAN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * UTF-8, escaping and width. Strings from outside (names, sections, paths, logs) are bytes; what
 * reaches a terminal or a pipe is valid UTF-8 without control bytes.
 */

/*
 * Decodes the first character of s. Returns its length in bytes and stores its code point, or
 * returns 0 when the first byte does not begin a valid character (overlong forms, surrogates and
 * code points above U+10FFFF are invalid: Unicode 15, table 3-7). len must be at least 1.
 */
size_t utf8_decode(const char *s, size_t len, uint32_t *code);
/* Appends the UTF-8 form of a valid code point. */
void utf8_add(struct buf *out, uint32_t code);
/* Length of the longest valid prefix; equals len when all of s is valid. */
size_t utf8_valid_prefix(const char *s, size_t len);
bool utf8_valid(const char *s, size_t len);

enum escape_flags {
	ESCAPE_LINE = 0,  /* one line: every control byte is escaped */
	ESCAPE_LINES = 1, /* text of several lines: newline and tab stay */
};

/*
 * Appends s as it may be shown: C0, DEL and C1 control characters as \xNN (a C1 character byte by
 * byte), each byte of invalid UTF-8 as \xNN, also the line and paragraph separators and the
 * bidirectional controls that would reorder a line; all else as it is.
 */
void escape_add(struct buf *out, const char *s, size_t len, enum escape_flags flags);
/* Whether escape_add() escapes this valid code point in a line. */
bool code_is_control(uint32_t code);
/* Cells of a code point on a terminal: 0, 1 or 2, independent of the locale. */
int code_cells(uint32_t code);
/* Cells that valid, escaped text takes. */
size_t text_cells(const char *s, size_t len);
/* Bytes of the longest prefix of valid text that takes at most cells cells. */
size_t text_prefix(const char *s, size_t len, size_t cells);

/* 12345 -> "12.1K": bytes for people, powers of 1024, at most 6 characters. */
void text_bytes(struct buf *out, uint64_t bytes);
/* The last component of a path, never empty for a non-empty path without trailing slashes. */
const char *path_base(const char *path);
/* The file's base name without ".bpf.o" or ".o", as objects are named by default; caller frees. */
char *object_name_of(const char *path);
enum { DIGITS = 20 };

/* Writes the number in decimal, without a NUL; returns its length. Much faster than printf. */
size_t digits_u64(char text[DIGITS], uint64_t value);
void digits_add_u64(struct buf *out, uint64_t value);
void digits_add_i64(struct buf *out, int64_t value);
/* Parses a whole decimal number without sign; false when it is not one or does not fit. */
bool parse_u64(const char *s, uint64_t *value);

/*
 * The candidate nearest to word by edit distance (adjacent swaps count as one), or NULL when none
 * is near enough to be meant: at most a third of word's length, at least 1, and a candidate of
 * which word is a proper prefix of 3 characters or more counts as near.
 */
const char *text_nearest(const char *word, const char *const *candidates, size_t count);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_BASE_BUF_H
#define BPFMAN_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A growing byte string. data is NULL until the first byte arrives and always ends in a NUL that
 * len does not count. An allocation that fails makes the buffer "failed": what was written so far
 * stays, later writes do nothing, and buf_error() tells once, at the end, so that writers need no
 * check per call.
 */
struct buf {
	char *data;
	size_t len;
	size_t cap;
	bool failed;
};

void buf_free(struct buf *b);
/* Empties the buffer and its failure, keeps the memory. */
void buf_reset(struct buf *b);
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
/* The same character, n times. */
void buf_fill(struct buf *b, char c, size_t n);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args);
/* Drops the first n bytes. */
void buf_drop(struct buf *b, size_t n);
/* Keeps the first len bytes; does nothing when there are fewer. */
void buf_cut(struct buf *b, size_t len);
/* 0, or -ENOMEM when a write was lost. */
int buf_error(const struct buf *b);
/* The text, "" when nothing was written; the buffer keeps it. */
const char *buf_text(const struct buf *b);
/* Hands the text to the caller, who frees it; NULL when a write was lost. The buffer is empty then. */
char *buf_take(struct buf *b);

#endif

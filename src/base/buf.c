/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST = 64 };

static bool buf_grow(struct buf *b, size_t more)
{
	size_t need, cap;
	char *data;

	if (more > SIZE_MAX / 2 - b->len - 1) {
		b->failed = true;
		return false;
	}
	need = b->len + more + 1;
	cap = b->cap ? b->cap : BUF_FIRST;
	while (cap < need)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

/* Makes room for more bytes and the NUL behind them. */
static inline bool buf_room(struct buf *b, size_t more)
{
	if (b->failed)
		return false;
	return more < b->cap - b->len || buf_grow(b, more);
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (len == 0 || !buf_room(b, len))
		return;
	memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	if (!buf_room(b, 1))
		return;
	b->data[b->len++] = c;
	b->data[b->len] = '\0';
}

void buf_fill(struct buf *b, char c, size_t n)
{
	if (n == 0 || !buf_room(b, n))
		return;
	memset(b->data + b->len, c, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(b, format, args);
	va_end(args);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
	va_list again;
	int n;

	if (!buf_room(b, 1))
		return;
	va_copy(again, args);
	n = vsnprintf(b->data + b->len, b->cap - b->len, format, args);
	if (n < 0) {
		b->failed = true;
	} else if ((size_t)n < b->cap - b->len) {
		b->len += (size_t)n;
	} else if (buf_room(b, (size_t)n)) {
		vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
		b->len += (size_t)n;
	}
	/* A write that was lost may have left its first half behind the end. */
	b->data[b->len] = '\0';
	va_end(again);
}

void buf_drop(struct buf *b, size_t n)
{
	if (n == 0 || !b->data)
		return;
	if (n > b->len)
		n = b->len;
	b->len -= n;
	memmove(b->data, b->data + n, b->len + 1);
}

void buf_cut(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->data[len] = '\0';
}

int buf_error(const struct buf *b)
{
	return b->failed ? -ENOMEM : 0;
}

const char *buf_text(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
	char *text = NULL;

	if (!b->failed) {
		text = b->data ? b->data : calloc(1, 1);
		b->data = NULL;
	}
	buf_free(b);
	return text;
}

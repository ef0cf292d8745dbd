/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strerrorname_np */
#endif
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/*
 * What a message says when there is no memory to say it. The one string that an error may hold
 * and never frees.
 */
static char no_memory[] = "not enough memory";

static void text_free(char *text)
{
	if (text != no_memory)
		free(text);
}

/* The formatted text, NULL without memory. */
static char *text_format(const char *format, va_list args)
{
	struct buf b = { 0 };

	buf_vprintf(&b, format, args);
	return buf_take(&b);
}

static int error_fill(struct error *e, enum error_class class, int err, const char *format,
		      va_list args)
{
	char *message;

	if (!e)
		return -err;
	/* The arguments may point into what e holds now. */
	message = text_format(format, args);
	error_clear(e);
	e->err = err;
	e->class = class;
	e->message = message ? message : no_memory;
	return -err;
}

int error_set(struct error *e, int err, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = error_fill(e, ERROR_FAILED, err, format, args);
	va_end(args);
	return ret;
}

int error_set_class(struct error *e, enum error_class class, int err, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = error_fill(e, class, err, format, args);
	va_end(args);
	return ret;
}

int error_nomem(struct error *e)
{
	if (e) {
		error_clear(e);
		e->err = ENOMEM;
		e->message = no_memory;
	}
	return -ENOMEM;
}

int error_context(struct error *e, const char *format, ...)
{
	struct buf b = { 0 };
	va_list args;
	char *message;

	if (!e)
		return 0;
	va_start(args, format);
	buf_vprintf(&b, format, args);
	va_end(args);
	if (e->message) {
		buf_str(&b, ": ");
		buf_str(&b, e->message);
	}
	message = buf_take(&b);
	if (message) {
		text_free(e->message);
		e->message = message;
	}
	return -e->err;
}

static int error_text(struct error *e, char **slot, const char *format, va_list args)
{
	char *text = text_format(format, args);

	if (text) {
		text_free(*slot);
		*slot = text;
	}
	return -e->err;
}

int error_hint(struct error *e, const char *format, ...)
{
	va_list args;
	int ret;

	if (!e)
		return 0;
	va_start(args, format);
	ret = error_text(e, &e->hint, format, args);
	va_end(args);
	return ret;
}

int error_where(struct error *e, const char *format, ...)
{
	va_list args;
	int ret;

	if (!e)
		return 0;
	va_start(args, format);
	ret = error_text(e, &e->where, format, args);
	va_end(args);
	return ret;
}

int error_detail(struct error *e, const char *format, ...)
{
	struct buf b = { 0 };
	va_list args;
	char *detail;

	if (!e)
		return 0;
	if (e->detail) {
		buf_str(&b, e->detail);
		buf_char(&b, '\n');
	}
	va_start(args, format);
	buf_vprintf(&b, format, args);
	va_end(args);
	detail = buf_take(&b);
	if (detail) {
		text_free(e->detail);
		e->detail = detail;
	}
	return -e->err;
}

void error_clear(struct error *e)
{
	if (!e)
		return;
	text_free(e->message);
	text_free(e->detail);
	text_free(e->hint);
	text_free(e->where);
	*e = (struct error)ERROR_INIT;
}

void error_move(struct error *to, struct error *from)
{
	if (to == from || !from)
		return;
	if (to) {
		error_clear(to);
		*to = *from;
		*from = (struct error)ERROR_INIT;
	} else {
		error_clear(from);
	}
}

const char *error_code(int err)
{
	static _Thread_local char unknown[16];
	const char *name = err > 0 ? strerrorname_np(err) : NULL;

	if (name)
		return name;
	snprintf(unknown, sizeof(unknown), "E%d", err);
	return unknown;
}

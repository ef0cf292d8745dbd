/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sink.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

void sink_begin(struct sink *s)
{
	s->ops->begin(s);
}

int sink_end(struct sink *s, struct error *e)
{
	return s->ops->end(s, e);
}

int sink_fail(struct sink *s, const char *where, const char *command, const struct error *failure,
	      struct error *e)
{
	return s->ops->fail(s, where ? where : failure->where, command, failure, e);
}

void sink_object(struct sink *s, const char *key, const struct sink_table *table)
{
	s->ops->open(s, key, false, table);
}

void sink_object_end(struct sink *s)
{
	s->ops->close(s);
}

void sink_rows(struct sink *s, const char *key, const struct sink_table *table)
{
	s->ops->open(s, key, true, table);
}

void sink_rows_end(struct sink *s)
{
	s->ops->close(s);
}

void sink_row(struct sink *s)
{
	s->ops->open(s, NULL, false, NULL);
}

void sink_row_end(struct sink *s)
{
	s->ops->close(s);
}

void sink_list(struct sink *s, const char *key)
{
	s->ops->open(s, key, true, NULL);
}

void sink_list_end(struct sink *s)
{
	s->ops->close(s);
}

void sink_null(struct sink *s, const char *key)
{
	s->ops->null(s, key);
}

void sink_bool(struct sink *s, const char *key, bool value)
{
	s->ops->boolean(s, key, value);
}

void sink_int(struct sink *s, const char *key, int64_t value)
{
	s->ops->integer(s, key, value);
}

void sink_u64(struct sink *s, const char *key, uint64_t value)
{
	s->ops->u64(s, key, value);
}

void sink_fixed(struct sink *s, const char *key, uint64_t value, unsigned decimals)
{
	uint64_t one = 1;
	char text[48];
	int len;

	for (unsigned i = 0; i < decimals; i++)
		one *= 10;
	/* No printf of a double: its point is the locale's. */
	len = snprintf(text, sizeof(text), "%" PRIu64, value / one);
	if (decimals)
		len += snprintf(text + len, sizeof(text) - (size_t)len, ".%0*" PRIu64,
				(int)decimals, value % one);
	s->ops->number(s, key, text, (size_t)len);
}

void sink_str(struct sink *s, const char *key, const char *value)
{
	if (value)
		s->ops->string(s, key, value, strlen(value));
	else
		s->ops->null(s, key);
}

void sink_strn(struct sink *s, const char *key, const char *value, size_t len)
{
	if (value)
		s->ops->string(s, key, value, len);
	else
		s->ops->null(s, key);
}

void sink_text(struct sink *s, const char *key, const char *value, size_t len)
{
	if (value)
		s->ops->text(s, key, value, len);
	else
		s->ops->null(s, key);
}

void sink_verbatim(struct sink *s, const char *text, size_t len)
{
	if (len)
		s->ops->verbatim(s, text, len);
}

void sink_note(struct sink *s, const char *format, ...)
{
	struct buf line = { 0 };
	char small[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(small)) {
		va_start(args, format);
		buf_vprintf(&line, format, args);
		va_end(args);
	}
	/* Without memory for a long note its beginning is still worth showing. */
	s->ops->note(s, line.len && !buf_error(&line) ? buf_text(&line) : small);
	buf_free(&line);
}

void sink_free(struct sink *s)
{
	if (s)
		s->ops->free(s);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/text.h"
#include "output/writer.h"

enum { JSON_FLUSH = 1 << 20 };

struct json_sink {
	struct sink sink; /* first: the ops get a pointer to it */
	struct writer to;
	struct buf text;   /* what is not written out yet */
	struct buf open;   /* the brackets that close what is open, innermost last */
	bool comma;	   /* the next value has one before it */
	bool flushed;	   /* a part of this document is out */
	struct error lost; /* the first write that failed; nothing is written after it */
};

static struct json_sink *json_of(struct sink *s)
{
	return (struct json_sink *)s;
}

/* Writes out what there is; a failure is remembered and everything after it thrown away. */
static void json_flush(struct json_sink *j)
{
	if (!j->lost.err && !buf_error(&j->text) && !buf_error(&j->open)) {
		j->flushed = true;
		writer_write(&j->to, buf_text(&j->text), j->text.len, &j->lost);
	}
	if (!buf_error(&j->text))
		buf_reset(&j->text);
}

/* What stands before a value: a comma, and in an object its key. */
static void json_lead(struct json_sink *j, const char *key)
{
	if (j->text.len > JSON_FLUSH)
		json_flush(j);
	if (j->comma)
		buf_char(&j->text, ',');
	j->comma = true;
	if (j->open.len && j->open.data[j->open.len - 1] == '}') {
		if (!key)
			key = "";
		json_quote_add(&j->text, key, strlen(key));
		buf_char(&j->text, ':');
	}
}

static void json_push(struct json_sink *j, bool list)
{
	buf_char(&j->text, list ? '[' : '{');
	buf_char(&j->open, list ? ']' : '}');
	j->comma = false;
}

static void json_pop(struct json_sink *j)
{
	if (j->open.len == 0)
		return;
	buf_char(&j->text, j->open.data[--j->open.len]);
	j->comma = true;
}

static void json_start(struct json_sink *j)
{
	buf_reset(&j->text);
	buf_reset(&j->open);
	error_clear(&j->lost);
	j->flushed = false;
	json_push(j, false);
}

static void json_begin(struct sink *s)
{
	json_start(json_of(s));
}

/* Closes what is open and writes the rest of the document. */
static int json_finish(struct json_sink *j, struct error *e)
{
	int ret;

	while (j->open.len)
		json_pop(j);
	buf_char(&j->text, '\n');
	json_flush(j);
	if (buf_error(&j->text) || buf_error(&j->open))
		return error_nomem(e);
	/* The document is over: a failure told now would begin a new one. */
	j->flushed = false;
	ret = -j->lost.err;
	if (ret && e)
		error_move(e, &j->lost);
	return ret;
}

static int json_end(struct sink *s, struct error *e)
{
	return json_finish(json_of(s), e);
}

static void json_open(struct sink *s, const char *key, bool list, const struct sink_table *table)
{
	struct json_sink *j = json_of(s);

	(void)table;
	json_lead(j, key);
	json_push(j, list);
}

static void json_close(struct sink *s)
{
	struct json_sink *j = json_of(s);

	/* The document itself ends with end(). */
	if (j->open.len > 1)
		json_pop(j);
}

static void json_null(struct sink *s, const char *key)
{
	struct json_sink *j = json_of(s);

	json_lead(j, key);
	buf_add(&j->text, "null", 4);
}

static void json_boolean(struct sink *s, const char *key, bool value)
{
	struct json_sink *j = json_of(s);

	json_lead(j, key);
	buf_str(&j->text, value ? "true" : "false");
}

static void json_integer(struct sink *s, const char *key, int64_t value)
{
	struct json_sink *j = json_of(s);

	json_lead(j, key);
	digits_add_i64(&j->text, value);
}

static void json_u64(struct sink *s, const char *key, uint64_t value)
{
	struct json_sink *j = json_of(s);

	json_lead(j, key);
	buf_char(&j->text, '"');
	digits_add_u64(&j->text, value);
	buf_char(&j->text, '"');
}

static void json_number(struct sink *s, const char *key, const char *digits, size_t len)
{
	struct json_sink *j = json_of(s);

	json_lead(j, key);
	buf_add(&j->text, digits, len);
}

static void json_string(struct sink *s, const char *key, const char *value, size_t len)
{
	struct json_sink *j = json_of(s);

	json_lead(j, key);
	json_quote_add(&j->text, value, len);
}

static void json_verbatim(struct sink *s, const char *text, size_t len)
{
	struct json_sink *j = json_of(s);

	if (j->text.len > JSON_FLUSH)
		json_flush(j);
	if (j->comma)
		buf_char(&j->text, ',');
	j->comma = true;
	buf_add(&j->text, text, len);
}

static void json_note(struct sink *s, const char *line)
{
	(void)s;
	(void)line;
}

static void json_details(struct sink *s, const char *detail)
{
	json_open(s, "details", true, NULL);
	while (*detail) {
		size_t n = strcspn(detail, "\n");

		json_string(s, NULL, detail, n);
		detail += n;
		if (*detail)
			detail++;
	}
	json_close(s);
}

static int json_fail(struct sink *s, const char *where, const char *command,
		     const struct error *failure, struct error *e)
{
	struct json_sink *j = json_of(s);

	(void)command;
	if (j->flushed) {
		while (j->open.len > 1)
			json_pop(j);
	} else {
		json_start(j);
	}
	json_open(s, "error", false, NULL);
	sink_str(s, "code", error_code(failure->err));
	sink_str(s, "message", failure->message ? failure->message : strerror(failure->err));
	sink_str(s, "hint", failure->hint);
	sink_str(s, "where", where);
	if (failure->detail && *failure->detail)
		json_details(s, failure->detail);
	json_close(s);
	return json_finish(j, e);
}

static void json_free(struct sink *s)
{
	struct json_sink *j = json_of(s);

	buf_free(&j->text);
	buf_free(&j->open);
	error_clear(&j->lost);
	free(j);
}

static const struct sink_ops json_ops = {
	.begin = json_begin,
	.end = json_end,
	.fail = json_fail,
	.open = json_open,
	.close = json_close,
	.null = json_null,
	.boolean = json_boolean,
	.integer = json_integer,
	.u64 = json_u64,
	.number = json_number,
	.string = json_string,
	.text = json_string,
	.verbatim = json_verbatim,
	.note = json_note,
	.free = json_free,
};

static struct sink *json_new(struct writer to)
{
	struct json_sink *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->sink.ops = &json_ops;
	j->to = to;
	return &j->sink;
}

struct sink *sink_json_new(int fd)
{
	return json_new((struct writer){ .fd = fd });
}

struct sink *sink_json_buf(struct buf *out)
{
	return json_new((struct writer){ .buf = out, .fd = -1 });
}

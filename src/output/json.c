/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/* How a byte stands in a string: as it is, as backslash and a letter, or not that simply. */
static const char json_escapes[256] = {
	[0 ... 7] = 1, ['\b'] = 'b',	    ['\t'] = 't',	 ['\n'] = 'n',
	[0x0b] = 1,    ['\f'] = 'f',	    ['\r'] = 'r',	 ['"'] = '"',
	['\\'] = '\\', [0x0e ... 0x1f] = 1, [0x7f ... 0xff] = 1,
};

/* The character at s in its escaped or plain form; returns its length in s. */
static size_t json_character(struct buf *out, const char *s, size_t len)
{
	unsigned char c = (unsigned char)*s;
	char letter = json_escapes[c];
	uint32_t code;
	size_t n;

	if (letter > 1) {
		char pair[2] = { '\\', letter };

		buf_add(out, pair, sizeof(pair));
		return 1;
	}
	n = utf8_decode(s, len, &code);
	if (n == 0) {
		buf_printf(out, "\\\\x%02x", c);
		return 1;
	}
	/* All of them are below U+10000: one \u is enough. */
	if (code_is_control(code))
		buf_printf(out, "\\u%04x", (unsigned)code);
	else
		buf_add(out, s, n);
	return n;
}

static void json_quoted(struct buf *out, const char *s, size_t len)
{
	size_t done = 0, at = 0;

	buf_char(out, '"');
	while (at < len) {
		if (!json_escapes[(unsigned char)s[at]]) {
			at++;
			continue;
		}
		buf_add(out, s + done, at - done);
		at += json_character(out, s + at, len - at);
		done = at;
	}
	buf_add(out, s + done, at - done);
	buf_char(out, '"');
}

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
		json_quoted(&j->text, key, strlen(key));
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

static void json_string(struct sink *s, const char *key, const char *value, size_t len)
{
	struct json_sink *j = json_of(s);

	json_lead(j, key);
	json_quoted(&j->text, value, len);
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
	.string = json_string,
	.text = json_string,
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

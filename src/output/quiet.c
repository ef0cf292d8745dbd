/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --quiet: answers are dropped, failures pass. */
#include "output/output.h"

#include <stdlib.h>

struct quiet {
	struct sink sink;
	struct sink *inner;
};

static void begin(struct sink *s)
{
	(void)s;
}

static int end(struct sink *s, struct error *e)
{
	(void)s;
	(void)e;
	return 0;
}

static int fail(struct sink *s, const char *where, const char *command, const struct error *failure,
		struct error *e)
{
	struct quiet *q = (struct quiet *)s;

	sink_begin(q->inner);
	return sink_fail(q->inner, where, command, failure, e);
}

static void open_nothing(struct sink *s, const char *key, bool list, const struct sink_table *table)
{
	(void)s;
	(void)key;
	(void)list;
	(void)table;
}

static void no_null(struct sink *s, const char *key)
{
	(void)s;
	(void)key;
}

static void no_boolean(struct sink *s, const char *key, bool value)
{
	(void)s;
	(void)key;
	(void)value;
}

static void no_integer(struct sink *s, const char *key, int64_t value)
{
	(void)s;
	(void)key;
	(void)value;
}

static void no_u64(struct sink *s, const char *key, uint64_t value)
{
	(void)s;
	(void)key;
	(void)value;
}

static void no_string(struct sink *s, const char *key, const char *value, size_t len)
{
	(void)s;
	(void)key;
	(void)value;
	(void)len;
}

static void no_verbatim(struct sink *s, const char *text, size_t len)
{
	(void)s;
	(void)text;
	(void)len;
}

static void no_note(struct sink *s, const char *line)
{
	(void)s;
	(void)line;
}

static void free_quiet(struct sink *s)
{
	struct quiet *q = (struct quiet *)s;

	sink_free(q->inner);
	free(q);
}

static const struct sink_ops quiet_ops = {
	.begin = begin,
	.end = end,
	.fail = fail,
	.open = open_nothing,
	.close = begin,
	.null = no_null,
	.boolean = no_boolean,
	.integer = no_integer,
	.u64 = no_u64,
	.number = no_string,
	.string = no_string,
	.text = no_string,
	.verbatim = no_verbatim,
	.note = no_note,
	.free = free_quiet,
};

struct sink *sink_quiet_new(struct sink *inner)
{
	struct quiet *q = inner ? calloc(1, sizeof(*q)) : NULL;

	if (!q) {
		sink_free(inner);
		return NULL;
	}
	q->sink.ops = &quiet_ops;
	q->inner = inner;
	return &q->sink;
}

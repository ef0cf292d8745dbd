/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers that go to two places at once. */
#include "output/output.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tee {
	struct sink sink; /* first: the ops get a pointer to it */
	struct sink *inner;
	struct sink *copy; /* NULL: it could not be written any more */
	char *name;
	int fd;
	void (*lost)(void *data);
	void *data;
};

static struct tee *tee_of(struct sink *s)
{
	return (struct tee *)s;
}

/* The same to both. */
#define BOTH(op, ...)                                             \
	do {                                                      \
		struct tee *t = tee_of(s);                        \
		t->inner->ops->op(t->inner, ##__VA_ARGS__);       \
		if (t->copy)                                      \
			t->copy->ops->op(t->copy, ##__VA_ARGS__); \
	} while (0)

/* The copy is told of once, and given up. */
static int lose(struct tee *t, struct error *failure, struct error *e)
{
	error_context(failure, "%s", t->name);
	error_hint(failure, "results do not go there any more");
	error_move(e, failure);
	sink_free(t->copy);
	t->copy = NULL;
	t->lost(t->data);
	return -e->err;
}

static void begin(struct sink *s)
{
	BOTH(begin);
}

static int end(struct sink *s, struct error *e)
{
	struct tee *t = tee_of(s);
	struct error failure = ERROR_INIT;
	int r = sink_end(t->inner, e);

	if (t->copy && sink_end(t->copy, &failure) && !r)
		return lose(t, &failure, e);
	error_clear(&failure);
	return r;
}

static int fail(struct sink *s, const char *where, const char *command, const struct error *told,
		struct error *e)
{
	struct tee *t = tee_of(s);
	struct error failure = ERROR_INIT;
	int r = sink_fail(t->inner, where, command, told, e);

	if (t->copy && sink_fail(t->copy, where, command, told, &failure) && !r)
		return lose(t, &failure, e);
	error_clear(&failure);
	return r;
}

static void open_both(struct sink *s, const char *key, bool list, const struct sink_table *table)
{
	BOTH(open, key, list, table);
}

static void close_both(struct sink *s)
{
	BOTH(close);
}

static void null(struct sink *s, const char *key)
{
	BOTH(null, key);
}

static void boolean(struct sink *s, const char *key, bool value)
{
	BOTH(boolean, key, value);
}

static void integer(struct sink *s, const char *key, int64_t value)
{
	BOTH(integer, key, value);
}

static void u64(struct sink *s, const char *key, uint64_t value)
{
	BOTH(u64, key, value);
}

static void number(struct sink *s, const char *key, const char *digits, size_t len)
{
	BOTH(number, key, digits, len);
}

static void string(struct sink *s, const char *key, const char *value, size_t len)
{
	BOTH(string, key, value, len);
}

static void text(struct sink *s, const char *key, const char *value, size_t len)
{
	BOTH(text, key, value, len);
}

static void verbatim(struct sink *s, const char *json, size_t len)
{
	BOTH(verbatim, json, len);
}

static void note(struct sink *s, const char *line)
{
	BOTH(note, line);
}

static void free_tee(struct sink *s)
{
	struct tee *t = tee_of(s);

	sink_free(t->inner);
	sink_free(t->copy);
	if (t->fd >= 0)
		close(t->fd);
	free(t->name);
	free(t);
}

static const struct sink_ops tee_ops = {
	.begin = begin,
	.end = end,
	.fail = fail,
	.open = open_both,
	.close = close_both,
	.null = null,
	.boolean = boolean,
	.integer = integer,
	.u64 = u64,
	.number = number,
	.string = string,
	.text = text,
	.verbatim = verbatim,
	.note = note,
	.free = free_tee,
};

struct sink *sink_tee_new(struct sink *inner, bool json, const struct tee_file *file)
{
	struct table_style plain = { .color = false, .error_fd = -1 };
	struct tee *t = inner ? calloc(1, sizeof(*t)) : NULL;

	if (!t) {
		sink_free(inner);
		return NULL;
	}
	t->sink.ops = &tee_ops;
	t->inner = inner;
	t->lost = file->lost;
	t->data = file->data;
	t->name = strdup(file->name);
	t->fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
	t->copy = json ? sink_json_new(t->fd) : sink_table_new(t->fd, &plain);
	if (!t->name || !t->copy || t->fd < 0) {
		free_tee(&t->sink);
		return NULL;
	}
	return &t->sink;
}

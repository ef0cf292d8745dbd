/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kinds of fields that columns show. */
#include <string.h>

#include "base/text.h"
#include "ui/screen/pane_list.h"

static const char *string_at(const void *field)
{
	const char *text = *(char *const *)field;

	return text && *text ? text : "-";
}

static void string_text(const struct screen *s, const struct row *row, const void *field,
			struct buf *out)
{
	(void)s;
	(void)row;
	buf_str(out, string_at(field));
}

static int string_compare(const void *a, const void *b)
{
	return strcmp(string_at(a), string_at(b));
}

const struct cell cell_string = { .text = string_text, .compare = string_compare };

static void count_text(const struct screen *s, const struct row *row, const void *field,
		       struct buf *out)
{
	(void)s;
	(void)row;
	buf_printf(out, "%u", *(const uint32_t *)field);
}

static int u32_compare(const void *a, const void *b)
{
	return ORDER(*(const uint32_t *)a, *(const uint32_t *)b);
}

const struct cell cell_count = { .text = count_text, .compare = u32_compare };

static void bytes_text(const struct screen *s, const struct row *row, const void *field,
		       struct buf *out)
{
	uint64_t bytes = *(const uint64_t *)field;

	(void)s;
	(void)row;
	if (bytes)
		text_bytes(out, bytes);
	else
		buf_char(out, '-');
}

static int u64_compare(const void *a, const void *b)
{
	return ORDER(*(const uint64_t *)a, *(const uint64_t *)b);
}

const struct cell cell_bytes = { .text = bytes_text, .compare = u64_compare };

static void since_text(const struct screen *s, const struct row *row, const void *field,
		       struct buf *out)
{
	int64_t then = *(const int64_t *)field, age = s->host.now() - then;
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };

	(void)row;
	if (!then)
		return;
	age = age < 0 ? 0 : age / 1000000000;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (age < units[i].seconds && units[i].seconds > 1)
			continue;
		buf_printf(out, "%lld%c", (long long)(age / units[i].seconds), units[i].unit);
		return;
	}
}

/* The youngest first. */
static int since_compare(const void *a, const void *b)
{
	return ORDER(*(const int64_t *)b, *(const int64_t *)a);
}

const struct cell cell_since = { .text = since_text, .compare = since_compare };

static void kernel_id_text(const struct screen *s, const struct row *row, const void *field,
			   struct buf *out)
{
	uint32_t id = *(const uint32_t *)field;

	(void)s;
	if (row->look.sight == SIGHT_LOST || !id)
		buf_char(out, '-');
	else
		buf_printf(out, "%u", id);
}

const struct cell cell_kernel_id = { .text = kernel_id_text, .compare = u32_compare };

static void key_text(const struct screen *s, const struct row *row, const void *field,
		     struct buf *out)
{
	(void)s;
	(void)field;
	if (row_foreign(row))
		buf_printf(out, "k:%lld", (long long)-row->key);
	else
		buf_printf(out, "%lld", (long long)row->key);
}

/* Others' come behind ours, in order of theirs. */
static int key_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return ORDER(x < 0 ? -x : x, y < 0 ? -y : y);
}

const struct cell cell_key = { .text = key_text, .compare = key_compare };

static void look_text(const struct screen *s, const struct row *row, const void *field,
		      struct buf *out)
{
	const struct look *look = field;

	(void)s;
	(void)row;
	buf_str(out, sight_name(look->sight));
	if ((look->sight == SIGHT_LOST || look->sight == SIGHT_TARGET_GONE) && look->reason)
		buf_printf(out, ": %s", look->reason);
}

static int look_compare(const void *a, const void *b)
{
	return ORDER(((const struct look *)a)->sight, ((const struct look *)b)->sight);
}

static enum role look_role(const struct row *row)
{
	if (row->look.sight == SIGHT_ATTACHED)
		return ROLE_GOOD;
	return row->look.sight == SIGHT_LOADED ? ROLE_TEXT : ROLE_WARN;
}

const struct cell cell_look = { .text = look_text, .compare = look_compare, .role = look_role };

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maps of what bpfman manages. */
#include <string.h>

#include "ui/screen/pane_list.h"

#define ROW(row) ((const struct map_row *)(row))

static void id_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	buf_printf(out, "%lld", (long long)ROW(row)->m.id);
}

static void name_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	buf_str(out, ROW(row)->m.name);
}

static void type_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	buf_str(out, ROW(row)->m.type);
}

static void key_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	count_text(ROW(row)->m.key_size, out);
}

static void value_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	count_text(ROW(row)->m.value_size, out);
}

static void entries_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	count_text(ROW(row)->m.max_entries, out);
}

static void memory_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	bytes_text(ROW(row)->m.memlock_bytes, out);
}

static void state_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	look_text(ROW(row)->look, out);
}

static enum role state_role(const void *row)
{
	return look_role(ROW(row)->look);
}

static void users_text(const struct screen *s, const void *row, struct buf *out)
{
	size_t before = out->len;

	model_users(&s->model, ROW(row)->m.id, out);
	if (out->len == before)
		buf_char(out, '-');
}

static void kernel_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	kernel_id_text(ROW(row)->look, ROW(row)->m.identity.kernel_id, out);
}

static int by_id(const void *a, const void *b)
{
	return ORDER(ROW(a)->m.id, ROW(b)->m.id);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(ROW(a)->m.name, ROW(b)->m.name);
}

static int by_type(const void *a, const void *b)
{
	return strcmp(ROW(a)->m.type, ROW(b)->m.type);
}

static int by_entries(const void *a, const void *b)
{
	return ORDER(ROW(a)->m.max_entries, ROW(b)->m.max_entries);
}

static int by_memory(const void *a, const void *b)
{
	return ORDER(ROW(a)->m.memlock_bytes, ROW(b)->m.memlock_bytes);
}

static const struct column columns[] = {
	{ .title = "ID",
	  .width = 4,
	  .needs = list_id_needs,
	  .align = COLUMN_RIGHT,
	  .text = id_text,
	  .compare = by_id },
	{ .title = "NAME", .width = 16, .most = 40, .text = name_text, .compare = by_name },
	{ .title = "TYPE",
	  .width = 10,
	  .most = 20,
	  .drop = 3,
	  .text = type_text,
	  .compare = by_type },
	{ .title = "KEY", .width = 5, .drop = 6, .align = COLUMN_RIGHT, .text = key_text },
	{ .title = "VALUE", .width = 6, .drop = 5, .align = COLUMN_RIGHT, .text = value_text },
	{ .title = "ENTRIES",
	  .width = 8,
	  .drop = 4,
	  .align = COLUMN_RIGHT,
	  .high_first = true,
	  .text = entries_text,
	  .compare = by_entries },
	{ .title = "MEMORY",
	  .width = 6,
	  .drop = 7,
	  .align = COLUMN_RIGHT,
	  .high_first = true,
	  .text = memory_text,
	  .compare = by_memory },
	{ .title = "USED BY", .width = 12, .most = 40, .drop = 1, .text = users_text },
	{ .title = "STATE",
	  .width = 10,
	  .most = 20,
	  .drop = 8,
	  .text = state_text,
	  .role = state_role },
	{ .title = "KERNEL", .width = 7, .drop = 9, .align = COLUMN_RIGHT, .text = kernel_text },
};

static size_t row_count(const struct screen *s)
{
	return s->model.map_count;
}

static const void *row_at(const struct screen *s, size_t i)
{
	return &s->model.maps[i];
}

static int64_t row_key(const void *row)
{
	return ROW(row)->m.id;
}

static void see(struct screen *s, size_t i)
{
	model_see_map(&s->model, i);
}

static const struct list_source source = {
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.count = row_count,
	.row = row_at,
	.key = row_key,
	.foreign = list_none_foreign,
	.see = see,
};

static void empty(struct screen *s, struct buf *out)
{
	(void)s;
	buf_str(out, "no maps");
}

static bool act(struct screen *s, struct pane *p, enum action action)
{
	const struct map_row *row = list_view_selected(&p->list, s);
	char text[40];

	/* A map goes with its programs. */
	if (action == ACTION_UNLOAD || action == ACTION_DETACH) {
		screen_say(s, "a map goes with the last program that uses it");
		return true;
	}
	if (action == ACTION_DETAIL && row) {
		entries_show(s, row->m.id);
		snprintf(text, sizeof(text), "map dump %lld", (long long)row->m.id);
		run_show(s, text);
		return true;
	}
	return list_act(s, p, action, row ? row->m.id : 0);
}

const struct pane_ops maps_pane = {
	.name = "Maps",
	.shown = true,
	.weight = 3,
	.least = 5,
	.list = &source,
	.empty = empty,
	.act = act,
};

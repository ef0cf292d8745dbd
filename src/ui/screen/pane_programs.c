/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs: what bpfman manages. */
#include <string.h>

#include "ui/screen/pane_list.h"

#define ROW(row) ((const struct program_row *)(row))

static void id_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	buf_printf(out, "%lld", (long long)ROW(row)->p.id);
}

static void name_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	buf_str(out, ROW(row)->p.name);
}

static void type_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	buf_str(out, ROW(row)->p.type);
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

static void object_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	buf_str(out, ROW(row)->p.object_name ? ROW(row)->p.object_name : "-");
}

static void kernel_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	kernel_id_text(ROW(row)->look, ROW(row)->p.identity.kernel_id, out);
}

static void memory_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	bytes_text(ROW(row)->p.memlock_bytes, out);
}

static void insns_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	count_text(ROW(row)->p.verified_insns, out);
}

static void age_text(const struct screen *s, const void *row, struct buf *out)
{
	since_text(s, ROW(row)->p.created_at, out);
}

static int by_id(const void *a, const void *b)
{
	return ORDER(ROW(a)->p.id, ROW(b)->p.id);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(ROW(a)->p.name, ROW(b)->p.name);
}

static int by_type(const void *a, const void *b)
{
	return strcmp(ROW(a)->p.type, ROW(b)->p.type);
}

static int by_state(const void *a, const void *b)
{
	return ORDER(ROW(a)->look.sight, ROW(b)->look.sight);
}

static int by_object(const void *a, const void *b)
{
	return ORDER(ROW(a)->p.object_id, ROW(b)->p.object_id);
}

static int by_insns(const void *a, const void *b)
{
	return ORDER(ROW(a)->p.verified_insns, ROW(b)->p.verified_insns);
}

static const struct column columns[] = {
	{ .title = "ID", .width = 5, .align = COLUMN_RIGHT, .text = id_text, .compare = by_id },
	{ .title = "NAME", .width = 16, .most = 40, .text = name_text, .compare = by_name },
	{ .title = "TYPE",
	  .width = 10,
	  .most = 14,
	  .drop = 3,
	  .text = type_text,
	  .compare = by_type },
	{ .title = "STATE",
	  .width = 12,
	  .most = 20,
	  .drop = 1,
	  .text = state_text,
	  .compare = by_state,
	  .role = state_role },
	{ .title = "OBJECT",
	  .width = 10,
	  .most = 30,
	  .drop = 4,
	  .text = object_text,
	  .compare = by_object },
	{ .title = "INSNS",
	  .width = 6,
	  .drop = 6,
	  .align = COLUMN_RIGHT,
	  .high_first = true,
	  .text = insns_text,
	  .compare = by_insns },
	{ .title = "MEMORY", .width = 6, .drop = 5, .align = COLUMN_RIGHT, .text = memory_text },
	{ .title = "KERNEL", .width = 7, .drop = 7, .align = COLUMN_RIGHT, .text = kernel_text },
	{ .title = "AGE", .width = 8, .drop = 8, .align = COLUMN_RIGHT, .text = age_text },
};

static size_t row_count(const struct screen *s)
{
	return s->model.program_count;
}

static const void *row_at(const struct screen *s, size_t i)
{
	return &s->model.programs[i];
}

static int64_t row_key(const void *row)
{
	return ROW(row)->p.id;
}

static void see(struct screen *s, size_t i)
{
	model_see_program(&s->model, i);
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
	buf_str(out, "Nothing is managed yet. Type a command:\n"
		     "  load FILE.o      load an object file; Tab completes\n"
		     "  help             all commands       F1  all keys");
}

static bool act(struct screen *s, struct pane *p, enum action action)
{
	const struct program_row *row = list_view_selected(&p->list, s);

	return list_act(s, p, action, row ? row->p.id : 0);
}

const struct pane_ops programs_pane = {
	.name = "Programs",
	.shown = true,
	.weight = 4,
	.least = 5,
	.list = &source,
	.empty = empty,
	.act = act,
};

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Links: which program is attached to what. */
#include <string.h>

#include "ui/screen/pane_list.h"

#define ROW(row) ((const struct link_row *)(row))

static const char *or_dash(const char *text)
{
	return text && *text ? text : "-";
}

static void id_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	buf_printf(out, "%lld", (long long)ROW(row)->l.id);
}

static void program_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	buf_str(out, or_dash(ROW(row)->l.program_name));
}

static void type_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	buf_str(out, or_dash(ROW(row)->l.type));
}

static void target_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	buf_str(out, or_dash(ROW(row)->l.target_text));
}

static void state_text(const struct screen *s, const void *row, struct buf *out)
{
	const struct link_row *link = ROW(row);
	int64_t left = link->l.expires_at - s->host.now();

	look_text(link->look, out);
	if (link->l.expires_at)
		buf_printf(out, ", %lld s left", left > 0 ? (long long)(left / 1000000000) : 0LL);
}

static enum role state_role(const void *row)
{
	return look_role(ROW(row)->look);
}

static void kernel_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	kernel_id_text(ROW(row)->look, ROW(row)->l.identity.kernel_id, out);
}

static void age_text(const struct screen *s, const void *row, struct buf *out)
{
	since_text(s, ROW(row)->l.created_at, out);
}

static int by_id(const void *a, const void *b)
{
	return ORDER(ROW(a)->l.id, ROW(b)->l.id);
}

static int by_program(const void *a, const void *b)
{
	return strcmp(or_dash(ROW(a)->l.program_name), or_dash(ROW(b)->l.program_name));
}

static int by_type(const void *a, const void *b)
{
	return strcmp(or_dash(ROW(a)->l.type), or_dash(ROW(b)->l.type));
}

static int by_target(const void *a, const void *b)
{
	return strcmp(or_dash(ROW(a)->l.target_text), or_dash(ROW(b)->l.target_text));
}

static const struct column columns[] = {
	{ .title = "ID",
	  .width = 4,
	  .needs = list_id_needs,
	  .align = COLUMN_RIGHT,
	  .text = id_text,
	  .compare = by_id },
	{ .title = "PROGRAM",
	  .width = 16,
	  .most = 40,
	  .text = program_text,
	  .compare = by_program },
	{ .title = "TYPE",
	  .width = 10,
	  .most = 14,
	  .drop = 3,
	  .text = type_text,
	  .compare = by_type },
	{ .title = "TARGET",
	  .width = 20,
	  .most = 70,
	  .drop = 1,
	  .text = target_text,
	  .compare = by_target },
	{ .title = "STATE",
	  .width = 12,
	  .most = 24,
	  .drop = 2,
	  .text = state_text,
	  .role = state_role },
	{ .title = "KERNEL", .width = 7, .drop = 4, .align = COLUMN_RIGHT, .text = kernel_text },
	{ .title = "AGE", .width = 5, .drop = 5, .align = COLUMN_RIGHT, .text = age_text },
};

static size_t row_count(const struct screen *s)
{
	return s->model.link_count;
}

static const void *row_at(const struct screen *s, size_t i)
{
	return &s->model.links[i];
}

static int64_t row_key(const void *row)
{
	return ROW(row)->l.id;
}

static void see(struct screen *s, size_t i)
{
	model_see_link(&s->model, i);
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
	buf_str(out, "nothing is attached: attach PROGRAM TARGET");
}

static bool act(struct screen *s, struct pane *p, enum action action)
{
	const struct link_row *row = list_view_selected(&p->list, s);

	if (action == ACTION_UNLOAD) {
		screen_say(s, "D detaches a link; U unloads its program");
		return true;
	}
	return list_act(s, p, action, row ? row->l.id : 0);
}

const struct pane_ops links_pane = {
	.name = "Links",
	.shown = true,
	.weight = 3,
	.from = 30,
	.least = 4,
	.list = &source,
	.empty = empty,
	.act = act,
};

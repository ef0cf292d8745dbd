/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs: what bpfman manages. */
#include <string.h>

#include "ui/screen/pane_list.h"

enum { SPARK_CELLS = 8, SPARK_SECONDS = 40 };

#define ROW(row) ((const struct program_row *)(row))

/* What others loaded has no id of ours, but a holder. */
static bool foreign(const void *row)
{
	return ROW(row)->p.id == 0;
}

static int id_needs(const struct screen *s)
{
	const struct others *o = &s->others;
	int needs = list_id_needs(s), others = 3; /* "k:" and a digit */

	if (o->hidden || !o->count)
		return needs;
	for (uint32_t id = o->rows[o->count - 1].p.identity.kernel_id; id > 9; id /= 10)
		others++;
	return others > needs ? others : needs;
}

static void id_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	if (foreign(row))
		buf_printf(out, "k:%u", ROW(row)->p.identity.kernel_id);
	else
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
	if (foreign(row))
		buf_str(out, ROW(row)->holder);
	else
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
	if (ROW(row)->p.created_at)
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

/* ---- rates ---- */

static const struct stats_rate *rate_of(const void *row)
{
	const struct series *series = ROW(row)->series;

	return series && series->known ? &series->rate : NULL;
}

static void runs_text(const struct screen *s, const void *row, struct buf *out)
{
	const struct stats_rate *rate = rate_of(row);

	(void)s;
	if (rate)
		rates_number(rate->runs_per_s, out);
	else
		buf_char(out, '-');
}

static void ns_text(const struct screen *s, const void *row, struct buf *out)
{
	const struct stats_rate *rate = rate_of(row);

	(void)s;
	if (rate && rate->runs)
		rates_number(rate->ns_per_run, out);
	else
		buf_char(out, '-');
}

static void cpu_text(const struct screen *s, const void *row, struct buf *out)
{
	const struct stats_rate *rate = rate_of(row);

	(void)s;
	if (rate)
		buf_printf(out, "%llu.%02llu", (unsigned long long)rate->cpu_percent / 100,
			   (unsigned long long)rate->cpu_percent % 100);
	else
		buf_char(out, '-');
}

static void spark_text(const struct screen *s, const void *row, struct buf *out)
{
	rates_spark(ROW(row)->series, s->rates.now, SPARK_CELLS, SPARK_SECONDS, out);
}

static enum role spark_role(const void *row)
{
	(void)row;
	return ROLE_GRAPH;
}

/* Without a rate is below all. */
static int by_runs(const void *a, const void *b)
{
	const struct stats_rate *x = rate_of(a), *y = rate_of(b);

	return x && y ? ORDER(x->runs_per_s, y->runs_per_s) : !!x - !!y;
}

static int by_ns(const void *a, const void *b)
{
	const struct stats_rate *x = rate_of(a), *y = rate_of(b);

	return x && y ? ORDER(x->ns_per_run, y->ns_per_run) : !!x - !!y;
}

static int by_cpu(const void *a, const void *b)
{
	const struct stats_rate *x = rate_of(a), *y = rate_of(b);

	return x && y ? ORDER(x->time_ns, y->time_ns) : !!x - !!y;
}

static const struct column columns[] = {
	{ .title = "ID",
	  .width = 4,
	  .needs = id_needs,
	  .align = COLUMN_RIGHT,
	  .text = id_text,
	  .compare = by_id },
	{ .title = "NAME", .width = 16, .most = 40, .text = name_text, .compare = by_name },
	{ .title = "TYPE",
	  .width = 10,
	  .most = 16,
	  .drop = 3,
	  .text = type_text,
	  .compare = by_type },
	{ .title = "STATE",
	  .width = 8,
	  .most = 16,
	  .drop = 1,
	  .text = state_text,
	  .compare = by_state,
	  .role = state_role },
	{ .title = "RUNS/S",
	  .width = 7,
	  .drop = 2,
	  .align = COLUMN_RIGHT,
	  .high_first = true,
	  .rate = true,
	  .text = runs_text,
	  .compare = by_runs },
	{ .title = "NS/RUN",
	  .width = 7,
	  .drop = 5,
	  .align = COLUMN_RIGHT,
	  .high_first = true,
	  .rate = true,
	  .text = ns_text,
	  .compare = by_ns },
	{ .title = "%CPU",
	  .width = 6,
	  .drop = 4,
	  .align = COLUMN_RIGHT,
	  .high_first = true,
	  .rate = true,
	  .text = cpu_text,
	  .compare = by_cpu },
	{ .title = "LAST 40 s", .width = 9, .drop = 6, .text = spark_text, .role = spark_role },
	{ .title = "OBJECT",
	  .width = 10,
	  .most = 30,
	  .drop = 7,
	  .text = object_text,
	  .compare = by_object },
	{ .title = "MEMORY", .width = 6, .drop = 8, .align = COLUMN_RIGHT, .text = memory_text },
	{ .title = "INSNS",
	  .width = 6,
	  .drop = 9,
	  .align = COLUMN_RIGHT,
	  .high_first = true,
	  .text = insns_text,
	  .compare = by_insns },
	{ .title = "KERNEL", .width = 7, .drop = 10, .align = COLUMN_RIGHT, .text = kernel_text },
	{ .title = "AGE", .width = 5, .drop = 11, .align = COLUMN_RIGHT, .text = age_text },
};

static size_t row_count(const struct screen *s)
{
	return s->model.program_count + (s->others.hidden ? 0 : s->others.count);
}

static const void *row_at(const struct screen *s, size_t i)
{
	if (i >= s->model.program_count)
		return &s->others.rows[i - s->model.program_count];
	return &s->model.programs[i];
}

static int64_t row_key(const void *row)
{
	return foreign(row) ? -(int64_t)ROW(row)->p.identity.kernel_id : ROW(row)->p.id;
}

static void see(struct screen *s, size_t i)
{
	if (i < s->model.program_count)
		model_see_program(&s->model, i);
}

static const struct list_source source = {
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.count = row_count,
	.row = row_at,
	.key = row_key,
	.foreign = foreign,
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

	if (row && foreign(row) && !p->list.tag_count &&
	    (action == ACTION_DETAIL || action == ACTION_SHOW || action == ACTION_UNLOAD ||
	     action == ACTION_DETACH || action == ACTION_YANK)) {
		screen_say(s, "k:%u is not managed by bpfman; %s holds it",
			   row->p.identity.kernel_id, row->holder);
		return true;
	}
	/* The log of what is not ours is none; L then shows that of the last load. */
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

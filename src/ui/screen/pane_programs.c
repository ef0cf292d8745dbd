/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs: what bpfman manages, and what others loaded. */
#include "ui/screen/pane_list.h"

enum { SPARK_CELLS = 8, SPARK_SECONDS = 40 };

#define ROW(row) ((const struct program_row *)(row))

static int id_needs(const struct screen *s)
{
	const struct row_list *o = &s->others.rows.all;
	int needs = list_id_needs(s), others = 3; /* "k:" and a digit */

	if (s->others.hidden || !o->count)
		return needs;
	for (int64_t id = -o->at[0]->key; id > 9; id /= 10)
		others++;
	return others > needs ? others : needs;
}

static void state_text(const struct screen *s, const struct row *row, struct buf *out)
{
	if (row_foreign(row))
		buf_str(out, ROW(row)->holder);
	else
		cell_look.text(s, row, &row->look, out);
}

/* ---- rates ---- */

static const struct stats_rate *rate_of(const struct row *row)
{
	const struct series *series = ROW(row)->series;

	return series && series->known ? &series->rate : NULL;
}

static void runs_text(const struct screen *s, const struct row *row, struct buf *out)
{
	const struct stats_rate *rate = rate_of(row);

	(void)s;
	if (rate)
		rates_number(rate->runs_per_s, out);
	else
		buf_char(out, '-');
}

static void ns_text(const struct screen *s, const struct row *row, struct buf *out)
{
	const struct stats_rate *rate = rate_of(row);

	(void)s;
	if (rate && rate->runs)
		rates_number(rate->ns_per_run, out);
	else
		buf_char(out, '-');
}

static void cpu_text(const struct screen *s, const struct row *row, struct buf *out)
{
	const struct stats_rate *rate = rate_of(row);

	(void)s;
	if (rate)
		buf_printf(out, "%llu.%02llu", (unsigned long long)rate->cpu_percent / 100,
			   (unsigned long long)rate->cpu_percent % 100);
	else
		buf_char(out, '-');
}

static void spark_text(const struct screen *s, const struct row *row, struct buf *out)
{
	rates_spark(ROW(row)->series, s->rates.now, SPARK_CELLS, SPARK_SECONDS, out);
}

static enum role spark_role(const struct row *row)
{
	(void)row;
	return ROLE_GRAPH;
}

/* Without a rate is below all. */
static int by_runs(const struct row *a, const struct row *b)
{
	const struct stats_rate *x = rate_of(a), *y = rate_of(b);

	return x && y ? ORDER(x->runs_per_s, y->runs_per_s) : !!x - !!y;
}

static int by_ns(const struct row *a, const struct row *b)
{
	const struct stats_rate *x = rate_of(a), *y = rate_of(b);

	return x && y ? ORDER(x->ns_per_run, y->ns_per_run) : !!x - !!y;
}

static int by_cpu(const struct row *a, const struct row *b)
{
	const struct stats_rate *x = rate_of(a), *y = rate_of(b);

	return x && y ? ORDER(x->time_ns, y->time_ns) : !!x - !!y;
}

static const struct column columns[] = {
	COLUMN_ID(struct program_row, id_needs),
	COLUMN("NAME", struct program_row, p.name, cell_string, .width = 16, .most = 40),
	COLUMN("TYPE", struct program_row, p.type, cell_string, .width = 10, .most = 16, .drop = 3),
	COLUMN("STATE", struct program_row, row.look, cell_look, .width = 8, .most = 16, .drop = 1,
	       .text = state_text),
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
	COLUMN("OBJECT", struct program_row, p.object_name, cell_string, .width = 10, .most = 30,
	       .drop = 7),
	COLUMN("MEMORY", struct program_row, p.memlock_bytes, cell_bytes, .width = 6, .drop = 8,
	       .align = COLUMN_RIGHT, .high_first = true),
	COLUMN("INSNS", struct program_row, p.verified_insns, cell_count, .width = 6, .drop = 9,
	       .align = COLUMN_RIGHT, .high_first = true),
	COLUMN_KERNEL(struct program_row, p.identity.kernel_id, 10),
	COLUMN("AGE", struct program_row, p.created_at, cell_since, .width = 5, .drop = 11,
	       .align = COLUMN_RIGHT),
};

static struct rows *rows(struct screen *s, unsigned part)
{
	return part == 0			? &s->model.programs
	       : part == 1 && !s->others.hidden ? &s->others.rows
						: NULL;
}

static void see(struct screen *s, struct row *row)
{
	if (!row_foreign(row))
		model_see_program(&s->model, (struct program_row *)row);
}

static const struct list_source source = {
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.rows = rows,
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
	const struct row *row = list_view_selected(&p->list, s);

	if (row && row_foreign(row) && !p->list.tag_count &&
	    (action == ACTION_DETAIL || action == ACTION_SHOW || action == ACTION_UNLOAD ||
	     action == ACTION_DETACH || action == ACTION_YANK)) {
		screen_say(s, "k:%lld is not managed by bpfman; %s holds it", (long long)-row->key,
			   ROW(row)->holder);
		return true;
	}
	/* The log of what is not ours is none; L then shows that of the last load. */
	return list_act(s, p, action, row && !row_foreign(row) ? row->key : 0);
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

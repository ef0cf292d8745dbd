/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stats: how often programs run, and how long */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/grow.h"
#include "command/rows.h"
#include "manager/census.h"
#include "manager/stats.h"

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000, HOLD_MORE_MS = 5000 };

/* The programs that are looked at, as they are in the database now. */
struct shown {
	struct db_program *programs;
	struct look *looks;
	size_t *samples; /* of the reading: which is whose; SIZE_MAX: none, it is not loaded */
	size_t count;
	struct stats_pin *pins;
	size_t pin_count;
};

struct watching {
	struct session *s;
	const struct invocation *in;
	struct error *e;
	struct named *named; /* those asked for */
	size_t named_count;  /* 0: all that are managed */
	bool all;	     /* those of others too */
	int64_t interval;    /* ns */
	struct shown shown;
};

static void shown_free(struct shown *v)
{
	for (size_t i = 0; i < v->count; i++)
		db_program_clear(&v->programs[i]);
	free(v->programs);
	free(v->looks);
	free(v->samples);
	free(v->pins);
	memset(v, 0, sizeof(*v));
}

static bool asked_for(const struct watching *w, int64_t id)
{
	for (size_t i = 0; i < w->named_count; i++)
		if (w->named[i].id == id)
			return true;
	return !w->named_count;
}

static int add_program(void *data, struct db_program *p)
{
	struct watching *w = data;
	struct shown *v = &w->shown;
	struct db_program *grown;

	if (!asked_for(w, p->id))
		return 0;
	grown = grow(v->programs, v->count, sizeof(*grown));
	if (!grown)
		return error_nomem(w->e);
	v->programs = grown;
	grown[v->count++] = *p;
	memset(p, 0, sizeof(*p)); /* its strings are ours now */
	return 0;
}

/* Reads the programs anew: they come and go while one looks. */
static int gather(struct watching *w)
{
	struct shown *v = &w->shown;
	struct db *db;
	int r;

	shown_free(v);
	r = manager_db(w->s->manager, &db, w->e);
	if (!r)
		r = db_programs(db, 0, add_program, w, w->e);
	if (r)
		return r;
	v->looks = calloc(v->count + 1, sizeof(*v->looks));
	v->samples = calloc(v->count + 1, sizeof(*v->samples));
	v->pins = calloc(v->count + 1, sizeof(*v->pins));
	if (!v->looks || !v->samples || !v->pins)
		return error_nomem(w->e);
	manager_look_begin(w->s->manager);
	for (size_t i = 0; i < v->count; i++) {
		const struct db_program *p = &v->programs[i];

		v->looks[i] = manager_look_program(w->s->manager, p);
		v->samples[i] = SIZE_MAX;
		if (v->looks[i].sight == SIGHT_LOADED && p->pin) {
			v->samples[i] = v->pin_count;
			v->pins[v->pin_count++] = (struct stats_pin){ p->pin, &p->identity };
		}
	}
	manager_look_end(w->s->manager);
	return 0;
}

static int take_reading(struct watching *w, struct stats_reading *reading)
{
	struct stats_query query = {
		.all = w->all,
		.enable = true,
		/* Longer than we wait, so that counting does not stop meanwhile. */
		.hold_ms = w->interval / NS_PER_MS + HOLD_MORE_MS,
	};
	int r = gather(w);

	query.pins = w->shown.pins;
	query.pin_count = w->shown.pin_count;
	return r ? r : manager_stats(w->s->manager, &query, reading, w->e);
}

/* Nobody looks any more. */
static void let_go(struct watching *w)
{
	const struct stats_query nothing = { .enable = false };
	struct stats_reading reading;

	if (!manager_stats(w->s->manager, &nothing, &reading, NULL))
		stats_reading_free(&reading);
}

/* ---- writing ---- */

static const struct sink_column stats_columns[] = {
	{ .key = "shown_id", .title = "ID", .align = SINK_RIGHT },
	{ .key = "name", .title = "NAME" },
	{ .key = "type", .title = "TYPE" },
	{ .key = "shown_state", .title = "STATE", .optional = true },
	{ .key = "shown_rate", .title = "RUNS/S", .align = SINK_RIGHT },
	{ .key = "ns_per_run", .title = "NS/RUN", .align = SINK_RIGHT },
	{ .key = "cpu_percent", .title = "%CPU", .align = SINK_RIGHT },
	{ .key = "run_cnt", .title = "RUNS", .align = SINK_RIGHT },
	{ .key = "shown_time", .title = "TIME", .align = SINK_RIGHT },
	{ .key = "memlock_bytes", .title = "MEMORY", .align = SINK_RIGHT, .bytes = true },
	{ .key = "object", .title = "OBJECT" },
};
static const struct sink_table stats_table = { stats_columns,
					       sizeof(stats_columns) / sizeof(stats_columns[0]),
					       "no programs" };

static void write_rate(struct session *s, const struct stats_rate *rate)
{
	struct sink *k = s->sink;

	if (for_people(s))
		sink_u64(k, "shown_rate", rate->runs_per_s);
	sink_u64(k, "interval_runs", rate->runs);
	sink_u64(k, "interval_time_ns", rate->time_ns);
	sink_u64(k, "runs_per_s", rate->runs_per_s);
	if (rate->runs)
		sink_u64(k, "ns_per_run", rate->ns_per_run);
	else
		sink_null(k, "ns_per_run");
	sink_fixed(k, "cpu_percent", rate->cpu_percent, 2);
}

/* off: because the kernel does not count; otherwise it is not there, or came just now. */
static void write_no_rate(struct session *s, bool off)
{
	static const char *const keys[] = { "interval_runs", "interval_time_ns", "runs_per_s",
					    "ns_per_run", "cpu_percent" };

	if (for_people(s))
		sink_str(s->sink, "shown_rate", off ? "off" : NULL);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		sink_null(s->sink, keys[i]);
}

static void write_totals(struct session *s, const struct stats_sample *now)
{
	char time[CLOCK_TEXT];
	struct sink *k = s->sink;

	sink_u64(k, "run_cnt", now->run_cnt);
	sink_u64(k, "run_time_ns", now->run_time_ns);
	sink_u64(k, "recursion_misses", now->recursion_misses);
	clock_duration((int64_t)now->run_time_ns, time);
	if (for_people(s))
		sink_str(k, "shown_time", time);
}

static void write_no_totals(struct sink *k)
{
	sink_null(k, "run_cnt");
	sink_null(k, "run_time_ns");
	sink_null(k, "recursion_misses");
}

/* Two readings, one after the other. */
struct pair {
	struct stats_reading before, after;
};

/* now: a sample of the later reading; NULL: the program is not there. */
static void write_figures(struct session *s, struct pair *p, const struct stats_sample *now)
{
	const struct stats_sample *then =
		now ? stats_find(&p->before, now->kernel_id, now->load_time) : NULL;
	enum stats_counting counting = p->after.counting;
	struct stats_rate rate;

	if (stats_rate(then, now, p->after.at - p->before.at, counting, &rate))
		write_rate(s, &rate);
	else
		write_no_rate(s, now && counting == STATS_OFF);
	/* Where the kernel never counted, 0 would say that nothing ran. */
	if (now && (counting != STATS_OFF || now->run_cnt))
		write_totals(s, now);
	else
		write_no_totals(s->sink);
	if (now)
		sink_u64(s->sink, "memlock_bytes", now->memlock_bytes);
	else
		sink_null(s->sink, "memlock_bytes");
}

static void write_managed(struct watching *w, struct pair *p, size_t i)
{
	const struct db_program *program = &w->shown.programs[i];
	const struct stats_sample *now = NULL;
	struct look look = w->shown.looks[i];
	struct sink *k = w->s->sink;

	if (w->shown.samples[i] < p->after.count)
		now = &p->after.samples[w->shown.samples[i]];
	if (now && !now->read) {
		/* It went between our look and the worker's, or may not be opened. */
		look = (struct look){ SIGHT_UNKNOWN, now->why };
		now = NULL;
	}
	sink_row(k);
	sink_int(k, "id", program->id);
	if (now)
		sink_int(k, "kernel_id", now->kernel_id);
	else
		sink_null(k, "kernel_id");
	sink_str(k, "name", program->name);
	sink_str(k, "type", program->type);
	sink_str(k, "object", program->object_name);
	sink_int(k, "object_id", program->object_id);
	sink_str(k, "state", sight_name(look.sight));
	sink_str(k, "lost_reason", look.reason);
	sink_bool(k, "managed", true);
	if (for_people(w->s)) {
		sink_int(k, "shown_id", program->id);
		if (!now)
			sink_str(k, "shown_state", sight_name(look.sight));
	}
	write_figures(w->s, p, now);
	sink_row_end(k);
}

static void write_foreign(struct watching *w, struct pair *p, const struct stats_sample *now)
{
	struct sink *k = w->s->sink;

	sink_row(k);
	sink_null(k, "id");
	sink_int(k, "kernel_id", now->kernel_id);
	sink_str(k, "name", now->name);
	sink_str(k, "type", now->type);
	sink_null(k, "object");
	sink_null(k, "object_id");
	sink_null(k, "state");
	sink_null(k, "lost_reason");
	sink_bool(k, "managed", false);
	if (for_people(w->s))
		write_shown_kernel_id(k, now->kernel_id);
	write_figures(w->s, p, now);
	sink_row_end(k);
}

static int write_foreigners(struct watching *w, struct pair *p)
{
	struct managed managed = { 0 };
	int r = managed_read(w->s->manager, DB_PROGRAM, &managed, w->e);

	/* Behind those of the pins come all that the kernel has. */
	for (size_t i = w->shown.pin_count; !r && i < p->after.count; i++)
		if (!managed_has(&managed, p->after.samples[i].kernel_id))
			write_foreign(w, p, &p->after.samples[i]);
	managed_free(&managed);
	return r;
}

static int write_document(struct watching *w, struct pair *p)
{
	struct sink *k = w->s->sink;
	int r = 0;

	sink_str(k, "counting", stats_counting_name(p->after.counting));
	sink_str(k, "not_enabled", p->after.not_enabled);
	sink_u64(k, "interval_ns", (uint64_t)(p->after.at - p->before.at));
	sink_rows(k, "programs", &stats_table);
	for (size_t i = 0; i < w->shown.count; i++)
		write_managed(w, p, i);
	if (w->all)
		r = write_foreigners(w, p);
	sink_rows_end(k);
	if (w->all)
		sink_str(k, "incomplete", p->after.incomplete);
	if (p->after.counting == STATS_OFF && p->after.not_enabled)
		sink_note(k, "the kernel does not count: %s", p->after.not_enabled);
	if (w->all && p->after.incomplete)
		sink_note(k, "not all is shown: %s", p->after.incomplete);
	return r;
}

/* ---- the command ---- */

static int watch(struct watching *w, uint64_t count)
{
	struct pair p = { 0 };
	int64_t next;
	int r = take_reading(w, &p.before);

	next = p.before.at;
	while (!r && count--) {
		next += w->interval;
		if (session_sleep_until(w->s, next))
			r = error_set_class(w->e, ERROR_INTERRUPTED, EINTR, "interrupted");
		if (!r)
			r = take_reading(w, &p.after);
		if (!r)
			r = write_document(w, &p);
		stats_reading_free(&p.before);
		p.before = p.after;
		memset(&p.after, 0, sizeof(p.after));
		/* The last document is ended by whoever began the first. */
		if (!r && count)
			r = session_next_document(w->s, w->in, w->e);
	}
	stats_reading_free(&p.before);
	return r;
}

static int run_stats(struct session *s, const struct invocation *in, struct error *e)
{
	const struct arg_values *words = invocation_values(in, "PROGRAM");
	const char *every = invocation_value(in, "--interval"),
		   *count = invocation_value(in, "--count");
	struct watching w = {
		.s = s,
		.in = in,
		.e = e,
		.all = invocation_value(in, "--all"),
		.interval = (int64_t)((every ? strtod(every, NULL) : 1.0) * NS_PER_S),
	};
	int r = 0;

	w.named = calloc(words->count + 1, sizeof(*w.named));
	if (!w.named)
		return error_nomem(e);
	for (; !r && w.named_count < words->count; w.named_count += !r)
		r = manager_resolve(s->manager, words->values[w.named_count], WANT_PROGRAM,
				    &w.named[w.named_count], e);
	if (!r) {
		r = watch(&w, count ? strtoull(count, NULL, 10) : 1);
		let_go(&w);
	}
	shown_free(&w.shown);
	free(w.named);
	return r;
}

static int check_stats(const struct invocation *in, struct error *e)
{
	if (invocation_values(in, "PROGRAM")->count && invocation_value(in, "--all"))
		return error_set_class(e, ERROR_USAGE, EINVAL,
				       "names and --all exclude each other");
	return 0;
}

static const struct arg stats_args[] = {
	{ .name = "PROGRAM",
	  .type = ARG_PROGRAM,
	  .flags = ARG_REPEAT,
	  .help = "which programs (default: all that bpfman manages)" },
	{ .name = "--all", .type = ARG_FLAG, .help = "also those that others loaded" },
	{ .name = "--interval",
	  .type = ARG_SECONDS,
	  .value = "SECONDS",
	  .help = "over which time rates are measured (default 1)" },
	{ .name = "--count",
	  .type = ARG_COUNT,
	  .value = "N",
	  .help = "how many times (default 1)" },
};

const struct command stats_commands[] = {
	{ "stats", "show how often programs run, how long, and what of a CPU they take", stats_args,
	  sizeof(stats_args) / sizeof(stats_args[0]), 0, run_stats,
	  "Rates are of one interval, totals of all the time in which the kernel counted. It "
	  "counts "
	  "only when told to, for the whole host and at a small cost for each run: bpfman has it "
	  "count as long as stats looks (BPF_ENABLE_STATS, which needs CAP_SYS_ADMIN), unless "
	  "kernel.bpf_stats_enabled is set anyway. Where it does not count, rates are \"off\", in "
	  "JSON null, never 0. %CPU is of one CPU. With -o json and --count each interval is a "
	  "document.",
	  check_stats },
};
const size_t stats_command_count = sizeof(stats_commands) / sizeof(stats_commands[0]);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* map dump, get, set, delete: the contents of maps */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "command/expect.h"
#include "command/map_entries.h"

enum { POLL_FIRST_MS = 5, POLL_MOST_MS = 200 };

static bool as_json(const struct session *s)
{
	return s->options->output == OUTPUT_JSON;
}

/* ---- dump ---- */

struct dump {
	struct session *s;
	struct manager_map map;
	struct manager_entries how;
	struct buf text;
	uint64_t limit, count;
	json_t *result; /* of the last part */
	bool truncated;
};

static int next_part(struct dump *d, uint64_t limit, struct error *e)
{
	char *cursor = d->result ? answer_bytes(d->result, "cursor") : NULL;
	int r;

	json_decref(d->result);
	buf_reset(&d->text);
	r = manager_map_part(d->s->manager, &d->map, cursor, limit, &d->how, &d->result, e);
	free(cursor);
	return r;
}

static bool is_end(const struct dump *d)
{
	return !json_is_string(json_object_get(d->result, "cursor"));
}

static void write_part(struct dump *d)
{
	if (d->how.text)
		write_entry_rows(d->s->sink, &d->text, d->how.per_cpu);
	else
		sink_verbatim(d->s->sink, buf_text(&d->text), d->text.len);
	d->count += (uint64_t)answer_int(d->result, "count");
}

/*
 * A map that others change may begin anew again and again where the kernel knows no better: it
 * cannot have more entries than it has room for.
 */
static bool is_endless(const struct dump *d)
{
	return d->count > (uint64_t)answer_int(d->result, "max_entries");
}

static int write_parts(struct dump *d, struct error *e)
{
	int r = 0;

	for (;;) {
		write_part(d);
		d->truncated = answer_bool(d->result, "clipped");
		if (is_end(d))
			return 0;
		d->truncated = d->truncated || is_endless(d);
		if (d->truncated)
			return 0;
		if (d->limit && d->count >= d->limit)
			break;
		r = next_part(d, d->limit ? d->limit - d->count : 0, e);
		if (r)
			return r;
	}
	/* Whether that was all: the kernel tells the end only when it is asked for more. */
	while (!r && !is_end(d) && !d->truncated) {
		r = next_part(d, 1, e);
		d->truncated = !r && answer_int(d->result, "count") > 0;
	}
	return r;
}

static int run_dump(struct session *s, const struct invocation *in, struct error *e)
{
	const char *limit = invocation_value(in, "--limit");
	struct dump d = { .s = s, .limit = limit ? strtoull(limit, NULL, 10) : 0 };
	const char *partial;
	int r;

	d.how.per_cpu = invocation_value(in, "--per-cpu");
	d.how.entries = &d.text;
	d.how.text = !as_json(s);
	r = manager_map_find(s->manager, invocation_value(in, "MAP"), &d.map, e);
	if (!r)
		r = next_part(&d, d.limit, e);
	if (!r)
		r = write_map_member(s, &d.map, d.result, e);
	if (r)
		goto out;
	sink_rows(s->sink, "entries", d.how.per_cpu ? &entries_per_cpu_table : &entries_table);
	r = write_parts(&d, e);
	if (r)
		goto out;
	sink_rows_end(s->sink);
	sink_int(s->sink, "count", (int64_t)d.count);
	sink_bool(s->sink, "truncated", d.truncated);
	partial = answer_str(d.result, "partial", NULL);
	if (d.truncated)
		sink_note(s->sink, "there are more entries");
	if (partial && d.count)
		sink_note(s->sink, "%s", partial);
out:
	json_decref(d.result);
	buf_free(&d.text);
	manager_map_clear(&d.map);
	return r;
}

/* ---- get ---- */

/* The one entry, read until it is as expected or time is up. */
struct get {
	struct session *s;
	struct manager_map map;
	const char *key;
	bool expecting;
	struct expect expect;
	struct buf text; /* the entry as JSON */
	struct buf is;	 /* the expected part as it is */
	json_t *result;
};

/* 1: it is as expected; 0: not, or there is no such entry. */
static int look(struct get *g, struct error *e)
{
	const struct manager_entries how = { .entries = &g->text };
	json_t *entry;
	int r;

	json_decref(g->result);
	buf_reset(&g->text);
	buf_reset(&g->is);
	r = manager_map_get(g->s->manager, &g->map, g->key, &how, &g->result, e);
	if (r || !g->expecting)
		return r ? r : 1;
	entry = json_loadb(buf_text(&g->text), g->text.len, 0, NULL);
	if (!entry)
		return error_set(e, EPROTO, "the worker told no entry");
	r = expect_holds(&g->expect, json_object_get(entry, "value"), &g->is, e);
	json_decref(entry);
	return r;
}

static int not_as_expected(const struct get *g, const char *timeout, struct error *e)
{
	const char *part = g->expect.part_len ? g->expect.part : "the value";
	int len = (int)(g->expect.part_len ? g->expect.part_len : strlen(part));

	/* An entry that did not come tells so itself. */
	if (e->err)
		return error_context(e, "not within %s s", timeout);
	if (!timeout)
		return error_set(e, ERANGE, "%.*s is %s, not %s", len, part, buf_text(&g->is),
				 g->expect.part + g->expect.part_len);
	return error_set(e, ETIMEDOUT, "%.*s is %s, not %s, after %s s", len, part,
			 buf_text(&g->is), g->expect.part + g->expect.part_len, timeout);
}

static int wait_for(struct get *g, const char *timeout, struct error *e)
{
	int64_t end = clock_monotonic() + (int64_t)((timeout ? strtod(timeout, NULL) : 0) * 1e9);
	int ms = POLL_FIRST_MS;

	for (;;) {
		int64_t left;
		int r;

		error_clear(e);
		r = look(g, e);
		if (r > 0)
			return 0;
		if (r && (r != -ENOENT || !g->expecting || !timeout))
			return r;
		left = (end - clock_monotonic()) / 1000000;
		if (left <= 0)
			return not_as_expected(g, timeout, e);
		if (g->s->wait && g->s->wait(g->s->ui, -1, 0, left < ms ? (int)left + 1 : ms))
			return error_set_class(e, ERROR_INTERRUPTED, EINTR, "interrupted");
		ms = 2 * ms < POLL_MOST_MS ? 2 * ms : POLL_MOST_MS;
	}
}

/* For people the value alone: it is the text that map set takes. */
static int write_value(struct get *g, bool per_cpu, struct error *e)
{
	struct buf entries = { 0 }, value = { 0 };
	const struct manager_entries how = { &entries, .text = true, .per_cpu = per_cpu };
	json_t *result;
	int r = manager_map_get(g->s->manager, &g->map, g->key, &how, &result, e);

	if (!r && per_cpu && json_is_integer(json_object_get(result, "cpus"))) {
		sink_rows(g->s->sink, "entries", &entries_per_cpu_table);
		write_entry_rows(g->s->sink, &entries, true);
		sink_rows_end(g->s->sink);
	} else if (!r && entry_value(&entries, &value)) {
		sink_note(g->s->sink, "%s", buf_text(&value));
	}
	json_decref(result);
	buf_free(&entries);
	buf_free(&value);
	return r;
}

static int run_get(struct session *s, const struct invocation *in, struct error *e)
{
	const char *expect = invocation_value(in, "--expect");
	struct get g = { .s = s, .key = invocation_value(in, "KEY"), .expecting = expect != NULL };
	int r = expect ? expect_parse(&g.expect, expect, e) : 0;

	if (!r)
		r = manager_map_find(s->manager, invocation_value(in, "MAP"), &g.map, e);
	if (!r && (as_json(s) || expect))
		r = wait_for(&g, invocation_value(in, "--timeout"), e);
	if (!r && !as_json(s)) {
		r = write_value(&g, invocation_value(in, "--per-cpu"), e);
	} else if (!r) {
		r = write_map_member(s, &g.map, g.result, e);
		write_entry_members(s->sink, &g.text);
	}
	json_decref(g.result);
	buf_free(&g.text);
	buf_free(&g.is);
	manager_map_clear(&g.map);
	return r;
}

static int check_get(const struct invocation *in, struct error *e)
{
	const char *expect = invocation_value(in, "--expect");
	struct expect x;

	if (expect)
		return expect_parse(&x, expect, e);
	if (invocation_value(in, "--timeout"))
		return error_set_class(e, ERROR_USAGE, EINVAL, "--timeout needs --expect");
	return 0;
}

/* ---- set and delete ---- */

static int check_set(const struct invocation *in, struct error *e)
{
	if (invocation_value(in, "--create") && invocation_value(in, "--existing"))
		return error_set_class(e, ERROR_USAGE, EINVAL,
				       "--create and --existing exclude each other");
	return 0;
}

static int run_set(struct session *s, const struct invocation *in, struct error *e)
{
	const struct arg_values *words = invocation_values(in, "VALUE");
	const char *mode = invocation_value(in, "--create")	? "create"
			   : invocation_value(in, "--existing") ? "existing"
								: NULL;
	/* A queue or stack has no keys: there the one word is the value. */
	const char *key = words->count > 1 ? words->values[0] : NULL;
	size_t skip = key ? 1 : 0;
	struct manager_map map;
	int r;

	r = manager_map_find(s->manager, invocation_value(in, "MAP"), &map, e);
	if (!r)
		r = manager_map_set(s->manager, &map, key, words->values + skip,
				    words->count - skip, mode, e);
	if (!r)
		r = write_map_member(s, &map, NULL, e);
	if (!r)
		sink_bool(s->sink, "changed", !manager_dry_run(s->manager));
	if (!r && manager_dry_run(s->manager))
		sink_note(s->sink, "dry run: nothing was written");
	manager_map_clear(&map);
	return r;
}

static int run_delete(struct session *s, const struct invocation *in, struct error *e)
{
	struct buf entries = { 0 }, taken = { 0 };
	const struct manager_entries how = { &entries, .text = !as_json(s) };
	struct manager_map map;
	json_t *result = NULL;
	int r;

	r = manager_map_find(s->manager, invocation_value(in, "MAP"), &map, e);
	if (!r)
		r = manager_map_delete(s->manager, &map, invocation_value(in, "KEY"), &how, &result,
				       e);
	if (!r)
		r = write_map_member(s, &map, NULL, e);
	if (r)
		goto out;
	if (!how.text)
		write_entry_members(s->sink, &entries);
	sink_bool(s->sink, "changed", !manager_dry_run(s->manager));
	if (manager_dry_run(s->manager))
		sink_note(s->sink, "dry run: nothing was deleted");
	if (how.text && entry_value(&entries, &taken))
		sink_note(s->sink, "%s", buf_text(&taken));
out:
	json_decref(result);
	buf_free(&entries);
	buf_free(&taken);
	manager_map_clear(&map);
	return r;
}

/* ---- the commands ---- */

#define MAP                                                                               \
	{                                                                                 \
		.name = "MAP", .type = ARG_MAP, .flags = ARG_REQUIRED,                    \
		.help = "an id, a name, OBJECT/NAME, OBJECT.bss, kernel:ID or a pin path" \
	}
#define PER_CPU                                                                 \
	{                                                                       \
		.name = "--per-cpu", .type = ARG_FLAG,                          \
		.help = "each CPU's value instead of their sum (JSON has both)" \
	}

static const struct arg dump_args[] = {
	MAP,
	{ .name = "--limit", .type = ARG_COUNT, .value = "N", .help = "no more than N entries" },
	PER_CPU,
};

static const struct arg get_args[] = {
	MAP,
	{ .name = "KEY",
	  .type = ARG_MAP_KEY,
	  .help = "the key as map dump shows it; none for a queue or stack" },
	PER_CPU,
	{ .name = "--expect",
	  .type = ARG_TEXT,
	  .value = "[PART]OPERATOR VALUE",
	  .help = "fail unless the value is so: '>0', 'packets>=10', '=DROP'" },
	{ .name = "--timeout",
	  .type = ARG_SECONDS,
	  .value = "SECONDS",
	  .help = "wait so long for what is expected" },
};

static const struct arg set_args[] = {
	MAP,
	{ .name = "VALUE",
	  .type = ARG_MAP_KEY,
	  .flags = ARG_REQUIRED | ARG_REPEAT,
	  .value = "[KEY] VALUE",
	  .help = "key and value as map dump shows them, one word each; a value for each CPU where "
		  "each has its own" },
	{ .name = "--create", .type = ARG_FLAG, .help = "the key must not be there yet" },
	{ .name = "--existing", .type = ARG_FLAG, .help = "the key must be there already" },
};

static const struct arg delete_args[] = {
	MAP,
	{ .name = "KEY",
	  .type = ARG_MAP_KEY,
	  .help = "the key as map dump shows it; none takes the next from a queue or stack" },
};

#define ARGS(a) (a), sizeof(a) / sizeof((a)[0])

const struct command map_commands[] = {
	{ "map dump", "show the entries of a map", ARGS(dump_args), 0, run_dump,
	  "Keys and values are C text by their types, each a word that map set takes. Where each "
	  "CPU has its own value the sum is shown. Of .data, .bss and .rodata (OBJECT.bss) the "
	  "variables are shown, of an LPM trie prefixes, of a queue or stack its next entry, of a "
	  "map of maps or programs kernel:ID; what has no type is hex: and its bytes.",
	  NULL },
	{ "map get", "show one entry of a map", ARGS(get_args), 0, run_get,
	  "An LPM trie answers with the longest prefix that matches; of a variable a part may be "
	  "named: cfg.ports[0]. With --expect and --timeout it waits until the value, or a part of "
	  "it, is as expected, and fails with the last value when it is not.",
	  check_get },
	{ "map set", "write an entry of a map", ARGS(set_args), COMMAND_MUTATES, run_set,
	  "Without --create and --existing the entry is made or replaced. Of a variable only its "
	  "own bytes are written. One value for all CPUs: numbers go to the first and are 0 on the "
	  "others, so that the sum is the value; anything else is the same on all. Maps that "
	  "bpfman does not manage are not written to. A program array takes PROGRAM, a map of maps "
	  "MAP, a devmap INTERFACE, a cpumap the length of a queue (these two where they have "
	  "room for it INTERFACE:PROGRAM and LENGTH:PROGRAM).",
	  check_set },
	{ "map delete", "delete an entry of a map", ARGS(delete_args), COMMAND_MUTATES, run_delete,
	  "From a queue or stack it takes the next entry, and shows it.", NULL },
};
const size_t map_command_count = sizeof(map_commands) / sizeof(map_commands[0]);

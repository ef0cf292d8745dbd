/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log: the text of a load */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "command/rows.h"

static int object_of(struct session *s, const struct named *named, struct db *db, int64_t *id,
		     struct error *e)
{
	struct db_program p = { 0 };
	int r;

	(void)s;
	*id = named->id;
	if (named->kind != DB_PROGRAM)
		return 0;
	r = db_program_get(db, named->id, &p, e);
	*id = p.object_id;
	db_program_clear(&p);
	return r;
}

/* Of something that is loaded, or of an object whose load failed or that is gone, by its name. */
static int find_log(struct session *s, struct db *db, const char *text, struct db_log *log,
		    struct error *e)
{
	struct named named;
	int64_t id;
	int r;

	if (!text)
		return db_log_last(db, 0, log, e);
	r = manager_resolve(s->manager, text, WANT_PROGRAM | WANT_OBJECT, &named, e);
	if (!r)
		r = object_of(s, &named, db, &id, e);
	if (!r)
		return db_log_last(db, id, log, e);
	if (r == -ENOENT && !db_log_by_name(db, text, log, NULL)) {
		error_clear(e);
		return 0;
	}
	return r;
}

static const struct sink_column log_lines[] = {
	{ .key = "object", .title = "Load of" },
	{ .key = "path", .title = "File" },
	{ .key = "created_at", .title = "At" },
	{ .key = "ok", .title = "Succeeded" },
	{ .key = "message", .title = "Reason", .optional = true },
	{ .key = "truncated", .title = "Truncated" },
};
static const struct sink_table log_table = { log_lines, sizeof(log_lines) / sizeof(log_lines[0]),
					     NULL };

static void write_log(struct sink *s, const struct db_log *log)
{
	char time[CLOCK_TEXT];

	clock_rfc3339(log->created_at, time);
	sink_object(s, "log", &log_table);
	if (log->object_id)
		sink_int(s, "object_id", log->object_id);
	else
		sink_null(s, "object_id");
	sink_str(s, "object", log->object_name);
	sink_str(s, "path", log->path);
	sink_bool(s, "ok", log->ok);
	sink_str(s, "message", log->message);
	sink_str(s, "created_at", time);
	sink_int(s, "log_bytes", (int64_t)log->log_bytes);
	sink_bool(s, "truncated", log->truncated);
	sink_text(s, "text", log->text ? log->text : "", log->text_len);
	sink_object_end(s);
	if (!log->text_len)
		sink_note(s, "The kernel and libbpf had nothing to say.");
}

static int run_log(struct session *s, const struct invocation *in, struct error *e)
{
	const char *text = invocation_value(in, "NAME");
	struct db_log log = { 0 };
	struct db *db;
	int r;

	r = manager_db(s->manager, &db, e);
	if (!r)
		r = find_log(s, db, text, &log, e);
	if (r == -ENOENT && !e->err) {
		error_set(e, ENOENT, "there is no log%s%s", text ? " of " : " yet",
			  text ? text : "");
		r = error_hint(e, "the last 200 loads are kept");
	}
	if (!r)
		write_log(s->sink, &log);
	db_log_clear(&log);
	return r;
}

static const struct arg log_args[] = {
	{ .name = "NAME",
	  .type = ARG_PROGRAM_OR_OBJECT,
	  .value = "PROGRAM|OBJECT",
	  .help = "whose load (default: the last load, failed ones too)" },
};

const struct command log_commands[] = {
	{ "log", "show libbpf's and the verifier's text of a load", log_args,
	  sizeof(log_args) / sizeof(log_args[0]), 0, run_log,
	  "The name of an object whose load failed works too.", NULL },
};
const size_t log_command_count = sizeof(log_commands) / sizeof(log_commands[0]);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log and events: the text of a load, and who did what */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "command/rows.h"

/* ---- log ---- */

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
	sink_object(s, "log", &log_table);
	if (log->object_id)
		sink_int(s, "object_id", log->object_id);
	else
		sink_null(s, "object_id");
	sink_str(s, "object", log->object_name);
	sink_str(s, "path", log->path);
	sink_bool(s, "ok", log->ok);
	sink_str(s, "message", log->message);
	write_time(s, "created_at", log->created_at);
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

/* ---- events ---- */

enum { EVENTS_SHOWN = 50 };

static const struct sink_column event_columns[] = {
	{ .key = "created_at", .title = "WHEN" },
	{ .key = "user", .title = "USER" },
	{ .key = "login", .title = "LOGIN", .optional = true },
	{ .key = "action", .title = "ACTION" },
	{ .key = "target_id", .title = "ID", .align = SINK_RIGHT },
	{ .key = "name", .title = "NAME" },
	{ .key = "result", .title = "RESULT" },
	{ .key = "command", .title = "COMMAND" },
};
static const struct sink_table events_table = { event_columns,
						sizeof(event_columns) / sizeof(event_columns[0]),
						"no events" };

struct events_writer {
	struct session *s;
	/* Names of users are asked for once: most events are of the same one. */
	struct user {
		int64_t uid;
		char *name; /* NULL: it has none */
	} users[2];	    /* the effective one, the login's */
};

static void write_user(struct sink *s, struct user *u, const char *uid_key, const char *name_key,
		       int64_t uid)
{
	if (uid < 0) {
		sink_null(s, uid_key);
		sink_null(s, name_key);
		return;
	}
	if (uid != u->uid) {
		const struct passwd *pw = getpwuid((uid_t)uid);

		free(u->name);
		u->name = pw ? strdup(pw->pw_name) : NULL;
		u->uid = uid;
	}
	sink_int(s, uid_key, uid);
	sink_str(s, name_key, u->name);
}

static int write_event(void *data, struct db_event *event)
{
	struct events_writer *w = data;
	struct sink *s = w->s->sink;

	sink_row(s);
	sink_int(s, "id", event->id);
	write_time(s, "created_at", event->created_at);
	write_user(s, &w->users[0], "uid", "user", event->uid);
	write_user(s, &w->users[1], "login_uid", "login", event->login_uid);
	sink_str(s, "action", event->action);
	sink_str(s, "command", event->command);
	sink_str(s, "kind", event->kind);
	if (event->thing_id)
		sink_int(s, "target_id", event->thing_id);
	else
		sink_null(s, "target_id");
	sink_str(s, "name", event->name);
	sink_bool(s, "ok", event->ok);
	sink_str(s, "message", event->message);
	if (for_people(w->s))
		sink_str(s, "result", event->message ? event->message : "ok");
	sink_row_end(s);
	return 0;
}

static int run_events(struct session *s, const struct invocation *in, struct error *e)
{
	struct events_writer w = { .s = s, .users = { { .uid = -1 }, { .uid = -1 } } };
	const char *limit = invocation_value(in, "--limit");
	struct db *db;
	int r;

	r = manager_db(s->manager, &db, e);
	if (r)
		return r;
	sink_rows(s->sink, "events", &events_table);
	r = db_events(db, limit ? strtoll(limit, NULL, 10) : EVENTS_SHOWN, write_event, &w, e);
	sink_rows_end(s->sink);
	free(w.users[0].name);
	free(w.users[1].name);
	return r;
}

static const struct arg events_args[] = {
	{ .name = "--limit",
	  .type = ARG_COUNT,
	  .value = "N",
	  .help = "how many, of the newest (default 50)" },
};

const struct command log_commands[] = {
	{ "log", "show libbpf's and the verifier's text of a load", log_args,
	  sizeof(log_args) / sizeof(log_args[0]), 0, run_log,
	  "The name of an object whose load failed works too.", NULL },
	{ "events", "show who did what, when, and what came of it", events_args,
	  sizeof(events_args) / sizeof(events_args[0]), 0, run_events,
	  "Every change is an event, and so is every attempt that failed, the newest last. USER is "
	  "the one bpfman ran as, LOGIN the one who had logged in, where the system keeps that. "
	  "What an earlier session left unfinished and a later one settled is told as recover. The "
	  "last 10,000 events are kept.",
	  NULL },
};
const size_t log_command_count = sizeof(log_commands) / sizeof(log_commands[0]);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* restore */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/kept.h"
#include "command/rows.h"

#define NS_PER_S 1e9

static const char *const outcomes[] = {
	[RESTORE_INTACT] = "intact",
	[RESTORE_DONE] = "restored",
	[RESTORE_PARTLY] = "partly",
	[RESTORE_FAILED] = "failed",
};

static const struct sink_column columns[] = {
	{ .key = "id", .title = "ID", .align = SINK_RIGHT },
	{ .key = "name", .title = "OBJECT" },
	{ .key = "outcome", .title = "OUTCOME" },
	{ .key = "programs", .title = "PROGRAMS", .align = SINK_RIGHT },
	{ .key = "maps", .title = "MAPS", .align = SINK_RIGHT },
	{ .key = "links", .title = "LINKS", .align = SINK_RIGHT },
};
static const struct sink_table table = { columns, sizeof(columns) / sizeof(columns[0]),
					 "nothing is lost" };

static void write_notes(struct sink *sink, const struct restored *r)
{
	sink_rows(sink, "notes", NULL);
	for (size_t i = 0; i < r->note_count; i++) {
		const struct restored_note *note = &r->notes[i];

		sink_row(sink);
		sink_str(sink, "kind", db_kind_name(note->kind));
		sink_int(sink, "id", note->id);
		sink_str(sink, "name", note->name);
		sink_bool(sink, "lost", note->lost);
		sink_str(sink, "message", note->text);
		sink_row_end(sink);
	}
	sink_rows_end(sink);
}

static void write_row(struct sink *sink, const struct restored *r)
{
	sink_row(sink);
	sink_int(sink, "id", r->id);
	sink_str(sink, "name", r->name);
	sink_str(sink, "outcome", outcomes[r->outcome]);
	sink_int(sink, "programs", (int64_t)r->programs);
	sink_int(sink, "maps", (int64_t)r->maps);
	sink_int(sink, "links", (int64_t)r->links);
	write_notes(sink, r);
	sink_str(sink, "failure", r->failure.message);
	sink_str(sink, "hint", r->failure.hint);
	sink_row_end(sink);
}

/* What a table has no columns for. */
static void tell(struct sink *sink, const struct restored *r)
{
	for (size_t i = 0; i < r->note_count; i++) {
		const struct restored_note *note = &r->notes[i];

		sink_note(sink, "%s %lld \"%s\": %s", db_kind_name(note->kind), (long long)note->id,
			  note->name, note->text);
	}
	if (r->failure.message)
		sink_note(sink, "object %lld \"%s\" is not restored: %s", (long long)r->id,
			  r->name ? r->name : "", r->failure.message);
	if (r->failure.hint)
		sink_note(sink, "  hint: %s", r->failure.hint);
}

static void write_list(struct session *s, const struct restored_list *list)
{
	bool changed = false, whole = true;

	sink_rows(s->sink, "restored", &table);
	for (size_t i = 0; i < list->count; i++)
		write_row(s->sink, &list->at[i]);
	sink_rows_end(s->sink);
	for (size_t i = 0; i < list->count; i++) {
		const struct restored *r = &list->at[i];

		tell(s->sink, r);
		changed |= r->programs || r->maps || r->links;
		whole &= r->outcome == RESTORE_INTACT || r->outcome == RESTORE_DONE;
	}
	if (changed && manager_dry_run(s->manager))
		sink_note(s->sink, "dry run: nothing was restored");
	sink_bool(s->sink, "changed", changed);
	if (!changed && whole)
		manager_nothing_changed(s->manager);
	if (!whole)
		s->verdict = ERROR_FAILED;
}

static void tell_brake(struct session *s, enum restore_brake brake)
{
	static const char *const why[] = {
		[RESTORE_SWITCHED_OFF] =
			"nothing is restored at boot: bpfman.restore=0 is on the kernel's command "
			"line",
		[RESTORE_BEGUN_BEFORE] =
			"nothing is restored at boot: the one before did not come to its end; "
			"`restore` by hand does it, and lets the next boot do it again",
	};

	sink_note(s->sink, "%s", why[brake]);
	if (brake == RESTORE_BEGUN_BEFORE)
		s->verdict = ERROR_FAILED;
}

static int gather(struct session *s, const struct arg_values *words, int64_t *ids, struct error *e)
{
	int r = 0;

	for (size_t i = 0; !r && i < words->count; i++) {
		struct named named;

		r = manager_resolve(s->manager, words->values[i], WANT_OBJECT, &named, e);
		ids[i] = r ? 0 : named.id;
	}
	return r;
}

static int run_restore(struct session *s, const struct invocation *in, struct error *e)
{
	const struct arg_values *words = invocation_values(in, "OBJECT");
	const char *wait = invocation_value(in, "--wait");
	struct restored_list list = { 0 };
	struct kept_list kept = { 0 };
	struct manager_restore ask = {
		.boot = invocation_value(in, "--boot"),
		.count = words->count,
		.wait = wait ? (int64_t)(strtod(wait, NULL) * NS_PER_S) : 0,
		.kept = kept_add,
		.kept_data = &kept,
	};
	enum restore_brake brake;
	int64_t *ids = calloc(words->count + 1, sizeof(*ids));
	int r = ids ? gather(s, words, ids, e) : error_nomem(e);

	ask.ids = ids;
	if (!r)
		r = manager_restore(s->manager, &ask, &list, &brake, e);
	if (!r && brake)
		tell_brake(s, brake);
	if (!r)
		write_list(s, &list);
	kept_write(s->sink, &kept);
	restored_list_free(&list);
	free(ids);
	return r;
}

static int check_restore(const struct invocation *in, struct error *e)
{
	if (!invocation_value(in, "--boot") || !invocation_values(in, "OBJECT")->count)
		return 0;
	return error_set_class(e, ERROR_USAGE, EINVAL, "--boot and OBJECT exclude each other");
}

static const struct arg restore_args[] = {
	{ .name = "OBJECT",
	  .type = ARG_OBJECT,
	  .flags = ARG_REPEAT,
	  .help = "what to restore (default: all objects of which anything is lost)" },
	{ .name = "--boot",
	  .type = ARG_FLAG,
	  .help = "only what was loaded with --on-boot; not where the one before did not come to "
		  "its end, nor with bpfman.restore=0 on the kernel's command line" },
	{ .name = "--wait",
	  .type = ARG_SECONDS,
	  .value = "SECONDS",
	  .help = "wait as long for interfaces, and other targets, that are not there yet" },
};

const struct command restore_commands[] = {
	{ "restore", "load what is lost again, under its ids, and attach it where it was",
	  restore_args, sizeof(restore_args) / sizeof(restore_args[0]), COMMAND_MUTATES,
	  run_restore,
	  "After a reboot, or when somebody removed pins: from the bytes that were stored, with "
	  "the same options, global variables, labels and maps of others. Contents of maps are "
	  "gone with the maps, and it says so; a map that lives keeps them. Interfaces are found "
	  "by name; a library must be the same build; what was attached for one process is not "
	  "attached again, nor what was on trial. Each object for itself: it goes on after one "
	  "that fails, and the exit status is 1 when anything is lost still.",
	  check_restore },
};
const size_t restore_command_count = sizeof(restore_commands) / sizeof(restore_commands[0]);

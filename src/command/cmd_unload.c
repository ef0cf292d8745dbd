/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unload */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "command/kept.h"
#include "command/rows.h"

struct targets {
	struct session *s;
	struct rows_context rows; /* while objects are looked through */
	const struct arg_values *labels;
	struct named *named;
	size_t count;
	bool unsettled; /* an unload was begun that has not come to its end */
	struct error *e;
};

static int add(struct targets *t, struct named named)
{
	struct named *grown;

	for (size_t i = 0; i < t->count; i++)
		if (t->named[i].kind == named.kind && t->named[i].id == named.id)
			return 0; /* named twice, by its name and by its id */
	grown = grow(t->named, t->count, sizeof(*grown));

	if (!grown)
		return error_nomem(t->e);
	t->named = grown;
	t->named[t->count++] = named;
	return 0;
}

static int see_object(void *data, struct db_object *o)
{
	struct targets *t = data;
	int r;

	if (o->state != DB_LOADED) {
		t->unsettled |= o->state == DB_UNLOADING;
		return 0;
	}
	r = labels_match(&t->rows, o->id, t->labels, t->e);
	return r <= 0 ? r : add(t, (struct named){ DB_OBJECT, o->id });
}

/* All objects, or those that bear the labels. */
static int gather_objects(struct targets *t)
{
	int r = rows_context_init(&t->rows, t->s, false, t->e);

	if (r)
		return r;
	r = db_objects(t->rows.db, see_object, t, t->e);
	rows_context_free(&t->rows);
	return r;
}

static int gather(struct targets *t, const struct invocation *in, struct error *e)
{
	const struct arg_values *words = invocation_values(in, "TARGET");
	bool if_exists = invocation_value(in, "--if-exists");
	struct named named;
	int r = 0;

	if (invocation_value(in, "--all") || t->labels->count)
		return gather_objects(t);
	for (size_t i = 0; !r && i < words->count; i++) {
		r = manager_resolve(t->s->manager, words->values[i], WANT_PROGRAM | WANT_OBJECT,
				    &named, e);
		if (r == -ENOENT && if_exists) {
			error_clear(e);
			r = 0;
			continue;
		}
		if (!r)
			r = add(t, named);
	}
	return r;
}

static const struct sink_column unloaded_columns[] = {
	{ .key = "id", .title = "ID", .align = SINK_RIGHT },
	{ .key = "kind", .title = "UNLOADED" },
	{ .key = "name", .title = "NAME" },
};
static const struct sink_table unloaded_table = { unloaded_columns, 3, "nothing to unload" };

/* What goes is told before it is gone. */
static int write_targets(struct session *s, const struct targets *t, struct error *e)
{
	struct rows_context c;
	int r;

	r = rows_context_init(&c, s, false, e);
	if (r)
		return r;
	sink_rows(s->sink, "unloaded", &unloaded_table);
	for (size_t i = 0; !r && i < t->count; i++) {
		struct db_program p = { 0 };
		struct db_object o = { 0 };

		if (t->named[i].kind == DB_PROGRAM)
			r = db_program_get(c.db, t->named[i].id, &p, e);
		else
			r = db_object_get(c.db, t->named[i].id, &o, e);
		if (!r) {
			sink_row(s->sink);
			sink_int(s->sink, "id", t->named[i].id);
			sink_str(s->sink, "kind", db_kind_name(t->named[i].kind));
			sink_str(s->sink, "name", p.name ? p.name : o.name);
			sink_row_end(s->sink);
		}
		db_program_clear(&p);
		db_object_clear(&o);
	}
	sink_rows_end(s->sink);
	rows_context_free(&c);
	return r;
}

static int run_unload(struct session *s, const struct invocation *in, struct error *e)
{
	struct targets t = { .s = s, .labels = invocation_values(in, "--label"), .e = e };
	struct kept_list kept = { 0 };
	int r;

	r = gather(&t, in, e);
	if (!r)
		r = write_targets(s, &t, e);
	if (!r && (t.count || t.unsettled))
		r = manager_unload(s->manager, t.named, t.count, kept_add, &kept, e);
	else if (!r)
		manager_nothing_changed(s->manager);
	if (!r && manager_dry_run(s->manager))
		sink_note(s->sink, "dry run: nothing was unloaded");
	kept_write(s->sink, &kept);
	sink_bool(s->sink, "changed", t.count > 0);
	free(t.named);
	return r;
}

static int check_unload(const struct invocation *in, struct error *e)
{
	bool words = invocation_values(in, "TARGET")->count;
	bool labels = invocation_values(in, "--label")->count;
	bool all = invocation_value(in, "--all");

	if (words + labels + all == 1)
		return 0;
	error_set_class(e, ERROR_USAGE, EINVAL,
			(words + labels + all) ? "names, --label and --all exclude each other"
					       : "what to unload is missing");
	return error_hint(e, "unload PROGRAM|OBJECT..., unload --label KEY=VALUE, or unload --all");
}

static const struct arg unload_args[] = {
	{ .name = "TARGET",
	  .type = ARG_PROGRAM_OR_OBJECT,
	  .flags = ARG_REPEAT,
	  .value = "PROGRAM|OBJECT",
	  .help = "what to unload: ids, names, OBJECT/NAME, pin paths" },
	{ .name = "--label",
	  .type = ARG_LABEL,
	  .flags = ARG_REPEAT,
	  .value = "KEY=VALUE",
	  .help = "all objects that bear this label" },
	{ .name = "--all", .type = ARG_FLAG, .help = "everything that bpfman manages" },
	{ .name = "--if-exists",
	  .type = ARG_FLAG,
	  .help = "a name that is not there is no failure" },
};

const struct command unload_commands[] = {
	{ "unload", "detach and unpin programs and their maps, and forget them", unload_args,
	  sizeof(unload_args) / sizeof(unload_args[0]), COMMAND_MUTATES | COMMAND_UNDOABLE,
	  run_unload,
	  "Maps that another program still uses stay. With its last program an object goes too. A "
	  "pin that is another object by now is left in place, and said.",
	  check_unload },
};
const size_t unload_command_count = sizeof(unload_commands) / sizeof(unload_commands[0]);

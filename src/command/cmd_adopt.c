/* SPDX-License-Identifier: GPL-3.0-or-later */
/* adopt and release */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/text.h"
#include "command/kept.h"
#include "command/rows.h"

#define ARGS(a) (a), sizeof(a) / sizeof((a)[0])

/* ---- adopt ---- */

static void note_adopted(struct session *s, const struct db_object *o, void *data)
{
	const char *pin = data;

	if (manager_dry_run(s->manager))
		sink_note(s->sink, "would adopt %s as object %lld \"%s\"", pin, (long long)o->id,
			  o->name);
	else
		sink_note(s->sink, "%s adopted as object %lld \"%s\"", pin, (long long)o->id,
			  o->name);
}

static int run_adopt(struct session *s, const struct invocation *in, struct error *e)
{
	struct manager_adopt a = {
		.pin = invocation_value(in, "PIN"),
		.name = invocation_value(in, "--name"),
	};
	int64_t id = 0;
	int r = manager_adopt(s->manager, &a, &id, e);

	return r ? r : answer_object(s, id, true, false, note_adopted, (void *)a.pin, e);
}

/* ---- release ---- */

struct released {
	struct released_row {
		enum db_kind kind;
		int64_t id;
		char *name;
		char *pin; /* its name: the directory is the same for all */
	} * rows;
	size_t count;
	bool nomem;
};

static void note_released(void *data, enum db_kind kind, int64_t id, const char *name,
			  const char *pin)
{
	struct released *list = data;
	struct released_row *grown = grow(list->rows, list->count, sizeof(*grown));

	if (!grown) {
		list->nomem = true;
		return;
	}
	list->rows = grown;
	grown[list->count] = (struct released_row){ kind, id, strdup(name),
						    pin ? strdup(path_base(pin)) : NULL };
	list->nomem |= !grown[list->count].name || (pin && !grown[list->count].pin);
	list->count++;
}

static const struct sink_column released_columns[] = {
	{ .key = "id", .title = "RELEASED", .align = SINK_RIGHT },
	{ .key = "kind", .title = "KIND" },
	{ .key = "name", .title = "NAME" },
	{ .key = "pinned_path", .title = "PINNED" },
};
static const struct sink_table released_table = {
	released_columns, sizeof(released_columns) / sizeof(released_columns[0]), NULL
};

static void write_released(struct session *s, const struct released *list, const char *to)
{
	struct buf path = { 0 };

	sink_rows(s->sink, "released", &released_table);
	for (size_t i = 0; i < list->count; i++) {
		const struct released_row *row = &list->rows[i];

		sink_row(s->sink);
		sink_int(s->sink, "id", row->id);
		sink_str(s->sink, "kind", db_kind_name(row->kind));
		sink_str(s->sink, "name", row->name);
		buf_reset(&path);
		buf_printf(&path, "%s/%s", to, row->pin ? row->pin : "");
		sink_str(s->sink, "pinned_path", row->pin ? buf_text(&path) : NULL);
		sink_row_end(s->sink);
	}
	sink_rows_end(s->sink);
	if (manager_dry_run(s->manager))
		sink_note(s->sink, "dry run: nothing was released");
	else
		sink_note(s->sink, "it runs on, and bpfman knows nothing of it any more: "
				   "to end it, remove these pins");
	buf_free(&path);
}

static int run_release(struct session *s, const struct invocation *in, struct error *e)
{
	struct released list = { 0 };
	struct manager_release release = {
		.to = invocation_value(in, "--to"),
		.told = note_released,
		.data = &list,
	};
	struct kept_list kept = { 0 };
	struct named target;
	char *to = NULL;
	int r = manager_resolve(s->manager, invocation_value(in, "TARGET"),
				WANT_PROGRAM | WANT_OBJECT, &target, e);

	if (!r)
		r = manager_release(s->manager, &target, &release, &to, kept_add, &kept, e);
	if (!r && list.nomem)
		r = error_nomem(e);
	if (!r)
		write_released(s, &list, to);
	kept_write(s->sink, &kept);
	sink_bool(s->sink, "changed", !r);
	for (size_t i = 0; i < list.count; i++) {
		free(list.rows[i].name);
		free(list.rows[i].pin);
	}
	free(list.rows);
	free(to);
	return r;
}

static const struct arg adopt_args[] = {
	{ .name = "PIN",
	  .type = ARG_PIN_PATH,
	  .flags = ARG_REQUIRED,
	  .help = "where a program is pinned that bpfman does not manage" },
	{ .name = "--name",
	  .type = ARG_NAME,
	  .value = "NAME",
	  .help = "the object's name (default: the program's)" },
};

static const struct arg release_args[] = {
	{ .name = "TARGET",
	  .type = ARG_PROGRAM_OR_OBJECT,
	  .flags = ARG_REQUIRED,
	  .value = "PROGRAM|OBJECT",
	  .help = "what to forget, and leave running" },
	{ .name = "--to",
	  .type = ARG_PIN_PATH,
	  .value = "DIR",
	  .help = "the directory where its pins go, on the same bpffs; made where it is missing "
		  "(default: released/ID_NAME below the pin root)" },
};

const struct command adopt_commands[] = {
	{ "adopt", "take in a program that others pinned", ARGS(adopt_args), COMMAND_MUTATES,
	  run_adopt,
	  "It becomes an object of its own, with the maps that it uses, pinned in the pin root "
	  "too; the pin that its owner made stays where it is, and links stay attached. unload "
	  "then "
	  "removes bpfman's pins only. There is no file of it: after a reboot it is lost. A pin "
	  "below the pin root that nothing knows (see doctor) moves.",
	  NULL },
	{ "release", "forget a program or object, and leave it running", ARGS(release_args),
	  COMMAND_MUTATES, run_release,
	  "Its pins, those of its links and of the maps that nothing else uses move to a "
	  "directory, "
	  "and are nobody's from then on: what was attached stays attached. The --pin-path name "
	  "stays too. adopt takes a program in again; its links stay as they are.",
	  NULL },
};
const size_t adopt_command_count = sizeof(adopt_commands) / sizeof(adopt_commands[0]);

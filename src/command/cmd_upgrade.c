/* SPDX-License-Identifier: GPL-3.0-or-later */
/* upgrade */
#include <errno.h>

#include "command/kept.h"
#include "command/rows.h"

static void tell_anew(void *data, int64_t link_id)
{
	struct session *s = data;

	sink_note(s->sink,
		  "link %lld was attached anew before the old one went: for a moment both ran",
		  (long long)link_id);
}

struct upgraded {
	const char *file;
	bool changed;
};

static void note_upgraded(struct session *s, const struct db_object *o, void *data)
{
	const struct upgraded *u = data;

	if (!u->changed)
		sink_note(s->sink, "object %lld \"%s\" is that build already", (long long)o->id,
			  o->name);
	else if (manager_dry_run(s->manager))
		sink_note(s->sink, "would upgrade object %lld \"%s\" to %s", (long long)o->id,
			  o->name, u->file ? u->file : o->previous_path);
	else
		sink_note(s->sink, "object %lld \"%s\" upgraded to %s", (long long)o->id, o->name,
			  o->path);
}

static int run_upgrade(struct session *s, const struct invocation *in, struct error *e)
{
	const struct arg_values *resets = invocation_values(in, "--reset-map");
	struct kept_list kept = { 0 };
	struct manager_upgrade u = {
		.path = invocation_value(in, "FILE"),
		.reset_maps = resets->values,
		.reset_count = resets->count,
		.anew = tell_anew,
		.anew_data = s,
		.kept = kept_add,
		.kept_data = &kept,
	};
	struct upgraded done = { .file = u.path };
	struct named named;
	int r;

	r = manager_resolve(s->manager, invocation_value(in, "OBJECT"), WANT_OBJECT, &named, e);
	if (r)
		return r;
	u.object_id = named.id;
	r = manager_upgrade(s->manager, &u, &done.changed, e);
	s->done = !r;
	if (!r)
		r = answer_object(s, named.id, done.changed, true, note_upgraded, &done, e);
	kept_write(s->sink, &kept);
	return r;
}

static int check_upgrade(const struct invocation *in, struct error *e)
{
	bool file = invocation_value(in, "FILE"), back = invocation_value(in, "--back");

	if (file != back)
		return 0;
	error_set_class(e, ERROR_USAGE, EINVAL,
			file ? "FILE and --back exclude each other" : "FILE is missing");
	return error_hint(e, "upgrade OBJECT FILE, or upgrade OBJECT --back");
}

static const struct arg upgrade_args[] = {
	{ .name = "OBJECT",
	  .type = ARG_OBJECT,
	  .flags = ARG_REQUIRED,
	  .help = "the object whose programs are replaced" },
	{ .name = "FILE", .type = ARG_FILE, .help = "the new build" },
	{ .name = "--reset-map",
	  .type = ARG_OWN_MAP,
	  .flags = ARG_REPEAT,
	  .value = "NAME",
	  .help = "let this map of the object begin anew, empty, as the new build defines it" },
	{ .name = "--back",
	  .type = ARG_FLAG,
	  .help = "return to the build before the last upgrade, whose bytes are kept" },
};

const struct command upgrade_commands[] = {
	{ "upgrade", "put a new build in an object's place: ids, links and map contents stay",
	  upgrade_args, sizeof(upgrade_args) / sizeof(upgrade_args[0]), COMMAND_MUTATES,
	  run_upgrade,
	  "Programs keep their ids by their names; links move to the new ones without a gap (xdp, "
	  "tcx, cgroup, sk_lookup, iter), or, where the kernel cannot move them (tracing), are "
	  "attached anew before the old ones go, and it says so. Maps that agree in type, sizes, "
	  "flags and BTF keep their contents; one that does not is an error that says in what, or "
	  "begins anew with --reset-map. Constants (.rodata) are always the new build's. The "
	  "load's "
	  "own options hold. All of it, or nothing.",
	  check_upgrade },
};
const size_t upgrade_command_count = sizeof(upgrade_commands) / sizeof(upgrade_commands[0]);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/listing.h"

static int run_list(struct session *s, const struct invocation *in, struct error *e)
{
	const struct list_kind *kind = list_kind_find(invocation_value(in, "KIND"));
	struct list_filter filter = {
		.type = invocation_value(in, "--type"),
		.state = invocation_value(in, "--state"),
		.sort = invocation_value(in, "--sort"),
		.labels = invocation_values(in, "--label"),
	};
	struct listing l = {
		.filter = &filter,
		.kind = kind,
		.keep = filter.sort && strcmp(filter.sort, "id"),
		.e = e,
	};
	const char *program = invocation_value(in, "--program");
	const struct sink_table *table = kind->table;
	struct named named = { .id = 0 };
	struct list_all all;
	int r = 0;

	if (program)
		r = manager_resolve(s->manager, program, WANT_PROGRAM, &named, e);
	if (r)
		return r;
	filter.program = named.id;
	if (invocation_value(in, "--all")) {
		l.all = &all;
		r = list_all_begin(&all, s, kind->kind, table, e);
		table = &all.table;
	}
	if (!r)
		r = rows_context_init(&l.c, s, true, e);
	if (r)
		goto out;
	sink_rows(s->sink, kind->name, table);
	r = kind->read(&l);
	if (!r && l.all)
		r = listing_read_foreign(&l);
	if (!r)
		listing_sort(&l);
	for (size_t i = 0; i < l.count; i++) {
		if (!r)
			r = listing_write(&l, &l.items[i]);
		kind->clear(&l.items[i]);
	}
	sink_rows_end(s->sink);
	if (l.all)
		list_all_complete(&all);
	free(l.items);
	rows_context_free(&l.c);
out:
	if (l.all)
		list_all_end(&all);
	return r;
}

static int check_list(const struct invocation *in, struct error *e)
{
	const char *kind = invocation_value(in, "KIND");

	if (invocation_value(in, "--program") && (!kind || strcmp(kind, "links")))
		return error_set_class(e, ERROR_USAGE, EINVAL, "--program is for list links");
	if (kind && !strcmp(kind, "objects") && invocation_value(in, "--all"))
		return error_set_class(e, ERROR_USAGE, EINVAL,
				       "--all is for programs, maps and links: the kernel has "
				       "no objects");
	if (kind && !strcmp(kind, "objects") && invocation_value(in, "--type"))
		return error_set_class(e, ERROR_USAGE, EINVAL,
				       "objects have no type; programs, maps and links do");
	return 0;
}

static const char *const kind_names[] = { "programs", "maps", "links", "objects", NULL };
static const char *const state_names[] = { "loaded",  "attached", "lost", "target_gone",
					   "unknown", "pending",  NULL };
static const char *const sort_names[] = { "id",	    "name",	 "type",       "state",
					  "object", "kernel_id", "created_at", NULL };

static const struct arg list_args[] = {
	{ .name = "KIND",
	  .type = ARG_CHOICE,
	  .value = "programs|maps|links|objects",
	  .choices = kind_names,
	  .help = "what to list (default: programs)" },
	{ .name = "--type", .type = ARG_TEXT, .value = "TYPE", .help = "only of this type" },
	{ .name = "--program",
	  .type = ARG_PROGRAM,
	  .value = "PROGRAM",
	  .help = "only links of this program" },
	{ .name = "--label",
	  .type = ARG_LABEL,
	  .flags = ARG_REPEAT,
	  .value = "KEY=VALUE",
	  .help = "only what bears this label" },
	{ .name = "--state",
	  .type = ARG_CHOICE,
	  .value = "loaded|attached|lost|target_gone|unknown|pending",
	  .choices = state_names,
	  .help = "only in this state" },
	{ .name = "--all",
	  .type = ARG_FLAG,
	  .help = "also what others loaded, with its holders; this asks the kernel" },
	{ .name = "--sort",
	  .type = ARG_CHOICE,
	  .value = "id|name|type|state|object|kernel_id|created_at",
	  .choices = sort_names,
	  .help = "order of the rows (default: id)" },
};

const struct command list_commands[] = {
	{ "list", "list what bpfman manages, from the database", list_args,
	  sizeof(list_args) / sizeof(list_args[0]), 0, run_list,
	  "It needs no worker, no lock and no capability, only read access to the database. "
	  "States: loaded; attached, a link, or a program with one; target_gone, a link whose "
	  "interface, network namespace, cgroup or process is no more; lost, because of a reboot, "
	  "or because the pin is gone (unpinned) or is "
	  "another object now (replaced); unknown, where it cannot be told, with the reason; "
	  "pending, in the middle of a change. With --all what else the kernel has follows: its ID "
	  "is k: and the kernel's id, its STATE a process that holds it. It is shown, and left "
	  "alone.",
	  check_list },
};
const size_t list_command_count = sizeof(list_commands) / sizeof(list_commands[0]);

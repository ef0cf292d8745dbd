/* SPDX-License-Identifier: GPL-3.0-or-later */
/* attach */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/attachment.h"
#include "command/rows.h"

#define NS_PER_S 1e9

static const struct sink_column order_columns[] = {
	{ .key = "position", .title = "ORDER", .align = SINK_RIGHT },
	{ .key = "name", .title = "PROGRAM" },
	{ .key = "link_id", .title = "KERNEL LINK", .align = SINK_RIGHT },
	{ .key = "program_id", .title = "KERNEL PROGRAM", .align = SINK_RIGHT },
};
static const struct sink_table order_table = { order_columns,
					       sizeof(order_columns) / sizeof(order_columns[0]),
					       NULL };

/* In which order the programs there run, where the kernel tells. */
static void write_order(struct sink *s, const json_t *order)
{
	const json_t *item;
	size_t i;

	if (!json_array_size(order)) {
		sink_null(s, "order");
		return;
	}
	sink_rows(s, "order", json_array_size(order) > 1 ? &order_table : NULL);
	json_array_foreach (order, i, item) {
		sink_row(s);
		sink_int(s, "position", (int64_t)i + 1);
		write_json(s, "name", json_object_get(item, "name"));
		write_json(s, "link_id", json_object_get(item, "link_id"));
		write_json(s, "program_id", json_object_get(item, "program_id"));
		sink_row_end(s);
	}
	sink_rows_end(s);
}

static void tell(struct session *s, const struct db_link *l, bool changed, const char *try)
{
	const char *target = l->target_text && *l->target_text ? l->target_text : l->type;

	if (!changed)
		sink_note(s->sink, "link %lld: %s is attached to %s already", (long long)l->id,
			  l->program_name, target);
	else if (manager_dry_run(s->manager))
		sink_note(s->sink, "would attach %s to %s", l->program_name, target);
	else
		sink_note(s->sink, "link %lld: %s attached to %s", (long long)l->id,
			  l->program_name, target);
	if (changed && try && !manager_dry_run(s->manager))
		sink_note(s->sink, "on trial: detached in %s s unless `keep %lld` comes", try,
			  (long long)l->id);
}

static int show_attached(struct session *s, int64_t id, bool changed, const char *try,
			 const json_t *row, struct error *e)
{
	struct rows_context c;
	struct db_link l = { 0 };
	int r;

	r = rows_context_init(&c, s, false, e);
	if (r)
		return r;
	r = db_link_get(c.db, id, &l, e);
	if (r == -ENOENT)
		r = error_set(e, ENOENT, "link %lld is gone again", (long long)id);
	if (!r) {
		tell(s, &l, changed, try);
		sink_object(s->sink, "link", NULL);
		link_members(&c, &l, manager_look_link(s->manager, &l));
		sink_object_end(s->sink);
		write_order(s->sink, json_object_get(row, "order"));
		sink_bool(s->sink, "changed", changed);
	}
	db_link_clear(&l);
	rows_context_free(&c);
	return r;
}

static int run_attach(struct session *s, const struct invocation *in, struct error *e)
{
	const char *try = invocation_value(in, "--try");
	struct manager_attach a = {
		.ensure = invocation_value(in, "--ensure"),
		.trial = try ? (int64_t)(strtod(try, NULL) * NS_PER_S) : 0,
		.guard = trial_guard,
		.data = s,
	};
	struct attachment where;
	struct named program;
	json_t *row = NULL;
	bool changed;
	int64_t id = 0;
	int r;

	r = attachment_of(&where, in, e);
	if (r)
		return r;
	r = manager_resolve(s->manager, invocation_value(in, "PROGRAM"), WANT_PROGRAM, &program, e);
	if (!r) {
		a.program_id = program.id;
		a.what = where.what;
		r = manager_attach(s->manager, &a, &id, &changed, &row, e);
	}
	s->done = !r;
	if (!r)
		r = show_attached(s, id, changed, try, row, e);
	json_decref(row);
	attachment_free(&where);
	return r;
}

/* At most one of these, or the usage is wrong. */
static int check_one_of(const struct invocation *in, const char *const *names, struct error *e)
{
	const char *given = NULL;

	for (; *names; names++) {
		if (!invocation_value(in, *names))
			continue;
		if (given)
			return error_set_class(e, ERROR_USAGE, EINVAL,
					       "%s and %s exclude each other", given, *names);
		given = *names;
	}
	return 0;
}

static int check_attach(const struct invocation *in, struct error *e)
{
	static const char *const directions[] = { "--ingress", "--egress", NULL };
	static const char *const places[] = { "--first", "--last", "--before", "--after", NULL };
	static const char *const rates[] = { "--frequency", "--period", NULL };
	int r = check_one_of(in, directions, e);

	if (!r)
		r = check_one_of(in, places, e);
	return r ? r : check_one_of(in, rates, e);
}

static const char *const modes[] = { "native", "generic", NULL };

static const struct arg attach_args[] = {
	{ .name = "PROGRAM",
	  .type = ARG_PROGRAM,
	  .flags = ARG_REQUIRED,
	  .help = "what to attach: an id, a name, OBJECT/NAME, kernel:ID or a pin path" },
	{ .name = "TARGET",
	  .type = ARG_TARGET,
	  .help = "where: an interface, CATEGORY:EVENT, FUNCTION or FILE:FUNCTION[+OFFSET] or a "
		  "pattern of functions, a cgroup's directory, ...; none where the section says "
		  "it" },
	{ .name = "--type",
	  .type = ARG_ATTACH_TYPE,
	  .value = "TYPE",
	  .help = "type of the attachment, where a program fits several" },
	{ .name = "--netns",
	  .type = ARG_NETNS,
	  .value = "NAME|PATH|pid:N",
	  .help = "in this network namespace (xdp, tcx, netkit, sk_lookup, flow_dissector, "
		  "netfilter)" },
	{ .name = "--ingress", .type = ARG_FLAG, .help = "packets that come in (tcx, cgroup_skb)" },
	{ .name = "--egress", .type = ARG_FLAG, .help = "packets that go out (tcx, cgroup_skb)" },
	{ .name = "--first",
	  .type = ARG_FLAG,
	  .help = "before all others there (tcx, netkit, cgroup)" },
	{ .name = "--last",
	  .type = ARG_FLAG,
	  .help = "behind all others there (tcx, netkit, cgroup)" },
	{ .name = "--before",
	  .type = ARG_LINK,
	  .value = "LINK",
	  .help = "just before this one (tcx, netkit, cgroup)" },
	{ .name = "--after",
	  .type = ARG_LINK,
	  .value = "LINK",
	  .help = "just behind this one (tcx, netkit, cgroup)" },
	{ .name = "--mode",
	  .type = ARG_CHOICE,
	  .value = "native|generic",
	  .choices = modes,
	  .help = "in the driver, or in the network stack (xdp; default: native where the driver "
		  "can)" },
	{ .name = "--pid",
	  .type = ARG_COUNT,
	  .value = "PID",
	  .help = "only in this process (uprobe, perf_event, iter)" },
	{ .name = "--cpu",
	  .type = ARG_NUMBER,
	  .value = "CPU",
	  .help = "only on this CPU (perf_event)" },
	{ .name = "--frequency",
	  .type = ARG_COUNT,
	  .value = "HZ",
	  .help = "samples a second (perf_event)" },
	{ .name = "--period",
	  .type = ARG_COUNT,
	  .value = "N",
	  .help = "a sample every N events (perf_event)" },
	{ .name = "--family",
	  .type = ARG_TEXT,
	  .value = "FAMILY",
	  .help = "ipv4 or ipv6 (netfilter)" },
	{ .name = "--hook",
	  .type = ARG_TEXT,
	  .value = "HOOK",
	  .help = "prerouting, input, forward, output or postrouting (netfilter)" },
	{ .name = "--priority",
	  .type = ARG_TEXT,
	  .value = "N",
	  .help = "lower runs earlier (netfilter)" },
	{ .name = "--cookie",
	  .type = ARG_NUMBER,
	  .value = "N",
	  .help = "a number that the program can read (tracing)" },
	{ .name = "--ensure",
	  .type = ARG_FLAG,
	  .help = "succeed, changing nothing, where it is attached there already" },
	{ .name = "--try",
	  .type = ARG_SECONDS,
	  .value = "SECONDS",
	  .help = "detach it by itself unless `keep LINK` comes in time" },
};

const struct command attach_commands[] = {
	{ "attach", "attach a program, by a link that stays when bpfman exits", attach_args,
	  sizeof(attach_args) / sizeof(attach_args[0]), COMMAND_MUTATES | COMMAND_UNDOABLE,
	  run_attach,
	  "What TARGET is follows the program's type: attach drop_bad eth0 --ingress; attach t "
	  "sched:sched_switch; attach k vfs_read; attach u libc:malloc; attach c "
	  "/sys/fs/cgroup/web. With --try the "
	  "link is detached after SECONDS, whatever became of bpfman and the terminal, unless it "
	  "was kept: for who may cut off his own connection.",
	  check_attach },
};
const size_t attach_command_count = sizeof(attach_commands) / sizeof(attach_commands[0]);

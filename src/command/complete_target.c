/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a program can be attached to, as far as this machine has it. */
#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "command/complete.h"

/* Offers the entries of a directory, each with a suffix that says what may follow. */
static void offer_entries(struct gathering *g, const char *path, const char *lead,
			  const char *suffix)
{
	const struct dirent *entry;
	DIR *d = opendir(path);

	while (d && (entry = readdir(d))) {
		struct buf word = { 0 };

		/* Directories of tracefs hold a few files beside the events. */
		if (entry->d_name[0] == '.' || (entry->d_type == DT_REG && !*suffix && *lead))
			continue;
		buf_printf(&word, "%s%s", entry->d_name, suffix);
		if (!buf_error(&word))
			offer(g, lead, word.data, !*suffix);
		buf_free(&word);
	}
	if (d)
		closedir(d);
}

static void offer_interfaces(struct gathering *g)
{
	offer_entries(g, "/sys/class/net", "", "");
}

/* CATEGORY:EVENT, one after the other: there are thousands. */
static void offer_tracepoints(struct gathering *g)
{
	static const char *const mounts[] = { "/sys/kernel/tracing/events",
					      "/sys/kernel/debug/tracing/events" };
	const char *events = access(mounts[0], X_OK) ? mounts[1] : mounts[0];
	const char *colon = strchr(g->prefix, ':');
	struct buf path = { 0 }, lead = { 0 };

	buf_str(&path, events);
	if (colon) {
		buf_add(&lead, g->prefix, (size_t)(colon - g->prefix) + 1);
		buf_printf(&path, "/%.*s", (int)(colon - g->prefix), g->prefix);
	}
	if (!buf_error(&path) && !buf_error(&lead))
		offer_entries(g, path.data, buf_text(&lead), colon ? "" : ":");
	buf_free(&path);
	buf_free(&lead);
}

static void offer_events(struct gathering *g)
{
	static const char *const events[] = {
		"cpu-clock",
		"task-clock",
		"page-faults",
		"context-switches",
		"cpu-migrations",
		"minor-faults",
		"major-faults",
		"cpu-cycles",
		"instructions",
		"cache-references",
		"cache-misses",
		"branch-misses",
		NULL,
	};

	offer_choices(g, events);
}

static void offer_cgroups(struct gathering *g)
{
	/* Nothing typed: where they are. */
	if (!*g->prefix)
		offer(g, "", "/sys/fs/cgroup/", false);
	else
		offer_files(g);
}

/* By the beginning of the program's type. */
static const struct {
	const char *type;
	void (*offer)(struct gathering *g);
} by_type[] = {
	{ "xdp", offer_interfaces },	     { "sched_cls", offer_interfaces },
	{ "tracepoint", offer_tracepoints }, { "kprobe", offer_files },
	{ "perf_event", offer_events },	     { "cgroup", offer_cgroups },
	{ "sock_ops", offer_cgroups },
};

void offer_targets(struct gathering *g)
{
	const char *name = first_positional(g);
	struct error e = ERROR_INIT;
	struct db_program p = { 0 };
	struct named named;
	struct db *db;

	if (name && !manager_resolve(g->s->manager, name, WANT_PROGRAM, &named, &e) &&
	    !manager_db(g->s->manager, &db, &e) && !db_program_get(db, named.id, &p, &e))
		for (size_t i = 0; i < sizeof(by_type) / sizeof(by_type[0]); i++)
			if (!strncmp(p.type, by_type[i].type, strlen(by_type[i].type)))
				by_type[i].offer(g);
	db_program_clear(&p);
	error_clear(&e);
}

void offer_attach_types(struct gathering *g)
{
	static const char *const types[] = {
		"xdp",
		"tcx",
		"netkit",
		"cgroup",
		"lsm",
		"lsm_cgroup",
		"tracepoint",
		"raw_tp",
		"tp_btf",
		"fentry",
		"fexit",
		"fmod_ret",
		"kprobe",
		"kretprobe",
		"kprobe.multi",
		"kretprobe.multi",
		"uprobe",
		"uretprobe",
		"uprobe.multi",
		"uretprobe.multi",
		"perf_event",
		"iter",
		"netfilter",
		"sk_lookup",
		"flow_dissector",
		"sk_msg",
		"sk_skb",
		NULL,
	};

	offer_choices(g, types);
}

void offer_netns(struct gathering *g)
{
	if (*g->prefix == '/' || *g->prefix == '.')
		offer_files(g);
	else
		offer_entries(g, "/run/netns", "", "");
}

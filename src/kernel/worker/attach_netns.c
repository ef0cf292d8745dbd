/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sk_lookup, flow_dissector, netfilter: what is attached to a network namespace as a whole */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/worker/abi.h"
#include "kernel/worker/link.h"
#include "kernel/worker/netns.h"

static const char *label(const struct netns *ns)
{
	return ns->option ? ns->option : "network namespace";
}

static int attach_whole(struct attach *a, int attach_type, const char *since, struct failure *f)
{
	struct netns ns = NETNS_INIT;
	uint64_t cookie = 0;
	int err = netns_open(a, &ns, f);

	a->attach_type = attach_type;
	if (err)
		goto out;
	err = netns_cookie(&ns, &cookie, f);
	a->identity = json_object();
	if (!err && (!a->identity || netns_identity(&ns, cookie, a->identity)))
		err = fail_nomem(f);
	netns_text(a, &ns);
	if (err || a->resolve_only)
		goto out;
	/* The namespace is named by its descriptor: nobody has to enter it. */
	a->link_fd = bpf_link_create(a->program_fd, ns.fd, attach_type, NULL);
	if (a->link_fd < 0)
		err = attach_refused(f, a, label(&ns), -a->link_fd, since);
out:
	netns_close(&ns);
	return err;
}

int attach_sk_lookup(struct attach *a, struct failure *f)
{
	return attach_whole(a, BPF_SK_LOOKUP, "5.9", f);
}

int attach_flow_dissector(struct attach *a, struct failure *f)
{
	int err = attach_whole(a, BPF_FLOW_DISSECTOR, "5.8", f);

	if (err != -EEXIST && err != -E2BIG)
		return err;
	fail(f, STAGE_ATTACH, REASON_HOOK_TAKEN, -err,
	     "another program dissects flows there, or in the initial network namespace");
	return error_hint(&f->error, "a network namespace has one such program: detach that one "
				     "first");
}

/* ---- netfilter ---- */

struct netfilter_job {
	struct netns_job head;
	int program_fd;
	int family; /* index of abi_families */
	int hook;
	int priority;
};

static int read_priority(const struct attach *a, int *priority, struct failure *f)
{
	const char *text = a->option[OPTION_PRIORITY];
	char *end;
	long value;

	*priority = 0;
	if (!text)
		return 0;
	errno = 0;
	value = strtol(text, &end, 10);
	/* The kernel keeps the first and the last place for itself. */
	if (*end || end == text || text[0] == ' ' || text[0] == '+' || errno || value <= INT_MIN ||
	    value >= INT_MAX)
		return attach_unfit(f, a, "option 'priority': '%s' is not a number from %d to %d",
				    text, INT_MIN + 1, INT_MAX - 1);
	*priority = (int)value;
	return 0;
}

static int read_netfilter(const struct attach *a, struct netfilter_job *job, struct failure *f)
{
	int err =
		attach_choice(a, OPTION_FAMILY, abi_family_words, ABI_FAMILIES, 0, &job->family, f);

	if (!err)
		err = attach_choice(a, OPTION_HOOK, abi_hook_words, ABI_HOOKS, -1, &job->hook, f);
	if (!err && job->hook < 0) {
		attach_unfit(f, a, "attach type netfilter needs option 'hook'");
		err = error_hint(&f->error, "hooks are prerouting, input, forward, output and "
					    "postrouting");
	}
	return err ? err : read_priority(a, &job->priority, f);
}

static void netfilter_work(struct netns_job *head)
{
	struct netfilter_job *job = (struct netfilter_job *)head;
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int fd;

	opts.netfilter.pf = abi_families[job->family];
	opts.netfilter.hooknum = (__u32)job->hook;
	opts.netfilter.priority = job->priority;
	fd = bpf_link_create(job->program_fd, 0, (enum bpf_attach_type)ABI_ATTACH_NETFILTER, &opts);
	head->fd = fd < 0 ? -1 : fd;
	head->err = fd < 0 ? -fd : 0;
}

static int tell_netfilter(struct attach *a, const struct netfilter_job *job, const struct netns *ns,
			  struct failure *f)
{
	char digits[16];
	uint64_t cookie;
	int err = netns_cookie(ns, &cookie, f);

	if (err)
		return err;

	snprintf(digits, sizeof(digits), "%d", job->priority);
	attach_option_text(a, OPTION_FAMILY, abi_family_words[job->family]);
	attach_option_text(a, OPTION_HOOK, abi_hook_words[job->hook]);
	attach_option_text(a, OPTION_PRIORITY, digits);
	netns_text(a, ns);
	a->identity = json_pack("{s:s, s:s, s:i}", "family", abi_family_words[job->family], "hook",
				abi_hook_words[job->hook], "priority", job->priority);
	return a->identity && netns_identity(ns, cookie, a->identity) == 0 ? 0 : fail_nomem(f);
}

static int netfilter_refused(const struct attach *a, const struct netfilter_job *job,
			     const struct netns *ns, struct failure *f)
{
	int err = job->head.err;

	if (err != EBUSY)
		return attach_refused(f, a, label(ns), err, "6.4");
	fail(f, STAGE_ATTACH, REASON_HOOK_TAKEN, err,
	     "hook %s of %s: something else has priority %d there", abi_hook_words[job->hook],
	     abi_family_words[job->family], job->priority);
	return error_hint(&f->error, "a BPF program needs a priority of its own: choose another");
}

int attach_netfilter(struct attach *a, struct failure *f)
{
	struct netfilter_job job = { .program_fd = a->program_fd };
	struct netns ns = NETNS_INIT;
	int err = read_netfilter(a, &job, f);

	a->attach_type = ABI_ATTACH_NETFILTER;
	if (!err)
		err = netns_open(a, &ns, f);
	if (!err)
		err = tell_netfilter(a, &job, &ns, f);
	if (!err && !a->resolve_only) {
		err = netns_run(&ns, netfilter_work, &job.head, f);
		a->link_fd = job.head.fd;
		if (!err && job.head.err)
			err = netfilter_refused(a, &job, &ns, f);
	}
	netns_close(&ns);
	return err;
}

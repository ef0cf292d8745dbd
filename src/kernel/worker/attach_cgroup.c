/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cgroup: every attach type of control groups, and sockops */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/worker/cgroups.h"
#include "kernel/worker/order.h"

/* A program type with one attach type only has it here; the others' programs chose theirs. */
static int only_attach_type(enum bpf_prog_type type)
{
	switch (type) {
	case BPF_PROG_TYPE_CGROUP_DEVICE:
		return BPF_CGROUP_DEVICE;
	case BPF_PROG_TYPE_CGROUP_SYSCTL:
		return BPF_CGROUP_SYSCTL;
	case BPF_PROG_TYPE_SOCK_OPS:
		return BPF_CGROUP_SOCK_OPS;
	default:
		return -1;
	}
}

/* A direction is chosen here, unless the section did. */
static int choose_direction(struct attach *a, struct failure *f)
{
	bool egress = attach_has(a, OPTION_EGRESS);
	bool said = strncmp(a->section, "cgroup_skb/", 11) == 0 && a->expected >= 0;
	int wanted = egress ? BPF_CGROUP_INET_EGRESS : BPF_CGROUP_INET_INGRESS;

	if (!egress && !attach_has(a, OPTION_INGRESS)) {
		if (!said)
			return attach_unfit(f, a,
					    "a program of type cgroup_skb needs a direction: "
					    "option ingress or egress");
		wanted = a->expected;
	} else if (said && wanted != a->expected) {
		return attach_unfit(f, a, "it is for the other direction: its section is '%s'",
				    a->section);
	}
	a->attach_type = wanted;
	return 0;
}

static int choose_attach_type(struct attach *a, struct failure *f)
{
	if (a->program.type == BPF_PROG_TYPE_CGROUP_SKB)
		return choose_direction(a, f);
	if (attach_has(a, OPTION_INGRESS) || attach_has(a, OPTION_EGRESS))
		return attach_unfit(f, a, "a direction is for programs of type cgroup_skb");
	a->attach_type = only_attach_type(a->program.type);
	if (a->attach_type < 0)
		a->attach_type = a->expected;
	if (a->attach_type >= 0)
		return 0;
	attach_unfit(f, a, "its section '%s' does not say the attach type", a->section);
	return error_hint(&f->error,
			  "load it as what it is, for example with type cgroup/connect4");
}

static int tell(struct attach *a, const struct cgroup *group, struct failure *f)
{
	const char *attach = libbpf_bpf_attach_type_str(a->attach_type);

	a->identity = json_pack("{s:s?}", "attach_type", attach);
	if (!a->identity || cgroup_identity(group, a->identity))
		return fail_nomem(f);
	attach_word(a, group->path);
	if (attach_has(a, OPTION_INGRESS))
		attach_option_text(a, OPTION_INGRESS, NULL);
	if (attach_has(a, OPTION_EGRESS))
		attach_option_text(a, OPTION_EGRESS, NULL);
	return 0;
}

static int refused(const struct attach *a, const char *path, const struct anchor *anchor,
		   const struct hook_order *order, int err, struct failure *f)
{
	if (err == EINVAL && anchor->flags && !order->revision) {
		fail(f, STAGE_ATTACH, REASON_TOO_OLD, err,
		     "%s: this kernel knows no order of programs in a control group", path);
		return error_hint(&f->error, "it needs Linux 6.17 or newer; without an option that "
					     "says the order the program becomes the last");
	}
	if (err == ENOENT && anchor->name)
		return anchor_lost(anchor, path, f);
	attach_refused(f, a, path, err, NULL);
	if (err == EPERM && f->reason == REASON_OTHER)
		return fail(f, STAGE_ATTACH, REASON_HOOK_TAKEN, err,
			    "%s: a program that allows no others is attached to it or to a group "
			    "above it",
			    path);
	return -err;
}

static int create(struct attach *a, const struct cgroup *group, struct failure *f)
{
	struct anchor anchor = ANCHOR_INIT;
	struct hook_order order = { 0 };
	int err = anchor_read(a, &anchor, f);
	int order_err;

	if (err)
		goto out;
	a->link_fd = link_create_ordered(a->program_fd, (__u32)group->fd, a->attach_type, &anchor);
	order_err = hook_order_read(&order, group->fd, a->attach_type);
	if (a->link_fd < 0)
		err = refused(a, group->path, &anchor, &order, -a->link_fd, f);
	else if (!order_err && !(a->order = hook_order_json(&order)))
		err = fail_nomem(f);
out:
	anchor_close(&anchor);
	return err;
}

int attach_cgroup(struct attach *a, struct failure *f)
{
	struct cgroup group;
	const char *path;
	int err = attach_target(a, NULL, &path, f);

	if (!err)
		err = choose_attach_type(a, f);
	if (!err)
		err = cgroup_open(path, &group, f);
	if (err)
		return err;
	err = tell(a, &group, f);
	if (!err && !a->resolve_only)
		err = create(a, &group, f);
	close(group.fd);
	free(group.path);
	return err;
}

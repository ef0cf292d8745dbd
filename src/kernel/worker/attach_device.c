/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xdp, tcx, netkit: what is attached to an interface */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "kernel/worker/abi.h"
#include "kernel/worker/env.h"
#include "kernel/worker/names.h"
#include "kernel/worker/netns.h"
#include "kernel/worker/order.h"

enum { DEVICE_NAME = 256, NETDEV_XDP_BASIC = 1 /* NETDEV_XDP_ACT_BASIC, Linux 6.3 */ };

enum mode { NATIVE, GENERIC, MODES };
static const char *const mode_words[MODES] = { "native", "generic" };
static const __u32 mode_flags[MODES] = { XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE };

/* One attachment as the work inside the namespace knows it; head.err is that of the creation. */
struct device_job {
	struct netns_job head;
	/* what is wanted */
	char wanted[DEVICE_NAME];
	int program_fd;
	bool resolve_only;
	int attach_type;
	int mode; /* of xdp; -1: the kernel's choice */
	struct anchor anchor;
	const char *since; /* the Linux that brought the attach type */
	/* what was found */
	unsigned ifindex; /* 0: there is no such interface */
	char name[IF_NAMESIZE];
	char nearest[IF_NAMESIZE];
	int order_err; /* why order was not read; -EINVAL: an attach type that is not known */
	__u32 attached[MODES];
	struct hook_order order;
};

/* ---- inside the namespace ---- */

static void find_nearest(struct device_job *job)
{
	struct if_nameindex *all = if_nameindex();
	struct names names = { 0 };
	const char *nearest;
	size_t i;

	for (i = 0; all && all[i].if_name; i++)
		names_add(&names, all[i].if_name);
	nearest = names_nearest(&names, job->wanted);
	if (nearest)
		snprintf(job->nearest, sizeof(job->nearest), "%s", nearest);
	names_free(&names);
	if (all) /* the C library crashes on NULL */
		if_freenameindex(all);
}

static bool find_device(struct device_job *job)
{
	job->ifindex = if_nametoindex(job->wanted);
	if (job->ifindex && if_indextoname(job->ifindex, job->name))
		return true;
	job->ifindex = 0;
	find_nearest(job);
	return false;
}

static void look_at_xdp(struct device_job *job)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query((int)job->ifindex, 0, &query))
		return;
	job->attached[NATIVE] = query.drv_prog_id;
	job->attached[GENERIC] = query.skb_prog_id;
	/* What the kernel would choose. Drivers say what they support since Linux 6.3. */
	if (job->mode < 0 && env_kernel_since(6, 3))
		job->mode = query.feature_flags & NETDEV_XDP_BASIC ? NATIVE : GENERIC;
}

static void xdp_work(struct netns_job *head)
{
	struct device_job *job = (struct device_job *)head;
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int fd;

	if (!find_device(job))
		return;
	look_at_xdp(job);
	if (job->resolve_only)
		return;
	opts.flags = job->mode < 0 ? 0 : mode_flags[job->mode];
	fd = bpf_link_create(job->program_fd, (int)job->ifindex, BPF_XDP, &opts);
	head->fd = fd < 0 ? -1 : fd;
	head->err = fd < 0 ? -fd : 0;
}

static void tcx_work(struct netns_job *head)
{
	struct device_job *job = (struct device_job *)head;
	int fd;

	if (!find_device(job) || job->resolve_only)
		return;
	fd = link_create_ordered(job->program_fd, job->ifindex, job->attach_type, &job->anchor);
	head->fd = fd < 0 ? -1 : fd;
	head->err = fd < 0 ? -fd : 0;
	job->order_err = hook_order_read(&job->order, (int)job->ifindex, job->attach_type);
}

/* ---- outside ---- */

static int no_such_device(const struct device_job *job, const struct netns *ns, struct failure *f)
{
	const char *nearest = job->nearest[0] ? job->nearest : NULL;

	if (ns->option)
		return attach_no_target(f, ENODEV, nearest,
					"there is no interface '%s' in network namespace '%s'",
					job->wanted, ns->option);
	return attach_no_target(f, ENODEV, nearest, "there is no interface '%s'", job->wanted);
}

static int run(struct attach *a, const struct netns *ns, void (*work)(struct netns_job *job),
	       struct device_job *job, struct failure *f)
{
	const char *wanted;
	int err = attach_target(a, NULL, &wanted, f);

	if (err)
		return err;
	snprintf(job->wanted, sizeof(job->wanted), "%s", wanted);
	job->program_fd = a->program_fd;
	job->resolve_only = a->resolve_only;
	err = netns_run(ns, work, &job->head, f);
	a->link_fd = job->head.fd;
	if (!err && job->ifindex == 0)
		err = no_such_device(job, ns, f);
	return err;
}

static int tell(struct attach *a, const struct device_job *job, const struct netns *ns,
		struct failure *f)
{
	attach_word(a, job->name);
	a->identity = json_pack("{s:o, s:I}", "interface", wire_json(job->name), "ifindex",
				(json_int_t)job->ifindex);
	return a->identity && netns_identity(ns, job->head.cookie, a->identity) == 0
		       ? 0
		       : fail_nomem(f);
}

static int taken(const struct device_job *job, enum mode mode, struct failure *f)
{
	char name[BPF_OBJ_NAME_LEN];

	program_name(job->attached[mode], name);
	fail(f, STAGE_ATTACH, REASON_HOOK_TAKEN, job->head.err,
	     "%s: program %u%s%s%s is attached there, in %s mode", job->name, job->attached[mode],
	     name[0] ? " (" : "", name, name[0] ? ")" : "", mode_words[mode]);
	return error_hint(&f->error, "an interface runs one XDP program: detach that one first");
}

static int xdp_refused(const struct attach *a, const struct device_job *job, struct failure *f)
{
	int err = job->head.err;

	if ((err == EBUSY || err == EEXIST) && job->attached[NATIVE])
		return taken(job, NATIVE, f);
	if ((err == EBUSY || err == EEXIST) && job->attached[GENERIC])
		return taken(job, GENERIC, f);
	if (err == EOPNOTSUPP && job->mode == NATIVE) {
		fail(f, STAGE_ATTACH, REASON_BAD_TARGET, err,
		     "%s: its driver does not support XDP in native mode", job->name);
		return error_hint(&f->error, "generic mode works on every interface");
	}
	return attach_refused(f, a, job->name, err, NULL);
}

int attach_xdp(struct attach *a, struct failure *f)
{
	struct device_job job = { .attach_type = BPF_XDP, .mode = -1 };
	struct netns ns = NETNS_INIT;
	int err;

	if (a->expected >= 0 && a->expected != BPF_XDP)
		return attach_unfit(f, a,
				    "a program of section '%s' runs from a map, not on an "
				    "interface",
				    a->section);
	a->attach_type = BPF_XDP;
	err = attach_choice(a, OPTION_MODE, mode_words, MODES, -1, &job.mode, f);
	if (!err)
		err = netns_open(a, &ns, f);
	if (!err)
		err = run(a, &ns, xdp_work, &job, f);
	if (!err)
		err = tell(a, &job, &ns, f);
	if (!err && json_object_set_new(a->identity, "mode",
					wire_json(job.mode < 0 ? NULL : mode_words[job.mode])))
		err = fail_nomem(f);
	if (!err && attach_has(a, OPTION_MODE))
		attach_option_text(a, OPTION_MODE, mode_words[job.mode]);
	if (!err)
		netns_text(a, &ns);
	if (!err && job.head.err)
		err = xdp_refused(a, &job, f);
	netns_close(&ns);
	return err;
}

static int tcx_direction(struct attach *a, struct failure *f)
{
	if (attach_has(a, OPTION_INGRESS) || attach_has(a, OPTION_EGRESS))
		a->attach_type = attach_has(a, OPTION_EGRESS) ? ABI_TCX_EGRESS : ABI_TCX_INGRESS;
	else if (a->expected == ABI_TCX_INGRESS || a->expected == ABI_TCX_EGRESS)
		a->attach_type = a->expected;
	else
		return attach_unfit(f, a,
				    "attach type tcx needs a direction: option ingress or "
				    "egress");
	return 0;
}

static int tcx_refused(const struct attach *a, const struct device_job *job, struct failure *f)
{
	int err = job->head.err;

	if (err == ENOENT && job->anchor.name)
		return anchor_lost(&job->anchor, job->name, f);
	if (err == EEXIST || (err == EINVAL && hook_order_has(&job->order, a->program.id)))
		return fail(f, STAGE_ATTACH, REASON_HOOK_TAKEN, err,
			    "%s: this very program is attached there already", job->name);
	return attach_refused(f, a, job->name, err, job->order_err == -EINVAL ? job->since : NULL);
}

static int netkit_refused(const struct attach *a, const struct device_job *job, struct failure *f)
{
	switch (job->head.err) {
	case ENXIO:
		return fail(f, STAGE_ATTACH, REASON_BAD_TARGET, ENXIO,
			    "%s is not a device of type netkit", job->name);
	case EACCES:
		if (job->order_err != -EACCES)
			break;
		fail(f, STAGE_ATTACH, REASON_BAD_TARGET, EACCES,
		     "%s is the peer of a netkit device", job->name);
		return error_hint(&f->error, "both ends are attached to through the primary one");
	default:
		break;
	}
	return tcx_refused(a, job, f);
}

/*
 * Attaches in the order of an interface's hook, which a->attach_type says; word is for the
 * identity, and refused() for the failure.
 */
static int attach_ordered(struct attach *a, const char *key, const char *word, const char *since,
			  int (*refused)(const struct attach *a, const struct device_job *job,
					 struct failure *f),
			  struct failure *f)
{
	struct device_job job = { .anchor = ANCHOR_INIT, .since = since };
	struct netns ns = NETNS_INIT;
	int err = anchor_read(a, &job.anchor, f);

	if (!err)
		err = netns_open(a, &ns, f);
	job.attach_type = a->attach_type;
	if (!err)
		err = run(a, &ns, tcx_work, &job, f);
	if (!err)
		err = tell(a, &job, &ns, f);
	if (!err && json_object_set_new(a->identity, key, json_string(word)))
		err = fail_nomem(f);
	if (!err && a->attach_type == ABI_TCX_EGRESS)
		attach_option_text(a, OPTION_EGRESS, NULL);
	if (!err && a->attach_type == ABI_TCX_INGRESS)
		attach_option_text(a, OPTION_INGRESS, NULL);
	if (!err)
		netns_text(a, &ns);
	if (!err && job.head.err)
		err = refused(a, &job, f);
	/* Reading it needs a capability more than attaching. */
	if (!err && !a->resolve_only && !job.order_err && !(a->order = hook_order_json(&job.order)))
		err = fail_nomem(f);
	anchor_close(&job.anchor);
	netns_close(&ns);
	return err;
}

int attach_tcx(struct attach *a, struct failure *f)
{
	int err = tcx_direction(a, f);
	const char *word = a->attach_type == ABI_TCX_EGRESS ? "egress" : "ingress";

	return err ? err : attach_ordered(a, "direction", word, "6.6", tcx_refused, f);
}

/* Which of the pair's ends is the program's, by its section. */
int attach_netkit(struct attach *a, struct failure *f)
{
	const char *word = a->expected == ABI_NETKIT_PEER ? "peer" : "primary";

	if (a->expected != ABI_NETKIT_PRIMARY && a->expected != ABI_NETKIT_PEER) {
		attach_unfit(f, a,
			     "its section '%s' does not say for which end of a netkit pair "
			     "it is",
			     a->section);
		return error_hint(&f->error, "load it with type netkit/primary or netkit/peer");
	}
	a->attach_type = a->expected;
	return attach_ordered(a, "end", word, "6.7", netkit_refused, f);
}

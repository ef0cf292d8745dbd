/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cgroup: every attach type of control groups, and sockops */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "kernel/worker/names.h"
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

static int no_such_cgroup(const char *path, int err, struct failure *f)
{
	struct names names = { 0 };
	char *parent = strdup(path);
	char *slash = parent ? strrchr(parent, '/') : NULL;
	const char *nearest = NULL;

	if (err != ENOENT) {
		free(parent);
		return fail(f, STAGE_ATTACH, err == ENOTDIR ? REASON_BAD_TARGET : REASON_OTHER, err,
			    "control group %s: %s", path, strerror(err));
	}
	if (slash && slash != parent) {
		*slash = '\0';
		names_of_directory(&names, parent);
		nearest = names_nearest(&names, slash + 1);
	}
	attach_no_target(f, err, nearest, "control group %s does not exist", path);
	names_free(&names);
	free(parent);
	return -err;
}

static int open_cgroup(const char *path, int *fd, struct stat *st, struct failure *f)
{
	struct statfs fs;

	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return no_such_cgroup(path, errno, f);
	if (fstatfs(*fd, &fs) || (unsigned int)fs.f_type != CGROUP2_SUPER_MAGIC || fstat(*fd, st)) {
		fail(f, STAGE_ATTACH, REASON_BAD_TARGET, EINVAL,
		     "%s is not a directory of a cgroup2 file system", path);
		return error_hint(&f->error, "control groups are below the mount point of cgroup2, "
					     "often /sys/fs/cgroup");
	}
	return 0;
}

static int tell(struct attach *a, const char *path, const struct stat *st, struct failure *f)
{
	const char *attach = libbpf_bpf_attach_type_str(a->attach_type);
	char *real = realpath(path, NULL);

	if (!real)
		return fail(f, STAGE_ATTACH, REASON_OTHER, errno, "control group %s: %s", path,
			    strerror(errno));
	/* In a file system of the kernel's own kind the inode number is the group's id. */
	a->identity = json_pack("{s:o, s:o, s:s?}", "path", wire_json(real), "cgroup_id",
				json_u64(st->st_ino), "attach_type", attach);
	attach_word(a, real);
	free(real);
	if (attach_has(a, OPTION_INGRESS))
		attach_option_text(a, OPTION_INGRESS, NULL);
	if (attach_has(a, OPTION_EGRESS))
		attach_option_text(a, OPTION_EGRESS, NULL);
	return a->identity ? 0 : fail_nomem(f);
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

static int create(struct attach *a, const char *path, int fd, struct failure *f)
{
	struct anchor anchor = ANCHOR_INIT;
	struct hook_order order = { 0 };
	int err = anchor_read(a, &anchor, f);

	if (err)
		goto out;
	a->link_fd = link_create_ordered(a->program_fd, (__u32)fd, a->attach_type, &anchor);
	hook_order_read(&order, fd, a->attach_type);
	if (a->link_fd < 0)
		err = refused(a, path, &anchor, &order, -a->link_fd, f);
	else if (!(a->order = hook_order_json(&order)))
		err = fail_nomem(f);
out:
	anchor_close(&anchor);
	return err;
}

int attach_cgroup(struct attach *a, struct failure *f)
{
	const char *path;
	struct stat st;
	int fd = -1;
	int err = attach_target(a, NULL, &path, f);

	if (!err)
		err = choose_attach_type(a, f);
	if (!err)
		err = open_cgroup(path, &fd, &st, f);
	if (!err)
		err = tell(a, path, &st, f);
	if (!err && !a->resolve_only)
		err = create(a, path, fd, f);
	if (fd >= 0)
		close(fd);
	return err;
}

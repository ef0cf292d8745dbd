/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>

#include "kernel/worker/env.h"
#include "kernel/worker/reasons.h"

#define BIT(capability) ((uint64_t)1 << (capability))
#define NET		BIT(CAP_NET_ADMIN)
#define PERF		BIT(CAP_PERFMON)

enum { TYPES = 64 };

/*
 * Beside CAP_BPF: is_net_admin_prog_type() and is_perfmon_prog_type() of kernel/bpf/syscall.c.
 * What is not listed needs CAP_BPF only.
 */
static const uint64_t beside_bpf[TYPES] = {
	[BPF_PROG_TYPE_SCHED_CLS] = NET,
	[BPF_PROG_TYPE_SCHED_ACT] = NET,
	[BPF_PROG_TYPE_XDP] = NET,
	[BPF_PROG_TYPE_LWT_IN] = NET,
	[BPF_PROG_TYPE_LWT_OUT] = NET,
	[BPF_PROG_TYPE_LWT_XMIT] = NET,
	[BPF_PROG_TYPE_LWT_SEG6LOCAL] = NET,
	[BPF_PROG_TYPE_SK_SKB] = NET,
	[BPF_PROG_TYPE_SK_MSG] = NET,
	[BPF_PROG_TYPE_LIRC_MODE2] = NET,
	[BPF_PROG_TYPE_FLOW_DISSECTOR] = NET,
	[BPF_PROG_TYPE_CGROUP_DEVICE] = NET,
	[BPF_PROG_TYPE_CGROUP_SOCK] = NET,
	[BPF_PROG_TYPE_CGROUP_SOCK_ADDR] = NET,
	[BPF_PROG_TYPE_CGROUP_SOCKOPT] = NET,
	[BPF_PROG_TYPE_CGROUP_SYSCTL] = NET,
	[BPF_PROG_TYPE_SOCK_OPS] = NET,
	[32 /* netfilter, Linux 6.4 */] = NET,
	[BPF_PROG_TYPE_EXT] = NET | PERF,
	[BPF_PROG_TYPE_KPROBE] = PERF,
	[BPF_PROG_TYPE_TRACEPOINT] = PERF,
	[BPF_PROG_TYPE_PERF_EVENT] = PERF,
	[BPF_PROG_TYPE_RAW_TRACEPOINT] = PERF,
	[BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE] = PERF,
	[BPF_PROG_TYPE_TRACING] = PERF,
	[BPF_PROG_TYPE_LSM] = PERF,
	[BPF_PROG_TYPE_STRUCT_OPS] = PERF,
};

/* Beside CAP_BPF: map_create() of kernel/bpf/syscall.c. */
static const uint64_t map_beside_bpf[TYPES] = {
	[BPF_MAP_TYPE_DEVMAP] = NET,  [BPF_MAP_TYPE_DEVMAP_HASH] = NET, [BPF_MAP_TYPE_XSKMAP] = NET,
	[BPF_MAP_TYPE_SOCKMAP] = NET, [BPF_MAP_TYPE_SOCKHASH] = NET,
};

/* The types that need no capability at all while unprivileged_bpf_disabled is 0. */
static bool is_unprivileged(enum bpf_prog_type type)
{
	return type == BPF_PROG_TYPE_SOCKET_FILTER || type == BPF_PROG_TYPE_CGROUP_SKB;
}

uint64_t program_capabilities(enum bpf_prog_type type)
{
	uint64_t beside = (unsigned)type < TYPES ? beside_bpf[type] : 0;

	return is_unprivileged(type) ? 0 : beside | BIT(CAP_BPF);
}

/* CAP_SYS_ADMIN stands for each of them (include/linux/capability.h). */
static uint64_t missing_of(uint64_t needed)
{
	uint64_t have = env_capabilities();

	return have & BIT(CAP_SYS_ADMIN) ? 0 : needed & ~have;
}

static int user_namespace(struct failure *f, enum stage stage, const char *what, int err)
{
	fail(f, stage, REASON_USER_NAMESPACE, err,
	     "%s: this process is in a user namespace, where capabilities do not count for bpf(2)",
	     what);
	return error_hint(&f->error, "run it in the initial user namespace");
}

static int capability_missing(struct failure *f, enum stage stage, const char *what,
			      const char *thing, uint64_t missing, int err)
{
	struct buf names = { 0 };

	env_capability_names(missing, &names);
	fail(f, stage, REASON_CAPABILITY, err, "%s: %s needs %s, which %s missing", what, thing,
	     buf_text(&names), missing & (missing - 1) ? "are" : "is");
	error_hint(&f->error, "run as root, or give the worker %s", buf_text(&names));
	buf_free(&names);
	return -err;
}

bool explain_privilege(struct failure *f, enum stage stage, const char *what, const char *thing,
		       uint64_t needed, int err)
{
	uint64_t missing = missing_of(needed);

	if (env_user_namespace())
		user_namespace(f, stage, what, err);
	else if (missing)
		capability_missing(f, stage, what, thing, missing, err);
	else
		return false;
	return true;
}

/* The same for kind (a program, a map) of the type. */
static bool type_privilege(struct failure *f, const char *what, const char *kind, const char *type,
			   uint64_t needed, int err)
{
	char thing[128];

	snprintf(thing, sizeof(thing), "%s of type %s", kind, type);
	return explain_privilege(f, STAGE_VERIFY, what, thing, needed, err);
}

static int unprivileged_disabled(struct failure *f, const char *what, int err)
{
	fail(f, STAGE_VERIFY, REASON_UNPRIVILEGED, err,
	     "%s: kernel.unprivileged_bpf_disabled is %d and CAP_BPF is missing", what,
	     env_unprivileged_bpf_disabled());
	return error_hint(&f->error, "run as root, or give the worker CAP_BPF");
}

static int denied(struct failure *f, const char *what, int err)
{
	if (err == ENOSYS)
		fail(f, STAGE_VERIFY, REASON_BPF_DENIED, err,
		     "%s: bpf(2) answers ENOSYS: this kernel has no BPF, or a seccomp filter hides "
		     "it",
		     what);
	else
		fail(f, STAGE_VERIFY, REASON_BPF_DENIED, err,
		     "%s: bpf(2) answers %s although no capability is missing", what,
		     error_code(err));
	return error_hint(&f->error, "a seccomp filter or a security module denies it; containers "
				     "need it allowed by their runtime");
}

int explain_denied(const struct object *o, int err, struct failure *f)
{
	uint64_t needed = 0;
	const struct bpf_program *worst = o->programs[0];
	size_t i;

	if (err == ENOMEM)
		return fail(f, STAGE_VERIFY, REASON_MEMORY, err, "%s: out of memory", o->label);
	if (err != EPERM && err != EACCES)
		return denied(f, o->label, err);
	for (i = 0; i < o->count; i++) {
		uint64_t own = program_capabilities(bpf_program__type(o->programs[i]));

		if (own & ~needed)
			worst = o->programs[i];
		needed |= own;
	}
	if (type_privilege(f, env_user_namespace() ? o->label : bpf_program__name(worst),
			   "a program", object_program_type(bpf_program__type(worst)), needed, err))
		return -err;
	if (env_unprivileged_bpf_disabled() > 0 && missing_of(BIT(CAP_BPF)))
		return unprivileged_disabled(f, bpf_program__name(worst), err);
	return denied(f, o->label, err);
}

/* EPERM though the least there is would load. */
static int program_refused(const struct bpf_program *program, int err, struct failure *f)
{
	const char *name = bpf_program__name(program);
	const char *type = object_program_type(bpf_program__type(program));
	const char *attach = object_attach_type(program);

	if (type_privilege(f, name, "a program", type,
			   program_capabilities(bpf_program__type(program)), err))
		return -err;
	fail(f, STAGE_VERIFY, REASON_TYPE_REFUSED, err,
	     "%s: this kernel refuses programs of type %s%s%s (%s), although others load", name,
	     type, attach ? " with attach type " : "", attach ? attach : "", error_code(err));
	return error_hint(&f->error, "no capability is missing: the kernel's build or a security "
				     "module forbids this type");
}

int explain_program(const struct bpf_program *program, int err, struct failure *f)
{
	enum bpf_prog_type type = bpf_program__type(program);
	const char *name = bpf_program__name(program);
	const char *attach = object_attach_type(program);

	if (err == EPERM || err == EACCES)
		return program_refused(program, err, f);
	if (err == ENOMEM)
		return fail(f, STAGE_VERIFY, REASON_MEMORY, err, "%s: out of memory", name);
	if (err == EINVAL && libbpf_probe_bpf_prog_type(type, NULL) == 0)
		return fail(f, STAGE_VERIFY, REASON_TYPE_UNKNOWN, err,
			    "%s: this kernel (%s) does not know programs of type %s", name,
			    env_kernel(), object_program_type(type));
	if (err == EINVAL && attach) {
		fail(f, STAGE_VERIFY, REASON_TOO_OLD, err,
		     "%s: this kernel (%s) does not know attach type %s for programs of type %s",
		     name, env_kernel(), attach, object_program_type(type));
		return error_hint(&f->error, "it needs a newer kernel, or a kernel built with it");
	}
	fail(f, STAGE_VERIFY, REASON_OTHER, err, "%s: the kernel refuses a program of type %s: %s",
	     name, object_program_type(type), strerror(err));
	if (err == EINVAL)
		error_hint(&f->error, "if the type was given by hand: a section name such as "
				      "cgroup/bind4 gives the attach type too");
	return -err;
}

int explain_map(const char *name, enum bpf_map_type type, int err, struct failure *f)
{
	uint64_t beside = (unsigned)type < TYPES ? map_beside_bpf[type] : 0;

	if (err == EPERM || err == EACCES) {
		if (!type_privilege(f, name, "a map", object_map_type(type), beside | BIT(CAP_BPF),
				    err))
			fail(f, STAGE_VERIFY, REASON_TYPE_REFUSED, err,
			     "map '%s': this kernel refuses maps of type %s", name,
			     object_map_type(type));
	} else if (err == EINVAL && libbpf_probe_bpf_map_type(type, NULL) == 0) {
		fail(f, STAGE_VERIFY, REASON_TOO_OLD, err,
		     "map '%s': this kernel (%s) does not know maps of type %s", name, env_kernel(),
		     object_map_type(type));
	} else if (err == ENOMEM) {
		fail(f, STAGE_VERIFY, REASON_MEMORY, err, "map '%s': out of memory", name);
		error_hint(&f->error, "the kernel charges maps to the memory limit of this "
				      "process's control group; max_entries decides the size");
	} else {
		fail(f, STAGE_VERIFY, REASON_OTHER, err,
		     "map '%s': the kernel refuses a map of type %s: %s", name,
		     object_map_type(type), strerror(err));
		error_hint(&f->error, "check its key size, value size, max_entries and flags");
	}
	f->stage = STAGE_CREATE_MAP;
	return -err;
}

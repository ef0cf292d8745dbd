/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kprobe, kretprobe: a function of the kernel; kprobe.multi, kretprobe.multi: all of a pattern */
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "kernel/worker/env.h"
#include "kernel/worker/functions.h"
#include "kernel/worker/perf.h"

/* The kernel's name of a system call's entry; NULL: none that it lists. Caller frees. */
static char *system_call(const char *name)
{
	static const struct {
		const char *machine, *prefix;
	} wrappers[] = {
		{ "x86_64", "__x64_sys_" },    { "aarch64", "__arm64_sys_" },
		{ "riscv64", "__riscv_sys_" }, { "s390x", "__s390x_sys_" },
		{ "", "__se_sys_" },	       { "", "sys_" },
	};
	struct utsname host;
	char *function = NULL;
	size_t i;

	uname(&host);
	for (i = 0; !function && i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
		if (wrappers[i].machine[0] && strcmp(wrappers[i].machine, host.machine) != 0)
			continue;
		if (asprintf(&function, "%s%s", wrappers[i].prefix, name) < 0)
			return NULL;
		if (!functions_has(function)) {
			free(function);
			function = NULL;
		}
	}
	return function;
}

/* FUNCTION[+OFFSET] of the target or section; for ksyscall, the section names a system call. */
static int find(struct attach *a, char **function, uint64_t *offset, struct failure *f)
{
	const char *target;
	bool call = !a->target && (strncmp(a->section, "ksyscall", 8) == 0 ||
				   strncmp(a->section, "kretsyscall", 11) == 0);
	int err = attach_target(a, attach_section_target(a), &target, f);

	if (err)
		return err;
	*function = call ? system_call(target) : strdup(target);
	if (!*function)
		return call ? attach_no_target(f, ENOENT, NULL,
					       "this kernel has no system call '%s'", target)
			    : fail_nomem(f);
	err = attach_split_offset(a, *function, offset, f);
	if (!err && attach_is_pattern(*function)) {
		attach_unfit(f, a, "'%s' is a pattern, and attach type %s takes one function",
			     *function, a->type->word);
		return error_hint(&f->error, "load it with type kprobe.multi for many");
	}
	return err;
}

static int tell(struct attach *a, const char *function, uint64_t offset, struct failure *f)
{
	struct buf word = { 0 };
	int err = 0;

	buf_str(&word, function);
	if (offset)
		buf_printf(&word, "+0x%" PRIx64, offset);
	if (buf_error(&word))
		err = fail_nomem(f);
	else
		attach_word(a, buf_text(&word));
	buf_free(&word);
	a->identity = json_pack("{s:o, s:I}", "function", wire_json(function), "offset",
				(json_int_t)offset);
	return err ? err : a->identity ? perf_cookie(a, f) : fail_nomem(f);
}

static int kprobe_refused(const struct attach *a, const char *function, uint64_t offset, int err,
			  enum perf_step step, struct failure *f)
{
	if (step == PERF_OPEN && (err == ENOENT || (err == EINVAL && !functions_has(function))))
		return functions_missing(function, f);
	if (step == PERF_OPEN && err == EADDRNOTAVAIL)
		return attach_unfit(f, a, "the kernel has several functions '%s'", function);
	if (step == PERF_OPEN && (err == EINVAL || err == EILSEQ)) {
		attach_unfit(f, a, "the kernel allows no probe at '%s'%s", function,
			     offset ? " and this offset" : "");
		return error_hint(&f->error, offset ? "an offset must be that of an instruction"
						    : "functions that probes themselves need are "
						      "excluded");
	}
	return perf_refused(f, a, function, -1, err, step);
}

static int attach_one(struct attach *a, bool returns, struct failure *f)
{
	struct perf_event_attr attr = { .sample_period = 1 };
	char *function = NULL;
	enum perf_step step;
	uint64_t offset = 0;
	int err;

	a->attach_type = BPF_PERF_EVENT;
	if (a->expected == BPF_TRACE_KPROBE_MULTI) {
		attach_unfit(f, a, "it was loaded for many functions, and attach type %s takes one",
			     a->type->word);
		return error_hint(&f->error, "its attach type is kprobe.multi");
	}
	err = find(a, &function, &offset, f);
	if (!err && offset && returns)
		err = attach_unfit(f, a,
				   "a return has no offset: kretprobe takes the function only");
	if (!err)
		err = tell(a, function, offset, f);
	if (!err)
		err = perf_source(&attr, "kprobe", returns, f);
	if (!err && a->resolve_only && !functions_has(function))
		err = functions_missing(function, f);
	if (err || a->resolve_only)
		goto out;
	attr.kprobe_func = (uintptr_t)function;
	attr.probe_offset = offset;
	/* Programs run on every CPU, whichever the event is opened for. */
	err = perf_attach(a, &attr, -1, 0, &step);
	if (err)
		err = kprobe_refused(a, function, offset, -err, step, f);
out:
	free(function);
	return err;
}

int attach_kprobe(struct attach *a, struct failure *f)
{
	return attach_one(a, false, f);
}

int attach_kretprobe(struct attach *a, struct failure *f)
{
	return attach_one(a, true, f);
}

/* ---- many ---- */

static int multi_refused(const struct attach *a, const char *pattern, int err, struct failure *f)
{
	if ((err == ENOENT || err == ESRCH || err == EINVAL) && !attach_is_pattern(pattern) &&
	    !functions_has(pattern))
		return functions_missing(pattern, f);
	if (err == EOPNOTSUPP) {
		fail(f, STAGE_ATTACH, REASON_TOO_OLD, err,
		     "%s: this kernel (%s) does not know attach type %s", pattern, env_kernel(),
		     a->type->word);
		return error_hint(&f->error,
				  "it needs Linux 5.18 or newer, built with CONFIG_FPROBE");
	}
	return attach_refused(f, a, pattern, err, "5.18");
}

/* Whether the kernel has this type at all: it would miss the function otherwise. */
static bool is_known(const struct attach *a)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	const char *nothing = "?";
	int fd;

	opts.kprobe_multi.cnt = 1;
	opts.kprobe_multi.syms = &nothing;
	fd = bpf_link_create(a->program_fd, 0, BPF_TRACE_KPROBE_MULTI, &opts);
	return fd != -EOPNOTSUPP && fd != -EINVAL;
}

static int attach_many(struct attach *a, bool returns, struct failure *f)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	struct functions found = { 0 };
	const char *pattern;
	int err = attach_target(a, attach_section_target(a), &pattern, f);

	a->attach_type = BPF_TRACE_KPROBE_MULTI;
	if (!err && a->expected >= 0 && a->expected != BPF_TRACE_KPROBE_MULTI) {
		attach_unfit(f, a, "it was loaded for one function");
		err = error_hint(&f->error, "load it with type %s", a->type->word);
	}
	if (!err && attach_is_pattern(pattern) && !is_known(a))
		err = multi_refused(a, pattern, EOPNOTSUPP, f);
	if (!err)
		err = functions_match(pattern, attach_is_pattern(pattern), &found, f);
	if (err)
		goto out;
	attach_word(a, pattern);
	a->identity = json_pack("{s:o, s:I}", "pattern", wire_json(pattern), "functions",
				(json_int_t)found.count);
	err = a->identity ? perf_cookie(a, f) : fail_nomem(f);
	if (err || a->resolve_only)
		goto out;
	opts.kprobe_multi.flags = returns ? BPF_F_KPROBE_MULTI_RETURN : 0;
	opts.kprobe_multi.cnt = (__u32)found.count;
	if (found.addresses)
		opts.kprobe_multi.addrs = found.addresses;
	else
		opts.kprobe_multi.syms = (const char **)found.names.name;
	if (attach_has(a, OPTION_COOKIE)) {
		err = perf_cookies(a, found.count, &found.cookies, f);
		opts.kprobe_multi.cookies = found.cookies;
	}
	if (err)
		goto out;
	a->link_fd = bpf_link_create(a->program_fd, 0, BPF_TRACE_KPROBE_MULTI, &opts);
	if (a->link_fd < 0)
		err = multi_refused(a, pattern, -a->link_fd, f);
out:
	functions_free(&found);
	return err;
}

int attach_kprobe_multi(struct attach *a, struct failure *f)
{
	return attach_many(a, false, f);
}

int attach_kretprobe_multi(struct attach *a, struct failure *f)
{
	return attach_many(a, true, f);
}

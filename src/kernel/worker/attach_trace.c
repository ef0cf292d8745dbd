/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tracepoint, raw_tp; tp_btf, fentry, fexit, fmod_ret, lsm */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernel/worker/env.h"
#include "kernel/worker/names.h"
#include "kernel/worker/perf.h"
#include "kernel/worker/tracefs.h"

/* "sched:sched_switch", or with the section's slash. Both parts are the caller's to free. */
static int split_event(const struct attach *a, char **category, char **name, struct failure *f)
{
	const char *target;
	const char *separator;
	int err = attach_target(a, attach_section_target(a), &target, f);

	*category = *name = NULL;
	if (err)
		return err;
	separator = target + strcspn(target, ":/");
	*category = *separator ? strndup(target, (size_t)(separator - target)) : strdup("");
	*name = strdup(*separator ? separator + 1 : target);
	return *category && *name ? 0 : fail_nomem(f);
}

static int tracepoint_refused(const struct attach *a, const char *what, int err,
			      enum perf_step step, struct failure *f)
{
	perf_refused(f, a, what, -1, err, step);
	if (err == EACCES && f->reason == REASON_OTHER)
		return attach_unfit(f, a, "it reads more than the record of tracepoint %s has",
				    what);
	return -f->error.err;
}

int attach_tracepoint(struct attach *a, struct failure *f)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .sample_period = 1 };
	char *category, *name;
	char *what = NULL;
	enum perf_step step;
	uint64_t id;
	int err = split_event(a, &category, &name, f);

	if (!err)
		err = tracefs_event(category, name, &id, f);
	if (!err && asprintf(&what, "%s:%s", category, name) < 0) {
		what = NULL;
		err = fail_nomem(f);
	}
	if (err)
		goto out;
	attr.config = id;
	a->attach_type = BPF_PERF_EVENT;
	attach_word(a, what);
	a->identity =
		json_pack("{s:o, s:o}", "category", wire_json(category), "name", wire_json(name));
	err = a->identity ? perf_cookie(a, f) : fail_nomem(f);
	if (err || a->resolve_only)
		goto out;
	/* Programs run on every CPU, whichever the event is opened for. */
	err = perf_attach(a, &attr, -1, 0, &step);
	if (err)
		err = tracepoint_refused(a, what, -err, step, f);
out:
	free(category);
	free(name);
	free(what);
	return err;
}

/* ---- raw ---- */

/* The kernel has a type "btf_trace_NAME" for each tracepoint that is not a module's. */
static const char trace_type[] = "btf_trace_";

static int no_such_raw(const struct btf *btf, const char *name, struct failure *f)
{
	struct names names = { 0 };
	__u32 count = btf ? btf__type_cnt(btf) : 0;
	__u32 i;

	for (i = 1; i < count; i++) {
		const struct btf_type *t = btf__type_by_id(btf, i);
		const char *type = btf__name_by_offset(btf, t->name_off);

		if (btf_is_typedef(t) && strncmp(type, trace_type, sizeof(trace_type) - 1) == 0)
			names_add(&names, type + sizeof(trace_type) - 1);
	}
	attach_no_target(f, ENOENT, names_nearest(&names, name), "there is no tracepoint '%s'",
			 name);
	names_free(&names);
	return -ENOENT;
}

/* Whether the kernel's types have it; without them, and for modules, only attaching tells. */
static int look_for_raw(const char *name, struct failure *f)
{
	struct btf *btf = btf__load_vmlinux_btf();
	char *type = NULL;
	int err = 0;

	if (asprintf(&type, "%s%s", trace_type, name) < 0) {
		type = NULL;
		err = fail_nomem(f);
	} else if (btf && btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) < 0 &&
		   !tracefs_has(name)) {
		err = no_such_raw(btf, name, f);
	}
	free(type);
	btf__free(btf);
	return err;
}

static int raw_refused(const struct attach *a, const char *name, int err, struct failure *f)
{
	struct btf *btf;

	if (err == EINVAL)
		return attach_unfit(f, a, "it reads more arguments than tracepoint %s has", name);
	if (err != ENOENT)
		return attach_refused(f, a, name, err, NULL);
	btf = btf__load_vmlinux_btf();
	no_such_raw(btf, name, f);
	btf__free(btf);
	return -err;
}

int attach_raw_tp(struct attach *a, struct failure *f)
{
	const char *name;
	int err = attach_target(a, attach_section_target(a), &name, f);

	if (err)
		return err;
	attach_word(a, name);
	a->identity = json_pack("{s:o}", "name", wire_json(name));
	if (!a->identity)
		return fail_nomem(f);
	if (a->resolve_only)
		return look_for_raw(name, f);
	a->link_fd = bpf_raw_tracepoint_open(name, a->program_fd);
	return a->link_fd < 0 ? raw_refused(a, name, -a->link_fd, f) : 0;
}

/* ---- what was fixed when the program was loaded ---- */

/* Noun and key say what it was loaded for. Cookies there need BPF_LINK_CREATE, Linux 6.0. */
static int attach_fixed(struct attach *a, int attach_type, const char *noun, const char *key,
			struct failure *f)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	const char *name = attach_section_target(a);
	int err;

	if (name && a->target && strcmp(a->target, name) != 0)
		return attach_unfit(f, a, "it was loaded for %s %s and fits no other", noun, name);
	if (!name)
		name = a->target;
	if (name)
		attach_word(a, name);
	a->attach_type = attach_type;
	a->identity = json_pack("{s:o}", key, wire_json(name));
	if (!a->identity)
		return fail_nomem(f);
	err = perf_cookie(a, f);
	if (err || a->resolve_only)
		return err;
	if (attach_has(a, OPTION_COOKIE)) {
		parse_u64(a->option[OPTION_COOKIE], (uint64_t *)&opts.tracing.cookie);
		a->link_fd = bpf_link_create(a->program_fd, 0, attach_type, &opts);
	} else {
		a->link_fd = bpf_raw_tracepoint_open(NULL, a->program_fd);
	}
	if (a->link_fd >= 0)
		return 0;
	return attach_refused(f, a, name ? name : a->type->word, -a->link_fd,
			      attach_has(a, OPTION_COOKIE) ? "6.0" : NULL);
}

int attach_tp_btf(struct attach *a, struct failure *f)
{
	return attach_fixed(a, BPF_TRACE_RAW_TP, "tracepoint", "name", f);
}

/* fentry, fexit, fmod_ret */
int attach_function(struct attach *a, struct failure *f)
{
	static const struct {
		const char *word;
		int attach_type;
	} kinds[] = {
		{ "fentry", BPF_TRACE_FENTRY },
		{ "fexit", BPF_TRACE_FEXIT },
		{ "fmod_ret", BPF_MODIFY_RETURN },
	};
	size_t i = 0;

	while (strcmp(kinds[i].word, a->type->word) != 0)
		i++;
	return attach_fixed(a, kinds[i].attach_type, "function", "function", f);
}

/* Whether a word is in a list with commas. */
static bool in_list(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (strncmp(list, word, len) == 0 && (list[len] == ',' || !list[len]))
			return true;
	}
	return false;
}

int attach_lsm(struct attach *a, struct failure *f)
{
	char active[512];

	/* The kernel would attach it all the same, and never run it. */
	if (env_read("/sys/kernel/security/lsm", active, sizeof(active)) == 0 &&
	    !in_list(active, "bpf")) {
		fail(f, STAGE_ATTACH, REASON_UNFIT, ENODEV,
		     "this kernel (%s) has no BPF security module running: its hooks would not "
		     "call "
		     "the program",
		     env_kernel());
		return error_hint(&f->error, "boot it with lsm=%s,bpf", active);
	}
	return attach_fixed(a, BPF_LSM_MAC, "hook", "hook", f);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uprobe, uretprobe: a function of a library or program; uprobe.multi ...: all of a pattern */
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/worker/abi.h"
#include "kernel/worker/library.h"
#include "kernel/worker/perf.h"
#include "kernel/worker/symbols.h"

/* The target, taken apart. */
struct place_in_binary {
	char *library; /* as given */
	char *function;
	uint64_t offset; /* within the function */
	char *path;	 /* of the library's file */
	struct symbol symbol;
};

static void place_in_binary_free(struct place_in_binary *p)
{
	free(p->library);
	free(p->function);
	free(p->path);
}

/* LIBRARY:FUNCTION[+OFFSET]; the last colon counts, as paths may have others. */
static int split(const struct attach *a, struct place_in_binary *p, struct failure *f)
{
	const char *target;
	const char *colon;
	int err = attach_target(a, attach_section_target(a), &target, f);

	if (err)
		return err;
	colon = strrchr(target, ':');
	if (!colon || colon == target || !colon[1])
		return attach_unfit(f, a, "target '%s' is not %s", target, a->type->target);
	p->library = strndup(target, (size_t)(colon - target));
	p->function = strdup(colon + 1);
	if (!p->library || !p->function)
		return fail_nomem(f);
	return attach_split_offset(a, p->function, &p->offset, f);
}

static int find(const struct attach *a, struct place_in_binary *p, bool returns, struct failure *f)
{
	int err = split(a, p, f);

	if (!err)
		err = library_find(p->library, &p->path, f);
	if (!err)
		err = symbol_find(p->path, p->function, &p->symbol, f);
	if (!err && p->offset && returns)
		err = attach_unfit(f, a,
				   "a return has no offset: uretprobe takes the function only");
	if (!err && p->symbol.size && p->offset >= p->symbol.size)
		err = attach_unfit(f, a,
				   "offset %" PRIu64 " is beyond '%s', which has %" PRIu64 " bytes",
				   p->offset, p->function, p->symbol.size);
	return err;
}

static int tell(struct attach *a, const struct place_in_binary *p, int pid, struct failure *f)
{
	const char *build_id = p->symbol.build_id[0] ? p->symbol.build_id : NULL;

	a->identity =
		json_pack("{s:o, s:o, s:I, s:s?, s:o}", "binary", wire_json(p->path), "function",
			  wire_json(p->function), "offset", (json_int_t)p->offset, "build_id",
			  build_id, "pid", pid < 0 ? json_null() : json_integer(pid));
	return a->identity ? 0 : fail_nomem(f);
}

static int name_it(struct attach *a, const struct place_in_binary *p, struct failure *f)
{
	struct buf word = { 0 };

	buf_printf(&word, "%s:%s", p->path, p->function);
	if (p->offset)
		buf_printf(&word, "+0x%" PRIx64, p->offset);
	if (!buf_error(&word))
		attach_word(a, buf_text(&word));
	buf_free(&word);
	return word.failed ? fail_nomem(f) : 0;
}

static int attach(struct attach *a, bool returns, struct failure *f)
{
	struct perf_event_attr attr = { .sample_period = 1 };
	struct place_in_binary p = { 0 };
	enum perf_step step;
	int pid = -1;
	int err = find(a, &p, returns, f);

	a->attach_type = BPF_PERF_EVENT;
	if (!err)
		err = name_it(a, &p, f);
	if (!err)
		err = attach_pid(a, &pid, f);
	if (!err)
		err = tell(a, &p, pid, f);
	if (!err)
		err = perf_cookie(a, f);
	if (err || a->resolve_only)
		goto out;
	err = perf_source(&attr, "uprobe", returns, f);
	if (err)
		goto out;
	attr.uprobe_path = (uintptr_t)p.path;
	attr.probe_offset = p.symbol.offset + p.offset;
	/* Without a process it is every one that maps the file, whichever CPU is named. */
	err = perf_attach(a, &attr, pid, pid < 0 ? 0 : -1, &step);
	if (err)
		err = perf_refused(f, a, p.library, pid, -err, step);
out:
	place_in_binary_free(&p);
	return err;
}

int attach_uprobe(struct attach *a, struct failure *f)
{
	return attach(a, false, f);
}

int attach_uretprobe(struct attach *a, struct failure *f)
{
	return attach(a, true, f);
}

/* ---- many ---- */

struct multi {
	struct place_in_binary p; /* its function is the pattern */
	struct symbols found;
	int pid;
	__u64 *cookies;
};

static int find_many(struct attach *a, struct multi *m, struct failure *f)
{
	struct place_in_binary *p = &m->p;
	int err;

	if (a->expected >= 0 && a->expected != ABI_UPROBE_MULTI) {
		attach_unfit(f, a, "it was loaded for one function");
		return error_hint(&f->error, "load it with type %s", a->type->word);
	}
	err = split(a, p, f);
	if (!err && p->offset)
		err = attach_unfit(f, a, "a pattern has no offset");
	if (!err)
		err = library_find(p->library, &p->path, f);
	if (!err)
		err = symbols_match(p->path, p->function, &m->found, f);
	if (!err)
		err = name_it(a, p, f);
	return err ? err : attach_pid(a, &m->pid, f);
}

static int tell_many(struct attach *a, const struct multi *m, struct failure *f)
{
	a->identity =
		json_pack("{s:o, s:o, s:I, s:s?, s:o}", "binary", wire_json(m->p.path), "pattern",
			  wire_json(m->p.function), "functions", (json_int_t)m->found.count,
			  "build_id", m->found.build_id[0] ? m->found.build_id : NULL, "pid",
			  m->pid < 0 ? json_null() : json_integer(m->pid));
	return a->identity ? perf_cookie(a, f) : fail_nomem(f);
}

static int create_many(struct attach *a, struct multi *m, bool returns, struct failure *f)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int err = 0;

	opts.uprobe_multi.path = m->p.path;
	opts.uprobe_multi.offsets = m->found.offsets;
	opts.uprobe_multi.cnt = (__u32)m->found.count;
	opts.uprobe_multi.pid = m->pid < 0 ? 0 : (__u32)m->pid;
	opts.uprobe_multi.flags = returns ? ABI_UPROBE_MULTI_RETURN : 0;
	if (attach_has(a, OPTION_COOKIE))
		err = perf_cookies(a, m->found.count, &m->cookies, f);
	opts.uprobe_multi.cookies = m->cookies;
	if (err)
		return err;
	a->link_fd =
		bpf_link_create(a->program_fd, 0, (enum bpf_attach_type)ABI_UPROBE_MULTI, &opts);
	return a->link_fd < 0 ? attach_refused(f, a, m->p.library, -a->link_fd, "6.6") : 0;
}

static int attach_many(struct attach *a, bool returns, struct failure *f)
{
	struct multi m = { .pid = -1 };
	int err = find_many(a, &m, f);

	a->attach_type = ABI_UPROBE_MULTI;
	if (!err)
		err = tell_many(a, &m, f);
	if (!err && !a->resolve_only)
		err = create_many(a, &m, returns, f);
	place_in_binary_free(&m.p);
	free(m.found.offsets);
	free(m.cookies);
	return err;
}

int attach_uprobe_multi(struct attach *a, struct failure *f)
{
	return attach_many(a, false, f);
}

int attach_uretprobe_multi(struct attach *a, struct failure *f)
{
	return attach_many(a, true, f);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uprobe, uretprobe: a function of a library or program */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernel/worker/env.h"
#include "kernel/worker/library.h"
#include "kernel/worker/perf.h"
#include "kernel/worker/symbols.h"

/* Kernel's description of the event source. */
static const char source_type[] = "/sys/bus/event_source/devices/uprobe/type";
static const char source_retprobe[] = "/sys/bus/event_source/devices/uprobe/format/retprobe";

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

/* Decimal, or hexadecimal after 0x. */
static bool parse_offset(const char *text, uint64_t *value)
{
	char *end;

	if (strncmp(text, "0x", 2) != 0)
		return parse_u64(text, value);
	if (!text[2] || strspn(text + 2, "0123456789abcdefABCDEF") != strlen(text + 2))
		return false;
	errno = 0;
	*value = strtoull(text + 2, &end, 16);
	return errno == 0;
}

/* LIBRARY:FUNCTION[+OFFSET]; the last colon counts, as paths may have others. */
static int split(const struct attach *a, struct place_in_binary *p, struct failure *f)
{
	const char *target;
	const char *colon;
	char *plus;
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
	plus = strrchr(p->function, '+');
	if (!plus)
		return 0;
	*plus = '\0';
	return parse_offset(plus + 1, &p->offset)
		       ? 0
		       : attach_unfit(f, a, "'%s' is not an offset", plus + 1);
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

/* The event source's type, and the bit of config that says "when it returns". */
static int read_source(struct perf_event_attr *attr, bool returns, struct failure *f)
{
	char type[32], bit[32];
	uint64_t number, shift = 0;

	if (env_read(source_type, type, sizeof(type)) || !parse_u64(type, &number) ||
	    (returns && (env_read(source_retprobe, bit, sizeof(bit)) ||
			 strncmp(bit, "config:", 7) != 0 || !parse_u64(bit + 7, &shift)))) {
		fail(f, STAGE_ATTACH, REASON_TOO_OLD, ENOENT,
		     "this kernel (%s) has no event source for uprobes", env_kernel());
		return error_hint(&f->error, "it needs a kernel built with CONFIG_UPROBE_EVENTS");
	}
	attr->type = (__u32)number;
	attr->config = returns ? (uint64_t)1 << shift : 0;
	return 0;
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
	err = read_source(&attr, returns, f);
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

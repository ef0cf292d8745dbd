/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tracepoint */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

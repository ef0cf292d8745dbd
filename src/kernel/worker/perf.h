/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_PERF_H
#define BPFMAN_WORKER_PERF_H

#include <linux/perf_event.h>

#include "kernel/worker/attach.h"

/*
 * Type and config of the kernel's event source "kprobe" or "uprobe"; returns: when the function
 * returns. Refuses (too_old) where the kernel was built without.
 */
int perf_source(struct perf_event_attr *attr, const char *source, bool returns, struct failure *f);
/*
 * Opens the event and links the program to it, with the cookie of the request. The link keeps the
 * event. pid -1: every process; cpu -1: every one. *step is told where a refusal came from.
 */
enum perf_step { PERF_OPEN, PERF_LINK };
int perf_attach(struct attach *a, struct perf_event_attr *attr, int pid, int cpu,
		enum perf_step *step);
/* The failure of perf_attach() that has no better words; what names the event. */
int perf_refused(struct failure *f, const struct attach *a, const char *what, int pid, int err,
		 enum perf_step step);
/* Option cookie as text and identity; 0 without it. An error means a bad one or lost memory. */
int perf_cookie(struct attach *a, struct failure *f);

/* The same cookie for each of several places, owned by the caller. Only where it was given. */
int perf_cookies(const struct attach *a, size_t count, __u64 **cookies, struct failure *f);

#endif

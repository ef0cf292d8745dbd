/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "kernel/worker/env.h"
#include "kernel/worker/perf.h"

int perf_source(struct perf_event_attr *attr, const char *source, bool returns, struct failure *f)
{
	static const char directory[] = "/sys/bus/event_source/devices";
	char path[128], type[32], bit[32];
	uint64_t number, shift = 0;
	bool known;

	snprintf(path, sizeof(path), "%s/%s/type", directory, source);
	known = env_read(path, type, sizeof(type)) == 0 && parse_u64(type, &number);
	snprintf(path, sizeof(path), "%s/%s/format/retprobe", directory, source);
	if (known && returns)
		known = env_read(path, bit, sizeof(bit)) == 0 && strncmp(bit, "config:", 7) == 0 &&
			parse_u64(bit + 7, &shift);
	if (!known) {
		fail(f, STAGE_ATTACH, REASON_TOO_OLD, ENOENT,
		     "this kernel (%s) has no event source for %ss", env_kernel(), source);
		return error_hint(
			&f->error,
			"it needs a kernel built with CONFIG_%s_EVENTS, Linux 4.17 or newer",
			source[0] == 'k' ? "KPROBE" : "UPROBE");
	}
	attr->type = (__u32)number;
	attr->config = returns ? (uint64_t)1 << shift : 0;
	return 0;
}

int perf_attach(struct attach *a, struct perf_event_attr *attr, int pid, int cpu,
		enum perf_step *step)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	uint64_t cookie = 0;
	long event;
	int err = 0;

	*step = PERF_OPEN;
	attr->size = sizeof(*attr);
	event = syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0)
		return -errno;
	*step = PERF_LINK;
	if (attach_has(a, OPTION_COOKIE))
		parse_u64(a->option[OPTION_COOKIE], &cookie);
	opts.perf_event.bpf_cookie = cookie;
	a->link_fd = bpf_link_create(a->program_fd, (int)event, BPF_PERF_EVENT, &opts);
	if (a->link_fd < 0)
		err = a->link_fd;
	else if (ioctl((int)event, PERF_EVENT_IOC_ENABLE, 0))
		err = -errno;
	close((int)event);
	return err;
}

int perf_refused(struct failure *f, const struct attach *a, const char *what, int pid, int err,
		 enum perf_step step)
{
	if (err == ESRCH)
		return fail(f, STAGE_ATTACH, REASON_NO_TARGET, err,
			    "%s: there is no process with pid %d", what, pid);
	/* Links to such events exist since Linux 5.15. */
	return attach_refused(f, a, what, err, step == PERF_LINK ? "5.15" : NULL);
}

int perf_cookie(struct attach *a, struct failure *f)
{
	uint64_t cookie;
	int err = attach_number(a, OPTION_COOKIE, UINT64_MAX, &cookie, f);

	if (err || !attach_has(a, OPTION_COOKIE))
		return err;
	attach_option_number(a, OPTION_COOKIE, cookie);
	err = json_object_set_new(a->identity, "cookie", json_u64(cookie));
	return err ? fail_nomem(f) : 0;
}

int perf_cookies(const struct attach *a, size_t count, __u64 **cookies, struct failure *f)
{
	uint64_t cookie;
	size_t i;

	parse_u64(a->option[OPTION_COOKIE], &cookie);
	*cookies = calloc(count + 1, sizeof(**cookies));
	if (!*cookies)
		return fail_nomem(f);
	for (i = 0; i < count; i++)
		(*cookies)[i] = cookie;
	return 0;
}

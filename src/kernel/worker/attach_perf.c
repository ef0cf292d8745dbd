/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perf_event: a program that runs each so many events, or so many times a second */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "kernel/worker/env.h"
#include "kernel/worker/perf.h"

/* Names as perf(1) lists them. */
static const struct event {
	const char *name;
	__u32 type;
	__u32 config;
	bool clock; /* it counts time: sampled by frequency unless a period is given */
} events[] = {
	{ "cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, true },
	{ "task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, true },
	{ "page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, false },
	{ "minor-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN, false },
	{ "major-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ, false },
	{ "context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, false },
	{ "cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, false },
	{ "alignment-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_ALIGNMENT_FAULTS, false },
	{ "emulation-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_EMULATION_FAULTS, false },
	{ "cpu-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, true },
	{ "instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, true },
	{ "cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES, true },
	{ "cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, true },
	{ "branch-instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS, true },
	{ "branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES, true },
	{ "bus-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES, true },
	{ "stalled-cycles-frontend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND,
	  true },
	{ "stalled-cycles-backend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_BACKEND,
	  true },
	{ "ref-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES, true },
};

enum {
	EVENTS = sizeof(events) / sizeof(events[0]),
	DEFAULT_FREQUENCY = 99, /* a second; odd, so that it is not in step with other clocks */
	DEFAULT_PERIOD = 1,
};

static int find_event(const char *name, const struct event **event, struct failure *f)
{
	const char *names[EVENTS];
	size_t i;

	for (i = 0; i < EVENTS; i++) {
		names[i] = events[i].name;
		if (strcmp(name, names[i]) == 0) {
			*event = &events[i];
			return 0;
		}
	}
	return attach_no_target(f, ENOENT, text_nearest(name, names, EVENTS),
				"there is no event '%s'", name);
}

/* How often: a frequency or a period, with the event's default. */
static int read_rate(struct attach *a, const struct event *event, struct perf_event_attr *attr,
		     struct failure *f)
{
	uint64_t frequency, period;
	int err;

	err = attach_number(a, OPTION_FREQUENCY, INT_MAX, &frequency, f);
	if (!err)
		err = attach_number(a, OPTION_PERIOD, INT64_MAX, &period, f);
	if (!err && ((attach_has(a, OPTION_FREQUENCY) && !frequency) ||
		     (attach_has(a, OPTION_PERIOD) && !period)))
		err = attach_unfit(f, a, "frequency and period are at least 1");
	if (err)
		return err;
	if (!frequency && !period) {
		frequency = event->clock ? DEFAULT_FREQUENCY : 0;
		period = event->clock ? 0 : DEFAULT_PERIOD;
	}
	attr->freq = frequency != 0;
	if (frequency)
		attr->sample_freq = frequency;
	else
		attr->sample_period = period;
	attach_option_number(a, frequency ? OPTION_FREQUENCY : OPTION_PERIOD,
			     frequency ? frequency : period);
	return 0;
}

/* One event counts on one CPU, or in one process; -1: all of them. */
static int read_place(struct attach *a, int *pid, int *cpu, struct failure *f)
{
	uint64_t number;
	int err;

	if (!attach_has(a, OPTION_PID) && !attach_has(a, OPTION_CPU)) {
		attach_unfit(f, a, "attach type perf_event needs option 'cpu' or 'pid'");
		return error_hint(&f->error, "an event is counted on one CPU or in one process: "
					     "attach the program once for each CPU");
	}
	err = attach_pid(a, pid, f);
	if (!err)
		err = attach_number(a, OPTION_CPU, INT_MAX, &number, f);
	if (err)
		return err;
	*cpu = attach_has(a, OPTION_CPU) ? (int)number : -1;
	if (*cpu >= 0)
		attach_option_number(a, OPTION_CPU, number);
	return 0;
}

static int tell(struct attach *a, const struct event *event, const struct perf_event_attr *attr,
		int pid, int cpu, struct failure *f)
{
	uint64_t rate = attr->freq ? attr->sample_freq : attr->sample_period;

	a->identity = json_pack("{s:s, s:o, s:o, s:o, s:o}", "event", event->name, "frequency",
				attr->freq ? json_u64(rate) : json_null(), "period",
				attr->freq ? json_null() : json_u64(rate), "pid",
				pid < 0 ? json_null() : json_integer(pid), "cpu",
				cpu < 0 ? json_null() : json_integer(cpu));
	return a->identity ? perf_cookie(a, f) : fail_nomem(f);
}

/* The kernel's limit; 0 when it cannot be read. */
static uint64_t highest_frequency(void)
{
	char text[32];
	uint64_t limit;

	if (env_read("/proc/sys/kernel/perf_event_max_sample_rate", text, sizeof(text)) ||
	    !parse_u64(text, &limit))
		return 0;
	return limit;
}

static int refused(const struct attach *a, const struct event *event,
		   const struct perf_event_attr *attr, int pid, int cpu, int err,
		   enum perf_step step, struct failure *f)
{
	if (step == PERF_LINK)
		return perf_refused(f, a, event->name, pid, err, step);
	if (err == ENODEV || (err == EINVAL && cpu >= 0 && !env_has_cpu((unsigned)cpu)))
		return fail(f, STAGE_ATTACH, REASON_NO_TARGET, ENODEV,
			    "%s: there is no CPU %d, or it is offline", event->name, cpu);
	if (err == ENOENT || err == EOPNOTSUPP)
		return fail(f, STAGE_ATTACH, REASON_NO_TARGET, err,
			    "%s: this machine has no counter for it", event->name);
	if (err == EINVAL && attr->freq && attr->sample_freq > highest_frequency()) {
		fail(f, STAGE_ATTACH, REASON_UNFIT, err,
		     "%s: a frequency of %llu is more than this kernel allows", event->name,
		     attr->sample_freq);
		return error_hint(&f->error, "kernel.perf_event_max_sample_rate is %llu",
				  (unsigned long long)highest_frequency());
	}
	return perf_refused(f, a, event->name, pid, err, step);
}

int attach_perf_event(struct attach *a, struct failure *f)
{
	struct perf_event_attr attr = { 0 };
	const struct event *event = NULL;
	enum perf_step step;
	const char *name;
	int pid = -1, cpu = -1;
	int err = attach_target(a, attach_section_target(a), &name, f);

	if (!err)
		err = find_event(name, &event, f);
	if (err)
		return err;
	a->attach_type = BPF_PERF_EVENT;
	attr.type = event->type;
	attr.config = event->config;
	attach_word(a, event->name);
	err = read_place(a, &pid, &cpu, f);
	if (!err)
		err = read_rate(a, event, &attr, f);
	if (!err)
		err = tell(a, event, &attr, pid, cpu, f);
	if (err || a->resolve_only)
		return err;
	err = perf_attach(a, &attr, pid, cpu, &step);
	return err ? refused(a, event, &attr, pid, cpu, -err, step, f) : 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/clock.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS     INT64_C(1000000)

static int64_t clock_read(clockid_t id)
{
	struct timespec now;

	/* Both clocks exist on every kernel that has BPF: this cannot fail. */
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

int64_t clock_now(void)
{
	return clock_read(CLOCK_REALTIME);
}

int64_t clock_monotonic(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

void clock_rfc3339(int64_t ns, char text[CLOCK_TEXT])
{
	/* Rows of a list are often of the same second, which costs more than all else of it. */
	static char last_text[CLOCK_TEXT];
	static int64_t last_second;
	static size_t len;
	int64_t second = ns / NS_PER_SECOND;
	int64_t rest = ns % NS_PER_SECOND;
	time_t when;
	struct tm tm;

	/* Before 1970 the division rounds towards the epoch; the time of day must count forward. */
	if (rest < 0) {
		rest += NS_PER_SECOND;
		second--;
	}
	if (!len || second != last_second) {
		when = (time_t)second;
		gmtime_r(&when, &tm);
		len = strftime(last_text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
		last_second = second;
	}
	memcpy(text, last_text, len);
	snprintf(text + len, CLOCK_TEXT - len, ".%03dZ", (int)(rest / NS_PER_MS));
}

/* A duration is shown in the first unit whose limit it does not reach, rounded to that unit. */
static const struct duration_unit {
	uint64_t limit; /* in steps */
	uint64_t step;	/* ns */
	bool tenths;	/* a step is a tenth of the unit */
	const char *name;
} duration_units[] = {
	{ 1000, 1, false, "ns" },
	{ 1000, UINT64_C(1000), false, "us" },
	{ 10000, UINT64_C(100000), true, "ms" },
	{ 600, UINT64_C(100000000), true, "s" },
};

/* Longer ones are shown in two units, rounded to the smaller. */
static const struct duration_pair {
	unsigned limit; /* in small units */
	unsigned small; /* seconds */
	unsigned ratio; /* small units in a big one */
	const char *big_name;
	const char *small_name;
} duration_pairs[] = {
	{ 3600, 1, 60, "min", "s" },
	{ 24 * 60, 60, 60, "h", "min" },
	{ UINT_MAX, 3600, 24, "d", "h" },
};

void clock_duration(int64_t ns, char text[CLOCK_TEXT])
{
	uint64_t left = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	const char *sign = ns < 0 ? "-" : "";
	uint64_t n;
	size_t i;

	for (i = 0; i < sizeof(duration_units) / sizeof(duration_units[0]); i++) {
		const struct duration_unit *u = &duration_units[i];

		n = (left + u->step / 2) / u->step;
		if (n >= u->limit)
			continue;
		if (u->tenths)
			snprintf(text, CLOCK_TEXT, "%s%" PRIu64 ".%" PRIu64 " %s", sign, n / 10,
				 n % 10, u->name);
		else
			snprintf(text, CLOCK_TEXT, "%s%" PRIu64 " %s", sign, n, u->name);
		return;
	}
	for (i = 0; i < sizeof(duration_pairs) / sizeof(duration_pairs[0]); i++) {
		const struct duration_pair *p = &duration_pairs[i];
		uint64_t step = (uint64_t)p->small * NS_PER_SECOND;
		unsigned count;

		n = (left + step / 2) / step;
		if (n >= p->limit)
			continue;
		count = (unsigned)n;
		snprintf(text, CLOCK_TEXT, "%s%u %s %u %s", sign, count / p->ratio, p->big_name,
			 count % p->ratio, p->small_name);
		return;
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_MANAGER_STATS_H
#define BPFMAN_MANAGER_STATS_H

#include "manager/manager.h"

/*
 * How often programs run, and how long. The kernel keeps totals, and only while it is told to
 * count; a rate is the difference between two readings of the same program.
 */

enum stats_counting {
	STATS_OFF,    /* the kernel does not count: totals may be old, and rates are not known */
	STATS_SYSCTL, /* kernel.bpf_stats_enabled is set: it counts whoever looks */
	STATS_HELD,   /* it counts because we look */
};
/* "sysctl", "held", or NULL for off: as JSON tells it. */
const char *stats_counting_name(enum stats_counting counting);

/* One program in one reading. */
struct stats_sample {
	bool read; /* otherwise only why is set */
	char *why;
	uint32_t kernel_id;
	uint64_t load_time; /* ns since boot; with the id it says which program this is */
	char *name, *type;  /* the kernel's; name may be NULL */
	uint64_t run_cnt, run_time_ns, recursion_misses;
	uint64_t memlock_bytes;
};

struct stats_reading {
	int64_t at; /* ns, CLOCK_MONOTONIC */
	enum stats_counting counting;
	char *not_enabled; /* why counting could not be switched on; NULL: it could, or need not */
	char *incomplete;  /* why not all programs of the kernel are there; NULL: they are */
	struct stats_sample *samples;
	size_t count;
	size_t next; /* where stats_find() looks first */
};

struct stats_pin {
	const char *path;
	const struct db_identity *identity;
};

/*
 * What is asked of the reading worker. Samples of the pins come first and in their order, then
 * those of kernel_ids; with all those of every program of the kernel follow (these too, a second
 * time). hold_ms: how long the worker may keep on counting and hold the pins open, for the next
 * request. enable switches counting on, host-wide. NULL: lost memory.
 */
struct stats_query {
	const struct stats_pin *pins;
	size_t pin_count;
	const uint32_t *kernel_ids; /* programs of others, in rising order */
	size_t kernel_id_count;
	bool all, enable;
	int64_t hold_ms;
};
json_t *stats_request(const struct stats_query *query);
/* Its answer's "result"; free in any case. */
int stats_read(const json_t *result, struct stats_reading *reading, struct error *e);
void stats_reading_free(struct stats_reading *reading);
/* Both, awaited. A query that holds is to be followed by one that does not. */
int manager_stats(struct manager *m, const struct stats_query *query, struct stats_reading *reading,
		  struct error *e);
/* The sample of this very program, or NULL. Fast where programs are asked for in their order. */
const struct stats_sample *stats_find(struct stats_reading *reading, uint32_t kernel_id,
				      uint64_t load_time);

/* What happened from one sample to the next. */
struct stats_rate {
	uint64_t runs, time_ns; /* in the time between them */
	uint64_t runs_per_s;
	uint64_t ns_per_run;  /* 0 where there was no run: it has none */
	uint64_t cpu_percent; /* of one CPU, in hundredths: 101 is 1.01 % */
};

/*
 * Whether a rate is known: both are samples of the same program, elapsed_ns is positive, no total
 * went back, and the kernel counted. That somebody else has it count shows in totals that move.
 */
bool stats_rate(const struct stats_sample *before, const struct stats_sample *after,
		int64_t elapsed_ns, enum stats_counting counting, struct stats_rate *rate);

#endif

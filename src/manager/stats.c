/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/stats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/protocol/protocol.h"
#include "manager/internal.h"

static const char *const counting_names[] = {
	[STATS_OFF] = NULL,
	[STATS_SYSCTL] = "sysctl",
	[STATS_HELD] = "held",
};

const char *stats_counting_name(enum stats_counting counting)
{
	return counting_names[counting];
}

json_t *stats_request(const struct stats_query *query)
{
	json_t *pins = json_array(), *ids = json_array();

	for (size_t i = 0; pins && i < query->pin_count; i++)
		if (request_pin(pins, query->pins[i].path, query->pins[i].identity, NULL)) {
			json_decref(pins);
			json_decref(ids);
			return NULL;
		}
	for (size_t i = 0; i < query->kernel_id_count; i++)
		json_array_append_new(ids, json_integer(query->kernel_ids[i]));
	return json_pack("{ss so so sb sb sI}", "op", "stats", "pins", pins, "kernel_ids", ids,
			 "all", query->all, "enable", query->enable, "hold_ms",
			 (json_int_t)query->hold_ms);
}

/* A string that may be null. -ENOMEM where it is there and cannot be had. */
static int read_string(const json_t *object, const char *key, char **value, struct error *e)
{
	*value = answer_bytes(object, key);
	return *value || !answer_str(object, key, NULL) ? 0 : error_nomem(e);
}

static int read_sample(const json_t *row, struct stats_sample *s, struct error *e)
{
	int r = read_string(row, "why", &s->why, e);

	if (!r)
		r = read_string(row, "name", &s->name, e);
	if (!r)
		r = read_string(row, "type", &s->type, e);
	s->read = !s->why;
	s->kernel_id = (uint32_t)answer_int(row, "kernel_id");
	s->load_time = answer_u64(row, "load_time_ns");
	s->run_cnt = answer_u64(row, "run_cnt");
	s->run_time_ns = answer_u64(row, "run_time_ns");
	s->recursion_misses = answer_u64(row, "recursion_misses");
	s->memlock_bytes = answer_u64(row, "memlock_bytes");
	return r;
}

int stats_read(const json_t *result, struct stats_reading *reading, struct error *e)
{
	const json_t *rows = json_object_get(result, "programs"), *row;
	const char *counting = answer_str(result, "counting", "");
	size_t i;
	int r;

	memset(reading, 0, sizeof(*reading));
	reading->at = (int64_t)answer_u64(result, "now_ns");
	for (i = STATS_SYSCTL; i <= STATS_HELD; i++)
		if (!strcmp(counting, counting_names[i]))
			reading->counting = (enum stats_counting)i;
	r = read_string(result, "not_enabled", &reading->not_enabled, e);
	if (!r)
		r = read_string(result, "incomplete", &reading->incomplete, e);
	reading->samples = calloc(json_array_size(rows) + 1, sizeof(*reading->samples));
	if (!r && !reading->samples)
		r = error_nomem(e);
	json_array_foreach (rows, i, row)
		if (!r)
			r = read_sample(row, &reading->samples[reading->count++], e);
	return r;
}

void stats_reading_free(struct stats_reading *reading)
{
	for (size_t i = 0; i < reading->count; i++) {
		free(reading->samples[i].why);
		free(reading->samples[i].name);
		free(reading->samples[i].type);
	}
	free(reading->samples);
	free(reading->not_enabled);
	free(reading->incomplete);
	memset(reading, 0, sizeof(*reading));
}

int manager_stats(struct manager *m, const struct stats_query *query, struct stats_reading *reading,
		  struct error *e)
{
	json_t *answer = NULL;
	int r = manager_ask(m, "statistics", stats_request(query), &answer, e);

	memset(reading, 0, sizeof(*reading));
	if (!r)
		r = stats_read(json_object_get(answer, "result"), reading, e);
	if (r)
		stats_reading_free(reading);
	json_decref(answer);
	return r;
}

const struct stats_sample *stats_find(struct stats_reading *reading, uint32_t kernel_id,
				      uint64_t load_time)
{
	for (size_t n = 0; n < reading->count; n++) {
		size_t at = (reading->next + n) % reading->count;
		const struct stats_sample *s = &reading->samples[at];

		if (s->read && s->kernel_id == kernel_id && s->load_time == load_time) {
			reading->next = at + 1;
			return s;
		}
	}
	return NULL;
}

/* value * factor / divisor without overflow on the way. */
static uint64_t scale(uint64_t value, uint64_t factor, uint64_t divisor)
{
	unsigned __int128 scaled = ((unsigned __int128)value * factor + divisor / 2) / divisor;

	return scaled > UINT64_MAX ? UINT64_MAX : (uint64_t)scaled;
}

bool stats_rate(const struct stats_sample *before, const struct stats_sample *after,
		int64_t elapsed_ns, enum stats_counting counting, struct stats_rate *rate)
{
	const uint64_t ns_per_s = 1000000000;

	memset(rate, 0, sizeof(*rate));
	if (!before || !after || !before->read || !after->read || elapsed_ns <= 0 ||
	    before->kernel_id != after->kernel_id || before->load_time != after->load_time ||
	    after->run_cnt < before->run_cnt || after->run_time_ns < before->run_time_ns)
		return false;
	rate->runs = after->run_cnt - before->run_cnt;
	rate->time_ns = after->run_time_ns - before->run_time_ns;
	rate->runs_per_s = scale(rate->runs, ns_per_s, (uint64_t)elapsed_ns);
	rate->ns_per_run = rate->runs ? scale(rate->time_ns, 1, rate->runs) : 0;
	rate->cpu_percent = scale(rate->time_ns, 100 * 100, (uint64_t)elapsed_ns);
	return counting != STATS_OFF || rate->runs;
}

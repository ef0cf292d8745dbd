/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rates of programs, from two readings. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "manager/stats.h"

#define S INT64_C(1000000000)

static struct stats_sample sample(uint64_t runs, uint64_t time_ns)
{
	return (struct stats_sample){ .read = true,
				      .kernel_id = 7,
				      .load_time = 1234,
				      .run_cnt = runs,
				      .run_time_ns = time_ns };
}

static void rates(void **state)
{
	static const struct {
		uint64_t runs, time_ns;
		int64_t elapsed_ns;
		uint64_t per_s, per_run, percent;
	} cases[] = {
		{ 0, 0, S, 0, 0, 0 },
		{ 1, 1, S, 1, 1, 0 },
		{ 1000, 500000, S, 1000, 500, 5 }, /* 0.05 % */
		{ 1000, 500000, S / 2, 2000, 500, 10 },
		{ 3, 10, 2 * S, 2, 3, 0 },    /* 1.5/s, 3.33 ns: to the nearest */
		{ 8, 8 * S, S, 8, S, 80000 }, /* eight CPUs */
		{ UINT64_MAX / 2, UINT64_MAX / 2, 1, UINT64_MAX, 1, UINT64_MAX },
		{ 4000000000 * (uint64_t)S, 4000000000 * (uint64_t)S, 1000 * S,
		  4000000 * (uint64_t)S, 1, 40 * (uint64_t)S },
	};
	struct stats_rate rate;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stats_sample before = sample(5, 9);
		struct stats_sample after = sample(5 + cases[i].runs, 9 + cases[i].time_ns);

		assert_true(stats_rate(&before, &after, cases[i].elapsed_ns, STATS_HELD, &rate));
		assert_true(rate.runs == cases[i].runs);
		assert_true(rate.time_ns == cases[i].time_ns);
		assert_true(rate.runs_per_s == cases[i].per_s);
		assert_true(rate.ns_per_run == cases[i].per_run);
		assert_true(rate.cpu_percent == cases[i].percent);
	}
}

static void unknown(struct stats_sample *before, struct stats_sample *after, int64_t elapsed_ns)
{
	struct stats_rate rate;

	memset(&rate, 0xa5, sizeof(rate));
	assert_false(stats_rate(before, after, elapsed_ns, STATS_HELD, &rate));
	assert_true(rate.runs_per_s == 0);
}

static void no_rate(void **state)
{
	struct stats_sample a = sample(5, 9), b = sample(6, 10), other;
	struct stats_rate rate;

	(void)state;
	unknown(NULL, &b, S);
	unknown(&a, NULL, S);
	unknown(&a, &b, 0);
	unknown(&a, &b, -1);
	unknown(&b, &a, S); /* totals never go back */
	other = b;
	other.kernel_id = 8;
	unknown(&a, &other, S);
	other = b;
	other.load_time = 1; /* the id of an earlier boot */
	unknown(&a, &other, S);
	other = b;
	other.read = false;
	unknown(&a, &other, S);
	unknown(&other, &b, S);
	/* Off is not 0, but what moves is counted, whoever has it counted. */
	assert_false(stats_rate(&a, &a, S, STATS_OFF, &rate));
	assert_true(stats_rate(&a, &b, S, STATS_OFF, &rate));
	assert_true(rate.runs == 1);
	assert_true(stats_rate(&a, &a, S, STATS_SYSCTL, &rate));
}

static void request(void **state)
{
	const struct db_identity identity = { .dev = 3, .ino = UINT64_MAX };
	const struct stats_pin pins[] = { { "/a\xff", &identity } };
	const uint32_t ids[] = { 7, UINT32_MAX };
	const struct stats_query query = { .pins = pins,
					   .pin_count = 1,
					   .kernel_ids = ids,
					   .kernel_id_count = 2,
					   .all = true,
					   .hold_ms = 1500 };
	json_t *json = stats_request(&query);
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

	(void)state;
	assert_string_equal(text, "{\"all\":true,\"enable\":false,\"hold_ms\":1500,"
				  "\"kernel_ids\":[7,4294967295],\"op\":\"stats\","
				  "\"pins\":[{\"path\":\"/a\\\\xff\",\"pin_dev\":\"3\","
				  "\"pin_ino\":\"18446744073709551615\"}]}");
	free(text);
	json_decref(json);
}

static const char answer[] =
	"{\"now_ns\":\"42\",\"counting\":\"sysctl\",\"not_enabled\":\"no \\\\xff\","
	"\"incomplete\":null,\"programs\":["
	"{\"path\":\"/p\",\"why\":\"gone\",\"kernel_id\":null,\"name\":null,\"type\":null,"
	"\"load_time_ns\":null,\"memlock_bytes\":null,\"run_time_ns\":null,\"run_cnt\":null,"
	"\"recursion_misses\":null},"
	"{\"path\":null,\"why\":null,\"kernel_id\":7,\"name\":null,\"type\":\"xdp\","
	"\"load_time_ns\":\"1234\",\"memlock_bytes\":\"4096\",\"run_time_ns\":\"9\","
	"\"run_cnt\":\"18446744073709551615\",\"recursion_misses\":\"1\"},"
	"{\"path\":null,\"why\":null,\"kernel_id\":8,\"name\":\"n\",\"type\":\"xdp\","
	"\"load_time_ns\":\"5\",\"memlock_bytes\":\"0\",\"run_time_ns\":\"0\",\"run_cnt\":\"0\","
	"\"recursion_misses\":\"0\"}]}";

static void reading(void **state)
{
	json_t *result = json_loads(answer, 0, NULL);
	struct stats_reading r;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(stats_read(result, &r, &e), 0);
	assert_true(r.at == 42);
	assert_int_equal(r.counting, STATS_SYSCTL);
	assert_string_equal(stats_counting_name(r.counting), "sysctl");
	assert_null(stats_counting_name(STATS_OFF));
	assert_string_equal(r.not_enabled, "no \xff");
	assert_null(r.incomplete);
	assert_int_equal(r.count, 3);
	assert_false(r.samples[0].read);
	assert_string_equal(r.samples[0].why, "gone");
	assert_true(r.samples[1].read);
	assert_true(r.samples[1].run_cnt == UINT64_MAX);
	assert_true(r.samples[1].memlock_bytes == 4096);
	assert_null(r.samples[1].name);
	assert_ptr_equal(stats_find(&r, 8, 5), &r.samples[2]);
	assert_ptr_equal(stats_find(&r, 7, 1234), &r.samples[1]);
	assert_ptr_equal(stats_find(&r, 7, 1234), &r.samples[1]);
	assert_null(stats_find(&r, 8, 1234));
	assert_null(stats_find(&r, 0, 0)); /* what was not read is nothing */
	stats_reading_free(&r);
	assert_null(stats_find(&r, 7, 1234));
	json_decref(result);
	/* An answer that lacks everything is an empty reading. */
	result = json_object();
	assert_int_equal(stats_read(result, &r, &e), 0);
	assert_int_equal(r.count, 0);
	assert_int_equal(r.counting, STATS_OFF);
	stats_reading_free(&r);
	json_decref(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates),
		cmocka_unit_test(no_rate),
		cmocka_unit_test(request),
		cmocka_unit_test(reading),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}

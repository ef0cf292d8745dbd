/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What map get and run hold values and codes against. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "command/codes.h"
#include "command/expect.h"

#include <cmocka.h>

static int held(const char *json, const char *text, char *shown, size_t size)
{
	json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
	struct error e = ERROR_INIT;
	struct buf is = { 0 };
	struct expect x;
	int r;

	assert_non_null(value);
	assert_int_equal(expect_parse(&x, text, &e), 0);
	r = expect_holds(&x, value, &is, &e);
	if (shown)
		snprintf(shown, size, "%s", buf_text(&is));
	buf_free(&is);
	error_clear(&e);
	json_decref(value);
	return r;
}

static void assert_held(const char *json, const char *text)
{
	if (held(json, text, NULL, 0) != 1)
		fail_msg("%s of %s does not hold", text, json);
}

static void assert_not(const char *json, const char *text)
{
	if (held(json, text, NULL, 0) != 0)
		fail_msg("%s of %s holds", text, json);
}

static void numbers(void **state)
{
	(void)state;
	assert_held("5", "=5");
	assert_held("5", "==0x5");
	assert_held("5", ">4");
	assert_not("5", ">5");
	assert_held("5", ">=5");
	assert_held("-5", "<-4");
	assert_held("-5", ">-6");
	assert_not("-5", ">=0");
	assert_held("-1", "<0");
	assert_held("0", "=-0");
	assert_held("5", "!=6");
	/* 64 bits are strings, and not rounded. */
	assert_held("\"18446744073709551615\"", ">18446744073709551614");
	assert_not("\"18446744073709551615\"", "=18446744073709551614");
	assert_held("\"-9223372036854775808\"", "<9223372036854775807");
	assert_held("\"0x1f\"", "=31");
	assert_held("\"0x1f\"", "= 31");
}

static void texts(void **state)
{
	(void)state;
	assert_held("\"DROP\"", "=DROP");
	assert_not("\"DROP\"", "=drop");
	assert_held("\"DROP\"", "!=PASS");
	assert_not("\"DROP\"", ">1");
	assert_held("\"a=b\"", "=a=b");
	assert_held("true", "=true");
	assert_held("1.5", "=1.5");
	assert_held("null", "=null");
	assert_held("\"\"", "=");
}

static void parts(void **state)
{
	static const char json[] = "{\"a\":1,\"b\":{\"c\":[1,{\"d\":\"7\"}]},\"e\":[[1,2],[3,4]]}";
	char shown[16];

	(void)state;
	assert_held(json, "a=1");
	assert_held(json, ".a=1");
	assert_held(json, "a = 1");
	assert_held(json, "b.c[0]=1");
	assert_held(json, "b.c[1].d>6");
	assert_held(json, "e[1][0]=3");
	assert_int_equal(held(json, "b.c[1].d>7", shown, sizeof(shown)), 0);
	assert_string_equal(shown, "7");
	assert_int_equal(held(json, "x=1", NULL, 0), -ENOENT);
	assert_int_equal(held(json, "a.b=1", NULL, 0), -ENOENT);
	assert_int_equal(held(json, "e[2]=1", NULL, 0), -ENOENT);
	assert_int_equal(held(json, "e[=1", NULL, 0), -ENOENT);
	assert_int_equal(held(json, "e[x]=1", NULL, 0), -ENOENT);
	assert_int_equal(held(json, "e[0=1", NULL, 0), -ENOENT);
}

static void assert_no_expectation(const char *text, const char *message)
{
	struct error e = ERROR_INIT;
	struct expect x;

	assert_int_equal(expect_parse(&x, text, &e), -EINVAL);
	assert_int_equal(e.class, ERROR_USAGE);
	assert_string_equal(e.message, message);
	error_clear(&e);
}

static void no_expectations(void **state)
{
	(void)state;
	assert_no_expectation("", "--expect is [PART]OPERATOR VALUE, not \"\"");
	assert_no_expectation("5", "--expect is [PART]OPERATOR VALUE, not \"5\"");
	assert_no_expectation("a!5", "--expect is [PART]OPERATOR VALUE, not \"a!5\"");
	assert_no_expectation(">x", "--expect: > compares whole numbers, and \"x\" is none");
	assert_no_expectation("<=", "--expect: <= compares whole numbers, and \"\" is none");
	assert_no_expectation(">0x", "--expect: > compares whole numbers, and \"0x\" is none");
	assert_no_expectation(">99999999999999999999", "--expect: > compares whole numbers, and "
						       "\"99999999999999999999\" is none");
}

static void codes(void **state)
{
	struct error e = ERROR_INIT;
	uint32_t code;

	(void)state;
	assert_string_equal(code_name("xdp", 2), "XDP_PASS");
	assert_string_equal(code_name("sched_cls", UINT32_MAX), "TC_ACT_UNSPEC");
	assert_null(code_name("xdp", 77));
	assert_null(code_name("kprobe", 0));
	assert_int_equal(code_parse("sched_cls", "TC_ACT_SHOT", &code, &e), 0);
	assert_int_equal(code, 2);
	assert_int_equal(code_parse("sched_cls", "-1", &code, &e), 0);
	assert_int_equal(code, UINT32_MAX);
	assert_int_equal(code_parse("kprobe", "4294967295", &code, &e), 0);
	assert_int_equal(code_parse("xdp", "4294967296", &code, &e), -EINVAL);
	assert_int_equal(code_parse("xdp", "-2147483649", &code, &e), -EINVAL);
	assert_int_equal(code_parse("xdp", "XDP_PAS", &code, &e), -EINVAL);
	assert_string_equal(e.hint, "did you mean \"XDP_PASS\"?");
	error_clear(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),	   cmocka_unit_test(texts), cmocka_unit_test(parts),
		cmocka_unit_test(no_expectations), cmocka_unit_test(codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

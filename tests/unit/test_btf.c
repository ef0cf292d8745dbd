/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values as text and as JSON, and text as values. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "kernel/worker/btf_parse.h"
#include "kernel/worker/btf_same.h"
#include "kernel/worker/btf_text.h"
#include "sample_btf.h"

/* Last: its fail() is a macro. */
#include <cmocka.h>

enum { ROOM = 64 };

static struct sample_btf s;

static int make(void **state)
{
	(void)state;
	sample_btf_make(&s);
	return s.btf && s.forward > 0 ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	btf__free(s.btf);
	return 0;
}

static size_t size_of(int type)
{
	int64_t size = btf__resolve_size(s.btf, type);

	assert_true(size >= 0 && size <= ROOM);
	return size;
}

static void assert_text(int type, const unsigned char *bytes, const char *expected)
{
	struct buf text = { 0 };

	assert_int_equal(btf_value_text(s.btf, type, bytes, size_of(type), &text), 0);
	assert_string_equal(buf_text(&text), expected);
	buf_free(&text);
}

/* The text gives a value that prints as expected; bytes hold it then. */
static void assert_parsed(int type, const char *text, const char *expected)
{
	unsigned char bytes[ROOM];
	struct failure f = FAILURE_INIT;

	memset(bytes, 0xaa, sizeof(bytes));
	if (btf_value_parse(s.btf, type, text, bytes, size_of(type), &f))
		fail_msg("'%s': %s", text, f.error.message);
	assert_text(type, bytes, expected);
	assert_int_equal(bytes[size_of(type)], 0xaa);
}

static void assert_refused(int type, const char *text, int err, const char *message,
			   const char *hint)
{
	unsigned char bytes[ROOM] = { 0 };
	struct failure f = FAILURE_INIT;

	assert_int_equal(btf_value_parse(s.btf, type, text, bytes, size_of(type), &f), -err);
	assert_string_equal(f.error.message, message);
	if (hint)
		assert_string_equal(f.error.hint, hint);
	else
		assert_null(f.error.hint);
	assert_int_equal(f.stage, STAGE_REQUEST);
	failure_clear(&f);
}

static void integers(void **state)
{
	(void)state;
	assert_parsed(s.u8, "255", "255");
	assert_parsed(s.u8, " 0xfF ", "255");
	assert_parsed(s.u8, "007", "7");
	assert_parsed(s.u8, "'a'", "97");
	assert_parsed(s.u8, "'\\n'", "10");
	assert_parsed(s.u8, "\"12\"", "12");
	assert_parsed(s.u8, "-0", "0");
	assert_parsed(s.s8, "-128", "-128");
	assert_parsed(s.s8, "+127", "127");
	assert_parsed(s.s8, "-0x80", "-128");
	assert_parsed(s.u64, "18446744073709551615", "18446744073709551615");
	assert_parsed(s.s64, "-9223372036854775808", "-9223372036854775808");
	assert_parsed(s.u128, "0x10000000000000002", "0x00000000000000010000000000000002");
	assert_parsed(s.u128, "340282366920938463463374607431768211455",
		      "0xffffffffffffffffffffffffffffffff");
	assert_parsed(s.pointer, "0xffffffffffffffff", "0xffffffffffffffff");
	assert_parsed(s.boolean, "true", "true");
	assert_parsed(s.boolean, "0", "false");
	assert_parsed(s.boolean, "hex:02", "hex:02");
	assert_parsed(s.u32, "hex:00000001", "16777216");
	assert_refused(s.u8, "256", ERANGE, "256 is out of range: unsigned char takes 0 to 255",
		       NULL);
	assert_refused(s.u8, "-1", ERANGE, "-1 is out of range: unsigned char takes 0 to 255",
		       NULL);
	assert_refused(s.s8, "128", ERANGE, "128 is out of range: signed char takes -128 to 127",
		       NULL);
	assert_refused(s.s8, "-129", ERANGE, "-129 is out of range: signed char takes -128 to 127",
		       NULL);
	assert_refused(s.s32, "0xffffffff", ERANGE,
		       "0xffffffff is out of range: int takes -2147483648 to 2147483647", NULL);
	assert_refused(s.u64, "18446744073709551616", ERANGE,
		       "18446744073709551616 is out of range: unsigned long takes 0 to "
		       "18446744073709551615",
		       NULL);
	assert_refused(s.u8, "", EINVAL, "a value is missing", NULL);
	assert_refused(s.u8, "ten", EINVAL, "'ten' is no integer", NULL);
	assert_refused(s.u8, "0x", EINVAL, "'0x' is no integer", NULL);
	assert_refused(s.u8, "1 2", EINVAL, "'2' is left over after the value", NULL);
	assert_refused(s.u8, "'ab'", EINVAL, "'ab' is no integer", NULL);
	assert_refused(s.u8, "\"1\\0\"", EINVAL, "there is a NUL in '1'", NULL);
	assert_parsed(s.u8, "'\\0'", "0");
	assert_refused(s.u8, "'a", EINVAL, "the quote is not closed: 'a", NULL);
	assert_refused(s.u8, "{1}", EINVAL, "a value is missing before '{1}'", NULL);
	assert_refused(s.boolean, "yes", EINVAL, "'yes' is neither true nor false", NULL);
	assert_refused(s.boolean, "2", EINVAL, "'2' is neither true nor false", NULL);
	assert_refused(s.pointer, "here", EINVAL, "'here' is no address", NULL);
	assert_refused(s.u16, "hex:01", EINVAL, "hex: with 1 bytes for a value of 2", NULL);
	assert_refused(s.u16, "hex:01g2", EINVAL,
		       "'hex:01g2' is not hex: and two digits for each byte", NULL);
}

static void floats(void **state)
{
	(void)state;
	assert_parsed(s.f64, "-1.5e3", "-1500");
	assert_parsed(s.f32, "0.25", "0.25");
	assert_parsed(s.f32, "-inf", "-inf");
	assert_parsed(s.f64, "nan", "nan");
	assert_refused(s.f32, "1e39", ERANGE, "1e39 is out of range", NULL);
	assert_refused(s.f64, "1.5x", EINVAL, "'1.5x' is no number", NULL);
}

static void enums(void **state)
{
	(void)state;
	assert_parsed(s.color, "GREEN", "GREEN");
	assert_parsed(s.color, "5", "GREEN");
	assert_parsed(s.color, "7", "7");
	assert_parsed(s.wide, "ALL", "ALL");
	assert_parsed(s.wide, "2", "2");
	assert_refused(s.color, "GREN", EINVAL, "'GREN' is neither a name of the enum nor a number",
		       "did you mean 'GREEN'?");
	assert_refused(s.color, "4294967296", ERANGE,
		       "4294967296 is out of range: enum color takes 0 to 4294967295", NULL);
	assert_parsed(s.level, "LOW", "LOW");
}

static void text(void **state)
{
	(void)state;
	assert_parsed(s.name, "eth0", "\"eth0\"");
	assert_parsed(s.name, "\"a\\\"\\\\\\n\"", "\"a\\\"\\\\\\012\"");
	assert_parsed(s.name, "a, b }", "\"a, b }\"");
	assert_parsed(s.name, "", "\"\"");
	assert_parsed(s.name, "12345678", "\"12345678\"");
	assert_parsed(s.name, "\"\\x41\\102\"", "\"AB\"");
	assert_parsed(s.name, "{'h', 105}", "\"hi\"");
	assert_parsed(s.name, "{1, 0, 2}", "{1, 0, 2, 0, 0, 0, 0, 0}");
	assert_parsed(s.name, "hex:6162000000000000", "\"ab\"");
	assert_refused(s.name, "123456789", ERANGE, "text of 9 bytes does not fit into 8", NULL);
	assert_refused(s.name, "\"\\q\"", EINVAL, "unknown escape in \"\\q\"", NULL);
	assert_refused(s.name, "\"a\" b", EINVAL, "'b' is left over after the value", NULL);
	assert_refused(s.name, "\"a", EINVAL, "the quote is not closed: \"a", NULL);
}

static void arrays(void **state)
{
	(void)state;
	assert_parsed(s.numbers, "{1, -2, 0x3}", "{1, -2, 3}");
	assert_parsed(s.numbers, "[1,2,]", "{1, 2, 0}");
	assert_parsed(s.numbers, "{}", "{0, 0, 0}");
	assert_parsed(s.matrix, "{{1, 2}, {3}}", "{{1, 2}, {3, 0}}");
	assert_parsed(s.matrix, "[[1, 2], hex:05000600]", "{{1, 2}, {5, 6}}");
	assert_refused(s.numbers, "{1, 2, 3, 4}", ERANGE,
		       "the array has 3 elements, and there are more values", NULL);
	assert_refused(s.numbers, "1", EINVAL, "an array is given as {VALUE, ...}", NULL);
	assert_refused(s.numbers, "{1 2}", EINVAL, "',' or '}' is missing before '2}'", NULL);
	assert_refused(s.numbers, "{1, 2", EINVAL, "'}' is missing at the end", NULL);
	assert_refused(s.numbers, "{1]", EINVAL, "',' or '}' is missing before ']'", NULL);
	assert_refused(s.numbers, "{,}", EINVAL, "[0]: a value is missing before ',}'", NULL);
	assert_refused(s.matrix, "{{1}, {2, 70000}}", ERANGE,
		       "[1][1]: 70000 is out of range: unsigned short takes 0 to 65535", NULL);
}

static const char config_text[] = "{.name = \"web\", .ports = {{.min = 1, .max = 2}, {.min = 3, "
				  ".max = 4}}, .v4 = 16909060, .on = true, .color = GREEN}";

static void structs(void **state)
{
	(void)state;
	assert_parsed(s.range, "{1, 2}", "{.min = 1, .max = 2}");
	assert_parsed(s.range, "{.max = 2}", "{.min = 0, .max = 2}");
	assert_parsed(s.range, "{\"max\": 2, \"min\": 1}", "{.min = 1, .max = 2}");
	assert_parsed(s.range, "{ max=2, }", "{.min = 0, .max = 2}");
	assert_parsed(s.range, "{1, .max = 2}", "{.min = 1, .max = 2}");
	assert_parsed(s.config, config_text, config_text);
	assert_parsed(s.config, "{\"web\", {{1, 2}, {3, 4}}, {0x01020304}, true, GREEN}",
		      config_text);
	assert_parsed(s.config,
		      "{name = web, .ports[1].max = 4, .ports[1].min = 3, .ports[0] = {1, 2}, "
		      "v6 = {0x0304, 0x0102}, on = 1, color = 5}",
		      config_text);
	assert_parsed(s.empty, "{}", "{}");
	assert_refused(s.range, "{.mix = 1}", ENOENT, "struct range has no member 'mix'",
		       "did you mean 'min'?");
	assert_refused(s.range, "{1, 2, 3}", ERANGE,
		       "there are more values than members, which are 2", NULL);
	assert_refused(s.range, "{.max = 1, 2}", EINVAL,
		       "a value without a name comes after one with a name", NULL);
	assert_refused(s.range, "{.max 1}", EINVAL, "'=' is missing after '.max'", NULL);
	assert_refused(s.range, "[1, 2]", EINVAL, "a struct is given as {.MEMBER = VALUE, ...}",
		       NULL);
	assert_refused(s.config, "{.ports = {{1}, {.mx = 1}}}", ENOENT,
		       ".ports[1]: struct range has no member 'mx'", "did you mean 'max'?");
	assert_refused(s.config, "{.ports[2] = {}}", ERANGE,
		       "[2]: the array has 2 elements, counted from 0", NULL);
	assert_refused(s.config, "{.ports[0].min = -1}", ERANGE,
		       ".ports[0].min: -1 is out of range: unsigned short takes 0 to 65535", NULL);
}

static void unions(void **state)
{
	(void)state;
	/* What is printed says all of the bytes. */
	assert_parsed(s.either, "{.small = 7}", "{.number = 7}");
	assert_parsed(s.either, "{7}", "{.number = 7}");
	assert_parsed(s.either, "{.bytes = {1, 2}}", "{.number = 513}");
	assert_refused(s.either, "{.small = 7, .number = 1}", EINVAL,
		       "a union has the value of one member", NULL);
}

static void bit_fields(void **state)
{
	(void)state;
	assert_parsed(s.bits, "{7, -16, GREEN, 0xffffffffff}",
		      "{.a = 7, .b = -16, .c = GREEN, .d = 1099511627775}");
	assert_refused(s.bits, "{.a = 8}", ERANGE,
		       ".a: 8 is out of range: unsigned int of 3 bits takes 0 to 7", NULL);
	assert_refused(s.bits, "{.b = 16}", ERANGE,
		       ".b: 16 is out of range: int of 5 bits takes -16 to 15", NULL);
	assert_refused(s.bits, "{.a = hex:01}", EINVAL, ".a: a bit field cannot be given as bytes",
		       NULL);
}

static void deep_nesting_is_refused(void **state)
{
	struct btf *btf = btf__new_empty();
	int type = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int index = type;
	unsigned char bytes[4];
	struct failure f = FAILURE_INIT;
	struct buf braces = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 20; i++)
		type = btf__add_array(btf, index, type, 1);
	buf_fill(&braces, '{', 20);
	assert_int_equal(btf_value_parse(btf, type, buf_text(&braces), bytes, 4, &f), -E2BIG);
	failure_clear(&f);
	buf_free(&braces);
	btf__free(btf);
}

static void paths(void **state)
{
	struct failure f = FAILURE_INIT;
	unsigned char bytes[ROOM] = { 0 };
	struct btf_place place;

	(void)state;
	assert_int_equal(btf_place_whole(s.btf, s.config, &place, &f), 0);
	assert_int_equal(place.size, 28);
	assert_int_equal(btf_place_step(s.btf, ".ports[1].max", &place, &f), 0);
	assert_int_equal(place.offset, 14);
	assert_int_equal(place.size, 2);
	assert_int_equal(place.type, s.u16);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(btf_place_parse(s.btf, &place, "0", bytes, 28, &f), 0);
	assert_int_equal(bytes[13], 0xff);
	assert_int_equal(bytes[14], 0);
	assert_int_equal(bytes[16], 0xff);
	/* Through the union that has no name. */
	assert_int_equal(btf_place_whole(s.btf, s.config, &place, &f), 0);
	assert_int_equal(btf_place_step(s.btf, ".v6[1]", &place, &f), 0);
	assert_int_equal(place.offset, 18);
	/* One bit field among others. */
	assert_int_equal(btf_place_whole(s.btf, s.bits, &place, &f), 0);
	assert_int_equal(btf_place_step(s.btf, ".b", &place, &f), 0);
	assert_int_equal(place.bits, 5);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(btf_place_parse(s.btf, &place, "-1", bytes, 16, &f), 0);
	assert_text(s.bits, bytes, "{.a = 0, .b = -1, .c = RED, .d = 0}");
	/* Bytes that are too few. */
	assert_int_equal(btf_value_parse(s.btf, s.u64, "1", bytes, 7, &f), -EINVAL);
	failure_clear(&f);
}

static void wrong_paths(void **state)
{
	static const struct {
		const char *steps, *message;
	} wrong[] = {
		{ ".nam", "struct config has no member 'nam'" },
		{ ".", "a member's name is missing after the dot" },
		{ ".on.x", ".x: it is neither a struct nor a union" },
		{ "[0]", "[0]: it is no array" },
		{ ".ports[2]", "[2]: the array has 2 elements, counted from 0" },
		{ ".ports[-1]", "[-1]: that is no index" },
		{ ".ports[]", "[]: that is no index" },
		{ ".ports[99999999999999999999999999]",
		  "[99999999999999999999999999]: that is no index" },
		{ ".ports[1", "'[1' is neither .MEMBER nor [INDEX]" },
		{ "ports", "'ports' is neither .MEMBER nor [INDEX]" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct failure f = FAILURE_INIT;
		struct btf_place place;

		assert_int_equal(btf_place_whole(s.btf, s.config, &place, &f), 0);
		assert_true(btf_place_step(s.btf, wrong[i].steps, &place, &f) < 0);
		assert_string_equal(f.error.message, wrong[i].message);
		assert_int_equal(f.reason, REASON_NO_SUCH_MEMBER);
		failure_clear(&f);
	}
}

static void types_without_values(void **state)
{
	unsigned char bytes[ROOM] = { 0 };
	struct failure f = FAILURE_INIT;
	json_t *json = NULL;

	(void)state;
	assert_int_equal(btf_value_parse(s.btf, s.forward, "1", bytes, 1, &f), -EINVAL);
	assert_string_equal(f.error.message, "its type has no size that BTF tells");
	assert_int_equal(btf_value_json(s.btf, s.forward, bytes, 1, &json), -EINVAL);
	assert_null(json);
	failure_clear(&f);
}

static void assert_json(int type, const char *text, const char *expected)
{
	unsigned char bytes[ROOM] = { 0 };
	struct failure f = FAILURE_INIT;
	json_t *json;
	char *dumped;

	assert_int_equal(btf_value_parse(s.btf, type, text, bytes, size_of(type), &f), 0);
	assert_int_equal(btf_value_json(s.btf, type, bytes, size_of(type), &json), 0);
	dumped = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
	assert_string_equal(dumped, expected);
	free(dumped);
	json_decref(json);
}

static void json(void **state)
{
	(void)state;
	assert_json(s.u8, "200", "200");
	assert_json(s.s32, "-1", "-1");
	assert_json(s.u32, "4294967295", "4294967295");
	assert_json(s.u64, "18446744073709551615", "\"18446744073709551615\"");
	assert_json(s.s64, "-5", "\"-5\"");
	assert_json(s.u128, "1", "\"0x00000000000000000000000000000001\"");
	assert_json(s.boolean, "true", "true");
	assert_json(s.color, "GREEN", "\"GREEN\"");
	assert_json(s.color, "7", "\"7\"");
	assert_json(s.pointer, "31", "\"0x1f\"");
	assert_json(s.f64, "1.5", "1.5");
	assert_json(s.f64, "inf", "null");
	assert_json(s.name, "a\\b", "\"a\\\\\\\\b\"");
	assert_json(s.name, "{1, 0, 2}", "\"\\\\x01\\\\x00\\\\x02\"");
	assert_json(s.name, "", "\"\"");
	assert_json(s.matrix, "{{1}}", "[[1,0],[0,0]]");
	assert_json(s.either, "{.small = 7}", "{\"small\":7,\"number\":7,\"bytes\":[7,0,0,0]}");
	assert_json(s.bits, "{1, -1, RED, 2}", "{\"a\":1,\"b\":-1,\"c\":\"RED\",\"d\":\"2\"}");
	assert_json(s.config, config_text,
		    "{\"name\":\"web\",\"ports\":[{\"min\":1,\"max\":2},{\"min\":3,\"max\":4}],"
		    "\"v4\":16909060,\"v6\":[772,258],\"on\":true,\"color\":\"GREEN\"}");
	assert_json(s.empty, "{}", "{}");
}

/* Broken BTF that shows the same bytes more often than there is memory. */
/* Two values of a type as two CPUs have them, 16 bytes apart: their sum in both styles. */
static void assert_sum(int type, const char *one, const char *other, int err, const char *as_text,
		       const char *as_json)
{
	unsigned char bytes[2 * 16] = { 0 };
	struct btf_copies copies = {
		.bytes = bytes, .size = size_of(type), .stride = 16, .count = 2
	};
	struct failure f = FAILURE_INIT;
	struct buf out = { 0 };

	assert_int_equal(btf_value_parse(s.btf, type, one, bytes, copies.size, &f), 0);
	assert_int_equal(btf_value_parse(s.btf, type, other, bytes + 16, copies.size, &f), 0);
	assert_int_equal(btf_copies_text(s.btf, type, &copies, &out), err);
	if (!err)
		assert_string_equal(buf_text(&out), as_text);
	buf_reset(&out);
	assert_int_equal(btf_copies_json(s.btf, type, &copies, &out), err);
	if (!err)
		assert_string_equal(buf_text(&out), as_json);
	buf_free(&out);
}

static void sums(void **state)
{
	(void)state;
	assert_sum(s.u64, "40", "2", 0, "42", "\"42\"");
	assert_sum(s.s32, "-3", "1", 0, "-2", "-2");
	/* Where the parts fit the sum does not wrap. */
	assert_sum(s.u8, "255", "255", 0, "510", "510");
	assert_sum(s.u32, "4294967295", "1", 0, "4294967296", "4294967296");
	assert_sum(s.f64, "0.5", "0.25", 0, "0.75", "0.75");
	assert_sum(s.range, "{1, 2}", "{10, 20}", 0, "{.min = 11, .max = 22}",
		   "{\"min\":11,\"max\":22}");
	assert_sum(s.matrix, "{{1}}", "{{1}, {0, 5}}", 0, "{{2, 0}, {0, 5}}", "[[2,0],[0,5]]");
	assert_sum(s.bits, "{7, -1, GREEN, 1}", "{7, -1, GREEN, 1}", 0,
		   "{.a = 14, .b = -2, .c = GREEN, .d = 2}",
		   "{\"a\":14,\"b\":-2,\"c\":\"GREEN\",\"d\":\"2\"}");
	/* What is no number has no sum, but may be the same. */
	assert_sum(s.boolean, "true", "true", 0, "true", "true");
	assert_sum(s.boolean, "true", "false", -ERANGE, NULL, NULL);
	assert_sum(s.color, "GREEN", "GREEN", 0, "GREEN", "\"GREEN\"");
	assert_sum(s.color, "GREEN", "RED", -ERANGE, NULL, NULL);
	assert_sum(s.name, "web", "web", 0, "\"web\"", "\"web\"");
	assert_sum(s.name, "web", "db", -ERANGE, NULL, NULL);
	assert_sum(s.pointer, "1", "2", -ERANGE, NULL, NULL);
	assert_sum(s.u128, "1", "2", -ERANGE, NULL, NULL);
	assert_int_equal(btf_leaves(s.btf, s.range), BTF_NUMBERS);
	assert_int_equal(btf_leaves(s.btf, s.matrix), BTF_NUMBERS);
	assert_int_equal(btf_leaves(s.btf, s.name), BTF_OTHERS);
	assert_int_equal(btf_leaves(s.btf, s.config), BTF_NUMBERS | BTF_OTHERS);
}

/* Bytes that a terminal should not see: strings as they are shown, and as C. */
static void hostile_strings(void **state)
{
	const unsigned char bytes[8] = "\033[\xc2\x9b\xff\"\\";
	const struct btf_copies one = { .bytes = bytes, .size = 8, .count = 1 };
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(btf_copies_json(s.btf, s.name, &one, &out), 0);
	assert_string_equal(buf_text(&out), "\"\\u001b[\\u009b\\\\xff\\\"\\\\\"");
	buf_reset(&out);
	assert_int_equal(btf_copies_text(s.btf, s.name, &one, &out), 0);
	assert_string_equal(buf_text(&out), "\"\\033[\\302\\233\\377\\\"\\\\\"");
	buf_free(&out);
}

static void json_is_bounded(void **state)
{
	struct btf *btf = btf__new_empty();
	int type = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	unsigned char bytes[4] = { 0 };
	json_t *value = NULL;
	int level;
	int i;

	(void)state;
	for (level = 0; level < 14; level++) {
		int inner = type;

		type = btf__add_union(btf, "u", 4);
		for (i = 0; i < 16; i++) {
			char name[8];

			snprintf(name, sizeof(name), "m%d", i);
			btf__add_field(btf, level % 2 ? NULL : name, inner, 0, 0);
		}
	}
	assert_int_equal(btf_value_json(btf, type, bytes, 4, &value), -E2BIG);
	assert_null(value);
	btf__free(btf);
}

/* What is printed of any bytes parses to what prints the same. */
static void what_is_printed_parses(void **state)
{
	__u32 type;
	int round;

	(void)state;
	srand(1);
	for (type = 1; type < btf__type_cnt(s.btf); type++) {
		int64_t size = btf__resolve_size(s.btf, type);

		for (round = 0; size >= 0 && round < 200; round++) {
			unsigned char bytes[ROOM], again[ROOM];
			struct failure f = FAILURE_INIT;
			struct buf one = { 0 }, two = { 0 };
			int i;

			for (i = 0; i < size; i++)
				bytes[i] = round % 2 ? rand() : rand() % 3;
			assert_int_equal(btf_value_text(s.btf, type, bytes, size, &one), 0);
			if (btf_value_parse(s.btf, type, buf_text(&one), again, size, &f))
				fail_msg("%s: %s", buf_text(&one), f.error.message);
			assert_int_equal(btf_value_text(s.btf, type, again, size, &two), 0);
			assert_string_equal(buf_text(&one), buf_text(&two));
			/* No padding there, and no NaN. */
			if ((int)type == s.numbers || (int)type == s.either ||
			    (int)type == s.name || (int)type == s.u64 || (int)type == s.u128)
				assert_memory_equal(bytes, again, size);
			buf_free(&one);
			buf_free(&two);
		}
	}
}

/* ---- whether two types are the same ---- */

enum variant {
	PLAIN,
	TYPEDEFS,
	WIDER,
	SIGNED,
	RENAMED,
	MOVED,
	LONGER,
	MORE,
	FEWER,
	COLOR,
	COLOR_VALUE,
	FLOAT,
	BITS,
};

/* struct inner { u16 min, max; }; struct outer { u32 limit; enum color c; inner range[2]; u32 b :
 * 3; } */
static struct btf *make_variant(enum variant v, int *type)
{
	struct btf *b = btf__new_empty();
	int u16 = btf__add_int(b, "unsigned short", 2, v == SIGNED ? BTF_INT_SIGNED : 0);
	int u32 = btf__add_int(b, v == TYPEDEFS ? "unsigned" : "unsigned int", 4, 0);
	int limit = v == TYPEDEFS ? btf__add_typedef(b, "__u32", btf__add_volatile(b, u32))
		    : v == WIDER  ? btf__add_int(b, "long", 8, 0)
		    : v == FLOAT  ? btf__add_float(b, "float", 4)
				  : u32;
	int color, inner, range;

	color = btf__add_enum(b, "color", 4);
	btf__add_enum_value(b, v == COLOR ? "ROUGE" : "RED", 0);
	btf__add_enum_value(b, "GREEN", v == COLOR_VALUE ? 6 : 5);
	inner = btf__add_struct(b, "inner", 4);
	btf__add_field(b, "min", u16, 0, 0);
	btf__add_field(b, v == RENAMED ? "most" : "max", u16, 16, 0);
	range = btf__add_array(b, u32, inner, v == LONGER ? 3 : 2);
	*type = btf__add_struct(b, "outer", 32);
	btf__add_field(b, "limit", limit, v == MOVED ? 64 : 0, 0);
	btf__add_field(b, "c", color, 96, 0);
	btf__add_field(b, "range", range, 128, 0);
	if (v != FEWER)
		btf__add_field(b, "b", u32, 224, v == BITS ? 4 : 3);
	if (v == MORE)
		btf__add_field(b, "more", u32, 192, 0);
	return b;
}

static void differences(void **state)
{
	static const char *const expected[] = {
		[PLAIN] = "",
		[TYPEDEFS] = "",
		[WIDER] = "limit: long here, unsigned int there",
		[SIGNED] = "range[].min: unsigned short here, unsigned short there",
		[RENAMED] = "range[]: member 'max' is only there",
		[MOVED] = "limit: its place in bits is 64 here, 0 there",
		[LONGER] = "range: struct inner[3] here, struct inner[2] there",
		[MORE] = "member 'more' is only here",
		[FEWER] = "member 'b' is only there",
		[COLOR] = "c: enumerator 'RED' is only there",
		[COLOR_VALUE] = "c: GREEN is 6 here, 5 there",
		[FLOAT] = "limit: float here, unsigned int there",
		[BITS] = "b: its width in bits is 4 here, 3 there",
	};
	struct btf *plain, *other;
	int type, other_type;
	size_t i;

	(void)state;
	plain = make_variant(PLAIN, &type);
	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		struct buf said = { 0 };

		other = make_variant(i, &other_type);
		assert_int_equal(
			btf_difference(other, other_type, "here", plain, type, "there", &said), 0);
		assert_string_equal(buf_text(&said), expected[i]);
		buf_free(&said);
		btf__free(other);
	}
	btf__free(plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers),
		cmocka_unit_test(floats),
		cmocka_unit_test(enums),
		cmocka_unit_test(text),
		cmocka_unit_test(arrays),
		cmocka_unit_test(structs),
		cmocka_unit_test(unions),
		cmocka_unit_test(bit_fields),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(paths),
		cmocka_unit_test(wrong_paths),
		cmocka_unit_test(types_without_values),
		cmocka_unit_test(json),
		cmocka_unit_test(json_is_bounded),
		cmocka_unit_test(sums),
		cmocka_unit_test(hostile_strings),
		cmocka_unit_test(what_is_printed_parses),
		cmocka_unit_test(differences),
	};

	return cmocka_run_group_tests(tests, make, drop);
}

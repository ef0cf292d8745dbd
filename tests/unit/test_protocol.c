/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/protocol/protocol.h"
#include "kernel/protocol/reason.h"
#include "kernel/protocol/wire.h"

/* Parses text; the operation, or OP_COUNT when it is refused. The message goes to message. */
static enum operation parse(const char *text, size_t len, char message[256])
{
	struct error e = ERROR_INIT;
	enum operation op;
	json_t *request;
	int err = protocol_parse(text, len, &request, &op, &e);

	message[0] = '\0';
	if (err) {
		assert_true(err < 0);
		assert_int_equal(e.err, -err);
		assert_non_null(e.message);
		assert_null(strchr(e.message, '\n'));
		snprintf(message, 256, "%s", e.message);
		op = OP_COUNT;
	} else {
		assert_true(json_is_object(request));
		assert_null(e.message);
	}
	json_decref(request);
	error_clear(&e);
	return op;
}

static void assert_refused(const char *text, const char *words)
{
	char message[256];

	assert_int_equal(parse(text, strlen(text), message), OP_COUNT);
	if (!strstr(message, words))
		fail_msg("'%s' refused with '%s', without '%s'", text, message, words);
}

static void assert_accepted(const char *text, enum operation op)
{
	char message[256];

	if (parse(text, strlen(text), message) != op)
		fail_msg("'%s' is not accepted: %s", text, message);
}

static void test_each_operation_is_found(void **state)
{
	int op;

	(void)state;
	for (op = 0; op < OP_COUNT; op++) {
		const struct operation_spec *spec = protocol_operation(op);
		size_t i;

		assert_int_equal(spec->op, op);
		assert_ptr_equal(protocol_find(spec->name, strlen(spec->name)), spec);
		assert_true(strlen(spec->summary) > 0 && strlen(spec->shape->result) > 0);
		for (i = 0; i < spec->shape->count; i++) {
			size_t j;

			assert_true(strlen(spec->shape->fields[i].help) > 0);
			for (j = 0; j < i; j++)
				assert_string_not_equal(spec->shape->fields[i].name,
							spec->shape->fields[j].name);
		}
	}
	assert_null(protocol_find("", 0));
	assert_null(protocol_find("loa", 3));
	assert_null(protocol_find("load\0", 5));
}

static void test_requests_are_accepted(void **state)
{
	(void)state;
	assert_accepted("{\"op\":\"hello\"}", OP_HELLO);
	assert_accepted(" { \"id\" : null , \"op\" : \"hello\" } ", OP_HELLO);
	assert_accepted("{\"op\":\"hello\",\"id\":1.5}", OP_HELLO);
	assert_accepted("{\"op\":\"open\",\"path\":\"/a\"}", OP_OPEN);
	assert_accepted("{\"op\":\"load\",\"next_id\":9007199254740992}", OP_LOAD);
	assert_accepted("{\"op\":\"load\",\"types\":{\"a\":\"xdp\"},\"programs\":[\"a\",\"b\"],"
			"\"verbose\":false}",
			OP_LOAD);
	assert_accepted("{\"op\":\"info\",\"pin_path\":\"\"}", OP_INFO);
	assert_accepted("{\"op\":\"unpin\",\"pins\":[{\"path\":\"/a\",\"pin_dev\":\"\","
			"\"pin_ino\":\"7\"}],\"dirs\":[]}",
			OP_UNPIN);
}

static void test_requests_are_refused(void **state)
{
	(void)state;
	assert_refused("", "not valid JSON");
	assert_refused("{\"op\":\"hello\"} {}", "not valid JSON");
	assert_refused("{\"op\":\"hello\"", "not valid JSON");
	assert_refused("{\"op\":\"hello\",\"op\":\"hello\"}", "duplicate");
	assert_refused("{\"op\":\"load\",\"types\":{\"a\":\"b\",\"a\":\"c\"}}", "duplicate");
	assert_refused("\"\xff\"", "UTF-8");
	assert_refused("{\"op\":\"open\",\"path\":\"\xed\xa0\x80\"}", "UTF-8");
	assert_refused("[]", "not a JSON object");
	assert_refused("7", "not valid JSON");
	assert_refused("{}", "'op' is missing");
	assert_refused("{\"op\":7}", "'op' must be a string");
	assert_refused("{\"op\":\"laod\"}", "'laod' is unknown");
	assert_refused("{\"op\":\"hello\",\"id\":[]}", "'id'");
	assert_refused("{\"op\":\"hello\",\"id\":{}}", "'id'");
	assert_refused("{\"op\":\"hello\",\"path\":\"x\"}", "'path' is unknown");
	assert_refused("{\"op\":\"info\"}", "'pin_path' is missing");
	assert_refused("{\"op\":\"info\",\"pin_path\":null}", "'pin_path' must be a string");
	assert_refused("{\"op\":\"load\",\"next_id\":-1}", "'next_id' must be an integer");
	assert_refused("{\"op\":\"load\",\"next_id\":1.0}", "'next_id' must be an integer");
	assert_refused("{\"op\":\"load\",\"next_id\":9007199254740993}", "'next_id'");
	assert_refused("{\"op\":\"load\",\"verbose\":1}", "'verbose' must be true or false");
	assert_refused("{\"op\":\"load\",\"programs\":\"a\"}", "'programs' must be a list");
	assert_refused("{\"op\":\"load\",\"programs\":[1]}", "'programs' must be a list");
	assert_refused("{\"op\":\"load\",\"types\":[]}", "'types' must be an object");
	assert_refused("{\"op\":\"load\",\"types\":{\"a\":1}}", "'types' must be an object");
	assert_refused("{\"op\":\"unpin\",\"pins\":[{}]}", "'pins' must be a list of objects");
	assert_refused("{\"op\":\"unpin\",\"pins\":[{\"path\":\"\",\"pin_dev\":\"\","
		       "\"pin_ino\":1}]}",
		       "'pins'");
	assert_refused("{\"op\":\"unpin\",\"pins\":[{\"path\":\"\",\"pin_dev\":\"\","
		       "\"pin_ino\":\"\",\"more\":\"\"}]}",
		       "'pins'");
}

/* {"op":"hello","id":[[...]]} with this many brackets in all, the outer one counted. */
static enum operation parse_nested(int depth, char message[256])
{
	struct buf text = { 0 };
	enum operation op;

	buf_str(&text, "{\"x\":\"\\\"[[[[\",\"y\":");
	buf_fill(&text, '[', depth - 1);
	buf_fill(&text, ']', depth - 1);
	buf_str(&text, "}");
	op = parse(text.data, text.len, message);
	buf_free(&text);
	return op;
}

static void test_depth_is_bounded_before_parsing(void **state)
{
	char message[256];

	(void)state;
	parse_nested(PROTOCOL_MAX_DEPTH, message);
	assert_non_null(strstr(message, "'op' is missing"));
	parse_nested(PROTOCOL_MAX_DEPTH + 1, message);
	assert_non_null(strstr(message, "deeper than 32"));
	parse_nested(3000000, message);
	assert_non_null(strstr(message, "deeper than 32"));
}

/* The text of "object" is not parsed; each line must mean what the parser alone makes of it. */
static void test_an_object_is_taken_past_the_parser(void **state)
{
	static const char *const lines[] = {
		"{\"op\":\"open\",\"object\":\"QUJD\",\"object_name\":\"x\"}",
		"{ \"object\" : \"QUJD+/==\" , \"op\":\"open\" }",
		"{\"op\":\"open\",\"object\":\"\"}",
		"{\"op\":\"open\",\"object\":\"QU\\u0041D\"}",
		"{\"op\":\"open\",\"object\":\"QU D\"}",
		"{\"op\":\"open\",\"object_name\":\"object\",\"path\":\"object\"}",
		"{\"op\":\"load\",\"types\":{\"object\":\"xdp\"},\"object\":\"QQ==\"}",
		"{\"op\":\"load\",\"object\":\"QQ==\",\"types\":{\"object\":\"xdp\"}}",
		"{\"op\":\"open\",\"path\":\"\\\"object\\\":\\\"QQ==\\\"\"}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct error e = ERROR_INIT;
		enum operation op;
		json_t *request;
		json_t *plain = json_loads(lines[i], JSON_REJECT_DUPLICATES, NULL);

		assert_non_null(plain);
		assert_int_equal(protocol_parse(lines[i], strlen(lines[i]), &request, &op, &e), 0);
		assert_true(json_equal(plain, request));
		json_decref(plain);
		json_decref(request);
	}
	assert_refused("{\"op\":\"open\",\"object\":\"QQ==\",\"object\":\"QQ==\"}", "duplicate");
	assert_refused("{\"op\":\"hello\",\"object\":\"QQ==\"}", "'object' is unknown");
	assert_refused("{\"op\":\"open\",\"object\":\"QQ==\"", "not valid JSON");
	assert_refused("{\"op\":\"open\",\"object\":\"QQ==\" 1}", "(byte 30)");
	assert_refused("[\"object\":\"QQ==\"]", "not valid JSON");
}

/* A line that was made of a request says what the request said, whatever its object is. */
static void test_lines_of_requests(void **state)
{
	static const char *const requests[] = {
		"{\"op\":\"open\",\"object\":\"QUJD+/==\",\"object_name\":\"x\"}",
		"{\"object\":\"QQ==\",\"op\":\"open\"}",
		"{\"op\":\"open\",\"object\":\"\"}",
		"{\"op\":\"open\",\"object\":\"not \\\"base64\\\"\"}",
		"{\"op\":\"open\",\"object\":\"QQ==QQ==\"}",
		"{\"object\":\"QQ==\"}",
		"{\"op\":\"hello\",\"object\":1}",
		"{\"op\":\"hello\"}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		json_t *request = json_loads(requests[i], 0, NULL);
		json_t *same, *expected = json_deep_copy(request);
		size_t len;
		char *line = protocol_line(request, &len);

		assert_non_null(line);
		assert_true(len > 1 && memchr(line, '\n', len) == line + len - 1);
		same = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
		if (!json_equal(same, expected))
			fail_msg("%s became %.*s", requests[i], (int)len, line);
		json_decref(same);
		json_decref(expected);
		json_decref(request);
		free(line);
	}
}

static void test_the_request_is_given_for_its_id(void **state)
{
	static const char text[] = "{\"op\":\"nothing\",\"id\":\"mine\"}";
	struct error e = ERROR_INIT;
	enum operation op;
	json_t *request;

	(void)state;
	assert_int_equal(protocol_parse(text, strlen(text), &request, &op, &e), -EINVAL);
	assert_string_equal(json_string_value(json_object_get(request, "id")), "mine");
	json_decref(request);
	error_clear(&e);
	assert_int_equal(protocol_parse("{", 1, &request, &op, &e), -EINVAL);
	assert_null(request);
	error_clear(&e);
}

static void test_unknown_operations_get_a_hint(void **state)
{
	struct error e = ERROR_INIT;
	enum operation op;
	json_t *request;

	(void)state;
	protocol_parse("{\"op\":\"laod\"}", 13, &request, &op, &e);
	assert_string_equal(e.hint, "did you mean 'load'?");
	json_decref(request);
	error_clear(&e);
}

static void assert_wire(const char *bytes, size_t len, const char *expected)
{
	char *text = wire_encode(bytes, len);
	char *back;
	size_t n;

	assert_non_null(text);
	assert_string_equal(text, expected);
	assert_int_equal(wire_decode(text, &back, &n), 0);
	assert_int_equal(n, len);
	assert_memory_equal(back, bytes, len);
	assert_int_equal(back[n], '\0');
	free(back);
	free(text);
}

static void test_wire(void **state)
{
	(void)state;
	assert_wire("", 0, "");
	assert_wire("plain", 5, "plain");
	assert_wire("a\\b", 3, "a\\\\b");
	assert_wire("a\0b", 3, "a\\x00b");
	assert_wire("\n\t\x1b\x7f", 4, "\\x0a\\x09\\x1b\\x7f");
	assert_wire("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9,
		    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_wire("\xc3(", 2, "\\xc3(");
	assert_wire("\xff\xc3", 2, "\\xff\\xc3");
	assert_wire("\xed\xa0\x80", 3, "\\xed\\xa0\\x80");
	assert_wire("\\x41", 4, "\\\\x41");
}

static void test_wire_every_byte(void **state)
{
	char bytes[512];
	char *text, *back;
	size_t len;
	int i;

	(void)state;
	for (i = 0; i < 512; i++)
		bytes[i] = (char)(i * 7);
	text = wire_encode(bytes, sizeof(bytes));
	assert_int_equal(wire_decode(text, &back, &len), 0);
	assert_int_equal(len, sizeof(bytes));
	assert_memory_equal(back, bytes, len);
	free(text);
	free(back);
}

static void test_wire_text_keeps_lines(void **state)
{
	char *text = wire_encode_text("a\n\tb\\\x01", 6);
	char *back;
	size_t len;

	(void)state;
	assert_string_equal(text, "a\n\tb\\\\\\x01");
	assert_int_equal(wire_decode(text, &back, &len), 0);
	assert_int_equal(len, 6);
	assert_memory_equal(back, "a\n\tb\\\x01", 6);
	free(text);
	free(back);
}

static void test_wire_refuses_malformed_escapes(void **state)
{
	static const char *const malformed[] = {
		"\\", "a\\", "\\x", "\\x4", "\\x4g", "\\xg4", "\\n", "\\X41", "\\\\\\", "\\u0041",
	};
	char *back;
	size_t len;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		assert_int_equal(wire_decode(malformed[i], &back, &len), -EINVAL);
	assert_int_equal(wire_decode("\\x4F\\x4f", &back, &len), 0);
	assert_string_equal(back, "OO");
	free(back);
}

static void test_wire_json(void **state)
{
	json_t *json = wire_json("caf\xe9");

	(void)state;
	assert_string_equal(json_string_value(json), "caf\\xe9");
	json_decref(json);
	json = wire_json(NULL);
	assert_true(json_is_null(json));
	json_decref(json);
}

static void test_base64(void **state)
{
	static const struct {
		const char *bytes, *text;
	} known[] = {
		/* RFC 4648, section 10 */
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t len, size;
		void *bytes;
		char *text = base64_encode(known[i].bytes, strlen(known[i].bytes), &size);

		assert_string_equal(text, known[i].text);
		assert_int_equal(size, strlen(known[i].text));
		assert_int_equal(base64_decode(text, size, &bytes, &len), 0);
		assert_int_equal(len, strlen(known[i].bytes));
		assert_memory_equal(bytes, known[i].bytes, len);
		free(bytes);
		free(text);
	}
}

/* Only digits decode, wherever they stand, and what decodes encodes to the same text. */
static void test_base64_every_byte(void **state)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[9] = "";
	size_t at, len, size;
	int c;

	(void)state;
	for (at = 0; at < 8; at++) {
		for (c = 0; c < 256; c++) {
			bool digit = memchr(digits, c, 64);
			void *bytes;
			char *again;
			int err;

			memcpy(text, "QUJDREVG", 8);
			text[at] = (char)c;
			assert_int_equal(base64_span(text, 8), digit || (c == '=' && at == 7) ? 8
							       : c == '=' ? at + 1
									  : at);
			err = base64_decode(text, 8, &bytes, &len);
			/* "REV=" has bits left over: the last of 18 are not 0. */
			if (!digit) {
				assert_int_equal(err, -EINVAL);
				continue;
			}
			assert_int_equal(err, 0);
			assert_int_equal(len, 6);
			again = base64_encode(bytes, len, &size);
			assert_string_equal(again, text);
			free(again);
			free(bytes);
		}
	}
}

static void test_base64_is_strict(void **state)
{
	static const char *const malformed[] = {
		"Z",	    "Zg",   "Zg=",  "Zg===", "=",    "====",	 "Z===", "Zm9v\n",
		"Zm 9v===", "Zm9 ", " Zm9", "Zm\n9", "Zm9*", "Zg==Zg==", "Zm9-", "Zm9v====",
	};
	void *bytes;
	size_t len;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		if (base64_decode(malformed[i], strlen(malformed[i]), &bytes, &len) != -EINVAL)
			fail_msg("'%s' is accepted", malformed[i]);
	assert_int_equal(base64_decode("Zm9\0", 4, &bytes, &len), -EINVAL);
}

static void test_reasons_have_words(void **state)
{
	int i, j;

	(void)state;
	for (i = 0; i < REASON_COUNT; i++)
		for (j = 0; j < i; j++)
			assert_string_not_equal(reason_name(i), reason_name(j));
	for (i = 0; i < STAGE_COUNT; i++)
		for (j = 0; j < i; j++)
			assert_string_not_equal(stage_name(i), stage_name(j));
	assert_true(reason_is_environment(REASON_CAPABILITY));
	assert_false(reason_is_environment(REASON_VERIFIER));
	assert_string_equal(stage_name(STAGE_CREATE_MAP), "create-map");
}

/* The file in the tree is what the tables say; print_protocol writes it. */
static void test_document_is_current(void **state)
{
	const char *tree = getenv("BPFMAN_SRCDIR");
	struct buf expected = { 0 }, found = { 0 };
	char path[PATH_MAX];
	char chunk[4096];
	FILE *file;
	size_t n;

	(void)state;
	if (!tree)
		tree = getenv("srcdir");
	snprintf(path, sizeof(path), "%s/doc/protocol.md", tree ? tree : ".");
	file = fopen(path, "r");
	if (!file)
		fail_msg("cannot open %s: %s", path, strerror(errno));
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_add(&found, chunk, n);
	fclose(file);
	protocol_document(&expected);
	assert_int_equal(buf_error(&expected), 0);
	assert_string_equal(buf_text(&found), buf_text(&expected));
	buf_free(&found);
	buf_free(&expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_operation_is_found),
		cmocka_unit_test(test_requests_are_accepted),
		cmocka_unit_test(test_requests_are_refused),
		cmocka_unit_test(test_depth_is_bounded_before_parsing),
		cmocka_unit_test(test_an_object_is_taken_past_the_parser),
		cmocka_unit_test(test_lines_of_requests),
		cmocka_unit_test(test_the_request_is_given_for_its_id),
		cmocka_unit_test(test_unknown_operations_get_a_hint),
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_wire_every_byte),
		cmocka_unit_test(test_wire_text_keeps_lines),
		cmocka_unit_test(test_wire_refuses_malformed_escapes),
		cmocka_unit_test(test_wire_json),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_every_byte),
		cmocka_unit_test(test_base64_is_strict),
		cmocka_unit_test(test_reasons_have_words),
		cmocka_unit_test(test_document_is_current),
	};

	return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}

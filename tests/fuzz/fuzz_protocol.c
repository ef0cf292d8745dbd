/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests, and what strings and bytes become on the wire and back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernel/protocol/protocol.h"
#include "kernel/protocol/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void parse(const char *line, size_t len)
{
	struct error e = ERROR_INIT;
	json_t *request = NULL;
	enum operation op;
	int err = protocol_parse(line, len, &request, &op, &e);

	require(err ? err < 0 && e.err == -err && e.message : request && op < OP_COUNT);
	if (request) {
		/* An object's text is taken past the parser: that must not show. */
		json_t *plain = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);

		require(plain && json_equal(plain, request));
		json_decref(plain);
	}
	json_decref(request);
	error_clear(&e);
}

static void wire_round_trip(const char *bytes, size_t len, char *encode(const char *, size_t))
{
	char *text = encode(bytes, len);
	char *back;
	size_t n;

	require(text && utf8_valid(text, strlen(text)));
	require(wire_decode(text, &back, &n) == 0 && n == len && memcmp(back, bytes, len) == 0);
	free(back);
	free(text);
}

static void base64_round_trip(const char *bytes, size_t len)
{
	size_t size, n;
	void *back;
	char *text = base64_encode(bytes, len, &size);

	require(text && strlen(text) == size);
	require(base64_decode(text, size, &back, &n) == 0 && n == len);
	require(len == 0 || memcmp(back, bytes, len) == 0);
	free(back);
	free(text);
}

/* What decodes must encode to the same text again: there is one form only, but for unused bits. */
static void decode(const char *text, size_t len)
{
	char *copy = strndup(text, len);
	void *bytes;
	char *plain;
	size_t n;

	require(copy);
	if (wire_decode(copy, &plain, &n) == 0) {
		require(n <= strlen(copy));
		wire_round_trip(plain, n, wire_encode);
		free(plain);
	}
	if (base64_decode(text, len, &bytes, &n) == 0) {
		size_t size;
		char *again = base64_encode(bytes, n, &size);

		require(again && size == len);
		free(again);
		free(bytes);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;

	parse(bytes, size);
	wire_round_trip(bytes, size, wire_encode);
	wire_round_trip(bytes, size, wire_encode_text);
	base64_round_trip(bytes, size);
	decode(bytes, size);
	return 0;
}

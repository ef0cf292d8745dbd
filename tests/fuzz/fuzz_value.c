/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values of all types, both ways. Any text is parsed or refused; what was parsed is printed, and
 * that text gives the same text again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/sample_btf.h"
#include "base/buf.h"
#include "kernel/worker/btf_parse.h"
#include "kernel/worker/btf_text.h"

enum { ROOM = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct btf *types(void)
{
	static struct sample_btf sample;

	if (!sample.btf)
		sample_btf_make(&sample);
	return sample.btf;
}

/* The bytes as text, which must parse to what prints the same. */
static void check(const struct btf *btf, __u32 type, const unsigned char *bytes, size_t size)
{
	unsigned char again[ROOM] = { 0 };
	struct failure f = FAILURE_INIT;
	struct buf first = { 0 }, second = { 0 };
	json_t *json = NULL;

	if (btf_value_text(btf, type, bytes, size, &first))
		abort();
	if (btf_value_parse(btf, type, buf_text(&first), again, size, &f) ||
	    btf_value_text(btf, type, again, size, &second) ||
	    strcmp(buf_text(&first), buf_text(&second)))
		abort();
	if (btf_value_json(btf, type, bytes, size, &json) || !json)
		abort();
	json_decref(json);
	buf_free(&first);
	buf_free(&second);
	failure_clear(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct btf *btf = types();
	unsigned char bytes[ROOM] = { 0 };
	struct failure f = FAILURE_INIT;
	struct btf_place place;
	__u32 type;
	int64_t room;
	char *text;

	if (size < 2)
		return 0;
	type = 1 + data[0] % (btf__type_cnt(btf) - 1);
	room = btf__resolve_size(btf, type);
	text = strndup((const char *)data + 2, size - 2);
	if (!text || room > ROOM)
		abort();
	if (room < 0) {
		if (!btf_value_parse(btf, type, text, bytes, ROOM, &f))
			abort();
	} else if (data[1] % 3 == 0) {
		memcpy(bytes, data + 2, size - 2 < (size_t)room ? size - 2 : (size_t)room);
		check(btf, type, bytes, room);
	} else if (data[1] % 3 == 1) {
		if (!btf_value_parse(btf, type, text, bytes, room, &f))
			check(btf, type, bytes, room);
	} else if (!btf_place_whole(btf, type, &place, &f) &&
		   !btf_place_step(btf, text, &place, &f)) {
		if (place.offset + place.size > (size_t)room)
			abort();
	}
	failure_clear(&f);
	free(text);
	return 0;
}

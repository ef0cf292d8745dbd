/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An object file of any bytes through what the worker does to look inside it. */
#include <stdint.h>
#include <stdlib.h>

#include "kernel/worker/btf_parse.h"
#include "kernel/worker/btf_same.h"
#include "kernel/worker/btf_text.h"
#include "kernel/worker/globals.h"
#include "kernel/worker/object.h"
#include "kernel/worker/open.h"

enum { ROOM = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The types of one variable, whatever they are, through all that values go through. */
static void use_variable(const struct btf *btf, const struct variable *v)
{
	unsigned char bytes[ROOM] = { 0 };
	struct failure f = FAILURE_INIT;
	struct buf text = { 0 };
	size_t size = 0;
	const unsigned char *initial = bpf_map__initial_value(v->map, &size);
	json_t *json = NULL;

	if (!initial || !v->type || v->size > ROOM || v->offset > size ||
	    v->size > size - v->offset)
		return;
	btf_value_text(btf, v->type, initial + v->offset, v->size, &text);
	btf_value_parse(btf, v->type, buf_text(&text), bytes, v->size, &f);
	btf_value_json(btf, v->type, initial + v->offset, v->size, &json);
	json_decref(json);
	buf_reset(&text);
	btf_difference(btf, v->type, "a", btf, v->type, "b", &text);
	buf_free(&text);
	failure_clear(&f);
}

static void use_variables(const struct bpf_object *bpf)
{
	struct variable *all;
	size_t count;
	size_t i;

	if (globals_list(bpf, &all, &count))
		abort();
	for (i = 0; i < count; i++)
		use_variable(bpf_object__btf(bpf), &all[i]);
	free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct failure f = FAILURE_INIT;
	struct object o = OBJECT_INIT;
	struct buf bytes = { 0 };
	struct log log;
	json_t *result;

	log_begin(&log, false);
	buf_add(&bytes, data, size);
	if (object_open_bytes(&o, "fuzz", &bytes, &log, &f) == 0) {
		result = open_result(&o);
		if (!result)
			abort();
		json_decref(result);
		use_variables(o.bpf);
	} else {
		json_t *error = failure_json(&f);

		if (!error || f.error.err <= 0 || f.reason == REASON_INTERNAL)
			abort();
		json_decref(error);
	}
	object_close(&o);
	failure_clear(&f);
	log_end(&log);
	buf_free(&bytes);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An object file of any bytes through what the worker does to look inside it. */
#include <stdint.h>
#include <stdlib.h>

#include "kernel/worker/object.h"
#include "kernel/worker/open.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

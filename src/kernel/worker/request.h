/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_REQUEST_H
#define BPFMAN_WORKER_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "kernel/protocol/protocol.h"
#include "kernel/worker/failure.h"
#include "kernel/worker/log.h"

/* One request while it is served. */
struct request {
	enum operation op;
	json_t *json; /* checked by protocol_parse() */
	struct log *log;
	/*
	 * Elements of the result's list "entries", which is empty: they are written as they are
	 * when the answer is. A tree of a hundred thousand small values costs more than the values.
	 */
	struct buf *entries;
};

/*
 * One handler per operation: serves the request, stores the result (owned by the caller) or fills
 * f. An operation without a handler does not link.
 */
#define X(id, name, summary) \
	int handle_##id(const struct request *request, json_t **result, struct failure *f);
PROTOCOL_OPERATIONS(X)
#undef X

/* The field's JSON, NULL when it is absent. */
const json_t *request_field(const struct request *request, const char *name);
/*
 * The decoded bytes of a string field, NULL when it is absent; a NUL inside is refused. The caller
 * frees them.
 */
int request_string(const struct request *request, const char *name, char **value,
		   struct failure *f);
/* The same for one string inside a field of that name. */
int request_decode(const json_t *string, const char *name, char **value, struct failure *f);
bool request_flag(const struct request *request, const char *name);
/* Digits of a u64 as a JSON string, for values that a double cannot hold. */
json_t *json_u64(uint64_t value);

#endif

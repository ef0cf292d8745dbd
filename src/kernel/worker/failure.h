/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_FAILURE_H
#define BPFMAN_WORKER_FAILURE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "kernel/protocol/reason.h"

/*
 * Why a request failed: an error and the words of the protocol. Start from FAILURE_INIT. Functions
 * that take one return a negative errno when they filled it. Texts are bytes; the answer encodes
 * them.
 */
struct failure {
	struct error error;
	enum stage stage;
	enum reason reason;
	bool environment; /* follows the reason; not_bpffs decides by path */
	bool left_behind; /* something that was made could not be removed again */
};

#define FAILURE_INIT                                                                \
	{                                                                           \
		.error = ERROR_INIT, .stage = STAGE_REQUEST, .reason = REASON_OTHER \
	}

/* Fills f, replacing what it held, and returns -err (err is a positive errno). */
int fail(struct failure *f, enum stage stage, enum reason reason, int err, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
int fail_nomem(struct failure *f);
/* The request contradicts itself or lacks something: stage and reason request, EINVAL. */
int fail_request(struct failure *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void failure_clear(struct failure *f);
/* The "error" object of an answer; NULL when memory is lost. */
json_t *failure_json(const struct failure *f);

#endif

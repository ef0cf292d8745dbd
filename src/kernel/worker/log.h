/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_LOG_H
#define BPFMAN_WORKER_LOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The text of one request: what libbpf says and what the verifier writes. Of a long text the
 * beginning and the end are kept (PROTOCOL_LOG_HEAD, PROTOCOL_LOG_TAIL).
 */
struct log {
	struct buf head;
	struct buf tail;   /* at most twice PROTOCOL_LOG_TAIL; its end counts */
	uint64_t bytes;	   /* of the whole text */
	struct buf said;   /* libbpf's warnings without its prefix, one a line, bounded */
	struct buf listed; /* sections that libbpf says it knows, when log_list is set */
	bool verbose;
	bool list;
};

/* Makes l the one that libbpf's messages go to. libbpf's callback has no argument of its own. */
void log_begin(struct log *l, bool verbose);
void log_end(struct log *l);
void log_add(struct log *l, const char *text, size_t len);
/* The line of libbpf's warnings that holds text, without newline; NULL when there is none. */
char *log_said(const struct log *l, const char *text);
/* libbpf's first warning that is not about something it ignores; NULL when there is none. */
char *log_first(const struct log *l);
/* Puts log, log_bytes and log_truncated into the answer. */
int log_answer(const struct log *l, json_t *answer);

/*
 * Address space for the verifier's text. Pages are only taken as the kernel writes them, so the
 * size costs nothing; it must be large because a kernel answers ENOSPC instead of the true errno
 * when the text does not fit.
 */
struct verifier_log {
	char *text;
	size_t size;
};

int verifier_log_map(struct verifier_log *v);
void verifier_log_unmap(struct verifier_log *v);

/*
 * The verifier's reason from its text: the lines after the last instruction that it shows, up to
 * three joined by "; ". Empty when there are none. Owned by the caller as a buf.
 */
void verifier_reason(const char *text, size_t len, struct buf *reason);

#endif

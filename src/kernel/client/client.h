/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_KERNEL_CLIENT_H
#define BPFMAN_KERNEL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * One worker process, from the front end's side: started when first needed, kept, replaced after
 * its death. A request that the worker does not survive costs that request only.
 */
struct client;

/*
 * What to do while an answer is awaited: wait until fd is ready for events (poll(2)), at most
 * timeout_ms (-1: no limit; fd -1: only time passes), and return 0 to go on, or -EINTR to give the
 * request up. The session decides: batch waits for ^C too, a screen turns its loop.
 */
struct client_turn {
	int (*wait)(void *data, int fd, short events, int timeout_ms);
	void *data;
};

/* worker: absolute path; turn may be NULL (just poll). Both are borrowed. NULL: lost memory. */
struct client *client_new(const char *worker, const struct client_turn *turn);
/* Closes the worker's input and waits for it to end. */
void client_free(struct client *c);
/* The next worker inherits fd (a lock that must live as long as a request). Returns 0, -ENOSPC. */
int client_inherit(struct client *c, int fd);
/* No request will follow: the worker may end while there is other work. client_free() waits. */
void client_finish(struct client *c);
/* Starts the worker when none runs; does not wait for it to say anything. */
int client_start(struct client *c, struct error *e);
/* Process id of the running worker, or 0. */
int client_pid(const struct client *c);

/*
 * Sends the request (taken over, also on error) and awaits its answer. 0: *answer is the worker's
 * answer, "ok" or not, owned by the caller. Otherwise the request was lost, the worker is gone
 * and reaped, and e says why: it could not be started (ERROR_ENVIRONMENT), it died (the signal
 * is named), it answered garbage, or the turn gave up (-EINTR, ERROR_INTERRUPTED). subject names
 * the thing worked on in messages.
 */
int client_call(struct client *c, const char *subject, json_t *request, json_t **answer,
		struct error *e);
/*
 * client_call(), and an answer that is not ok becomes an error, with the worker's message, hint,
 * details and class; *answer is then still given when not NULL (it holds the log).
 */
int client_do(struct client *c, const char *subject, json_t *request, json_t **answer,
	      struct error *e);

/*
 * client_do(), but the elements of the result's list "entries" come as their text, comma-joined, in
 * entries: checked JSON that may be shown as it is. *answer has an empty list.
 */
int client_do_entries(struct client *c, const char *subject, json_t *request, struct buf *entries,
		      json_t **answer, struct error *e);

/*
 * Without waiting: client_post() hands a request (taken over, also on error) to a worker that has
 * nothing else to do, else -EBUSY; client_collect() gives its answer, -EAGAIN while there is none
 * yet, -ENOENT when nothing was posted; otherwise what client_do() says. In between client_poll()
 * tells what to wait for (fd -1: nothing). client_do() first lets a posted request be answered, and
 * keeps the answer.
 */
int client_post(struct client *c, json_t *request, struct error *e);
int client_collect(struct client *c, const char *subject, json_t **answer, struct error *e);
struct pollfd;
void client_poll(const struct client *c, struct pollfd *p);

/* Typed look-ups in answers: a default where the member is missing or of another type. */
const char *answer_str(const json_t *object, const char *key, const char *fallback);
json_int_t answer_int(const json_t *object, const char *key);
/* A string of digits. */
uint64_t answer_u64(const json_t *object, const char *key);
bool answer_bool(const json_t *object, const char *key);
/* A wire-encoded string as bytes; NULL where it is missing or null, or memory is lost. */
char *answer_bytes(const json_t *object, const char *key);

#endif

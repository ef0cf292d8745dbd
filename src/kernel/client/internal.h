/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_KERNEL_CLIENT_INTERNAL_H
#define BPFMAN_KERNEL_CLIENT_INTERNAL_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "kernel/client/client.h"

enum { INHERIT_MAX = 4 };

struct client {
	const char *worker;
	const struct client_turn *turn;
	pid_t pid;
	int in, out; /* the worker's standard input and output, our ends */
	int inherit[INHERIT_MAX];
	int inherits;
	struct buf received;
	json_int_t id; /* of the last request: an answer bears the same */
	bool calling;
	bool posted;	    /* a request is under way that nobody waits for */
	struct buf sending; /* what is left of it */
	json_t *kept;	    /* its answer, which came while somebody else waited */
};

/* Waits as the session does; see client_turn. */
int client_wait(struct client *c, int fd, short events);
/* The request can no longer be answered: ends the worker and says why. */
int client_lost(struct client *c, const char *subject, int err, const char *why, struct error *e);
/*
 * Reads until the buffer holds a line; *len is its length without the newline. -EAGAIN, without
 * e: there is none yet.
 */
int client_receive(struct client *c, const char *subject, size_t *len, struct error *e);
/* The answer that the buffer begins with; with entries see client_do_entries(). */
int client_take(struct client *c, const char *subject, size_t len, struct buf *entries,
		json_t **answer, struct error *e);
/* Makes an error of an answer that is not ok. */
int client_failure(const json_t *answer, struct error *e);
/* Before a request of one's own: what was posted is answered, and the answer kept. */
int client_finish_posted(struct client *c, const char *subject, struct error *e);

#endif

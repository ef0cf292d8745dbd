/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests that nobody waits for. */
#include "kernel/client/internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernel/protocol/protocol.h"

int client_post(struct client *c, json_t *request, struct error *e)
{
	char *line = NULL;
	size_t len;
	int r = -EBUSY;

	if (c->calling || c->posted || c->kept)
		goto out;
	r = client_start(c, e);
	if (r)
		goto out;
	if (!json_object_set_new(request, "id", json_integer(++c->id)))
		line = protocol_line(request, &len);
	if (line)
		buf_add(&c->sending, line, len);
	if (!line || buf_error(&c->sending)) {
		buf_reset(&c->sending);
		r = error_nomem(e);
		goto out;
	}
	c->posted = true;
out:
	free(line);
	json_decref(request);
	return r;
}

/* Sends more of what is posted. */
static int flush(struct client *c, const char *subject, struct error *e)
{
	while (c->sending.len) {
		ssize_t n = write(c->in, c->sending.data, c->sending.len);

		if (n >= 0)
			buf_drop(&c->sending, (size_t)n);
		else if (errno == EAGAIN)
			return -EAGAIN;
		else if (errno == EPIPE)
			return client_lost(c, subject, EPIPE, NULL, e);
		else if (errno != EINTR)
			return client_lost(c, subject, errno, "cannot be written to", e);
	}
	return 0;
}

int client_collect(struct client *c, const char *subject, json_t **answer, struct error *e)
{
	size_t len;
	int r;

	*answer = c->kept;
	c->kept = NULL;
	if (!*answer) {
		if (!c->posted)
			return -ENOENT;
		r = flush(c, subject, e);
		if (!r)
			r = client_receive(c, subject, &len, e);
		if (r)
			return r;
		c->posted = false;
		r = client_take(c, subject, len, NULL, answer, e);
		if (r)
			return r;
	}
	if (json_is_true(json_object_get(*answer, "ok")))
		return 0;
	r = client_failure(*answer, e);
	json_decref(*answer);
	*answer = NULL;
	return r;
}

void client_poll(const struct client *c, struct pollfd *p)
{
	*p = (struct pollfd){ .fd = -1 };
	if (c->posted)
		*p = c->sending.len ? (struct pollfd){ c->in, POLLOUT, 0 }
				    : (struct pollfd){ c->out, POLLIN, 0 };
}

int client_finish_posted(struct client *c, const char *subject, struct error *e)
{
	while (c->posted) {
		struct error posted = ERROR_INIT; /* of the other's request: nobody waits for it */
		struct pollfd p;
		size_t len;
		int r = flush(c, subject, &posted);

		if (!r)
			r = client_receive(c, subject, &len, &posted);
		if (!r) {
			c->posted = false;
			client_take(c, subject, len, NULL, &c->kept, &posted);
			error_clear(&posted);
			return 0;
		}
		error_clear(&posted);
		if (r != -EAGAIN)
			return 0; /* its worker is gone; ours gets a new one */
		client_poll(c, &p);
		r = client_wait(c, p.fd, p.events);
		/* Who turned the loop meanwhile may have taken the answer, or seen the worker die.
		 */
		if (r && !c->posted)
			return error_set_class(e, ERROR_INTERRUPTED, -r, "%s: interrupted",
					       subject);
		if (r)
			return client_lost(c, subject, -r, "was ended", e);
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/worker/reader.h"

enum { CHUNK = 64 * 1024 };

/* Waits for input; on_idle runs when none came for a while. */
static int wait_for(struct reader *r, int idle_ms, int (*on_idle)(void))
{
	struct pollfd input = { .fd = r->fd, .events = POLLIN };
	int timeout = idle_ms;

	for (;;) {
		int n = poll(&input, 1, timeout);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -1;
		if (n < 0)
			continue;
		/* Between lines nothing of the buffer is needed. */
		if (r->start == r->end)
			reader_free(r);
		timeout = on_idle();
	}
}

/* Room for one more chunk: moves what is there to the front, or grows. */
static int make_room(struct reader *r)
{
	size_t cap;
	char *grown;

	if (r->cap - r->end >= CHUNK)
		return 0;
	if (r->start) {
		memmove(r->data, r->data + r->start, r->end - r->start);
		r->end -= r->start;
		r->seen -= r->start;
		r->start = 0;
	}
	if (r->cap - r->end >= CHUNK)
		return 0;
	cap = r->cap ? 2 * r->cap : 2 * CHUNK;
	grown = realloc(r->data, cap);
	if (!grown)
		return -1;
	r->data = grown;
	r->cap = cap;
	return 0;
}

/* Reads what is there. 0 at the end of input, -1 with errno. */
static ssize_t fill(struct reader *r)
{
	ssize_t n;

	if (make_room(r))
		return -1;
	do
		n = read(r->fd, r->data + r->end, r->cap - r->end);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		r->end += n;
	return n;
}

/* The line that begins at start, when its newline is there. */
static bool take_line(struct reader *r, const char **line, size_t *len)
{
	char *newline = r->end > r->seen ? memchr(r->data + r->seen, '\n', r->end - r->seen) : NULL;

	if (!newline) {
		r->seen = r->end;
		return false;
	}
	*line = r->data + r->start;
	*len = newline - *line;
	r->start += *len + 1;
	r->seen = r->start;
	return true;
}

enum reader_result reader_next(struct reader *r, size_t limit, int idle_ms, int (*on_idle)(void),
			       const char **line, size_t *len)
{
	for (;;) {
		ssize_t n;

		if (take_line(r, line, len)) {
			if (!r->skipping)
				return *len > limit ? READER_TOO_LONG : READER_LINE;
			r->skipping = false;
			continue;
		}
		if (r->end - r->start > limit || r->skipping) {
			bool told = r->skipping;

			r->skipping = true;
			r->start = r->end = r->seen = 0;
			if (!told)
				return READER_TOO_LONG;
		}
		if (r->ended)
			return READER_END;
		if (wait_for(r, idle_ms, on_idle))
			return READER_ERROR;
		n = fill(r);
		if (n < 0)
			return READER_ERROR;
		if (n > 0)
			continue;
		r->ended = true;
		if (r->end > r->start && !r->skipping) {
			*line = r->data + r->start;
			*len = r->end - r->start;
			r->start = r->seen = r->end;
			return READER_LINE;
		}
	}
}

void reader_free(struct reader *r)
{
	free(r->data);
	r->data = NULL;
	r->start = r->seen = r->end = r->cap = 0;
}

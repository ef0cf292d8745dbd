/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/writer.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

int writer_write(const struct writer *w, const char *bytes, size_t len, struct error *e)
{
	if (w->buf) {
		buf_add(w->buf, bytes, len);
		return buf_error(w->buf) ? error_nomem(e) : 0;
	}
	while (len) {
		ssize_t n = write(w->fd, bytes, len);

		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			/* Somebody else's O_NONBLOCK on a shared terminal or pipe. */
			struct pollfd ready = { .fd = w->fd, .events = POLLOUT };

			if (poll(&ready, 1, -1) >= 0 || errno == EINTR)
				continue;
		}
		/* A write of nothing without a reason would go on for ever. */
		if (n == 0)
			errno = EIO;
		return error_set(e, errno, "cannot write the result: %s", strerror(errno));
	}
	return 0;
}

size_t digits_u64(char text[DIGITS], uint64_t value)
{
	char reversed[DIGITS];
	size_t n = 0, i;

	do {
		reversed[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	for (i = 0; i < n; i++)
		text[i] = reversed[n - 1 - i];
	return n;
}

void digits_add_u64(struct buf *out, uint64_t value)
{
	char text[DIGITS];

	buf_add(out, text, digits_u64(text, value));
}

void digits_add_i64(struct buf *out, int64_t value)
{
	if (value < 0)
		buf_char(out, '-');
	digits_add_u64(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

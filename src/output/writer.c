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

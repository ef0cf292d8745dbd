/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_READER_H
#define BPFMAN_WORKER_READER_H

#include <stdbool.h>
#include <stddef.h>

/* Lines of a descriptor, read as they come. */
struct reader {
	int fd;
	char *data;
	size_t start; /* of what was read and not handed out */
	size_t seen;  /* up to here there is no newline */
	size_t end;
	size_t cap;
	bool skipping; /* the rest of a line that is too long */
	bool ended;
};

enum reader_result {
	READER_LINE,	 /* *line, len; valid until the next call */
	READER_TOO_LONG, /* a line over the limit is being skipped */
	READER_END,	 /* no more; the last line needs no newline */
	READER_ERROR,	 /* errno */
};

/*
 * The next line. on_idle is called when nothing comes for idle_ms, and returns after how many more
 * ms of silence it wants to be called again, -1: not at all. Memory of long lines is given back
 * before.
 */
enum reader_result reader_next(struct reader *r, size_t limit, int idle_ms, int (*on_idle)(void),
			       const char **line, size_t *len);
void reader_free(struct reader *r);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_BASE_FILE_H
#define BPFMAN_BASE_FILE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/* Reads everything up to the end from fd, at most limit bytes (-EFBIG beyond). */
int file_read_fd(int fd, const char *name, size_t limit, struct buf *out, struct error *e);
/*
 * Reads a regular file whole. A directory, a device, a FIFO or a socket is refused without
 * waiting on it. The message names the path.
 */
int file_read(const char *path, size_t limit, struct buf *out, struct error *e);
/* The same of whatever can be read to an end: also a pipe or a FIFO, which is waited for. */
int file_read_stream(const char *path, size_t limit, struct buf *out, struct error *e);
/* Writes all of it, through short writes and EINTR. Returns 0 or a negative errno. */
int file_write_all(int fd, const void *bytes, size_t len);
/* Makes path absolute without resolving links; caller frees; NULL with e filled. */
char *file_absolute(const char *path, struct error *e);
/* Makes the missing parents of path, mode 0755, and path itself with mode. 0 when it exists. */
int file_make_directories(const char *path, unsigned mode, struct error *e);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read_fd(int fd, const char *name, size_t limit, struct buf *out, struct error *e)
{
	enum { CHUNK = 65536 };
	char *chunk = malloc(CHUNK);
	int r = 0;

	if (!chunk)
		return error_nomem(e);
	for (;;) {
		ssize_t n = read(fd, chunk, CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = error_set(e, errno, "cannot read %s: %s", name, strerror(errno));
			break;
		}
		if (n == 0)
			break;
		if (out->len + (size_t)n > limit) {
			r = error_set(e, EFBIG, "%s is larger than %zu bytes", name, limit);
			break;
		}
		buf_add(out, chunk, (size_t)n);
		if (buf_error(out)) {
			r = error_nomem(e);
			break;
		}
	}
	free(chunk);
	return r;
}

static const char *kind_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a directory";
	if (S_ISFIFO(mode))
		return "a FIFO";
	if (S_ISSOCK(mode))
		return "a socket";
	return "a device";
}

int file_read(const char *path, size_t limit, struct buf *out, struct error *e)
{
	/* O_NONBLOCK: opening a FIFO without a writer must not wait for one. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r;

	if (fd < 0)
		return error_set(e, errno, "cannot open %s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0)
		r = error_set(e, errno, "cannot stat %s: %s", path, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		r = error_set(e, EISDIR, "%s is a directory, not a file", path);
	else if (!S_ISREG(st.st_mode))
		r = error_set(e, EINVAL, "%s is %s, not a file", path, kind_of(st.st_mode));
	else if ((unsigned long long)st.st_size > limit)
		r = error_set(e, EFBIG, "%s is larger than %zu bytes", path, limit);
	else
		r = file_read_fd(fd, path, limit, out, e);
	close(fd);
	return r;
}

int file_read_stream(const char *path, size_t limit, struct buf *out, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r;

	if (fd < 0)
		return error_set(e, errno, "cannot open %s: %s", path, strerror(errno));
	r = file_read_fd(fd, path, limit, out, e);
	close(fd);
	return r;
}

int file_write_all(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

char *file_absolute(const char *path, struct error *e)
{
	struct buf out = { 0 };
	char *cwd, *result;

	if (path[0] != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd) {
			error_set(e, errno, "cannot tell the current directory: %s",
				  strerror(errno));
			return NULL;
		}
		buf_str(&out, strcmp(cwd, "/") ? cwd : "");
		buf_char(&out, '/');
		free(cwd);
		while (!strncmp(path, "./", 2))
			path += 2;
	}
	buf_str(&out, path);
	result = buf_take(&out);
	if (!result)
		error_nomem(e);
	return result;
}

int file_make_directories(const char *path, unsigned mode, struct error *e)
{
	char *copy, *slash;
	int r = 0;

	if (!mkdir(path, mode) || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return error_set(e, errno, "cannot create the directory %s: %s", path,
				 strerror(errno));
	copy = strdup(path);
	if (!copy)
		return error_nomem(e);
	for (slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) && errno != EEXIST) {
			r = error_set(e, errno, "cannot create the directory %s: %s", copy,
				      strerror(errno));
			goto out;
		}
		*slash = '/';
	}
	if (mkdir(path, mode) && errno != EEXIST)
		r = error_set(e, errno, "cannot create the directory %s: %s", path,
			      strerror(errno));
out:
	free(copy);
	return r;
}

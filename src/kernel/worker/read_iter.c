/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/protocol/wire.h"
#include "kernel/worker/link.h"
#include "kernel/worker/pins.h"
#include "kernel/worker/request.h"

enum { DEFAULT_LIMIT = 1024 * 1024, MAX_LIMIT = 32 * 1024 * 1024, CHUNK = 64 * 1024 };

/* Reads at most limit bytes, and one more to see whether there is more. */
static int read_text(int fd, size_t limit, struct buf *out, bool *truncated)
{
	char *chunk = malloc(CHUNK);
	int err = chunk ? 0 : -ENOMEM;
	bool more = true;

	while (!err && more && out->len <= limit) {
		size_t room = limit + 1 - out->len;
		ssize_t n = read(fd, chunk, room < CHUNK ? room : CHUNK);

		if (n > 0) {
			buf_add(out, chunk, (size_t)n);
			err = buf_error(out);
		} else if (n == 0) {
			more = false;
		} else if (errno != EAGAIN && errno != EINTR) {
			/* EAGAIN: the program had nothing to say for a million of them. */
			err = -errno;
		}
	}
	free(chunk);
	*truncated = out->len > limit;
	return err;
}

static int tell(const struct buf *text, size_t limit, bool truncated, json_t **result,
		struct failure *f)
{
	char *encoded = wire_encode_text(buf_text(text), truncated ? limit : text->len);

	*result = encoded ? json_pack("{s:s, s:b}", "text", encoded, "truncated", truncated) : NULL;
	free(encoded);
	return *result ? 0 : fail_nomem(f);
}

static int read_link(int link, const char *path, size_t limit, json_t **result, struct failure *f)
{
	struct buf text = { 0 };
	bool truncated;
	int fd, err;

	f->stage = STAGE_ATTACH;
	if (pin_kind(link) != PIN_LINK)
		return fail(f, STAGE_PIN, REASON_BAD_PATH, EINVAL, "%s is not a link", path);
	fd = bpf_iter_create(link);
	if (fd == -EINVAL)
		return fail(f, STAGE_ATTACH, REASON_UNFIT, EINVAL, "%s is not an iterator's link",
			    path);
	if (fd < 0)
		return fail(f, STAGE_ATTACH, REASON_OTHER, -fd, "%s: cannot start the iterator: %s",
			    path, strerror(-fd));
	err = read_text(fd, limit, &text, &truncated);
	close(fd);
	if (err == -ENOMEM)
		err = fail_nomem(f);
	else if (err)
		err = fail(f, STAGE_ATTACH, REASON_OTHER, -err, "%s: cannot read the iterator: %s",
			   path, strerror(-err));
	else
		err = tell(&text, limit, truncated, result, f);
	buf_free(&text);
	return err;
}

int handle_READ_ITER(const struct request *request, json_t **result, struct failure *f)
{
	const json_t *given = request_field(request, "limit");
	json_int_t limit = given ? json_integer_value(given) : DEFAULT_LIMIT;
	struct place place = PLACE_INIT;
	char *path = NULL;
	struct stat st;
	int fd = -1;
	int err = request_string(request, "pin", &path, f);

	if (!err && limit > MAX_LIMIT)
		err = fail_request(f, "read_iter: 'limit' is %d at most", MAX_LIMIT);
	if (!err)
		err = pin_open("pin", path, &place, &st, &fd, f);
	if (!err)
		err = read_link(fd, place.path, (size_t)limit, result, f);
	if (fd >= 0)
		close(fd);
	place_free(&place);
	free(path);
	return err;
}

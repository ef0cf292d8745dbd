/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "kernel/worker/meant.h"
#include "kernel/worker/pins.h"

/* Whether the request's number is this one; one that it does not give is. */
static int is_meant(const struct request *request, const char *field, uint64_t number, bool *meant,
		    struct failure *f)
{
	char *text = NULL;
	uint64_t wanted;
	int err = request_string(request, field, &text, f);

	if (!err && text && !parse_u64(text, &wanted))
		err = fail_request(f, "field '%s' must be a string of digits", field);
	else if (!err && text && wanted != number)
		*meant = false;
	free(text);
	return err;
}

static int replaced(const char *path, struct failure *f)
{
	fail(f, STAGE_PIN, REASON_REPLACED, ESTALE, "%s is another object by now", path);
	return error_hint(&f->error, "list shows its state");
}

int meant_pin(const struct request *request, const char *dev, const char *ino,
	      const struct stat *st, const char *path, struct failure *f)
{
	bool meant = true;
	int err = is_meant(request, dev, st->st_dev, &meant, f);

	if (!err)
		err = is_meant(request, ino, st->st_ino, &meant, f);
	return !err && !meant ? replaced(path, f) : err;
}

/* Takes over path. */
static int open_pin(const struct request *request, char *path, int *fd, struct failure *f)
{
	struct place place = PLACE_INIT;
	struct stat st;
	int err = place_find(&place, path, f);

	if (err)
		goto out;
	if (place.rest != place.base ||
	    fstatat(place_fd(&place), place.base, &st, AT_SYMLINK_NOFOLLOW)) {
		err = fail(f, STAGE_PIN, REASON_OTHER, ENOENT, "%s does not exist", place.path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err = fail(f, STAGE_PIN, REASON_BAD_PATH, EINVAL, "%s is not a pin", place.path);
		goto out;
	}
	err = meant_pin(request, "pin_dev", "pin_ino", &st, place.path, f);
	if (err)
		goto out;
	*fd = pin_get(place_fd(&place), place.base);
	if (*fd < 0)
		err = fail(f, STAGE_PIN, REASON_OTHER, -*fd, "cannot open %s: %s", place.path,
			   strerror(-*fd));
out:
	place_free(&place);
	return err;
}

static int open_id(json_int_t id, const char *what, int (*by_id)(__u32 id), int *fd,
		   struct failure *f)
{
	*fd = id > 0 && id <= UINT32_MAX ? by_id((__u32)id) : -ENOENT;
	if (*fd == -ENOENT)
		return fail(f, STAGE_PIN, REASON_OTHER, ENOENT, "the kernel has no %s of id %lld",
			    what, (long long)id);
	if (*fd < 0)
		return fail(f, STAGE_PIN, REASON_OTHER, -*fd, "cannot open %s %lld: %s", what,
			    (long long)id, strerror(-*fd));
	return 0;
}

int meant_open(const struct request *request, const char *what, int (*by_id)(__u32 id), int *fd,
	       struct failure *f)
{
	const json_t *id = request_field(request, "kernel_id");
	char *path = NULL;
	char *clean = NULL;
	int err = request_string(request, "pin_path", &path, f);

	if (!err && path) {
		err = path_clean(path, "pin_path", &clean, f);
		if (!err)
			err = open_pin(request, clean, fd, f);
	} else if (!err && id) {
		err = open_id(json_integer_value(id), what, by_id, fd, f);
	} else if (!err) {
		err = fail_request(f, "'pin_path' or 'kernel_id' is needed");
	}
	free(path);
	return err;
}

int meant_check(const struct request *request, __u32 id, struct failure *f)
{
	const json_t *wanted = request_field(request, "kernel_id");
	char *path = NULL;
	int err = 0;

	if (!wanted || json_integer_value(wanted) == id)
		return 0;
	err = request_string(request, "pin_path", &path, f);
	if (!err)
		err = replaced(path ? path : "it", f);
	free(path);
	return err;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/worker/load.h"

/* The decoded and cleaned path of a field; NULL when the request has none. */
static int clean_field(const struct load *l, const char *field, char **clean, struct failure *f)
{
	char *path;
	int err = request_string(l->request, field, &path, f);

	*clean = NULL;
	if (!err && path)
		err = path_clean(path, field, clean, f);
	free(path);
	return err;
}

static bool same_parent(const char *a, const char *b)
{
	size_t len = strrchr(a, '/') - a;

	return (size_t)(strrchr(b, '/') - b) == len && memcmp(a, b, len) == 0;
}

static int check_final(struct load *l, struct failure *f)
{
	struct stat st;

	if (!same_parent(l->staging.path, l->final))
		return fail_request(f, "'staging' and 'final' must be in the same directory");
	if (strcmp(l->staging.path, l->final) == 0)
		return fail_request(f, "'staging' and 'final' must differ");
	l->final_base = strrchr(l->final, '/') + 1;
	if (strchr(l->final_base, '.'))
		return fail(f, STAGE_PIN, REASON_BAD_NAME, EPERM,
			    "%s: bpffs refuses names with a dot", l->final);
	if (fstatat(place_fd(&l->staging), l->final_base, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return fail(f, STAGE_PIN, REASON_PIN_TAKEN, EEXIST, "%s exists already", l->final);
	return 0;
}

static int find_staging(struct load *l, char *staging, struct failure *f)
{
	int err = place_find_new(&l->staging, staging, f);

	return err ? err : check_final(l, f);
}

/* A link of the staged pin must be possible, and must not look like one of the root's own. */
static int check_beside_root(const struct load *l, struct failure *f)
{
	size_t root = l->staging.base - l->staging.path;
	struct stat pin, staging;

	if (strncmp(l->pin.path, l->staging.path, root) == 0) {
		fail(f, STAGE_PIN, REASON_BAD_PATH, EINVAL, "%s is inside the pin root %.*s",
		     l->pin.path, (int)root - 1, l->staging.path);
		return error_hint(&f->error, "choose a path outside of it");
	}
	if (fstat(place_fd(&l->pin), &pin) || fstat(place_fd(&l->staging), &staging))
		return fail(f, STAGE_PIN, REASON_OTHER, errno, "%s: %s", l->pin.path,
			    strerror(errno));
	if (pin.st_dev != staging.st_dev) {
		fail(f, STAGE_PIN, REASON_BAD_PATH, EXDEV,
		     "%s is on another bpffs mount than the pin root %.*s", l->pin.path,
		     (int)root - 1, l->staging.path);
		return error_hint(&f->error, "choose a path on the same mount");
	}
	return 0;
}

static int find_pin(struct load *l, char *pin, struct failure *f)
{
	int err = place_find(&l->pin, pin, f);

	if (!err)
		err = place_check_free(&l->pin, f);
	if (!err && l->staging.path)
		err = check_beside_root(l, f);
	if (!err && l->object.count != 1)
		err = fail_request(f, "'pin_path' is for one program, but %zu are to be loaded",
				   l->object.count);
	return err;
}

static int find_by_name(struct load *l, char *by_name, struct failure *f)
{
	int err = place_find_in_root(&l->by_name, by_name, f);
	int fd;

	if (err || l->by_name.rest != l->by_name.base)
		return err;
	fd = directory_open(l->by_name.path);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fail(f, STAGE_PIN, REASON_OTHER, -fd, "cannot open %s: %s", l->by_name.path,
			    strerror(-fd));
	l->by_name_fd = fd;
	return 0;
}

int load_paths(struct load *l, struct failure *f)
{
	const json_t *next_id = request_field(l->request, "next_id");
	char *staging = NULL;
	char *by_name = NULL;
	char *pin = NULL;
	int err;

	err = clean_field(l, "pin_path", &pin, f);
	if (!err)
		err = clean_field(l, "staging", &staging, f);
	if (!err)
		err = clean_field(l, "final", &l->final, f);
	if (!err)
		err = clean_field(l, "by_name_dir", &by_name, f);
	if (!err && l->final && !staging)
		err = fail_request(f, "'final' needs 'staging'");
	if (!err && staging && !l->final)
		err = fail_request(f, "'staging' needs 'final'");
	if (!err && staging && !next_id)
		err = fail_request(f, "'staging' needs 'next_id'");
	l->next_id = json_integer_value(next_id);
	if (!err && !pin && !staging)
		err = fail_request(f, "'pin_path' or 'staging' is needed: without a pin nothing "
				      "would stay loaded");
	/* Each of these takes its path over, also when it fails. */
	if (!err && staging) {
		err = find_staging(l, staging, f);
		staging = NULL;
	}
	if (!err && by_name) {
		err = find_by_name(l, by_name, f);
		by_name = NULL;
	}
	if (!err && pin) {
		err = find_pin(l, pin, f);
		pin = NULL;
	}
	free(staging);
	free(by_name);
	free(pin);
	return err;
}

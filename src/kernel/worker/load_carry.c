/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a new build of an object takes over from the one before: maps, and pins as they are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/worker/load.h"

static int keep(const struct load *l, struct load_map *m, const json_t *pin, struct failure *f)
{
	char *path;
	int fd = -1;
	int err = request_decode(pin, "keep_maps", &path, f);

	if (!err)
		err = pin_open("keep_maps", path, &m->carried, &m->st, &fd, f);
	if (!err && pin_kind(fd) != PIN_MAP)
		err = fail(f, STAGE_CREATE_MAP, REASON_MAP_MISMATCH, EINVAL,
			   "what is pinned at %s is not a map", m->carried.path);
	if (!err)
		err = load_reuse(m, fd, m->carried.path,
				 "its contents cannot be kept: give it back its former definition, "
				 "or let it begin anew with --reset-map NAME",
				 f);
	if (!err)
		err = load_check_held(l, m, fd, f);
	if (fd >= 0)
		close(fd);
	free(path);
	return err;
}

int load_find_kept(struct load *l, struct failure *f)
{
	const json_t *list = request_field(l->request, "keep_maps");
	size_t i;
	int err = 0;

	if (list && !l->staging.path)
		return fail_request(f, "'keep_maps' needs 'staging'");
	for (i = 0; list && !err && i < l->map_count; i++) {
		struct load_map *m = &l->maps[i];
		char *key = wire_encode(m->name, strlen(m->name));
		const json_t *pin = key ? json_object_get(list, key) : NULL;

		free(key);
		if (!key)
			err = fail_nomem(f);
		else if (pin && !m->by_name && !m->reused)
			err = keep(l, m, pin, f);
	}
	return err;
}

static int carry_pin(struct load *l, const json_t *item, struct failure *f)
{
	struct place place = PLACE_INIT;
	struct stat st;
	char *path;
	int fd = -1;
	int err = request_decode(item, "carry", &path, f);

	if (!err)
		err = pin_open("carry", path, &place, &st, &fd, f);
	if (!err)
		err = load_link(l, place_fd(&place), place.base, l->staging_fd, l->staging.path,
				place.base, f);
	if (fd >= 0)
		close(fd);
	place_free(&place);
	free(path);
	return err;
}

int load_carry(struct load *l, struct failure *f)
{
	const json_t *list = request_field(l->request, "carry"), *item;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < l->map_count; i++) {
		const struct load_map *m = &l->maps[i];

		if (m->carried.path && m->kept)
			err = load_link(l, place_fd(&m->carried), m->carried.base, l->staging_fd,
					l->staging.path, m->carried.base, f);
	}
	json_array_foreach (list, i, item)
		if (!err)
			err = carry_pin(l, item, f);
	return err;
}

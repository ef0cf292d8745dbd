/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a new build does with maps that hold programs or maps. A program array is the new build's
 * own, and is filled as the former one was, with the new programs in the former ones' places. A map
 * of maps is kept, if what it holds is.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/worker/load.h"

/* The name that a mapping has for a kernel id, in *name, which the caller frees; NULL: none. */
static int former_name(const struct load *l, const char *field, __u32 id, char **name,
		       struct failure *f)
{
	char digits[16];
	const json_t *text;

	snprintf(digits, sizeof(digits), "%u", id);
	text = json_object_get(request_field(l->request, field), digits);
	*name = NULL;
	return text ? request_decode(text, field, name, f) : 0;
}

/* ---- program arrays ---- */

static const struct bpf_program *program_named(const struct load *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->object.count; i++)
		if (!strcmp(bpf_program__name(l->object.programs[i]), name))
			return l->object.programs[i];
	return NULL;
}

/* A descriptor of what is to be in the slot, for the caller to close. */
static int successor(const struct load *l, const struct load_map *m, __u32 slot, __u32 id, int *fd,
		     struct failure *f)
{
	const struct bpf_program *program;
	char *name;
	int err = former_name(l, "former_programs", id, &name, f);

	if (err)
		return err;
	if (!name) {
		*fd = bpf_prog_get_fd_by_id(id);
		return *fd >= 0 ? 0
				: fail(f, STAGE_CREATE_MAP, REASON_OTHER, -*fd,
				       "map '%s': cannot open the program in slot %u: %s", m->name,
				       slot, strerror(-*fd));
	}
	program = program_named(l, name);
	*fd = program ? dup(bpf_program__fd(program)) : -1;
	if (!program) {
		err = fail(
			f, STAGE_CREATE_MAP, REASON_MAP_MISMATCH, ENOENT,
			"map '%s' has the program '%s' in slot %u, and the new build has none of "
			"that name",
			m->name, name, slot);
		error_hint(&f->error, "map delete %s %u empties the slot", m->name, slot);
	} else if (*fd < 0) {
		err = fail_nomem(f);
	}
	free(name);
	return err;
}

static int fill_slot(const struct load *l, const struct load_map *m, __u32 slot, __u32 id,
		     struct failure *f)
{
	int map = bpf_map__fd(m->map);
	__u32 there;
	int fd = -1;
	int err;

	/* What the object file says of a slot holds, as of its constants. */
	if (!bpf_map_lookup_elem(map, &slot, &there))
		return 0;
	if (slot >= bpf_map__max_entries(m->map))
		return fail(f, STAGE_CREATE_MAP, REASON_MAP_MISMATCH, ERANGE,
			    "map '%s' has a program in slot %u, and in the new build only %u slots",
			    m->name, slot, bpf_map__max_entries(m->map));
	err = successor(l, m, slot, id, &fd, f);
	if (!err && bpf_map_update_elem(map, &slot, &fd, BPF_ANY)) {
		err = fail(f, STAGE_CREATE_MAP, REASON_MAP_MISMATCH, errno,
			   "map '%s': the kernel does not take the program for slot %u: %s",
			   m->name, slot, strerror(errno));
		error_hint(&f->error,
			   "programs of one map have the type of those that use it; "
			   "--reset-map %s lets it begin empty",
			   m->name);
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int fill(const struct load *l, const struct load_map *m, const json_t *pin,
		struct failure *f)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	struct place place = PLACE_INIT;
	struct stat st;
	char *path;
	int fd = -1;
	__u32 slot, id;
	int err = request_decode(pin, "fill_maps", &path, f);

	if (!err)
		err = pin_open("fill_maps", path, &place, &st, &fd, f);
	if (!err && (pin_kind(fd) != PIN_MAP || bpf_obj_get_info_by_fd(fd, &info, &len)))
		err = fail(f, STAGE_CREATE_MAP, REASON_MAP_MISMATCH, EINVAL,
			   "what is pinned at %s is not a map", place.path);
	/* Another type has other contents, and the new build says what it is. */
	if (!err && info.type == BPF_MAP_TYPE_PROG_ARRAY &&
	    bpf_map__type(m->map) == BPF_MAP_TYPE_PROG_ARRAY)
		for (slot = 0; !err && slot < info.max_entries; slot++)
			if (!bpf_map_lookup_elem(fd, &slot, &id))
				err = fill_slot(l, m, slot, id, f);
	if (fd >= 0)
		close(fd);
	place_free(&place);
	free(path);
	return err;
}

int load_fill(const struct load *l, struct failure *f)
{
	const json_t *list = request_field(l->request, "fill_maps");
	size_t i;
	int err = 0;

	for (i = 0; list && !err && i < l->map_count; i++) {
		const struct load_map *m = &l->maps[i];
		char *key = wire_encode(m->name, strlen(m->name));
		const json_t *pin = key ? json_object_get(list, key) : NULL;

		free(key);
		if (!key)
			err = fail_nomem(f);
		else if (pin && !m->reused && bpf_map__fd(m->map) >= 0)
			err = fill(l, m, pin, f);
	}
	return err;
}

/* ---- maps of maps ---- */

static bool differs(const struct bpf_map *wanted, const struct bpf_map_info *found)
{
	return bpf_map__type(wanted) != found->type ||
	       bpf_map__key_size(wanted) != found->key_size ||
	       bpf_map__value_size(wanted) != found->value_size ||
	       bpf_map__map_flags(wanted) != found->map_flags ||
	       (found->type == BPF_MAP_TYPE_ARRAY && !(found->map_flags & BPF_F_INNER_MAP) &&
		bpf_map__max_entries(wanted) != found->max_entries);
}

/* One of the maps that a kept map holds. */
static int check_inner(const struct load *l, const struct load_map *m, __u32 id, struct failure *f)
{
	const struct bpf_map *wanted = bpf_map__inner_map(m->map);
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	char *name;
	int fd;
	int err = former_name(l, "former_maps", id, &name, f);

	if (err)
		return err;
	if (name) {
		err = fail(
			f, STAGE_CREATE_MAP, REASON_MAP_MISMATCH, EBUSY,
			"map '%s' holds the map '%s' as it was, which the new build does not keep",
			m->name, name);
		error_hint(&f->error, "let both begin anew: --reset-map %s", m->name);
		free(name);
		return err;
	}
	fd = wanted ? bpf_map_get_fd_by_id(id) : -1;
	if (fd < 0)
		return 0; /* nothing to compare with, or it went meanwhile */
	if (!bpf_obj_get_info_by_fd(fd, &info, &len) && differs(wanted, &info)) {
		err = fail(f, STAGE_CREATE_MAP, REASON_MAP_MISMATCH, EINVAL,
			   "map '%s' holds maps that differ from its inner map in the object",
			   m->name);
		error_hint(&f->error,
			   "give it back its former definition, or let it begin anew "
			   "with --reset-map %s",
			   m->name);
	}
	close(fd);
	return err;
}

int load_check_held(const struct load *l, const struct load_map *m, int fd, struct failure *f)
{
	enum bpf_map_type type = bpf_map__type(m->map);
	size_t size = bpf_map__key_size(m->map);
	unsigned char *keys;
	void *key = NULL;
	__u32 id;
	int turn = 0;
	int err = 0;

	if (type != BPF_MAP_TYPE_ARRAY_OF_MAPS && type != BPF_MAP_TYPE_HASH_OF_MAPS)
		return 0;
	keys = calloc(2, size);
	if (!keys)
		return fail_nomem(f);
	while (!err && !bpf_map_get_next_key(fd, key, keys + turn * size)) {
		key = keys + turn * size;
		turn = !turn;
		if (!bpf_map_lookup_elem(fd, key, &id))
			err = check_inner(l, m, id, f);
	}
	free(keys);
	return err;
}

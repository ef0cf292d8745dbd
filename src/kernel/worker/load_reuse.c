/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maps that exist in the place of new ones: whether they are what the object wants. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "kernel/worker/btf_same.h"
#include "kernel/worker/load.h"

struct difference {
	const char *field;
	unsigned long long wanted, found;
};

/* What the map would be created with: libbpf sizes this type when it creates it. */
static __u32 wanted_entries(const struct bpf_map *map)
{
	__u32 entries = bpf_map__max_entries(map);

	if (bpf_map__type(map) == BPF_MAP_TYPE_PERF_EVENT_ARRAY && entries == 0)
		entries = libbpf_num_possible_cpus();
	return entries;
}

/* Flags that the kernel adds by itself (kernel/bpf/devmap.c). */
static __u32 own_flags(enum bpf_map_type type)
{
	bool devmap = type == BPF_MAP_TYPE_DEVMAP || type == BPF_MAP_TYPE_DEVMAP_HASH;

	return devmap ? BPF_F_RDONLY_PROG : 0;
}

/* Fields that differ: their names, and a line on each. */
struct differences {
	struct buf names;
	struct buf lines;
};

static void add_name(struct differences *d, const char *name)
{
	buf_printf(&d->names, "%s%s", d->names.len ? ", " : "", name);
}

static void compare_fields(const struct load_map *m, const struct bpf_map_info *info,
			   struct differences *d)
{
	enum bpf_map_type type = bpf_map__type(m->map);
	const struct difference fields[] = {
		{ "key_size", bpf_map__key_size(m->map), info->key_size },
		{ "value_size", bpf_map__value_size(m->map), info->value_size },
		{ "max_entries", wanted_entries(m->map), info->max_entries },
		{ "map_flags", bpf_map__map_flags(m->map) | own_flags(type),
		  info->map_flags | own_flags(type) },
		{ "map_extra", bpf_map__map_extra(m->map), info->map_extra },
	};
	size_t i;

	if (type != info->type) {
		add_name(d, "type");
		buf_printf(&d->lines, "type: %s in the object, %s pinned\n",
			   libbpf_bpf_map_type_str(type), object_map_type(info->type));
	}
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].wanted == fields[i].found)
			continue;
		add_name(d, fields[i].field);
		buf_printf(&d->lines, "%s: %llu in the object, %llu pinned\n", fields[i].field,
			   fields[i].wanted, fields[i].found);
	}
}

static int compare_type(const struct load_map *m, const char *what, __u32 wanted,
			const struct btf *pinned, __u32 found, struct differences *d)
{
	struct buf said = { 0 };
	int err = 0;

	if (wanted && found)
		err = btf_difference(m->btf, wanted, "in the object", pinned, found, "pinned",
				     &said);
	if (said.len) {
		add_name(d, what);
		buf_printf(&d->lines, "%s: %s\n", what, buf_text(&said));
	}
	buf_free(&said);
	return err;
}

/* What the bytes mean, as far as BTF is there on both sides and may be read. */
static int compare_types(const struct load_map *m, const struct bpf_map_info *info,
			 struct differences *d)
{
	struct btf *pinned =
		m->btf && info->btf_id ? btf__load_from_kernel_by_id(info->btf_id) : NULL;
	int err = 0;

	if (!pinned)
		return 0;
	if (bpf_map__key_size(m->map) == info->key_size)
		err = compare_type(m, "key", bpf_map__btf_key_type_id(m->map), pinned,
				   info->btf_key_type_id, d);
	if (!err && bpf_map__value_size(m->map) == info->value_size)
		err = compare_type(m, "value", bpf_map__btf_value_type_id(m->map), pinned,
				   info->btf_value_type_id, d);
	btf__free(pinned);
	return err;
}

static int compare(const struct load_map *m, const char *path, const struct bpf_map_info *info,
		   const char *hint, struct failure *f)
{
	struct differences d = { 0 };
	char *line, *rest = NULL;
	int err = 0;

	compare_fields(m, info, &d);
	if (compare_types(m, info, &d) || buf_error(&d.names) || buf_error(&d.lines)) {
		err = fail_nomem(f);
	} else if (d.names.len) {
		err = fail(f, STAGE_CREATE_MAP, REASON_MAP_MISMATCH, EINVAL,
			   "map '%s' differs from the one pinned at %s: %s", m->name, path,
			   buf_text(&d.names));
		for (line = strtok_r(d.lines.data, "\n", &rest); line;
		     line = strtok_r(NULL, "\n", &rest))
			error_detail(&f->error, "%s", line);
		error_hint(&f->error, "%s", hint);
	}
	buf_free(&d.names);
	buf_free(&d.lines);
	return err;
}

int load_reuse(struct load_map *m, int fd, const char *path, const char *hint, struct failure *f)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	int err;

	if (bpf_obj_get_info_by_fd(fd, &info, &len) || info.id == 0)
		return fail(f, STAGE_CREATE_MAP, REASON_MAP_MISMATCH, EINVAL,
			    "what is pinned at %s is not a map", path);
	err = compare(m, path, &info, hint, f);
	if (err)
		return err;
	err = bpf_map__reuse_fd(m->map, fd);
	if (err)
		return fail(f, STAGE_CREATE_MAP, REASON_OTHER, -err, "cannot use the map at %s: %s",
			    path, strerror(-err));
	m->reused = true;
	return 0;
}

/* ---- reuse_maps ---- */

static int no_such_map(const struct load *l, const char *name, struct failure *f)
{
	const char **names = calloc(l->map_count + 1, sizeof(*names));
	const char *nearest;
	size_t i;

	if (!names)
		return fail_nomem(f);
	for (i = 0; i < l->map_count; i++)
		names[i] = l->maps[i].name;
	nearest = text_nearest(name, names, l->map_count);
	fail(f, STAGE_REQUEST, REASON_NO_SUCH_MAP, ENOENT, "%s has no map '%s'", l->object.label,
	     name);
	if (nearest)
		error_hint(&f->error, "did you mean '%s'?", nearest);
	for (i = 0; !nearest && i < l->map_count && i < 32; i++)
		error_detail(&f->error, "%s", names[i]);
	free(names);
	return -ENOENT;
}

static bool is_constant(const struct bpf_map *map)
{
	const char *name = object_map_name(map);

	return bpf_map__is_internal(map) &&
	       (strncmp(name, ".rodata", 7) == 0 || strcmp(name, ".kconfig") == 0);
}

static int use_given(struct load *l, const char *name, const json_t *pin, struct failure *f)
{
	static const char hint[] = "choose a map that was made for the same use, or let the object "
				   "make its own";
	struct load_map *m = NULL;
	char *path = NULL;
	int fd = -1;
	size_t i;
	int err;

	for (i = 0; i < l->map_count; i++)
		if (strcmp(l->maps[i].name, name) == 0)
			m = &l->maps[i];
	if (!m)
		return no_such_map(l, name, f);
	if (is_constant(m->map))
		return fail(f, STAGE_REQUEST, REASON_MAP_MISMATCH, EINVAL,
			    "%s holds the object's own constants: no other map can be used for it",
			    name);
	err = request_decode(pin, "reuse_maps", &path, f);
	if (!err)
		err = pin_open("reuse_maps", path, &m->given, &m->st, &fd, f);
	if (!err && pin_kind(fd) != PIN_MAP)
		err = fail(f, STAGE_CREATE_MAP, REASON_MAP_MISMATCH, EINVAL,
			   "what is pinned at %s is not a map", m->given.path);
	if (!err)
		err = load_reuse(m, fd, m->given.path, hint, f);
	m->by_name = false;
	if (fd >= 0)
		close(fd);
	free(path);
	return err;
}

int load_find_given(struct load *l, struct failure *f)
{
	json_t *maps = json_object_get(l->request->json, "reuse_maps");
	const char *key;
	json_t *pin;
	size_t len;
	int err = 0;

	json_object_foreach (maps, key, pin) {
		char *name = NULL;

		err = wire_decode(key, &name, &len);
		if (err || strlen(name) != len)
			err = fail_request(f, "field 'reuse_maps': a name is not well encoded");
		else
			err = use_given(l, name, pin, f);
		free(name);
		if (err)
			break;
	}
	return err;
}

void load_free_maps(struct load *l)
{
	size_t i;

	for (i = 0; i < l->map_count; i++) {
		place_free(&l->maps[i].carried);
		place_free(&l->maps[i].given);
		free(l->maps[i].name);
	}
	free(l->maps);
}

int load_check_given(const struct request *request, const struct object *o, struct failure *f)
{
	struct load l = { .request = request, .object = *o };
	int err;

	if (!request_field(request, "reuse_maps"))
		return 0;
	err = load_list_maps(&l, f);
	if (!err)
		err = load_find_given(&l, f);
	load_free_maps(&l);
	return err;
}

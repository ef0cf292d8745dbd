/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/worker/load.h"
#include "kernel/worker/reasons.h"

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

static int compare(const struct load_map *m, const char *path, const struct bpf_map_info *info,
		   const char *hint, struct failure *f)
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
	struct buf names = { 0 };
	size_t i;
	int err = 0;

	if (type != info->type)
		buf_str(&names, "type");
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].wanted != fields[i].found)
			buf_printf(&names, "%s%s", names.len ? ", " : "", fields[i].field);
	if (names.len == 0)
		goto out;
	err = fail(f, STAGE_CREATE_MAP, REASON_MAP_MISMATCH, EINVAL,
		   "map '%s' differs from the one pinned at %s: %s", m->name, path,
		   buf_text(&names));
	if (type != info->type)
		error_detail(&f->error, "type: %s in the object, %s pinned",
			     libbpf_bpf_map_type_str(type), object_map_type(info->type));
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].wanted != fields[i].found)
			error_detail(&f->error, "%s: %llu in the object, %llu pinned",
				     fields[i].field, fields[i].wanted, fields[i].found);
	error_hint(&f->error, "%s", hint);
out:
	buf_free(&names);
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

/* Looks whether a map of this name is shared already. */
static int find_one(struct load *l, struct load_map *m, struct failure *f)
{
	static const char hint[] =
		"maps of one name are shared (LIBBPF_PIN_BY_NAME): rename it, or "
		"unload what uses the other";
	struct buf path = { 0 };
	int fd = -1;
	int err = 0;

	buf_printf(&path, "%s/%s", l->by_name.path, m->shared_name);
	if (fstatat(l->by_name_fd, m->shared_name, &m->st, AT_SYMLINK_NOFOLLOW)) {
		if (errno != ENOENT)
			err = fail(f, STAGE_CREATE_MAP, REASON_OTHER, errno, "%s: %s",
				   buf_text(&path), strerror(errno));
		goto out;
	}
	/* BPF_OBJ_GET would follow it. */
	if (S_ISLNK(m->st.st_mode)) {
		err = fail(f, STAGE_CREATE_MAP, REASON_BAD_NAME, ELOOP, "%s is a symbolic link",
			   buf_text(&path));
		goto out;
	}
	fd = pin_get(l->by_name_fd, m->shared_name);
	if (fd < 0)
		err = fail(f, STAGE_CREATE_MAP, REASON_OTHER, -fd, "cannot open the map at %s: %s",
			   buf_text(&path), strerror(-fd));
	else if (pin_kind(fd) != PIN_MAP)
		err = fail(f, STAGE_CREATE_MAP, REASON_MAP_MISMATCH, EINVAL,
			   "what is pinned at %s is not a map", buf_text(&path));
	else
		err = load_reuse(m, fd, buf_text(&path), hint, f);
out:
	if (fd >= 0)
		close(fd);
	buf_free(&path);
	return err;
}

static int list_maps(struct load *l, struct failure *f)
{
	struct bpf_map *map;
	size_t n = 0;

	bpf_object__for_each_map (map, l->object.bpf)
		n++;
	l->maps = calloc(n + 1, sizeof(*l->maps));
	if (!l->maps)
		return fail_nomem(f);
	bpf_object__for_each_map (map, l->object.bpf) {
		struct load_map *m = &l->maps[l->map_count++];

		m->map = map;
		m->id = -1;
		m->by_name = bpf_map__pin_path(map) != NULL;
		m->name = strdup(object_map_name(map));
		if (!m->name)
			return fail_nomem(f);
		/* libbpf would pin it by itself before anything is verified, under its own root. */
		bpf_map__set_pin_path(map, NULL);
	}
	return 0;
}

int load_find_shared(struct load *l, struct failure *f)
{
	size_t i;
	int err = list_maps(l, f);

	if (!err)
		err = load_find_kept(l, f);
	for (i = 0; !err && i < l->map_count; i++) {
		struct load_map *m = &l->maps[i];

		if (!m->by_name)
			continue;
		if (!l->by_name.path)
			return fail_request(f,
					    "map '%s' is shared by its name (LIBBPF_PIN_BY_NAME): "
					    "'by_name_dir' is needed",
					    m->name);
		pin_reduce(m->name, m->shared_name);
		if (l->by_name_fd >= 0)
			err = find_one(l, m, f);
	}
	return err;
}

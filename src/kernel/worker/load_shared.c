/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/worker/load.h"

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

int load_list_maps(struct load *l, struct failure *f)
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
		m->btf = bpf_object__btf(l->object.bpf);
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
	int err = load_list_maps(l, f);

	if (!err)
		err = load_find_given(l, f);
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

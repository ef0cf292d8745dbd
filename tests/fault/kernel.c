/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel itself has. */
#include "sweep.h"

#include <bpf/bpf.h>
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The functions of a kind of thing. Program and map info have type, id at the same place. */
struct source {
	int (*next)(uint32_t after, uint32_t *id);
	int (*open)(uint32_t id);
};
static const struct source sources[] = {
	[false] = { bpf_prog_get_next_id, bpf_prog_get_fd_by_id },
	[true] = { bpf_map_get_next_id, bpf_map_get_fd_by_id },
};

void ids_add(struct ids *list, uint32_t id)
{
	if (list->count == list->cap) {
		list->cap = list->cap ? 2 * list->cap : 32;
		list->id = reallocarray(list->id, list->cap, sizeof(*list->id));
		if (!list->id)
			errx(2, "no memory");
	}
	list->id[list->count++] = id;
}

bool ids_have(const struct ids *list, uint32_t id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->id[i] == id)
			return true;
	return false;
}

void ids_free(struct ids *list)
{
	free(list->id);
	memset(list, 0, sizeof(*list));
}

/* The id and the name of what fd is; false: neither a program nor a map of this kind. */
static bool look(int fd, bool map, uint32_t *id, char name[16])
{
	struct bpf_prog_info program = { 0 };
	struct bpf_map_info map_info = { 0 };
	uint32_t len = map ? sizeof(map_info) : sizeof(program);

	if (bpf_obj_get_info_by_fd(fd, map ? (void *)&map_info : (void *)&program, &len))
		return false;
	*id = map ? map_info.id : program.id;
	memcpy(name, map ? map_info.name : program.name, 16);
	name[15] = '\0';
	return true;
}

void kernel_mark(struct kernel_mark *m)
{
	while (!bpf_prog_get_next_id(m->program, &m->program))
		;
	while (!bpf_map_get_next_id(m->map, &m->map))
		;
}

static void suspect(struct suspects *s, bool map, uint32_t id, const char *name, size_t point)
{
	if (s->count == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 32;
		s->at = reallocarray(s->at, s->cap, sizeof(*s->at));
		if (!s->at)
			errx(2, "no memory");
	}
	s->at[s->count] = (struct suspect){ .map = map, .id = id, .point = point };
	memcpy(s->at[s->count++].name, name, sizeof(s->at[0].name));
}

void suspects_add(struct suspects *s, const struct kernel_mark *since, const char *token,
		  const struct ids *programs, const struct ids *maps, size_t point)
{
	for (int map = false; map <= true; map++) {
		const struct ids *known = map ? maps : programs;
		uint32_t id = map ? since->map : since->program, same;
		char name[16];

		while (!sources[map].next(id, &id)) {
			int fd = sources[map].open(id);

			if (fd < 0)
				continue; /* just gone */
			if (look(fd, map, &same, name) && !strncmp(name, token, TOKEN) &&
			    !ids_have(known, id))
				suspect(s, map, id, name, point);
			close(fd);
		}
	}
}

void suspects_look(struct suspects *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		int fd = sources[s->at[i].map].open(s->at[i].id);

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd >= 0)
			close(fd);
		s->at[kept++] = s->at[i];
	}
	s->count = kept;
}

uint32_t kernel_pinned(const char *path, bool map)
{
	int fd = bpf_obj_get(path);
	uint32_t id = 0;
	char name[16];

	if (fd < 0)
		return 0;
	if (!look(fd, map, &id, name))
		id = 0;
	close(fd);
	return id;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel itself has. */
#include "sweep.h"

#include <bpf/bpf.h>
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const thing_names[THINGS] = { "program", "map", "link" };

/* The functions of a kind of thing. */
struct source {
	int (*next)(uint32_t after, uint32_t *id);
	int (*open)(uint32_t id);
};
static const struct source sources[THINGS] = {
	[A_PROGRAM] = { bpf_prog_get_next_id, bpf_prog_get_fd_by_id },
	[A_MAP] = { bpf_map_get_next_id, bpf_map_get_fd_by_id },
	[A_LINK] = { bpf_link_get_next_id, bpf_link_get_fd_by_id },
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

/* The id and the name of what fd is, of a link its program's; false: nothing of this kind. */
static bool look(int fd, enum thing thing, uint32_t *id, char name[16])
{
	struct bpf_prog_info program = { 0 };
	struct bpf_map_info map = { 0 };
	struct bpf_link_info link = { 0 };
	void *const infos[THINGS] = { &program, &map, &link };
	uint32_t lens[THINGS] = { sizeof(program), sizeof(map), sizeof(link) }, same;
	bool found = true;

	if (bpf_obj_get_info_by_fd(fd, infos[thing], &lens[thing]))
		return false;
	if (thing == A_LINK) {
		fd = bpf_prog_get_fd_by_id(link.prog_id);
		/* Without one the link is on its way out, and nobody's. */
		found = fd >= 0 && look(fd, A_PROGRAM, &same, name);
		if (fd >= 0)
			close(fd);
		*id = link.id;
		return found;
	}
	*id = thing == A_MAP ? map.id : program.id;
	memcpy(name, thing == A_MAP ? map.name : program.name, 16);
	name[15] = '\0';
	return true;
}

void kernel_mark(struct kernel_mark *m)
{
	for (int thing = 0; thing < THINGS; thing++)
		while (!sources[thing].next(m->id[thing], &m->id[thing]))
			;
}

static void suspect(struct suspects *s, enum thing thing, uint32_t id, const char *name,
		    size_t point)
{
	if (s->count == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 32;
		s->at = reallocarray(s->at, s->cap, sizeof(*s->at));
		if (!s->at)
			errx(2, "no memory");
	}
	s->at[s->count] = (struct suspect){ .thing = thing, .id = id, .point = point };
	memcpy(s->at[s->count++].name, name, sizeof(s->at[0].name));
}

void suspects_add(struct suspects *s, const struct kernel_mark *since, const char *token,
		  const struct ids *known, size_t point)
{
	for (int thing = 0; thing < THINGS; thing++) {
		uint32_t id = since->id[thing], same;
		char name[16];

		while (!sources[thing].next(id, &id)) {
			int fd = sources[thing].open(id);

			if (fd < 0)
				continue; /* just gone */
			if (look(fd, thing, &same, name) && !strncmp(name, token, TOKEN) &&
			    !ids_have(&known[thing], id))
				suspect(s, thing, id, name, point);
			close(fd);
		}
	}
}

void suspects_look(struct suspects *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		int fd = sources[s->at[i].thing].open(s->at[i].id);

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd >= 0)
			close(fd);
		s->at[kept++] = s->at[i];
	}
	s->count = kept;
}

uint32_t kernel_pinned(const char *path, enum thing thing)
{
	int fd = bpf_obj_get(path);
	uint32_t id = 0;
	char name[16];

	if (fd < 0)
		return 0;
	if (!look(fd, thing, &id, name))
		id = 0;
	close(fd);
	return id;
}

uint32_t kernel_link_program(const char *path)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		info.prog_id = 0;
	close(fd);
	return info.prog_id;
}

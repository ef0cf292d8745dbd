/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The variables of .data, .bss and .rodata: such a map is an array of one element, all of them. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/grow.h"
#include "base/text.h"
#include "kernel/worker/btf_parse.h"
#include "kernel/worker/map.h"

/* The bytes of the whole section, as they are now; owned by the caller. */
static unsigned char *read_section(const struct map *m, struct failure *f)
{
	const __u32 zero = 0;
	unsigned char *bytes = calloc(1, m->facts.info.value_size + 1);

	if (!bytes) {
		fail_nomem(f);
	} else if (bpf_map_lookup_elem(m->fd, &zero, bytes)) {
		fail(f, STAGE_MAP, REASON_OTHER, errno, "%s cannot be read: %s", m->name,
		     strerror(errno));
		free(bytes);
		bytes = NULL;
	}
	return bytes;
}

/* The i-th variable: its name, and where it lies. False: none that can be told. */
static bool variable(const struct map *m, int i, const char **name, struct btf_place *place)
{
	const struct btf_var_secinfo *at = btf_var_secinfos(m->section) + i;
	const struct btf_type *var = btf__type_by_id(m->btf, at->type);

	if (!var || !btf_is_var(var) || at->offset > m->facts.info.value_size ||
	    at->size > m->facts.info.value_size - at->offset)
		return false;
	*name = btf__name_by_offset(m->btf, var->name_off);
	*place = (struct btf_place){ .type = var->type, .offset = at->offset, .size = at->size };
	return *name && **name;
}

static void add(struct entries *e, const struct map *m, const char *name,
		const struct btf_place *place, const unsigned char *bytes)
{
	const struct btf_copies one = { .bytes = bytes + place->offset,
					.size = place->size,
					.count = 1,
					.bit = place->bit,
					.bits = place->bits };

	entries_add_variable(e, m->btf, name, place->type, &one);
}

int data_dump(const struct map *m, struct entries *e, struct failure *f)
{
	unsigned char *bytes = read_section(m, f);
	int i;

	if (!bytes)
		return -f->error.err;
	for (i = 0; i < btf_vlen(m->section); i++) {
		struct btf_place place;
		const char *name;

		if (variable(m, i, &name, &place))
			add(e, m, name, &place, bytes);
	}
	free(bytes);
	return 0;
}

static int no_variable(const struct map *m, const char *word, struct failure *f)
{
	const char **names = NULL;
	const char *nearest;
	size_t count = 0;
	int i;

	fail(f, STAGE_REQUEST, REASON_NO_SUCH_KEY, ENOENT, "%s has no variable \"%s\"", m->name,
	     word);
	for (i = 0; i < btf_vlen(m->section); i++) {
		const char **grown = grow(names, count, sizeof(*names));
		struct btf_place place;

		if (!grown)
			break;
		names = grown;
		if (variable(m, i, &names[count], &place))
			count++;
	}
	nearest = text_nearest(word, names, count);
	if (nearest)
		error_hint(&f->error, "did you mean \"%s\"?", nearest);
	else
		error_hint(&f->error, "map dump lists its variables");
	free(names);
	return -f->error.err;
}

/* A variable, or a part of one: "cfg.ports[0]". */
static int find(const struct map *m, const char *path, struct btf_place *place, struct failure *f)
{
	size_t len = path ? strcspn(path, ".[") : 0;
	char *word;
	bool found = false;
	int err;
	int i;

	if (!path)
		return fail_request(f, "%s holds variables: name one", m->name);
	word = strndup(path, len);
	if (!word)
		return fail_nomem(f);
	for (i = 0; i < btf_vlen(m->section) && !found; i++) {
		const char *name;

		found = variable(m, i, &name, place) && !strcmp(name, word);
	}
	err = found ? btf_place_step(m->btf, path + len, place, f) : no_variable(m, word, f);
	free(word);
	if (!err && (place->offset > m->facts.info.value_size ||
		     place->size > m->facts.info.value_size - place->offset))
		err = fail(f, STAGE_MAP, REASON_NO_SUCH_KEY, EINVAL, "%s: %s lies outside of it",
			   m->name, path);
	return err;
}

int data_get(const struct map *m, const char *path, struct entries *e, struct failure *f)
{
	struct btf_place place;
	unsigned char *bytes;
	int err = find(m, path, &place, f);

	if (err)
		return err;
	bytes = read_section(m, f);
	if (!bytes)
		return -f->error.err;
	add(e, m, path, &place, bytes);
	free(bytes);
	return 0;
}

/* In one store where the machine can, so that no program sees a half of the number. */
static void store(unsigned char *to, const unsigned char *from, size_t size)
{
	bool aligned = (uintptr_t)to % (size ? size : 1) == 0;
	uint64_t wide;
	uint32_t word;
	uint16_t half;

	if (aligned && size == sizeof(wide)) {
		memcpy(&wide, from, size);
		__atomic_store_n((uint64_t *)(void *)to, wide, __ATOMIC_RELEASE);
	} else if (aligned && size == sizeof(word)) {
		memcpy(&word, from, size);
		__atomic_store_n((uint32_t *)(void *)to, word, __ATOMIC_RELEASE);
	} else if (aligned && size == sizeof(half)) {
		memcpy(&half, from, size);
		__atomic_store_n((uint16_t *)(void *)to, half, __ATOMIC_RELEASE);
	} else {
		memcpy(to, from, size);
	}
}

/*
 * Programs may write to other variables at the same time: only this one's bytes are touched where
 * the section can be mapped, as those of libbpf can.
 */
static int write_part(const struct map *m, const struct btf_place *place,
		      const unsigned char *bytes, struct failure *f)
{
	size_t size = m->facts.info.value_size;
	const __u32 zero = 0;
	unsigned char *mapped;

	if (!(m->facts.info.map_flags & BPF_F_MMAPABLE)) {
		if (!bpf_map_update_elem(m->fd, &zero, bytes, BPF_ANY))
			return 0;
		return fail(f, STAGE_MAP, REASON_OTHER, errno, "%s cannot be written to: %s",
			    m->name, strerror(errno));
	}
	mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (mapped == MAP_FAILED)
		return fail(f, STAGE_MAP, REASON_OTHER, errno, "%s cannot be written to: %s",
			    m->name, strerror(errno));
	store(mapped + place->offset, bytes + place->offset, place->size);
	munmap(mapped, size);
	return 0;
}

int data_set(const struct map *m, const char *path, const char *text, bool check, struct failure *f)
{
	struct btf_place place;
	unsigned char *bytes;
	int err = find(m, path, &place, f);

	if (err)
		return err;
	bytes = read_section(m, f);
	if (!bytes)
		return -f->error.err;
	err = btf_place_parse(m->btf, &place, text, bytes, m->facts.info.value_size, f);
	if (!err && !check)
		err = write_part(m, &place, bytes, f);
	free(bytes);
	return err;
}

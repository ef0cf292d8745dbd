/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "kernel/worker/load.h"

static int read_facts(struct load *l, struct failure *f)
{
	size_t i;
	int err = 0;

	f->stage = STAGE_VERIFY;
	l->programs = calloc(l->object.count, sizeof(*l->programs));
	if (!l->programs)
		return fail_nomem(f);
	for (i = 0; !err && i < l->object.count; i++) {
		struct load_program *p = &l->programs[i];

		p->program = l->object.programs[i];
		p->id = -1;
		err = program_facts_read(bpf_program__fd(p->program), &p->facts, f);
	}
	for (i = 0; !err && i < l->map_count; i++) {
		struct load_map *m = &l->maps[i];

		if (m->reused || bpf_map__autocreate(m->map))
			err = map_facts_read(bpf_map__fd(m->map), &m->facts, f);
	}
	return err;
}

static bool is_used(const struct load *l, const struct load_map *m)
{
	size_t i;

	for (i = 0; i < l->object.count; i++)
		if (program_uses_map(&l->programs[i].facts, m->facts.info.id))
			return true;
	return false;
}

/* The id that a mapping of the request gives to this name, else the next one. */
static int give_id(struct load *l, const char *field, const char *name, json_int_t *next,
		   json_int_t *id, struct failure *f)
{
	char *key = wire_encode(name, strlen(name));
	const json_t *given = key ? json_object_get(request_field(l->request, field), key) : NULL;
	uint64_t number = 0;

	free(key);
	if (!key)
		return fail_nomem(f);
	if (!given) {
		*id = (*next)++;
		return 0;
	}
	if (!parse_u64(json_string_value(given), &number) || !number || number > UINT64_C(1) << 53)
		return fail_request(f, "field '%s': the id of '%s' is not a number", field, name);
	*id = (json_int_t)number;
	return 0;
}

/*
 * Decides what is kept, and the ids. Maps of programs that were not chosen were created too, as
 * libbpf creates all; they vanish. A shared map is for its users: without one it vanishes too.
 */
static int choose(struct load *l, struct failure *f)
{
	json_int_t next = l->next_id;
	size_t i;
	int err = 0;

	for (i = 0; !err && l->staging.path && i < l->object.count; i++)
		err = give_id(l, "program_ids", bpf_program__name(l->programs[i].program), &next,
			      &l->programs[i].id, f);
	for (i = 0; !err && i < l->map_count; i++) {
		struct load_map *m = &l->maps[i];

		if (m->facts.info.id == 0)
			continue;
		m->kept = (!m->by_name && !m->given.path && !l->object.subset) || is_used(l, m);
		if (m->kept && !m->reused && l->staging.path)
			err = give_id(l, "map_ids", m->name, &next, &m->id, f);
	}
	return err;
}

static int pin_error(struct failure *f, const char *verb, const char *directory, const char *name,
		     int err)
{
	enum reason reason = err == EEXIST ? REASON_PIN_TAKEN : REASON_OTHER;

	if (err == EXDEV)
		reason = REASON_BAD_PATH;
	return fail(f, STAGE_PIN, reason, err, "cannot %s at %s/%s: %s", verb, directory, name,
		    strerror(err));
}

static int put(struct load *l, int fd, int dirfd, const char *directory, const char *name,
	       struct stat *st, struct failure *f)
{
	int err = undo_note(&l->undo, dirfd, name, false, f);

	if (err)
		return err;
	err = pin_put(fd, dirfd, name);
	if (err) {
		undo_drop(&l->undo);
		return pin_error(f, "pin", directory, name, -err);
	}
	if (fstatat(dirfd, name, st, AT_SYMLINK_NOFOLLOW))
		return pin_error(f, "find the pin", directory, name, errno);
	return 0;
}

int load_link(struct load *l, int from, const char *pin, int dirfd, const char *directory,
	      const char *name, struct failure *f)
{
	int err = undo_note(&l->undo, dirfd, name, false, f);

	if (err)
		return err;
	if (linkat(from, pin, dirfd, name, 0)) {
		err = errno;
		undo_drop(&l->undo);
		return pin_error(f, "link", directory, name, err);
	}
	return 0;
}

static int make_directory(struct load *l, const struct place *p, int *fd, struct failure *f)
{
	int err = undo_note(&l->undo, place_fd(p), p->base, true, f);

	if (err)
		return err;
	if (mkdirat(place_fd(p), p->base, 0700)) {
		err = errno;
		undo_drop(&l->undo);
		return fail(f, STAGE_PIN, REASON_OTHER, err, "cannot make the directory %s: %s",
			    p->path, strerror(err));
	}
	*fd = openat(place_fd(p), p->base, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0)
		return fail(f, STAGE_PIN, REASON_OTHER, errno, "cannot open %s: %s", p->path,
			    strerror(errno));
	return 0;
}

static void pin_name(char pin[PIN_NAME], char kind, json_int_t id, const char *name)
{
	char reduced[PIN_REDUCED + 1];

	pin_reduce(name, reduced);
	snprintf(pin, PIN_NAME, "%c%lld_%s", kind, (long long)id, reduced);
}

static int stage(struct load *l, struct failure *f)
{
	size_t i;
	int err = make_directory(l, &l->staging, &l->staging_fd, f);

	for (i = 0; !err && i < l->object.count; i++) {
		struct load_program *p = &l->programs[i];

		pin_name(p->pin, 'p', p->id, bpf_program__name(p->program));
		err = put(l, bpf_program__fd(p->program), l->staging_fd, l->staging.path, p->pin,
			  &p->st, f);
	}
	for (i = 0; !err && i < l->map_count; i++) {
		struct load_map *m = &l->maps[i];

		if (m->id < 0 || m->by_name)
			continue;
		pin_name(m->pin, 'm', m->id, m->name);
		err = put(l, bpf_map__fd(m->map), l->staging_fd, l->staging.path, m->pin, &m->st,
			  f);
	}
	return err;
}

/* The name the user asked for. */
static int pin_by_path(struct load *l, struct failure *f)
{
	struct load_program *p = &l->programs[0];
	size_t parent = l->pin.base - l->pin.path - 1;
	char *directory;
	int err = place_make(&l->pin, &l->undo, f);

	if (err)
		return err;
	directory = strndup(l->pin.path, parent);
	if (!directory)
		return fail_nomem(f);
	if (l->staging.path)
		err = load_link(l, l->staging_fd, p->pin, place_fd(&l->pin), directory, l->pin.base,
				f);
	else
		err = put(l, bpf_program__fd(p->program), place_fd(&l->pin), directory, l->pin.base,
			  &p->st, f);
	free(directory);
	return err;
}

/*
 * New shared maps are pinned by their names at once, not staged: they belong to no object. Who
 * recovers takes away what is there and recorded nowhere.
 */
static int share_maps(struct load *l, struct failure *f)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < l->map_count; i++) {
		struct load_map *m = &l->maps[i];

		if (!m->kept || !m->by_name || m->reused)
			continue;
		if (l->by_name_fd < 0) {
			err = place_make(&l->by_name, &l->undo, f);
			if (!err)
				err = make_directory(l, &l->by_name, &l->by_name_fd, f);
		}
		if (err)
			break;
		err = put(l, bpf_map__fd(m->map), l->by_name_fd, l->by_name.path, m->shared_name,
			  &m->st, f);
	}
	return err;
}

int load_pin(struct load *l, struct failure *f)
{
	int err = read_facts(l, f);

	if (err)
		return err;
	err = choose(l, f);
	if (!err && l->staging.path)
		err = stage(l, f);
	if (!err && l->staging.path)
		err = load_carry(l, f);
	if (!err && l->pin.path)
		err = pin_by_path(l, f);
	if (!err)
		err = share_maps(l, f);
	return err;
}

int load_publish(struct load *l, struct failure *f)
{
	int parent;

	if (!l->staging.path)
		return 0;
	parent = place_fd(&l->staging);
	if (renameat2(parent, l->staging.base, parent, l->final_base, RENAME_NOREPLACE))
		return fail(f, STAGE_PIN, errno == EEXIST ? REASON_PIN_TAKEN : REASON_OTHER, errno,
			    "cannot rename %s to %s: %s", l->staging.path, l->final,
			    strerror(errno));
	return 0;
}

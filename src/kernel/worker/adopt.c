/* SPDX-License-Identifier: GPL-3.0-or-later */
/* adopt: a program that somebody else pinned, and its maps, get pins of ours beside theirs */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/worker/facts.h"
#include "kernel/worker/object.h"
#include "kernel/worker/pins.h"
#include "kernel/worker/request.h"
#include "kernel/worker/whole_name.h"

struct adopting {
	const struct request *request;
	struct failure *f;
	struct place theirs;
	struct stat st; /* of their pin */
	int program_fd;
	struct program_facts facts;
	char *name; /* of the program */
	struct place staging, final;
	int staging_fd; /* the directory; -1 before it is made */
	json_int_t next_id;
	json_t *programs, *maps;
	struct undo undo;
};

static int find_program(struct adopting *k)
{
	char *path = NULL;
	int err = request_string(k->request, "pin_path", &path, k->f);

	if (!err)
		err = pin_open("pin_path", path, &k->theirs, &k->st, &k->program_fd, k->f);
	free(path);
	if (err)
		return err;
	if (pin_kind(k->program_fd) != PIN_PROGRAM)
		return fail(k->f, STAGE_PIN, REASON_BAD_PATH, EINVAL, "%s is not a program",
			    k->theirs.path);
	err = program_facts_read(k->program_fd, &k->facts, k->f);
	if (err)
		return err;
	k->name = program_whole_name(k->program_fd, &k->facts.info);
	return k->name ? 0 : fail_nomem(k->f);
}

static int find_new(struct adopting *k, const char *field, struct place *place)
{
	char *path = NULL, *clean = NULL;
	int err = request_string(k->request, field, &path, k->f);

	if (!err)
		err = path_clean(path, field, &clean, k->f);
	free(path);
	return err ? err : place_find_new(place, clean, k->f);
}

static int make_staging(struct adopting *k)
{
	const struct place *p = &k->staging;
	int err = undo_note(&k->undo, place_fd(p), p->base, true, k->f);

	if (err)
		return err;
	if (mkdirat(place_fd(p), p->base, 0700)) {
		err = errno;
		undo_drop(&k->undo);
		return fail(k->f, STAGE_PIN, REASON_OTHER, err, "cannot make the directory %s: %s",
			    p->path, strerror(err));
	}
	k->staging_fd = openat(place_fd(p), p->base, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (k->staging_fd < 0)
		return fail(k->f, STAGE_PIN, REASON_OTHER, errno, "cannot open %s: %s", p->path,
			    strerror(errno));
	return 0;
}

static void pin_name(char pin[PIN_NAME], char kind, json_int_t id, const char *name)
{
	char reduced[PIN_REDUCED + 1];

	pin_reduce(name, reduced);
	snprintf(pin, PIN_NAME, "%c%lld_%s", kind, (long long)id, reduced);
}

static int cannot_pin(struct adopting *k, const char *pin, int err)
{
	return fail(k->f, STAGE_PIN, REASON_OTHER, err, "cannot pin %s/%s: %s", k->staging.path,
		    pin, strerror(err));
}

/* Pins it in staging; from: their pin, of which it becomes a second name where that can be. */
static int put(struct adopting *k, int fd, const struct place *from, const char *pin,
	       struct stat *st)
{
	int err = undo_note(&k->undo, k->staging_fd, pin, false, k->f);

	if (err)
		return err;
	if (from && linkat(place_fd(from), from->base, k->staging_fd, pin, 0))
		err = errno == EXDEV ? EXDEV : -errno; /* on another bpffs: a pin of its own */
	if (!from || err == EXDEV)
		err = pin_put(fd, k->staging_fd, pin);
	if (err) {
		undo_drop(&k->undo);
		return cannot_pin(k, pin, -err);
	}
	if (fstatat(k->staging_fd, pin, st, AT_SYMLINK_NOFOLLOW))
		return cannot_pin(k, pin, errno);
	return 0;
}

/* "FINAL/NAME" as a JSON string. */
static json_t *final_json(const struct adopting *k, const char *pin)
{
	struct buf path = { 0 };
	json_t *json;

	buf_printf(&path, "%s/%s", k->final.path, pin);
	json = buf_error(&path) ? NULL : wire_json(path.data);
	buf_free(&path);
	return json;
}

static int finish(struct adopting *k, json_t *list, json_t *row, int lost)
{
	if (lost || !row) {
		json_decref(row);
		return fail_nomem(k->f);
	}
	return json_array_append_new(list, row) ? fail_nomem(k->f) : 0;
}

static int adopt_program(struct adopting *k)
{
	char pin[PIN_NAME];
	struct stat st;
	json_t *row;
	int err, lost = 0;

	pin_name(pin, 'p', k->next_id, k->name);
	err = put(k, k->program_fd, &k->theirs, pin, &st);
	if (err)
		return err;
	/* Between opening and linking their pin may have become another. */
	if (st.st_dev == k->st.st_dev && st.st_ino != k->st.st_ino)
		return fail(k->f, STAGE_PIN, REASON_REPLACED, ESTALE, "%s is another object by now",
			    k->theirs.path);
	row = json_pack("{s:I, s:o, s:s, s:n, s:n, s:o, s:o}", "id", k->next_id, "name",
			wire_json(k->name), "type", object_program_type(k->facts.info.type),
			"attach_type", "section", "pinned_path", final_json(k, pin), "pin",
			final_json(k, pin));
	if (row) {
		lost |= pin_identity_row(row, &st);
		lost |= program_facts_row(row, &k->facts);
	}
	k->next_id++;
	return finish(k, k->programs, row, lost);
}

/* Where a map of this kernel id is pinned already; caller frees; NULL: nowhere that we know. */
static int known_map(struct adopting *k, __u32 id, char **path)
{
	char key[16];
	const json_t *known;

	snprintf(key, sizeof(key), "%u", id);
	known = json_object_get(request_field(k->request, "known_maps"), key);
	*path = NULL;
	return known ? request_decode(known, "known_maps", path, k->f) : 0;
}

static int map_row(struct adopting *k, const struct map_facts *facts, const char *pin,
		   const char *known, const struct stat *st)
{
	json_t *row = json_pack("{s:o, s:o, s:s, s:o, s:b, s:b}", "id",
				known ? json_null() : json_integer(k->next_id++), "name",
				wire_json(facts->info.name[0] ? facts->info.name : "map"), "type",
				object_map_type(facts->info.type), "pin",
				known ? wire_json(known) : final_json(k, pin), "shared", 0,
				"created", !known);
	int lost = 0;

	if (row) {
		lost |= pin_identity_row(row, st);
		lost |= map_facts_row(row, facts);
	}
	return finish(k, k->maps, row, lost);
}

static int adopt_map(struct adopting *k, __u32 id)
{
	struct map_facts facts;
	char pin[PIN_NAME] = "", *known = NULL;
	struct stat st;
	int fd = bpf_map_get_fd_by_id(id);
	int err;

	if (fd < 0)
		return fail(k->f, STAGE_PIN, REASON_OTHER, -fd,
			    "cannot open map k:%u of the program: %s", id, strerror(-fd));
	err = map_facts_read(fd, &facts, k->f);
	if (!err)
		err = known_map(k, id, &known);
	if (!err && !known) {
		pin_name(pin, 'm', k->next_id, facts.info.name[0] ? facts.info.name : "map");
		err = put(k, fd, NULL, pin, &st);
	}
	if (!err)
		err = map_row(k, &facts, pin, known, known ? NULL : &st);
	close(fd);
	free(known);
	return err;
}

static int run(struct adopting *k, json_t **result)
{
	struct stat st;
	int err = find_program(k);
	__u32 i;

	if (!err)
		err = find_new(k, "staging", &k->staging);
	if (!err)
		err = find_new(k, "final", &k->final);
	if (!err)
		err = make_staging(k);
	if (!err)
		err = adopt_program(k);
	for (i = 0; !err && i < k->facts.info.nr_map_ids; i++)
		err = adopt_map(k, k->facts.map_ids[i]);
	if (!err && fstat(k->staging_fd, &st))
		err = cannot_pin(k, "", errno);
	if (err)
		return err;
	*result = json_pack("{s:O, s:O, s:o}", "programs", k->programs, "maps", k->maps, "root_dev",
			    json_u64(st.st_dev));
	if (!*result)
		return fail_nomem(k->f);
	if (renameat2(place_fd(&k->staging), k->staging.base, place_fd(&k->final), k->final.base,
		      RENAME_NOREPLACE))
		return fail(k->f, STAGE_PIN, REASON_OTHER, errno, "cannot rename %s to %s: %s",
			    k->staging.path, k->final.path, strerror(errno));
	return 0;
}

int handle_ADOPT(const struct request *request, json_t **result, struct failure *f)
{
	struct adopting k = {
		.request = request,
		.f = f,
		.theirs = PLACE_INIT,
		.staging = PLACE_INIT,
		.final = PLACE_INIT,
		.program_fd = -1,
		.staging_fd = -1,
		.next_id = json_integer_value(request_field(request, "next_id")),
		.programs = json_array(),
		.maps = json_array(),
	};
	int err;

	f->stage = STAGE_PIN;
	err = k.programs && k.maps ? run(&k, result) : fail_nomem(f);
	if (err) {
		undo_run(&k.undo, f);
		json_decref(*result);
		*result = NULL;
	}
	undo_free(&k.undo);
	program_facts_free(&k.facts);
	if (k.program_fd >= 0)
		close(k.program_fd);
	if (k.staging_fd >= 0)
		close(k.staging_fd);
	place_free(&k.theirs);
	place_free(&k.staging);
	place_free(&k.final);
	json_decref(k.programs);
	json_decref(k.maps);
	free(k.name);
	return err;
}

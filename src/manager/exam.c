/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What doctor's rules look at, read once from the three stores. */
#include "manager/exam.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/grow.h"
#include "kernel/protocol/protocol.h"

/* ---- rows ---- */

/* Takes a row, with its strings, to the end of an array. */
#define TAKE(array, count, row)                                      \
	({                                                           \
		void *grown_ = grow(array, count, sizeof(*(array))); \
		if (grown_) {                                        \
			(array) = grown_;                            \
			(array)[(count)++] = *(row);                 \
			memset(row, 0, sizeof(*(row)));              \
		}                                                    \
		grown_ ? 0 : -ENOMEM;                                \
	})

static int take_object(void *data, struct db_object *o)
{
	struct exam *x = data;

	return TAKE(x->objects, x->object_count, o);
}

static int take_program(void *data, struct db_program *p)
{
	struct exam *x = data;

	return TAKE(x->programs, x->program_count, p);
}

static int take_map(void *data, struct db_map *map)
{
	struct exam *x = data;

	return TAKE(x->maps, x->map_count, map);
}

static int take_link(void *data, struct db_link *l)
{
	struct exam *x = data;

	return TAKE(x->links, x->link_count, l);
}

static int take_upgrade(void *data, struct db_upgrade *u)
{
	struct exam *x = data;

	return TAKE(x->upgrades, x->upgrade_count, u);
}

static int read_rows(struct exam *x)
{
	int r = db_read_begin(x->db, x->e);

	if (r)
		return r;
	r = db_objects(x->db, take_object, x, x->e);
	if (!r)
		r = db_programs(x->db, 0, take_program, x, x->e);
	if (!r)
		r = db_maps(x->db, 0, take_map, x, x->e);
	if (!r)
		r = db_links(x->db, 0, take_link, x, x->e);
	if (!r)
		r = db_upgrades(x->db, take_upgrade, x, x->e);
	db_read_end(x->db);
	return r == -ENOMEM && !x->e->err ? error_nomem(x->e) : r;
}

/* In an array of structs that begin with their id, and are in order of it. */
static const void *find_id(const void *array, size_t count, size_t size, int64_t id)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const int64_t *found = (const void *)((const char *)array + mid * size);

		if (*found == id)
			return found;
		if (*found < id)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const struct db_object *exam_object(const struct exam *x, int64_t id)
{
	return find_id(x->objects, x->object_count, sizeof(*x->objects), id);
}

static const struct db_program *program_of(const struct exam *x, int64_t id)
{
	return find_id(x->programs, x->program_count, sizeof(*x->programs), id);
}

/* ---- the kernel ---- */

/* That it cannot be asked, or not about all, is a finding and no failure. */
static int read_kernel(struct exam *x)
{
	struct error why = ERROR_INIT;
	json_t *answer = NULL;
	int r = manager_ask(x->m, "what the kernel has", json_pack("{ss}", "op", "kernel_list"),
			    &answer, &why);

	if (r && why.class == ERROR_INTERRUPTED) {
		error_move(x->e, &why);
		return r;
	}
	if (r)
		x->blind = strdup(why.message ? why.message : "the kernel cannot be asked");
	for (int kind = DB_PROGRAM; !r && kind <= DB_LINK; kind++) {
		struct census *c = &x->kernel[kind];

		if (census_read(json_object_get(answer, "result"), kind, c, x->e)) {
			json_decref(answer);
			return -x->e->err;
		}
		if (c->incomplete && !x->blind)
			x->blind = strdup(c->incomplete);
	}
	x->nomem |= (r || x->kernel[DB_PROGRAM].incomplete) && !x->blind;
	json_decref(answer);
	error_clear(&why);
	return 0;
}

int exam_info(struct exam *x, const char *path, json_t **result)
{
	struct error why = ERROR_INIT;
	json_t *answer = NULL;
	int r = manager_ask(x->m, path,
			    json_pack("{ss so}", "op", "info", "pin_path", wire_json(path)),
			    &answer, &why);

	*result = r ? NULL : json_incref(json_object_get(answer, "result"));
	json_decref(answer);
	if (r && why.class == ERROR_INTERRUPTED)
		error_move(x->e, &why);
	else
		r = 0;
	error_clear(&why);
	return r;
}

char *exam_describe(const struct exam *x, const json_t *info)
{
	uint32_t program = (uint32_t)answer_int(info, "program_id");
	const struct census_row *row = census_find(&x->kernel[DB_PROGRAM], program);
	char *name = answer_bytes(info, "name");
	struct buf text = { 0 };
	char *made;

	if (!info) {
		buf_str(&text, "something that cannot be looked at");
	} else {
		buf_printf(&text, "%s k:%lld", answer_str(info, "kind", "something"),
			   (long long)answer_int(info, "kernel_id"));
		if (name)
			buf_printf(&text, " \"%s\"", name);
		if (program)
			buf_printf(&text, " of program k:%" PRIu32 "%s%s%s", program,
				   row && row->name ? " \"" : "", row && row->name ? row->name : "",
				   row && row->name ? "\"" : "");
	}
	free(name);
	made = buf_take(&text);
	buf_free(&text);
	return made;
}

/* ---- rows against pins and kernel ---- */

/* Ids are used again only after two thousand million others, so within a boot one is enough. */
static const struct census_row *in_kernel(const struct exam *x, const struct thing *t)
{
	const struct census_row *row = census_find(&x->kernel[t->kind], t->identity.kernel_id);

	if (row && t->kind == DB_PROGRAM && row->load_time != t->program->load_time)
		return NULL;
	return row;
}

static int see_replaced(struct exam *x, struct thing *t)
{
	json_t *info = NULL;
	int r = exam_info(x, t->pin, &info);
	bool same = info && !strcmp(answer_str(info, "kind", ""), db_kind_name(t->kind)) &&
		    answer_int(info, "kernel_id") == t->identity.kernel_id &&
		    (t->kind != DB_PROGRAM ||
		     answer_u64(info, "load_time_ns") == t->program->load_time);

	if (!r) {
		t->ailment = same ? AILS_REPINNED : AILS_FOREIGN;
		t->there = exam_describe(x, info);
		x->nomem |= !t->there;
	}
	json_decref(info);
	return r;
}

static void see_target(struct exam *x, struct thing *t)
{
	struct look look = manager_look_link(x->m, t->link);

	if (look.sight == SIGHT_TARGET_GONE) {
		t->ailment = AILS_TARGET;
		t->reason = look.reason;
	} else if (look.sight == SIGHT_UNKNOWN) {
		t->ailment = AILS_UNREACHABLE;
		t->reason = look.reason;
	} else if (t->kernel && t->kernel->target_gone) {
		t->ailment = AILS_DETACHED;
	} else if (t->kernel && t->kernel->program_id != t->program->identity.kernel_id) {
		t->ailment = AILS_REDIRECTED;
	}
}

static int see(struct exam *x, struct thing *t)
{
	struct look look =
		manager_look(x->m, t->boot_id, t->root_dev, t->pin, &t->identity, t->state);

	t->kernel = strcmp(t->boot_id, x->m->boot_id) ? NULL : in_kernel(x, t);
	t->reason = look.reason;
	switch (look.sight) {
	case SIGHT_PENDING:
		t->ailment = AILS_UNSETTLED;
		break;
	case SIGHT_UNKNOWN:
		t->ailment = strstr(look.reason, "bpffs") ? AILS_BPFFS : AILS_UNREACHABLE;
		break;
	case SIGHT_LOST:
		if (!strcmp(look.reason, "reboot"))
			t->ailment = AILS_STALE;
		else if (!strcmp(look.reason, "replaced"))
			return see_replaced(x, t);
		else
			t->ailment = t->kernel || x->blind ? AILS_UNPINNED : AILS_GONE;
		break;
	case SIGHT_LOADED:
	case SIGHT_ATTACHED:
	case SIGHT_TARGET_GONE:
		if (t->kind == DB_LINK)
			see_target(x, t);
		break;
	}
	return 0;
}

/* What rows that have pins have in common. */
#define THING(kind_, row)                                                                         \
	{                                                                                         \
		.kind = kind_, .id = (row)->id, .object_id = (row)->object_id, .pin = (row)->pin, \
		.boot_id = (row)->boot_id, .identity = (row)->identity,                           \
		.root_dev = (row)->root_dev, .state = (row)->state                                \
	}

static int see_things(struct exam *x)
{
	struct thing *t;
	int r = 0;

	x->things = calloc(x->program_count + x->map_count + x->link_count + 1, sizeof(*x->things));
	if (!x->things)
		return error_nomem(x->e);
	t = x->things;
	for (size_t i = 0; i < x->program_count; i++, t++) {
		*t = (struct thing)THING(DB_PROGRAM, &x->programs[i]);
		t->name = x->programs[i].name;
		t->program = &x->programs[i];
	}
	for (size_t i = 0; i < x->map_count; i++, t++) {
		*t = (struct thing)THING(DB_MAP, &x->maps[i]);
		t->name = x->maps[i].name;
	}
	for (size_t i = 0; i < x->link_count; i++, t++) {
		*t = (struct thing)THING(DB_LINK, &x->links[i]);
		t->name = x->links[i].program_name;
		t->link = &x->links[i];
		t->program = program_of(x, x->links[i].program_id);
	}
	x->thing_count = (size_t)(t - x->things);
	manager_look_begin(x->m);
	for (size_t i = 0; !r && i < x->thing_count; i++)
		r = see(x, &x->things[i]);
	manager_look_end(x->m);
	return r;
}

/* ---- paths that rows know ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int know(struct exam *x, const char *path, size_t len)
{
	char **grown = grow(x->known, x->known_count, sizeof(*grown));

	if (!grown)
		return error_nomem(x->e);
	x->known = grown;
	grown[x->known_count] = strndup(path, len);
	return grown[x->known_count++] ? 0 : error_nomem(x->e);
}

static int know_paths(struct exam *x)
{
	int r = 0;

	for (size_t i = 0; !r && i < x->thing_count; i++) {
		const char *pin = x->things[i].pin, *slash = pin ? strrchr(pin, '/') : NULL;

		if (!slash)
			continue;
		r = know(x, pin, strlen(pin));
		if (!r)
			r = know(x, pin, (size_t)(slash - pin));
	}
	for (size_t i = 0; !r && i < x->object_count; i++)
		if (x->objects[i].pin_dir)
			r = know(x, x->objects[i].pin_dir, strlen(x->objects[i].pin_dir));
	if (!r && x->known_count)
		qsort(x->known, x->known_count, sizeof(*x->known), by_text);
	return r;
}

bool exam_knows(const struct exam *x, const char *path)
{
	return x->known_count &&
	       bsearch(&path, x->known, x->known_count, sizeof(*x->known), by_text);
}

/* ---- the pin root ---- */

static int add_entry(struct exam *x, const char *path, size_t root, const struct stat *st)
{
	struct entry *grown = grow(x->entries, x->entry_count, sizeof(*grown));
	struct entry *entry;

	if (!grown)
		return error_nomem(x->e);
	x->entries = grown;
	entry = &grown[x->entry_count];
	*entry = (struct entry){ .path = strdup(path),
				 .directory = S_ISDIR(st->st_mode),
				 .dev = st->st_dev,
				 .ino = st->st_ino };
	if (!entry->path)
		return error_nomem(x->e);
	entry->below = entry->path + root + 1;
	x->entry_count++;
	return 0;
}

/* Nothing that bpfman makes is deeper. */
enum { DEPTH = 4 };

static int walk(struct exam *x, int parent, const char *name, const char *path, size_t root,
		int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct buf below = { 0 };
	int r = 0;

	if (!dir) {
		if (errno != ENOENT)
			x->root_err = errno;
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while (!r && (entry = readdir(dir))) {
		struct stat st;

		if (entry->d_name[0] == '.') /* bpffs has no other names with a dot */
			continue;
		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		buf_reset(&below);
		buf_printf(&below, "%s/%s", path, entry->d_name);
		r = buf_error(&below) ? error_nomem(x->e) : add_entry(x, below.data, root, &st);
		if (!r && S_ISDIR(st.st_mode) && depth < DEPTH)
			r = walk(x, fd, entry->d_name, below.data, root, depth + 1);
	}
	buf_free(&below);
	closedir(dir);
	return r;
}

static int read_root(struct exam *x)
{
	size_t len = strlen(ROOT_OWNER);
	char *root = realpath(x->m->pin_root, NULL); /* as rows have it */
	bool ours = false;
	int r = 0;

	if (root)
		r = walk(x, AT_FDCWD, root, root, strlen(root), 1);
	else if (errno == ENOMEM)
		r = error_nomem(x->e);
	else if (errno != ENOENT)
		x->root_err = errno;
	for (size_t i = 0; !r && i < x->entry_count; i++) {
		const char *below = x->entries[i].below;

		if (strncmp(below, ROOT_OWNER, len))
			continue;
		if (strcmp(below + len, db_uuid(x->db)) != 0)
			x->owner = below + len;
		else
			ours = true;
	}
	if (ours) /* as root_claim() has it */
		x->owner = NULL;
	free(root);
	return r;
}

int exam_read(struct exam *x)
{
	int r;

	manager_look_again(x->m);
	r = manager_db(x->m, &x->db, x->e);
	if (!r)
		r = read_rows(x);
	if (!r)
		r = read_kernel(x);
	if (!r)
		r = see_things(x);
	if (!r)
		r = know_paths(x);
	if (!r)
		r = read_root(x);
	return r;
}

void exam_free(struct exam *x)
{
	for (size_t i = 0; i < x->object_count; i++)
		db_object_clear(&x->objects[i]);
	for (size_t i = 0; i < x->program_count; i++)
		db_program_clear(&x->programs[i]);
	for (size_t i = 0; i < x->map_count; i++)
		db_map_clear(&x->maps[i]);
	for (size_t i = 0; i < x->link_count; i++)
		db_link_clear(&x->links[i]);
	for (size_t i = 0; i < x->upgrade_count; i++)
		db_upgrade_clear(&x->upgrades[i]);
	for (size_t i = 0; i < x->thing_count; i++)
		free(x->things[i].there);
	for (size_t i = 0; i < x->entry_count; i++)
		free(x->entries[i].path);
	for (size_t i = 0; i < x->known_count; i++)
		free(x->known[i]);
	for (int kind = DB_PROGRAM; kind <= DB_LINK; kind++)
		census_free(&x->kernel[kind]);
	free(x->objects);
	free(x->programs);
	free(x->maps);
	free(x->links);
	free(x->upgrades);
	free(x->things);
	free(x->entries);
	free(x->known);
	free(x->blind);
}

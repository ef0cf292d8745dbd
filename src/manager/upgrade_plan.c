/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the new build keeps, replaces and drops. */
#include "manager/upgrade.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "kernel/protocol/protocol.h"

int upgrade_check_alive(struct upgrading *k)
{
	k->m->sight.known = false;
	for (size_t i = 0; i < k->rows.program_count; i++) {
		const struct db_program *p = &k->rows.programs[i];
		struct look look = manager_look_program(k->m, p);
		int r;

		if (look.sight == SIGHT_LOST) {
			error_set(k->e, ENOENT,
				  "program %lld \"%s\" is lost (%s): there is "
				  "nothing to upgrade",
				  (long long)p->id, p->name, look.reason);
			return error_hint(k->e, "restore object:%s first", k->o.name);
		}
		r = check_reachable(k->m, "program", p->id, p->name, look, k->e);
		if (r)
			return r;
	}
	return 0;
}

/* The row of that name in one of the file's lists. */
static const json_t *in_file(const struct upgrading *k, const char *list, const char *name)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(k->file, list), i, row) {
		char *bytes = answer_bytes(row, "name");
		bool found = bytes && !strcmp(bytes, name);

		free(bytes);
		if (found)
			return row;
	}
	return NULL;
}

bool upgrade_is_selected(const struct upgrading *k, const char *name)
{
	const json_t *programs = json_object_get(k->options, "programs"), *item;
	const json_t *row = in_file(k, "programs", name);
	size_t i;

	if (!row)
		return false;
	if (!programs)
		return !json_is_false(json_object_get(row, "autoload"));
	json_array_foreach (programs, i, item) {
		char *wanted = NULL;
		size_t len;
		bool same = !wire_decode(json_string_value(item), &wanted, &len) &&
			    !strcmp(wanted, name);

		free(wanted);
		if (same)
			return true;
	}
	return false;
}

int upgrade_set_id(json_t *ids, const char *name, int64_t id, struct error *e)
{
	char *key = wire_encode(name, strlen(name));
	char text[24];
	int r = -1;

	snprintf(text, sizeof(text), "%lld", (long long)id);
	if (key)
		r = json_object_set_new(ids, key, json_string(text));
	free(key);
	return r ? error_nomem(e) : 0;
}

static bool has_links(const struct upgrading *k, int64_t program_id)
{
	for (size_t i = 0; i < k->rows.link_count; i++)
		if (k->rows.links[i].program_id == program_id)
			return true;
	return false;
}

/* What a map may hold, as the worker finds it there. */
static int set_former(json_t *former, const struct db_identity *identity, const char *name,
		      struct error *e)
{
	char id[16];

	if (!identity->kernel_id)
		return 0;
	snprintf(id, sizeof(id), "%u", identity->kernel_id);
	return json_object_set_new(former, id, wire_json(name)) ? error_nomem(e) : 0;
}

static int plan_programs(struct upgrading *k)
{
	int r = 0;

	for (size_t i = 0; !r && i < k->rows.program_count; i++) {
		const struct db_program *p = &k->rows.programs[i];

		r = set_former(k->former_programs, &p->identity, p->name, k->e);
		if (r)
			break;
		if (upgrade_is_selected(k, p->name)) {
			r = upgrade_set_id(k->program_ids, p->name, p->id, k->e);
		} else if (has_links(k, p->id)) {
			error_set(k->e, ENOENT, "%s has no program %s, which is attached",
				  k->in.path, p->name);
			r = error_hint(k->e,
				       "detach %lld first, or give the new build a program "
				       "of that name",
				       (long long)p->id);
		} else if (p->outside_path) {
			error_set(k->e, ENOENT, "%s has no program %s, which is pinned at %s",
				  k->in.path, p->name, p->outside_path);
			r = error_hint(k->e, "give the new build a program of that name");
		}
	}
	return r;
}

static bool is_reset(const struct upgrading *k, const char *name)
{
	for (size_t i = 0; i < k->u->reset_count; i++)
		if (!strcmp(k->u->reset_maps[i], name))
			return true;
	return false;
}

bool upgrade_is_constant(const char *name)
{
	return !strncmp(name, ".rodata", 7) || !strcmp(name, ".kconfig");
}

static int check_resets(struct upgrading *k)
{
	for (size_t i = 0; i < k->u->reset_count; i++) {
		const char *name = k->u->reset_maps[i], *near;
		const char **names;
		bool known = false;

		names = calloc(k->rows.map_count + 1, sizeof(*names));
		if (!names)
			return error_nomem(k->e);
		for (size_t j = 0; j < k->rows.map_count; j++) {
			names[j] = k->rows.maps[j].name;
			known |= !strcmp(names[j], name);
		}
		near = known ? NULL : text_nearest(name, names, k->rows.map_count);
		free(names);
		if (known)
			continue;
		error_set(k->e, ENOENT, "--reset-map: object \"%s\" has no map %s of its own",
			  k->o.name, name);
		return near ? error_hint(k->e, "did you mean \"%s\"?", near)
			    : error_hint(k->e, "show object:%s lists its maps", k->o.name);
	}
	return 0;
}

int upgrade_foreign_user(struct upgrading *k, int64_t map_id, int64_t *program)
{
	int64_t *users;
	size_t count;
	int r = db_map_programs(k->m->db, map_id, &users, &count, k->e);

	*program = 0;
	for (size_t i = 0; !r && i < count; i++)
		if (!upgrade_program(&k->rows, users[i]))
			*program = users[i];
	if (!r)
		free(users);
	return r;
}

/* What is kept has to be there. */
static int check_map(struct upgrading *k, const struct db_map *map)
{
	struct look look = manager_look_map(k->m, map);

	if (look.sight != SIGHT_LOST)
		return check_reachable(k->m, "map", map->id, map->name, look, k->e);
	error_set(k->e, ENOENT, "map %lld \"%s\" is lost (%s): its contents cannot be kept",
		  (long long)map->id, map->name, look.reason);
	return error_hint(k->e, "--reset-map %s lets it begin anew", map->name);
}

/* These are made of the object's own programs, and so made anew. */
static bool is_of_programs(const struct db_map *map)
{
	return !strcmp(map->type, "prog_array") || !strcmp(map->type, "struct_ops");
}

static int set_pin(json_t *pins, const struct db_map *map, struct error *e)
{
	char *key = wire_encode(map->name, strlen(map->name));
	int r = key && !json_object_set_new(pins, key, wire_json(map->pin)) ? 0 : error_nomem(e);

	free(key);
	return r;
}

static int plan_map(struct upgrading *k, const struct db_map *map)
{
	bool stays = in_file(k, "maps", map->name);
	bool kept = stays && !upgrade_is_constant(map->name) && !is_reset(k, map->name);
	int64_t user = 0;
	int r = kept ? check_map(k, map) : 0;

	if (!r && kept && !is_of_programs(map))
		return set_pin(k->keep, map, k->e);
	if (!r && kept && map->pin)
		r = set_pin(k->fill, map, k->e);
	if (!r)
		r = set_former(k->former_maps, &map->identity, map->name, k->e);
	if (!r)
		r = upgrade_foreign_user(k, map->id, &user);
	if (!r && user && stays) {
		error_set(k->e, EBUSY,
			  "map %s cannot be %s: program %lld of another object "
			  "uses it",
			  map->name, kept ? "replaced by the new build's" : "reset",
			  (long long)user);
		return error_hint(k->e, "unload that one first");
	}
	if (!r && stays)
		return upgrade_set_id(k->map_ids, map->name, map->id, k->e);
	if (!r && user && json_array_append_new(k->carry, wire_json(map->pin)))
		r = error_nomem(k->e);
	return r;
}

int upgrade_plan_link(struct upgrading *k, size_t i)
{
	const struct db_link *l = &k->rows.links[i];
	const struct db_program *p = upgrade_program(&k->rows, l->program_id);
	struct look look = manager_look_link(k->m, l);
	json_t *answer = NULL;
	const char *how;
	int r;

	if (look.sight == SIGHT_LOST || !p || !l->pin)
		return 0; /* its row stays what it is: lost */
	r = manager_do(k->m, l->pin,
		       json_pack("{ss so}", "op", "info", "pin_path", wire_json(l->pin)), &answer,
		       k->e);
	if (r)
		goto out;
	how = answer_str(json_object_get(answer, "result"), "update", "none");
	if (!strcmp(how, "replace")) {
		if (json_array_append_new(k->carry, wire_json(l->pin)) ||
		    json_object_set_new(k->moves, path_base(l->pin), wire_json(path_base(p->pin))))
			r = error_nomem(k->e);
	} else if (!strcmp(how, "anew") && look.sight == SIGHT_TARGET_GONE) {
		/* There is nothing to attach it to: it stays as it is, to be detached. */
		if (json_array_append_new(k->carry, wire_json(l->pin)))
			r = error_nomem(k->e);
		else if (k->u->kept)
			k->u->kept(k->u->kept_data, l->pin, "its target is gone");
	} else if (!strcmp(how, "anew")) {
		k->anew[i] = true;
	} else {
		error_set(k->e, EOPNOTSUPP,
			  "link %lld (%s %s) cannot move to another program, and "
			  "two cannot be attached there at once",
			  (long long)l->id, l->type, l->target_text);
		r = error_hint(k->e,
			       "detach %lld, upgrade, and attach again: nothing runs there "
			       "in between",
			       (long long)l->id);
	}
out:
	json_decref(answer);
	return r;
}

/* Something in the object's directory. */
struct entry {
	const char *boot_id; /* the present one */
	const char *name;
	struct stat st;
};

/* Whether a row says that this very thing is pinned there under that name. */
static bool is_pin_of(const struct entry *entry, const char *boot_id, const char *pin,
		      const struct db_identity *identity)
{
	return pin && boot_id && !strcmp(boot_id, entry->boot_id) &&
	       !strcmp(path_base(pin), entry->name) && entry->st.st_dev == identity->dev &&
	       entry->st.st_ino == identity->ino;
}

static bool is_ours(const struct upgrade_rows *rows, const struct entry *entry)
{
	for (size_t i = 0; i < rows->program_count; i++) {
		const struct db_program *p = &rows->programs[i];

		if (is_pin_of(entry, p->boot_id, p->pin, &p->identity))
			return true;
	}
	for (size_t i = 0; i < rows->map_count; i++) {
		const struct db_map *map = &rows->maps[i];

		if (is_pin_of(entry, map->boot_id, map->pin, &map->identity))
			return true;
	}
	for (size_t i = 0; i < rows->link_count; i++) {
		const struct db_link *l = &rows->links[i];

		if (is_pin_of(entry, l->boot_id, l->pin, &l->identity))
			return true;
	}
	return false;
}

int upgrade_check_strangers(struct upgrading *k)
{
	DIR *d = opendir(k->dir);
	struct entry entry = { .boot_id = k->m->boot_id };
	const struct dirent *found;
	int r = 0;

	if (!d)
		return error_set(k->e, errno, "cannot read %s: %s", k->dir, strerror(errno));
	while (!r && (found = readdir(d))) {
		entry.name = found->d_name;
		if (entry.name[0] == '.' || /* bpffs has no names with dots but . and .. */
		    fstatat(dirfd(d), entry.name, &entry.st, AT_SYMLINK_NOFOLLOW) ||
		    is_ours(&k->rows, &entry))
			continue;
		error_set(k->e, EEXIST, "%s/%s is not what bpfman pinned there, and would be lost",
			  k->dir, entry.name);
		r = error_hint(k->e, "see what it is, and move or remove it");
	}
	closedir(d);
	return r;
}

int upgrade_look_into(struct upgrading *k)
{
	/* The values that it was loaded with must be of the new build's types. */
	json_t *request = json_pack("{ss sO*}", "op", "open", "globals",
				    json_object_get(k->options, "globals")),
	       *answer = NULL;
	int r = request ? input_attach(&k->in, k->o.name, request, k->e) : error_nomem(k->e);

	if (r) {
		json_decref(request);
		return r;
	}
	r = manager_do(k->m, k->in.path, request, &answer, k->e);
	if (!r)
		k->file = json_incref(json_object_get(answer, "result"));
	json_decref(answer);
	return r;
}

static int add_pinned(json_t *to, json_t *maps)
{
	const char *name;
	json_t *pin;
	int r = 0;

	/* What is only planned has no pin. */
	json_object_foreach (maps, name, pin)
		if (json_is_string(pin))
			r |= json_object_set(to, name, pin);
	return r;
}

/* What the load would find: whether maps are still those that are kept and reused. */
static int check_maps(struct upgrading *k)
{
	json_t *maps = json_object(), *request = NULL;
	int r = maps && !add_pinned(maps, json_object_get(k->options, "reuse_maps")) &&
				!add_pinned(maps, k->keep)
			? 0
			: error_nomem(k->e);

	if (!r) {
		request = json_pack("{ss sO}", "op", "open", "reuse_maps", maps);
		r = request ? input_attach(&k->in, k->o.name, request, k->e) : error_nomem(k->e);
	}
	if (r)
		json_decref(request);
	else if (manager_do(k->m, k->in.path, request, NULL, k->e))
		r = error_hint(k->e,
			       "give the map back its former definition, or let it begin anew with "
			       "--reset-map NAME");
	json_decref(maps);
	return r;
}

int upgrade_plan_begin(struct upgrading *k)
{
	k->options = json_loads(k->o.options ? k->o.options : "{}", JSON_REJECT_DUPLICATES, NULL);
	json_object_del(k->options, "adopted"); /* from here on it has a file */
	k->program_ids = json_object();
	k->map_ids = json_object();
	k->keep = json_object();
	k->fill = json_object();
	k->former_programs = json_object();
	k->former_maps = json_object();
	k->carry = json_array();
	k->moves = json_object();
	k->attached = json_array();
	k->anew = calloc(k->rows.link_count + 1, sizeof(*k->anew));
	k->dir = root_object_dir(k->m, k->o.id);
	k->next = root_upgrade_dir(k->m, k->o.id);
	k->staging = root_staging_dir(k->m, k->o.id);
	k->by_name = root_by_name_dir(k->m);
	if (!k->options || !k->program_ids || !k->map_ids || !k->keep || !k->fill ||
	    !k->former_programs || !k->former_maps || !k->carry || !k->moves || !k->attached ||
	    !k->anew || !k->dir || !k->next || !k->staging || !k->by_name)
		return error_nomem(k->e);
	return 0;
}

int upgrade_plan(struct upgrading *k)
{
	struct stat st;
	int r = upgrade_plan_begin(k);

	if (r)
		return r;
	k->dir_ino = lstat(k->dir, &st) ? 0 : st.st_ino;
	r = k->m->config.dry_run && !k->o.pin_dir ? 0 : upgrade_check_strangers(k);
	if (!r)
		r = upgrade_look_into(k);
	if (!r)
		r = check_resets(k);
	if (!r)
		r = plan_programs(k);
	for (size_t i = 0; !r && i < k->rows.map_count; i++)
		r = plan_map(k, &k->rows.maps[i]);
	for (size_t i = 0; !r && i < k->rows.link_count; i++)
		r = upgrade_plan_link(k, i);
	if (!r && k->m->config.dry_run)
		r = check_maps(k);
	return r;
}

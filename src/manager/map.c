/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The contents of maps: read by the reading worker, written by the acting one under the locks. */
#include "manager/census.h"
#include "manager/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "kernel/protocol/protocol.h"

/* ---- which map ---- */

static int not_there(const struct db_map *row, struct look look, struct error *e)
{
	if (look.sight == SIGHT_LOST)
		error_set(e, ENOENT, "map %lld \"%s\" is lost: %s", (long long)row->id, row->name,
			  !strcmp(look.reason, "reboot")     ? "its contents went with a reboot"
			  : !strcmp(look.reason, "unpinned") ? "its pin was removed"
							     : "its pin is another object by now");
	else if (look.sight == SIGHT_PENDING)
		error_set(e, EAGAIN, "map %lld \"%s\" is being loaded or unloaded",
			  (long long)row->id, row->name);
	else
		error_set(e, EAGAIN, "cannot tell whether map %lld \"%s\" is still there: %s",
			  (long long)row->id, row->name, look.reason);
	return -e->err;
}

/* "multi.bss" for the map .bss of multi. */
static char *message_name(const struct db_map *row)
{
	struct buf name = { 0 };

	if (row->name[0] == '.' && row->object_name)
		buf_str(&name, row->object_name);
	buf_str(&name, row->name);
	return buf_take(&name);
}

static int managed(struct manager *m, int64_t id, struct manager_map *map, struct error *e)
{
	struct db_map row = { 0 };
	struct look look;
	int r = db_map_get(m->db, id, &row, e);

	if (r == -ENOENT)
		return error_set(e, ENOENT, "there is no map %lld", (long long)id);
	if (r)
		return r;
	look = manager_look_map(m, &row);
	map->id = id;
	map->identity = row.identity;
	map->planned = !row.pin;
	map->name = message_name(&row);
	map->pin = row.pin;
	row.pin = NULL;
	map->type = row.type;
	row.type = NULL;
	if (!map->name)
		r = error_nomem(e);
	else if (look.sight != SIGHT_LOADED)
		r = not_there(&row, look, e);
	db_map_clear(&row);
	return r;
}

int manager_map_find(struct manager *m, const char *text, struct manager_map *map, struct error *e)
{
	struct named named;
	int r;

	memset(map, 0, sizeof(*map));
	r = manager_resolve(m, text, WANT_MAP, &named, e);
	if (!r)
		return managed(m, named.id, map, e);
	/* EPERM: others loaded it, and may have it read. */
	if (r != -ENOENT && r != -EPERM)
		return r;
	if (name_kernel_id(text, &map->identity.kernel_id)) {
		error_clear(e);
		return 0;
	}
	if (text[0] != '/' && strncmp(text, "./", 2) != 0)
		return r;
	error_clear(e);
	map->pin = file_absolute(text, e);
	return map->pin ? 0 : -e->err;
}

void manager_map_clear(struct manager_map *map)
{
	free(map->name);
	free(map->pin);
	free(map->type);
}

/* ---- requests ---- */

static int add_string(json_t *request, const char *field, const char *value)
{
	return value ? json_object_set_new(request, field, wire_json(value)) : 0;
}

static int add_digits(json_t *request, const char *field, uint64_t number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, number);
	return json_object_set_new(request, field, json_string(digits));
}

/* A request about the map; the pin must still be what it was. NULL: lost memory. */
static json_t *about_map(const char *op, const struct manager_map *map)
{
	json_t *request = json_pack("{ss}", "op", op);
	int lost =
		add_string(request, "name", map->name) || add_string(request, "pin_path", map->pin);

	if (map->id && map->pin)
		lost |= add_digits(request, "pin_dev", map->identity.dev) ||
			add_digits(request, "pin_ino", map->identity.ino);
	if (map->identity.kernel_id)
		lost |= json_object_set_new(request, "kernel_id",
					    json_integer(map->identity.kernel_id));
	if (!lost)
		return request;
	json_decref(request);
	return NULL;
}

static int add_format(json_t *request, const struct manager_entries *how)
{
	if (json_object_set_new(request, "format", json_string(how->text ? "text" : "json")))
		return -ENOMEM;
	return how->per_cpu ? json_object_set_new(request, "per_cpu", json_true()) : 0;
}

static const char *subject(const struct manager_map *map)
{
	return map->name ? map->name : "the map";
}

static int check_readable(const struct manager_map *map, struct error *e)
{
	return map->planned ? error_set(e, ENOENT, "%s is only planned: a dry run made no map",
					map->name)
			    : 0;
}

/* Takes over the request, also when it lost memory. */
static int send(struct manager *m, bool acting, const struct manager_map *map, json_t *request,
		bool lost, struct buf *entries, json_t **result, struct error *e)
{
	json_t *answer = NULL;
	int r;

	*result = NULL;
	if (lost) {
		json_decref(request);
		return error_nomem(e);
	}
	r = acting ? manager_do_entries(m, subject(map), request, entries, &answer, e)
		   : manager_ask_entries(m, subject(map), request, entries, &answer, e);
	if (!r)
		*result = json_incref(json_object_get(answer, "result"));
	json_decref(answer);
	return r;
}

json_t *manager_map_request(const struct manager_map *map, const char *cursor, uint64_t limit)
{
	json_t *request = about_map("map_dump", map);

	if (request && !add_string(request, "cursor", cursor) &&
	    !json_object_set_new(request, "format", json_string("text")) &&
	    !json_object_set_new(request, "limit", json_integer((json_int_t)limit)))
		return request;
	json_decref(request);
	return NULL;
}

int manager_map_part(struct manager *m, const struct manager_map *map, const char *cursor,
		     uint64_t limit, const struct manager_entries *how, json_t **result,
		     struct error *e)
{
	json_t *request = about_map("map_dump", map);
	bool lost = !request || add_format(request, how) || add_string(request, "cursor", cursor);
	int r = check_readable(map, e);

	*result = NULL;
	if (r) {
		json_decref(request);
		return r;
	}
	/* More than a part holds needs no saying, and may be more than a number of JSON holds. */
	if (limit && limit < UINT32_MAX)
		lost |= json_object_set_new(request, "limit", json_integer((json_int_t)limit));
	return send(m, false, map, request, lost, how->entries, result, e);
}

int manager_map_get(struct manager *m, const struct manager_map *map, const char *key,
		    const struct manager_entries *how, json_t **result, struct error *e)
{
	json_t *request = about_map("map_get", map);
	bool lost = !request || add_format(request, how) || add_string(request, "key", key);
	int r = check_readable(map, e);

	*result = NULL;
	if (r) {
		json_decref(request);
		return r;
	}
	return send(m, false, map, request, lost, how->entries, result, e);
}

/* What others made is shown and never touched. */
static int check_ours(struct manager *m, const struct manager_map *map, struct error *e)
{
	int r;

	if (map->id)
		return 0;
	if (map->pin) {
		error_set(e, EPERM, "the map at %s is not managed by bpfman: it is only read",
			  map->pin);
	} else {
		r = census_refuse(m, WANT_MAP, map->identity.kernel_id, e);
		if (r)
			return r;
		error_set(e, EPERM, "kernel map %u is not managed by bpfman: it is only read",
			  map->identity.kernel_id);
	}
	return error_hint(e, "list maps shows those that bpfman manages");
}

/* A change, by the acting worker under the locks; in a dry run a check, by the other one. */
static int change(struct manager *m, const struct manager_map *map, json_t *request, bool lost,
		  struct buf *entries, json_t **result, struct error *e)
{
	bool dry = m->config.dry_run;
	int r;

	*result = NULL;
	event_about(m, DB_MAP, map->id, map->name);
	if (map->planned) {
		json_decref(request);
		return 0;
	}
	if (dry) {
		lost = lost || json_object_set_new(request, "check", json_true());
		return send(m, false, map, request, lost, entries, result, e);
	}
	r = manager_lock(m, e);
	if (r) {
		json_decref(request);
		return r;
	}
	r = send(m, true, map, request, lost, entries, result, e);
	if (r == -EPIPE || r == -EINTR)
		error_hint(e, "whether it was done is not known: map get tells");
	manager_unlock(m);
	return r;
}

/* ---- values that name a program or a map ---- */

/* Which types have such values, and whether the name stands behind a colon. */
static const struct {
	const char *type;
	unsigned want;
	bool behind;
} holders[] = {
	{ "prog_array", WANT_PROGRAM, false }, { "array_of_maps", WANT_MAP, false },
	{ "hash_of_maps", WANT_MAP, false },   { "devmap", WANT_PROGRAM, true },
	{ "devmap_hash", WANT_PROGRAM, true }, { "cpumap", WANT_PROGRAM, true },
};

static const char *held_name(const struct manager_map *map, const char *value, unsigned *want)
{
	for (size_t i = 0; i < sizeof(holders) / sizeof(holders[0]); i++) {
		const char *colon = strchr(value, ':');

		if (strcmp(map->type, holders[i].type) != 0)
			continue;
		*want = holders[i].want;
		if (holders[i].behind)
			return colon ? colon + 1 : NULL;
		return value;
	}
	return NULL;
}

static int find_program(struct manager *m, int64_t id, char **pin, struct db_identity *identity,
			struct error *e)
{
	struct db_program p = { 0 };
	struct look look;
	int r = db_program_get(m->db, id, &p, e);

	if (r)
		return r;
	look = manager_look_program(m, &p);
	if (look.sight == SIGHT_LOADED) {
		*pin = p.pin;
		p.pin = NULL;
		*identity = p.identity;
	} else {
		r = error_set(e, look.sight == SIGHT_LOST ? ENOENT : EAGAIN,
			      "program %lld \"%s\" is %s%s%s", (long long)id, p.name,
			      sight_name(look.sight), look.reason ? ": " : "", look.reason ?: "");
	}
	db_program_clear(&p);
	return r;
}

/*
 * The pin of the program or map that the value names, if it is one that names something. *planned:
 * a dry run would have loaded that just before.
 */
static int add_held(struct manager *m, const struct manager_map *map, const char *value,
		    json_t *request, bool *planned, struct error *e)
{
	struct db_identity identity = { 0 };
	struct manager_map held = { 0 };
	char *pin = NULL;
	struct named named;
	unsigned want;
	const char *name = map->type ? held_name(map, value, &want) : NULL;
	int r;

	*planned = false;
	if (!name)
		return 0;
	r = manager_resolve(m, name, want, &named, e);
	if (!r && want == WANT_MAP) {
		r = managed(m, named.id, &held, e);
		pin = held.pin;
		held.pin = NULL;
		identity = held.identity;
	} else if (!r) {
		r = find_program(m, named.id, &pin, &identity, e);
	}
	if (r)
		error_context(e, "%s holds %s", map->name, want == WANT_MAP ? "maps" : "programs");
	else if (pin && (add_string(request, "held_pin", pin) ||
			 add_digits(request, "held_dev", identity.dev) ||
			 add_digits(request, "held_ino", identity.ino)))
		r = error_nomem(e);
	*planned = !pin;
	manager_map_clear(&held);
	free(pin);
	return r;
}

int manager_map_set(struct manager *m, const struct manager_map *map, const char *key,
		    const char *const *values, size_t count, const char *mode, struct error *e)
{
	json_t *request, *list, *result;
	bool lost, planned = false;
	int r = check_ours(m, map, e);

	if (r)
		return r;
	request = about_map("map_set", map);
	list = json_array();
	lost = !request || add_string(request, "key", key) || add_string(request, "mode", mode);
	for (size_t i = 0; !lost && i < count; i++)
		lost = json_array_append_new(list, wire_json(values[i]));
	lost = lost || json_object_set(request, "values", list);
	json_decref(list);
	if (!lost && count == 1)
		r = add_held(m, map, values[0], request, &planned, e);
	if (r || planned) {
		json_decref(request);
		return r;
	}
	r = change(m, map, request, lost, NULL, &result, e);
	json_decref(result);
	return r;
}

int manager_map_delete(struct manager *m, const struct manager_map *map, const char *key,
		       const struct manager_entries *how, json_t **result, struct error *e)
{
	json_t *request;
	bool lost;
	int r = check_ours(m, map, e);

	*result = NULL;
	if (r)
		return r;
	request = about_map("map_delete", map);
	lost = !request || add_string(request, "key", key) || add_format(request, how);
	return change(m, map, request, lost, how->entries, result, e);
}

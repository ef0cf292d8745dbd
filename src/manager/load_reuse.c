/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --reuse-map: maps of other objects in the place of new ones. */
#include "manager/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/protocol/protocol.h"

static int find(struct manager *m, const struct manager_pair *pair, struct db_map *map,
		struct error *e)
{
	struct named named;
	struct look look;
	int r;

	r = manager_resolve(m, pair->value, WANT_MAP, &named, e);
	if (!r)
		r = db_map_get(m->db, named.id, map, e);
	if (r)
		return r;
	look = manager_look_map(m, map);
	if (look.sight == SIGHT_LOADED)
		return 0;
	error_set(e, look.sight == SIGHT_LOST ? ENOENT : EAGAIN,
		  "map %lld \"%s\" cannot be used: it is %s%s%s", (long long)map->id, map->name,
		  sight_name(look.sight), look.reason ? ", " : "", look.reason ?: "");
	return look.sight == SIGHT_LOST ? error_hint(e, "`restore` brings back what is lost")
					: -e->err;
}

int load_find_reused(struct manager *m, const struct manager_load *l, json_t **reuse,
		     struct error *e)
{
	int r = 0;

	*reuse = json_object();
	if (!*reuse)
		return error_nomem(e);
	for (size_t i = 0; !r && i < l->reuse_count; i++) {
		const struct manager_pair *pair = &l->reuse[i];
		struct db_map map = { 0 };
		char *name = NULL;

		r = find(m, pair, &map, e);
		if (r)
			error_context(e, "--reuse-map %s", pair->key);
		else
			name = wire_encode(pair->key, strlen(pair->key));
		/* One that a dry run only plans has no pin. */
		if (!r && (!name || json_object_set_new(*reuse, name, wire_json(map.pin))))
			r = error_nomem(e);
		free(name);
		db_map_clear(&map);
	}
	return r;
}

int load_reuse_request(json_t *request, const json_t *reuse, struct error *e)
{
	json_t *pinned = json_object();
	const char *name;
	json_t *pin;
	int r = pinned ? 0 : -1;

	json_object_foreach ((json_t *)reuse, name, pin)
		if (!r && json_is_string(pin))
			r = json_object_set(pinned, name, pin);
	if (!r && json_object_size(pinned))
		r = json_object_set(request, "reuse_maps", pinned);
	json_decref(pinned);
	return r ? error_nomem(e) : 0;
}

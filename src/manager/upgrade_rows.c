/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An object's own rows, read once. */
#include "manager/upgrade.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

static int take_program(void *data, struct db_program *p)
{
	struct upgrade_rows *rows = data;
	struct db_program *grown = grow(rows->programs, rows->program_count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	rows->programs = grown;
	grown[rows->program_count++] = *p;
	memset(p, 0, sizeof(*p)); /* its strings are ours now */
	return 0;
}

struct own_maps {
	struct upgrade_rows *rows;
	int64_t object_id;
};

static int take_map(void *data, struct db_map *map)
{
	struct own_maps *own = data;
	struct upgrade_rows *rows = own->rows;
	struct db_map *grown;

	if (map->object_id && map->object_id != own->object_id)
		return 0;
	if (!map->object_id) {
		int64_t *ids = grow(rows->shared, rows->shared_count, sizeof(*ids));

		if (!ids)
			return -ENOMEM;
		rows->shared = ids;
		ids[rows->shared_count++] = map->id;
		return 0;
	}
	grown = grow(rows->maps, rows->map_count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	rows->maps = grown;
	grown[rows->map_count++] = *map;
	memset(map, 0, sizeof(*map));
	return 0;
}

static int take_link(void *data, struct db_link *l)
{
	struct upgrade_rows *rows = data;
	struct db_link *grown = grow(rows->links, rows->link_count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	rows->links = grown;
	grown[rows->link_count++] = *l;
	memset(l, 0, sizeof(*l));
	return 0;
}

int upgrade_rows_read(struct manager *m, int64_t object_id, struct upgrade_rows *rows,
		      struct error *e)
{
	struct own_maps own = { rows, object_id };
	int r;

	memset(rows, 0, sizeof(*rows));
	r = db_programs(m->db, object_id, take_program, rows, e);
	if (!r)
		r = db_maps(m->db, object_id, take_map, &own, e);
	if (!r)
		r = db_links_of_object(m->db, object_id, take_link, rows, e);
	return r == -ENOMEM && !e->err ? error_nomem(e) : r;
}

void upgrade_rows_free(struct upgrade_rows *rows)
{
	for (size_t i = 0; i < rows->program_count; i++)
		db_program_clear(&rows->programs[i]);
	for (size_t i = 0; i < rows->map_count; i++)
		db_map_clear(&rows->maps[i]);
	for (size_t i = 0; i < rows->link_count; i++)
		db_link_clear(&rows->links[i]);
	free(rows->programs);
	free(rows->maps);
	free(rows->links);
	free(rows->shared);
	memset(rows, 0, sizeof(*rows));
}

const struct db_program *upgrade_program(const struct upgrade_rows *rows, int64_t id)
{
	for (size_t i = 0; i < rows->program_count; i++)
		if (rows->programs[i].id == id)
			return &rows->programs[i];
	return NULL;
}

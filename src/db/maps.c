/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maps. */
#include "db/internal.h"

static const struct field fields[] = {
	FIELD(struct db_map, id),
	FIELD_AS(struct db_map, FIELD_ID, object_id),
	FIELD_READ(struct db_map, object_name, "o.name"),
	FIELD(struct db_map, name),
	FIELD(struct db_map, type),
	FIELD_AS(struct db_map, FIELD_STATE, state),
	FIELD(struct db_map, boot_id),
	FIELD(struct db_map, root_dev),
	FIELD_IN(struct db_map, pin, "pinned_path"),
	FIELD_IN(struct db_map, identity.dev, "dev"),
	FIELD_IN(struct db_map, identity.ino, "ino"),
	FIELD_IN(struct db_map, identity.kernel_id, "kernel_id"),
	FIELD(struct db_map, key_size),
	FIELD(struct db_map, value_size),
	FIELD(struct db_map, max_entries),
	FIELD(struct db_map, map_flags),
	FIELD(struct db_map, memlock_bytes),
	FIELD(struct db_map, created_at),
};
static const struct row_type maps =
	ROW_TYPE("maps", "maps t LEFT JOIN objects o ON o.id = t.object_id", struct db_map, fields);

void db_map_clear(struct db_map *m)
{
	row_clear(&maps, m);
}

int db_map_insert(struct db *db, struct db_map *m, struct error *e)
{
	static const struct sql sql = INSERT(&maps);

	return db_insert_thing(db, DB_MAP, &sql, m, e);
}

int db_map_update(struct db *db, const struct db_map *m, struct error *e)
{
	static const struct sql sql = UPDATE(&maps);

	return db_update_thing(db, DB_MAP, &sql, m, e);
}

int db_map_set_state(struct db *db, int64_t id, enum db_state state, struct error *e)
{
	static const struct sql sql = SQL("UPDATE maps SET state = ?2 WHERE id = ?1");

	return db_run_on(db, e, "map", id, &sql, "is", id, db_state_name(state));
}

int db_map_delete(struct db *db, int64_t id, struct error *e)
{
	return db_delete_thing(db, DB_MAP, id, e);
}

int db_map_get(struct db *db, int64_t id, struct db_map *m, struct error *e)
{
	static const struct sql sql = SELECT(&maps, "WHERE t.id = ?1");

	return db_find(db, e, m, &sql, "i", id);
}

int db_map_shared(struct db *db, const char *name, struct db_map *m, struct error *e)
{
	/* After a reboot an older one may be remembered beside it. */
	static const struct sql sql = SELECT(
		&maps, "WHERE t.name = ?1 AND t.object_id IS NULL ORDER BY t.id DESC LIMIT 1");

	return db_find(db, e, m, &sql, "s", name);
}

int db_map_pinned(struct db *db, const char *pin, struct db_map *m, struct error *e)
{
	static const struct sql sql =
		SELECT(&maps, "WHERE t.pinned_path = ?1 ORDER BY t.id DESC LIMIT 1");

	return db_find(db, e, m, &sql, "s", pin);
}

static int each(struct query *q, db_map_fn fn, void *data, struct error *e)
{
	struct db_map m;
	int ret;

	while ((ret = query_row(q, &m, e)) > 0) {
		ret = fn(data, &m);
		db_map_clear(&m);
		if (ret)
			break;
	}
	return query_close(q, ret);
}

int db_maps(struct db *db, int64_t object_id, db_map_fn fn, void *data, struct error *e)
{
	static const struct sql all = SELECT(&maps, "ORDER BY t.id");
	static const struct sql of_object =
		SELECT(&maps, "WHERE t.id IN (SELECT id FROM maps WHERE object_id = ?1 "
			      "UNION SELECT u.map_id FROM programs p JOIN program_maps u "
			      "ON u.program_id = p.id WHERE p.object_id = ?1) ORDER BY t.id");
	struct query q;
	int ret = query_open(&q, db, object_id ? &of_object : &all, e);

	if (ret)
		return ret;
	if (object_id)
		bind_int(&q, object_id);
	return each(&q, fn, data, e);
}

int db_maps_by_name(struct db *db, const char *name, db_map_fn fn, void *data, struct error *e)
{
	static const struct sql sql = SELECT(&maps, "WHERE t.name = ?1 ORDER BY t.id");
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	if (ret)
		return ret;
	bind_text(&q, name);
	return each(&q, fn, data, e);
}

int db_maps_unsettled(struct db *db, db_map_fn fn, void *data, struct error *e)
{
	static const struct sql sql = SELECT(&maps, "WHERE t.state <> 'loaded' ORDER BY t.id");
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	return ret ? ret : each(&q, fn, data, e);
}

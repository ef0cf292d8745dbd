/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Objects and their labels. */
#include "db/internal.h"

#include <errno.h>
#include <stdlib.h>

static const struct field fields[] = {
	FIELD(struct db_object, id),
	FIELD(struct db_object, name),
	FIELD(struct db_object, path),
	FIELD_AS(struct db_object, FIELD_SHA256, sha256),
	FIELD_AS(struct db_object, FIELD_STATE, state),
	FIELD(struct db_object, run_id),
	FIELD(struct db_object, boot_id),
	FIELD(struct db_object, root_dev),
	FIELD(struct db_object, pin_dir),
	FIELD(struct db_object, outside_path),
	FIELD(struct db_object, options),
	FIELD_AS(struct db_object, FIELD_SHA256, previous_sha256),
	FIELD(struct db_object, previous_path),
	FIELD(struct db_object, on_boot),
	FIELD(struct db_object, loaded_by),
	FIELD(struct db_object, created_at),
};
static const struct row_type objects = ROW_TYPE("objects", "objects t", struct db_object, fields);

void db_object_clear(struct db_object *o)
{
	row_clear(&objects, o);
}

int db_object_insert(struct db *db, struct db_object *o, struct error *e)
{
	static const struct sql sql = INSERT(&objects);
	int ret = db_insert_thing(db, DB_OBJECT, &sql, o, e);

	if (ret == -EEXIST)
		return error_set(e, EEXIST, "an object named %s is there already", o->name);
	return ret;
}

int db_object_update(struct db *db, const struct db_object *o, struct error *e)
{
	static const struct sql sql = UPDATE(&objects);

	return db_update_thing(db, DB_OBJECT, &sql, o, e);
}

int db_object_set_state(struct db *db, int64_t id, enum db_state state, const char *run_id,
			struct error *e)
{
	static const struct sql sql =
		SQL("UPDATE objects SET state = ?2, run_id = ifnull(?3, run_id) WHERE id = ?1");

	return db_run_on(db, e, "object", id, &sql, "iss", id, db_state_name(state), run_id);
}

int db_object_settle(struct db *db, int64_t id, const char *pin_dir, uint64_t root_dev,
		     struct error *e)
{
	/* An undecided run's outside path is still to be found, should it be taken back. */
	static const struct sql sql =
		SQL("UPDATE objects SET state = ?4, pin_dir = ?2, root_dev = ?3, "
		    "outside_path = iif(?4 = 'pending', outside_path, NULL) WHERE id = ?1");
	int ret = db_run_on(db, e, "object", id, &sql, "isis", id, pin_dir, (int64_t)root_dev,
			    db_settled_name(db));

	return ret == -EEXIST ? error_set(e, EEXIST, "its name is taken already") : ret;
}

int db_object_delete(struct db *db, int64_t id, struct error *e)
{
	static const struct sql disown =
		SQL("UPDATE maps SET object_id = NULL WHERE object_id = ?1 AND EXISTS "
		    "(SELECT 1 FROM program_maps u JOIN programs p ON p.id = u.program_id "
		    "WHERE u.map_id = maps.id AND p.object_id <> ?1)");
	/* Ids of what it owns do not go with it: they refer to nothing. */
	static const struct sql owned =
		SQL("DELETE FROM things WHERE id IN (SELECT id FROM programs WHERE object_id = ?1 "
		    "UNION ALL SELECT id FROM maps WHERE object_id = ?1 "
		    "UNION ALL SELECT l.id FROM links l JOIN programs p ON p.id = l.program_id "
		    "WHERE p.object_id = ?1)");
	struct db_object o;
	int ret = db_object_get(db, id, &o, e);

	if (ret == -ENOENT)
		return error_set(e, ENOENT, "database %s: no object %lld", db->path, (long long)id);
	if (ret)
		return ret;
	ret = db_run(db, e, &disown, "i", id);
	if (!ret)
		ret = db_run(db, e, &owned, "i", id);
	if (!ret)
		ret = db_delete_thing(db, DB_OBJECT, id, e);
	if (!ret)
		ret = db_file_forget(db, o.sha256, e);
	if (!ret)
		ret = db_file_forget(db, o.previous_sha256, e);
	db_object_clear(&o);
	return ret;
}

int db_object_get(struct db *db, int64_t id, struct db_object *o, struct error *e)
{
	static const struct sql sql = SELECT(&objects, "WHERE t.id = ?1");

	return db_find(db, e, o, &sql, "i", id);
}

int db_object_by_name(struct db *db, const char *name, struct db_object *o, struct error *e)
{
	static const struct sql settled =
		SELECT(&objects, "WHERE t.name = ?1 AND t.state = 'loaded'");
	static const struct sql unsettled =
		SELECT(&objects, "WHERE t.name = ?1 AND t.state <> 'loaded' ORDER BY t.id DESC");
	int ret = db_find(db, e, o, &settled, "s", name);

	return ret == -ENOENT ? db_find(db, e, o, &unsettled, "s", name) : ret;
}

static int each(struct db *db, const struct sql *sql, db_object_fn fn, void *data, struct error *e)
{
	struct db_object o;
	struct query q;
	int ret = query_open(&q, db, sql, e);

	if (ret)
		return ret;
	while ((ret = query_row(&q, &o, e)) > 0) {
		ret = fn(data, &o);
		db_object_clear(&o);
		if (ret)
			break;
	}
	return query_close(&q, ret);
}

int db_objects(struct db *db, db_object_fn fn, void *data, struct error *e)
{
	static const struct sql sql = SELECT(&objects, "ORDER BY t.id");

	return each(db, &sql, fn, data, e);
}

int db_objects_unsettled(struct db *db, db_object_fn fn, void *data, struct error *e)
{
	static const struct sql sql = SELECT(&objects, "WHERE t.state <> 'loaded' ORDER BY t.id");

	return each(db, &sql, fn, data, e);
}

int db_label_set(struct db *db, int64_t object_id, const char *key, const char *value,
		 struct error *e)
{
	static const struct sql sql =
		SQL("INSERT INTO labels (object_id, key, value) VALUES (?1, ?2, ?3) "
		    "ON CONFLICT DO UPDATE SET value = excluded.value");
	int ret = db_run(db, e, &sql, "iss", object_id, key, value);

	if (ret == -ENOENT)
		return error_set(e, ENOENT, "database %s: no object %lld", db->path,
				 (long long)object_id);
	return ret;
}

int db_labels(struct db *db, int64_t object_id, struct db_label **labels, size_t *count,
	      struct error *e)
{
	static const struct sql sql =
		SQL("SELECT key, value FROM labels WHERE object_id = ?1 ORDER BY key");
	struct db_label *list = NULL, *more;
	size_t n = 0;
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	*labels = NULL;
	*count = 0;
	if (ret)
		return ret;
	bind_int(&q, object_id);
	while ((ret = query_step(&q, e)) > 0) {
		more = reallocarray(list, n + 1, sizeof(*list));
		if (!more) {
			ret = error_nomem(e);
			break;
		}
		list = more;
		list[n].key = column_text(&q);
		list[n++].value = column_text(&q);
		ret = query_lost(&q, e);
		if (ret)
			break;
	}
	if (ret) {
		db_labels_free(list, n);
	} else {
		*labels = list;
		*count = n;
	}
	return query_close(&q, ret);
}

void db_labels_free(struct db_label *labels, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		free(labels[i].key);
		free(labels[i].value);
	}
	free(labels);
}

int db_has_labels(struct db *db, bool *any, struct error *e)
{
	static const struct sql sql = SQL("SELECT EXISTS (SELECT 1 FROM labels)");
	int64_t exists = 0;
	int ret = db_find_int(db, e, &exists, &sql);

	*any = exists != 0;
	return ret;
}

int db_newest_pin_dir(struct db *db, const char *boot_id, uint64_t root_dev, char **pin_dir,
		      struct error *e)
{
	static const struct sql sql =
		SQL("SELECT pin_dir FROM objects WHERE boot_id = ?1 AND root_dev = ?2 "
		    "AND pin_dir IS NOT NULL ORDER BY id DESC LIMIT 1");
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	*pin_dir = NULL;
	if (ret)
		return ret;
	bind_text(&q, boot_id);
	bind_int(&q, (int64_t)root_dev);
	ret = query_step(&q, e);
	if (ret > 0) {
		*pin_dir = column_text(&q);
		ret = query_lost(&q, e);
	}
	return query_close(&q, ret);
}

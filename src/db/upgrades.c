/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Upgrades under way. */
#include "db/internal.h"

#include <errno.h>

static const struct field fields[] = {
	FIELD(struct db_upgrade, object_id),
	FIELD(struct db_upgrade, done),
	FIELD(struct db_upgrade, restore),
	FIELD(struct db_upgrade, dir_ino),
	FIELD(struct db_upgrade, run_id),
	FIELD(struct db_upgrade, boot_id),
	FIELD(struct db_upgrade, root_dev),
	FIELD(struct db_upgrade, path),
	FIELD_AS(struct db_upgrade, FIELD_SHA256, sha256),
	FIELD(struct db_upgrade, created_at),
};
static const struct row_type upgrades =
	ROW_TYPE("upgrades", "upgrades t", struct db_upgrade, fields);

void db_upgrade_clear(struct db_upgrade *u)
{
	row_clear(&upgrades, u);
}

int db_upgrade_insert(struct db *db, const struct db_upgrade *u, struct error *e)
{
	static const struct sql sql = INSERT(&upgrades);
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	if (ret)
		return ret;
	bind_row(&q, u);
	return query_close(&q, query_step(&q, e));
}

int db_upgrade_set_done(struct db *db, int64_t object_id, struct error *e)
{
	static const struct sql sql = SQL("UPDATE upgrades SET done = 1 WHERE object_id = ?1");

	return db_run_on(db, e, "upgrade of object", object_id, &sql, "i", object_id);
}

int db_upgrade_delete(struct db *db, int64_t object_id, struct error *e)
{
	static const struct sql find = SELECT(&upgrades, "WHERE t.object_id = ?1");
	static const struct sql sql = SQL("DELETE FROM upgrades WHERE object_id = ?1");
	struct db_upgrade u;
	int ret = db_find(db, e, &u, &find, "i", object_id);

	if (ret == -ENOENT)
		return error_set(e, ENOENT, "database %s: no upgrade of object %lld", db->path,
				 (long long)object_id);
	if (ret)
		return ret;
	ret = db_run(db, e, &sql, "i", object_id);
	if (!ret)
		ret = db_file_forget(db, u.sha256, e);
	db_upgrade_clear(&u);
	return ret;
}

int db_upgrades(struct db *db, db_upgrade_fn fn, void *data, struct error *e)
{
	static const struct sql sql = SELECT(&upgrades, "ORDER BY t.object_id");
	struct db_upgrade u;
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	if (ret)
		return ret;
	while ((ret = query_row(&q, &u, e)) > 0) {
		ret = fn(data, &u);
		db_upgrade_clear(&u);
		if (ret)
			break;
	}
	return query_close(&q, ret);
}

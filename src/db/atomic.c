/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs that are all or nothing: what decides one, and what takes it back. */
#include "db/internal.h"

#include <errno.h>

static const struct field fields[] = {
	FIELD(struct db_atomic, run_id),     FIELD(struct db_atomic, first_id),
	FIELD(struct db_atomic, boot_id),    FIELD(struct db_atomic, root_dev),
	FIELD(struct db_atomic, created_at),
};
static const struct row_type atomic_runs =
	ROW_TYPE("atomic_runs", "atomic_runs t", struct db_atomic, fields);

void db_atomic_clear(struct db_atomic *a)
{
	row_clear(&atomic_runs, a);
}

int db_atomic_begin(struct db *db, const struct db_atomic *a, struct error *e)
{
	static const struct sql sql = INSERT(&atomic_runs);
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	if (ret)
		return ret;
	bind_row(&q, a);
	return query_close(&q, query_step(&q, e));
}

int db_atomic_get(struct db *db, struct db_atomic *a, struct error *e)
{
	static const struct sql sql = SELECT(&atomic_runs, "");

	return db_find(db, e, a, &sql, "");
}

static int forget(struct db *db, const struct db_atomic *a, struct error *e)
{
	static const struct sql sql = SQL("DELETE FROM atomic_runs WHERE run_id = ?1");

	return db_run(db, e, &sql, "s", a->run_id);
}

int db_atomic_decide(struct db *db, const struct db_atomic *a, struct error *e)
{
	static const struct sql made[] = {
		SQL("UPDATE objects SET state = 'loaded', outside_path = NULL "
		    "WHERE state = 'pending' AND id >= ?1"),
		SQL("UPDATE programs SET state = 'loaded' WHERE state = 'pending' AND id >= ?1"),
		SQL("UPDATE maps SET state = 'loaded' WHERE state = 'pending' AND id >= ?1"),
		SQL("UPDATE links SET state = 'loaded' WHERE state = 'pending' AND id >= ?1"),
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(made) / sizeof(made[0]); i++)
		ret = db_run(db, e, &made[i], "i", a->first_id);
	return ret ? ret : forget(db, a, e);
}

/*
 * What waits to be removed since before the run is on another bpffs than the run was, else it
 * would have been removed before the run began.
 */
#define NOT_WAITING "NOT (boot_id IS ?2 AND root_dev <> ?3)"

int db_atomic_undo(struct db *db, const struct db_atomic *a, struct error *e)
{
	static const struct sql made[] = {
		/* Made and unloaded again: taken back like what was only made. */
		SQL("UPDATE objects SET state = 'pending' WHERE state = 'unloading' AND id >= ?1"),
		SQL("UPDATE links SET state = 'pending' WHERE state = 'unloading' AND id >= ?1"),
		/* Maps pinned by name are found by having no row: see recovery. */
		SQL("DELETE FROM things WHERE id IN (SELECT id FROM maps WHERE id >= ?1 "
		    "AND object_id IS NULL)"),
	};
	static const struct sql unloaded[] = {
		SQL("UPDATE links SET state = 'loaded' WHERE state = 'unloading' AND id < ?1 "
		    "AND " NOT_WAITING),
		SQL("UPDATE maps SET state = 'loaded' WHERE state = 'unloading' AND id < ?1 "
		    "AND " NOT_WAITING),
		SQL("UPDATE programs SET state = 'loaded' WHERE state = 'unloading' AND id < ?1 "
		    "AND object_id IN (SELECT id FROM objects WHERE " NOT_WAITING ")"),
		SQL("UPDATE objects SET state = 'loaded' WHERE state = 'unloading' AND id < ?1 "
		    "AND " NOT_WAITING),
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(made) / sizeof(made[0]); i++)
		ret = db_run(db, e, &made[i], "i", a->first_id);
	for (size_t i = 0; !ret && i < sizeof(unloaded) / sizeof(unloaded[0]); i++)
		ret = db_run(db, e, &unloaded[i], "isi", a->first_id, a->boot_id,
			     (int64_t)a->root_dev);
	return ret ? ret : forget(db, a, e);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is restored at boot, and that this was begun. */
#include "db/internal.h"

#include <errno.h>

int db_object_set_on_boot(struct db *db, int64_t id, bool on_boot, struct error *e)
{
	static const struct sql sql = SQL("UPDATE objects SET on_boot = ?2 WHERE id = ?1");

	return db_run_on(db, e, "object", id, &sql, "ii", id, (int64_t)on_boot);
}

int db_boot_begun(struct db *db, bool *begun, struct error *e)
{
	static const struct sql sql = SQL("SELECT count(*) FROM meta WHERE key = 'boot_begun'");
	int64_t count = 0;
	int ret = db_find_int(db, e, &count, &sql);

	*begun = count > 0;
	return ret;
}

int db_boot_begin(struct db *db, const char *boot_id, struct error *e)
{
	static const struct sql sql =
		SQL("INSERT OR REPLACE INTO meta (key, value) VALUES ('boot_begun', ?1)");

	return db_run(db, e, &sql, "s", boot_id);
}

int db_boot_end(struct db *db, struct error *e)
{
	static const struct sql sql = SQL("DELETE FROM meta WHERE key = 'boot_begun'");

	return db_run(db, e, &sql, "");
}

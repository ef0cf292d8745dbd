/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows that go while their pins stay, elsewhere. */
#include "db/internal.h"

#include <errno.h>

int db_release_add(struct db *db, int64_t id, const char *dir, struct error *e)
{
	static const struct sql sql = SQL("INSERT INTO releases (id, dir) VALUES (?1, ?2)");

	return db_run(db, e, &sql, "is", id, dir);
}

int db_release_dir(struct db *db, int64_t id, char **dir, struct error *e)
{
	static const struct sql sql = SQL("SELECT dir FROM releases WHERE id = ?1");
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	*dir = NULL;
	if (ret)
		return ret;
	bind_int(&q, id);
	ret = query_step(&q, e);
	if (ret > 0) {
		*dir = column_text(&q);
		ret = query_lost(&q, e);
	}
	return query_close(&q, ret);
}

int db_release_undo(struct db *db, struct error *e)
{
	static const struct sql undo[] = {
		SQL("UPDATE objects SET state = 'loaded' WHERE state = 'unloading' AND id IN "
		    "(SELECT p.object_id FROM programs p JOIN releases r ON r.id = p.id)"),
		SQL("UPDATE programs SET state = 'loaded' WHERE id IN (SELECT id FROM releases)"),
		SQL("UPDATE maps SET state = 'loaded' WHERE id IN (SELECT id FROM releases)"),
		SQL("UPDATE links SET state = 'loaded' WHERE id IN (SELECT id FROM releases)"),
		SQL("DELETE FROM releases"),
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(undo) / sizeof(undo[0]); i++)
		ret = db_run(db, e, &undo[i], "");
	return ret;
}

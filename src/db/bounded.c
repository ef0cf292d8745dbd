/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables that only remember: new rows come at the end, and the oldest go. */
#include "db/internal.h"

/* The oldest go, the newest stays whatever its size. */
static int bound(struct db *db, const struct bounded *b, int64_t newest, struct error *e)
{
	int64_t first = 0, last = 0;
	int ret = db_run(db, e, &b->by_count, "i", newest - b->rows_kept);

	if (!ret)
		ret = db_find_int(db, e, &last, &b->newest_sum);
	if (!ret)
		ret = db_find_int(db, e, &first, &b->before_oldest);
	if (!ret && last - first > b->bytes_kept)
		ret = db_run(db, e, &b->by_bytes, "ii", newest, last - b->bytes_kept);
	return ret;
}

int db_insert_bounded(struct db *db, const struct bounded *b, const struct sql *sql, void *row,
		      struct error *e)
{
	int64_t *id = row;
	struct query q;
	int ret;

	*id = 0;
	ret = query_open(&q, db, sql, e);
	if (ret)
		return ret;
	bind_row(&q, row);
	ret = query_close(&q, query_step(&q, e));
	if (ret)
		return ret;
	*id = sqlite3_last_insert_rowid(db->handle);
	return bound(db, b, *id, e);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of loads, bounded. */
#include "db/internal.h"

enum {
	LOGS_KEPT = 200,
	LOG_BYTES_KEPT = 32 << 20,
};

static const struct field fields[] = {
	FIELD_AS(struct db_log, FIELD_ID, id),
	FIELD_AS(struct db_log, FIELD_ID, object_id),
	FIELD(struct db_log, object_name),
	FIELD(struct db_log, path),
	FIELD(struct db_log, ok),
	FIELD(struct db_log, message),
	FIELD(struct db_log, log_bytes),
	FIELD(struct db_log, truncated),
	FIELD(struct db_log, created_at),
	/* Also the running sum, by which the bound is found without reading all rows. */
	FIELD_IN(struct db_log, text_len, "text_bytes, bytes_to_here", .select = "t.text_bytes",
		 .value = ":text_bytes, :text_bytes + ifnull((SELECT l.bytes_to_here FROM logs l "
			  "ORDER BY l.id DESC LIMIT 1), 0)"),
	FIELD(struct db_log, text, .length = offsetof(struct db_log, text_len)),
};
static const struct row_type logs = ROW_TYPE("logs", "logs t", struct db_log, fields);

void db_log_clear(struct db_log *l)
{
	row_clear(&logs, l);
}

/* The oldest go, the newest stays whatever its size. */
static int bound(struct db *db, const struct db_log *newest, struct error *e)
{
	/* Only the oldest are ever deleted, so ids have no gaps. */
	static const struct sql by_count = SQL("DELETE FROM logs WHERE id <= ?1");
	static const struct sql newest_sum =
		SQL("SELECT bytes_to_here FROM logs ORDER BY id DESC LIMIT 1");
	static const struct sql before_oldest =
		SQL("SELECT bytes_to_here - text_bytes FROM logs ORDER BY id LIMIT 1");
	static const struct sql by_bytes =
		SQL("DELETE FROM logs WHERE id < ?1 AND bytes_to_here - text_bytes < ?2");
	int64_t first = 0, last = 0;
	int ret = db_run(db, e, &by_count, "i", newest->id - LOGS_KEPT);

	if (!ret)
		ret = db_find_int(db, e, &last, &newest_sum);
	if (!ret)
		ret = db_find_int(db, e, &first, &before_oldest);
	if (!ret && last - first > LOG_BYTES_KEPT)
		ret = db_run(db, e, &by_bytes, "ii", newest->id, last - LOG_BYTES_KEPT);
	return ret;
}

int db_log_add(struct db *db, struct db_log *l, struct error *e)
{
	static const struct sql sql = INSERT(&logs);
	struct query q;
	int ret;

	l->id = 0;
	ret = query_open(&q, db, &sql, e);
	if (ret)
		return ret;
	bind_row(&q, l);
	ret = query_close(&q, query_step(&q, e));
	if (ret)
		return ret;
	l->id = sqlite3_last_insert_rowid(db->handle);
	return bound(db, l, e);
}

int db_log_last(struct db *db, int64_t object_id, struct db_log *l, struct error *e)
{
	static const struct sql newest = SELECT(&logs, "ORDER BY t.id DESC LIMIT 1");
	static const struct sql of_object =
		SELECT(&logs, "WHERE t.object_id = ?1 ORDER BY t.id DESC LIMIT 1");

	if (object_id)
		return db_find(db, e, l, &of_object, "i", object_id);
	return db_find(db, e, l, &newest, "");
}

int db_log_by_name(struct db *db, const char *object_name, struct db_log *l, struct error *e)
{
	static const struct sql sql =
		SELECT(&logs, "WHERE t.object_name = ?1 ORDER BY t.id DESC LIMIT 1");

	return db_find(db, e, l, &sql, "s", object_name);
}

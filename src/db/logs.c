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
	FIELD_BOUNDED(struct db_log, text_len, "logs"),
	FIELD(struct db_log, text, .length = offsetof(struct db_log, text_len)),
};
static const struct row_type logs = ROW_TYPE("logs", "logs t", struct db_log, fields);
static const struct bounded bounded = BOUNDED("logs", LOGS_KEPT, LOG_BYTES_KEPT);

void db_log_clear(struct db_log *l)
{
	row_clear(&logs, l);
}

int db_log_add(struct db *db, struct db_log *l, struct error *e)
{
	static const struct sql sql = INSERT(&logs);

	return db_insert_bounded(db, &bounded, &sql, l, e);
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

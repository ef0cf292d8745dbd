/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who did what, bounded. */
#include "db/internal.h"

#include <string.h>

enum {
	EVENTS_KEPT = 10000,
	EVENT_BYTES_KEPT = 8 << 20,
};

static const struct field fields[] = {
	FIELD_AS(struct db_event, FIELD_ID, id),
	FIELD(struct db_event, created_at),
	FIELD(struct db_event, uid),
	/* No login is NULL: 0 is root's. */
	FIELD(struct db_event, login_uid, .select = "ifnull(t.login_uid, -1)",
	      .value = "nullif(:login_uid, -1)"),
	FIELD(struct db_event, action),
	FIELD(struct db_event, command),
	FIELD(struct db_event, kind),
	FIELD_AS(struct db_event, FIELD_ID, thing_id),
	FIELD(struct db_event, name),
	FIELD(struct db_event, ok),
	FIELD(struct db_event, message),
	FIELD_BOUNDED(struct db_event, text_bytes, "events"),
};
static const struct row_type events = ROW_TYPE("events", "events t", struct db_event, fields);
static const struct bounded bounded = BOUNDED("events", EVENTS_KEPT, EVENT_BYTES_KEPT);

void db_event_clear(struct db_event *event)
{
	row_clear(&events, event);
}

static uint64_t length(const char *text)
{
	return text ? strlen(text) : 0;
}

int db_event_add(struct db *db, struct db_event *event, struct error *e)
{
	static const struct sql sql = INSERT(&events);

	event->text_bytes = length(event->action) + length(event->command) + length(event->name) +
			    length(event->message);
	return db_insert_bounded(db, &bounded, &sql, event, e);
}

int db_events(struct db *db, int64_t limit, db_event_fn fn, void *data, struct error *e)
{
	static const struct sql sql =
		SELECT(&events, "WHERE t.id > ifnull((SELECT max(id) FROM events), 0) - ?1 "
				"ORDER BY t.id");
	struct db_event event;
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	if (ret)
		return ret;
	/* Only the oldest are ever deleted, so ids have no gaps. */
	bind_int(&q, limit);
	while ((ret = query_row(&q, &event, e)) > 0) {
		ret = fn(data, &event);
		db_event_clear(&event);
		if (ret)
			break;
	}
	return query_close(&q, ret);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which things a transaction changed, told to who looks: SQLite calls back for each row, also for
 * those that go with another, so that no writer can forget to say so.
 */
#include "db/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

/* Who knows less reads everything, which costs less than so many rows one by one. */
enum { CHANGES_KEPT = 2048, FORGOTTEN_AT_ONCE = 256 };

void db_note_change(struct db *db, int64_t id)
{
	struct changes *c = &db->changes;
	int64_t *grown;

	if (c->count && c->ids[c->count - 1] == id)
		return;
	grown = grow(c->ids, c->count, sizeof(*grown));
	if (!grown) {
		c->lost = true;
		return;
	}
	c->ids = grown;
	c->ids[c->count++] = id;
}

static void on_row(void *data, int op, const char *database, const char *table, sqlite3_int64 rowid)
{
	/* Their rowids are ids of things. */
	static const char *const tables[] = { "things", "objects", "programs", "maps", "links" };
	size_t i;

	(void)op;
	(void)database;
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (!strcmp(table, tables[i]))
			db_note_change(data, rowid);
}

void db_watch_changes(struct db *db)
{
	sqlite3_update_hook(db->handle, on_row, db);
}

void db_forget_changes(struct db *db)
{
	free(db->changes.ids);
	db->changes = (struct changes){ 0 };
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int db_write_changes(struct db *db, struct error *e)
{
	static const struct sql add = SQL("INSERT INTO changes (id) VALUES (?1)");
	static const struct sql forget = SQL("DELETE FROM changes WHERE number <= ?1");
	struct changes *c = &db->changes;
	int64_t number = 0, first = 0;
	int ret = c->lost ? error_nomem(e) : 0;
	size_t i;

	if (!ret && c->count)
		qsort(c->ids, c->count, sizeof(*c->ids), compare);
	for (i = 0; !ret && i < c->count; i++) {
		if (i && c->ids[i] == c->ids[i - 1])
			continue;
		ret = db_run(db, e, &add, "i", c->ids[i]);
		number = sqlite3_last_insert_rowid(db->handle);
		first = first ? first : number;
	}
	/* Not each time: the begin of the table is a page more to write. */
	if (!ret && number / FORGOTTEN_AT_ONCE != (first - 1) / FORGOTTEN_AT_ONCE)
		ret = db_run(db, e, &forget, "i", number - CHANGES_KEPT);
	db_forget_changes(db);
	return ret;
}

int db_changes(struct db *db, int64_t since, int64_t *last, bool *all, int64_t **ids, size_t *count,
	       struct error *e)
{
	static const struct sql newest = SQL("SELECT ifnull(max(number), 0) FROM changes");
	static const struct sql oldest = SQL("SELECT ifnull(min(number), 1) FROM changes");
	static const struct sql sql =
		SQL("SELECT DISTINCT id FROM changes WHERE number > ?1 ORDER BY id");
	int64_t kept_from;
	int ret = db_find_int(db, e, last, &newest);

	*ids = NULL;
	*count = 0;
	if (!ret)
		ret = db_find_int(db, e, &kept_from, &oldest);
	if (ret)
		return ret;
	*all = since < kept_from - 1 || since > *last;
	return *all ? 0 : db_find_ints(db, e, 1, ids, count, &sql, "i", since);
}

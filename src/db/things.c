/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one sequence of ids, and what an id names. */
#include "db/internal.h"

#include <errno.h>
#include <string.h>

static const char *const kinds[] = { "object", "program", "map", "link" };
static const char *const states[] = { "pending", "loaded", "unloading" };

const char *db_kind_name(enum db_kind kind)
{
	return kinds[kind];
}

const char *db_state_name(enum db_state state)
{
	return states[state];
}

const char *db_settled_name(const struct db *db)
{
	return states[db->undecided ? DB_PENDING : DB_LOADED];
}

bool db_set_undecided(struct db *db, bool undecided)
{
	bool was = db->undecided;

	db->undecided = undecided;
	return was;
}

int db_kind_of(struct db *db, int64_t id, enum db_kind *kind, struct error *e)
{
	static const struct sql sql =
		SQL("SELECT kind FROM things t WHERE id = ?1 AND (NOT ?2 OR coalesce("
		    "(SELECT state FROM objects WHERE id = t.id), "
		    "(SELECT state FROM programs WHERE id = t.id), "
		    "(SELECT state FROM maps WHERE id = t.id), "
		    "(SELECT state FROM links WHERE id = t.id)) <> 'unloading')");
	struct query q;
	int ret = query_open(&q, db, &sql, e);
	size_t i;

	if (ret)
		return ret;
	bind_int(&q, id);
	bind_int(&q, db->undecided);
	ret = query_step(&q, e);
	if (ret > 0) {
		const char *name = (const char *)sqlite3_column_text(q.stmt, 0);

		ret = name ? 0 : error_nomem(e);
		for (i = 0; name && i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (!strcmp(name, kinds[i]))
				*kind = i;
	} else if (!ret) {
		ret = -ENOENT;
	}
	return query_close(&q, ret);
}

int db_next_id(struct db *db, int64_t *id, struct error *e)
{
	static const struct sql sql =
		SQL("SELECT ifnull(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'things'");

	return db_find_int(db, e, id, &sql);
}

int db_new_id(struct db *db, enum db_kind kind, int64_t *id, struct error *e)
{
	static const struct sql sql = SQL("INSERT INTO things (kind) VALUES (?1)");
	int ret = db_run(db, e, &sql, "s", db_kind_name(kind));

	if (!ret)
		*id = sqlite3_last_insert_rowid(db->handle);
	return ret;
}

int db_insert_thing(struct db *db, enum db_kind kind, const struct sql *sql, void *row,
		    struct error *e)
{
	struct query q;
	int64_t *id = row;
	int ret = db_new_id(db, kind, id, e);

	if (ret)
		return ret;
	ret = query_open(&q, db, sql, e);
	if (!ret) {
		bind_row(&q, row);
		ret = query_close(&q, query_step(&q, e));
	}
	/* The caller may go on with the transaction after, say, a name that is taken. */
	if (ret)
		db_delete_thing(db, kind, *id, NULL);
	return ret;
}

int db_update_thing(struct db *db, enum db_kind kind, const struct sql *sql, const void *row,
		    struct error *e)
{
	const int64_t *id = row;
	struct query q;
	int ret = query_open(&q, db, sql, e);

	if (ret)
		return ret;
	bind_row(&q, row);
	ret = query_close(&q, query_step(&q, e));
	if (!ret && !sqlite3_changes(db->handle))
		ret = error_set(e, ENOENT, "database %s: no %s %lld", db->path, kinds[kind],
				(long long)*id);
	return ret;
}

int db_delete_thing(struct db *db, enum db_kind kind, int64_t id, struct error *e)
{
	static const struct sql sql = SQL("DELETE FROM things WHERE id = ?1 AND kind = ?2");

	return db_run_on(db, e, kinds[kind], id, &sql, "is", id, kinds[kind]);
}

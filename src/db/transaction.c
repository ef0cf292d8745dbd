/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Transactions, and when they survive a power cut. */
#include "db/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"

int db_exec(struct db *db, const char *sql, struct error *e)
{
	int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return rc ? db_fail(db, rc, e) : 0;
}

int db_exec_int(struct db *db, const char *sql, int64_t *value, struct error *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);

	*value = 0;
	if (!rc)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*value = sqlite3_column_int64(stmt, 0);
	/* The message is read before the statement goes. */
	rc = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_fail(db, rc, e);
	sqlite3_finalize(stmt);
	return rc;
}

static const struct sql begin_write = CONTROL("BEGIN IMMEDIATE");
static const struct sql begin_read = CONTROL("BEGIN");
static const struct sql commit = CONTROL("COMMIT");
static const struct sql rollback = CONTROL("ROLLBACK");

int db_begin(struct db *db, struct error *e)
{
	int ret;

	if (db->mode == DB_READ)
		return db_refuse(db, e, EROFS, "it was opened for reading only");
	db_forget_changes(db);
	ret = db_run(db, e, &begin_write, "");
	if (!ret)
		db->changes_at_begin = sqlite3_total_changes64(db->handle);
	return ret;
}

int db_read_begin(struct db *db, struct error *e)
{
	return db_run(db, e, &begin_read, "");
}

void db_read_end(struct db *db)
{
	db_rollback(db); /* nothing was written, there is nothing to lose */
}

int db_any_unsettled(struct db *db, int64_t now, bool *any, struct error *e)
{
	static const struct sql sql =
		SQL("SELECT EXISTS (SELECT 1 FROM objects WHERE state <> 'loaded')"
		    " OR EXISTS (SELECT 1 FROM programs WHERE state <> 'loaded')"
		    " OR EXISTS (SELECT 1 FROM maps WHERE state <> 'loaded')"
		    " OR EXISTS (SELECT 1 FROM links WHERE state <> 'loaded')"
		    " OR EXISTS (SELECT 1 FROM links WHERE expires_at <= ?1)"
		    " OR EXISTS (SELECT 1 FROM upgrades)"
		    " OR EXISTS (SELECT 1 FROM atomic_runs)");
	int64_t *found;
	size_t count;
	int ret = db_find_ints(db, e, 1, &found, &count, &sql, "i", now);

	*any = !ret && count && found[0];
	free(found);
	return ret;
}

/* Back to commits that need not be waited for. */
static int end_durable(struct db *db, struct error *e)
{
	if (!db->durable)
		return 0;
	db->durable = false;
	return db_exec(db, "PRAGMA synchronous = NORMAL", e);
}

int db_begin_durable(struct db *db, struct error *e)
{
	int ret = db_exec(db, "PRAGMA synchronous = FULL", e);

	if (ret)
		return ret;
	db->durable = true;
	ret = db_begin(db, e);
	if (ret)
		end_durable(db, NULL);
	return ret;
}

void db_rollback(struct db *db)
{
	if (!sqlite3_get_autocommit(db->handle))
		db_run(db, NULL, &rollback, "");
	end_durable(db, NULL);
}

int db_commit(struct db *db, struct error *e)
{
	bool changed = sqlite3_total_changes64(db->handle) != db->changes_at_begin;
	int ret;

	/* SQLite itself rolls back where, say, the disk filled up while it wrote pages early. */
	if (sqlite3_get_autocommit(db->handle))
		return db_refuse(db, e, EIO, "nothing to commit: the transaction was rolled back");
	ret = db_write_changes(db, e);
	if (!ret)
		ret = db_run(db, e, &commit, "");
	if (ret) {
		db_rollback(db);
	} else if (changed) {
		db->dirty = !db->durable;
		db->wrote = true;
	}
	/* It is committed, whatever comes of the next one's speed. */
	if (!ret)
		end_durable(db, NULL);
	return ret;
}

int db_make_durable(struct db *db, struct error *e)
{
	/* A commit that changes nothing writes nothing, and syncs nothing. */
	static const struct sql sql =
		SQL("UPDATE meta SET value = value + 1 WHERE key = 'durable_commits'");
	int ret;

	if (!db->dirty || db->in_memory)
		return 0;
	ret = db_begin_durable(db, e);
	if (ret)
		return ret;
	ret = db_run(db, e, &sql, "");
	if (ret) {
		db_rollback(db);
		return ret;
	}
	return db_commit(db, e);
}

int db_data_version(struct db *db, int64_t *version, struct error *e)
{
	static const struct sql sql = SQL("PRAGMA data_version");

	return db_find_int(db, e, version, &sql);
}

/* Lines of a statement's answer; what makes the statement itself fail is a line too. */
static int add_problems(struct db *db, const char *sql, struct buf *text)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);

	while (!rc && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *line = (const char *)sqlite3_column_text(stmt, 0);

		if (line)
			buf_printf(text, "%s%s", text->len ? "\n" : "", line);
		rc = line ? 0 : SQLITE_NOMEM;
	}
	if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB) {
		buf_printf(text, "%s%s", text->len ? "\n" : "", sqlite3_errmsg(db->handle));
		rc = SQLITE_DONE;
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? 0 : rc;
}

int db_check(struct db *db, char **problem, struct error *e)
{
	static const char *const checks[] = {
		"SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
		"SELECT 'row ' || ifnull(rowid, '') || ' of ' || \"table\" || ' refers to a "
		"missing row "
		"of ' || parent FROM pragma_foreign_key_check",
	};
	struct buf text = { 0 };
	size_t i;
	int ret = 0, rc = 0;

	*problem = NULL;
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]) && !rc && !text.len; i++)
		rc = add_problems(db, checks[i], &text);
	if (rc)
		ret = db_fail(db, rc, e);
	else if (buf_error(&text))
		ret = error_nomem(e);
	else if (text.len)
		*problem = buf_take(&text);
	buf_free(&text);
	return ret;
}

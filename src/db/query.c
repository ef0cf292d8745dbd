/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements: prepared once per connection, bound, stepped, read. */
#include "db/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static int prepare(struct db *db, const struct sql *sql, sqlite3_stmt **stmt, struct error *e)
{
	struct buf text = { 0 };
	int ret = 0, rc;

	sql_write(sql, &text);
	if (buf_error(&text)) {
		ret = error_nomem(e);
		goto out;
	}
	rc = sqlite3_prepare_v3(db->handle, text.data, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
	/* All texts are ours: one that does not compile meets a schema that is not. */
	if (rc == SQLITE_ERROR)
		ret = db_damaged(db, e, sqlite3_errmsg(db->handle));
	else if (rc)
		ret = db_fail(db, rc, e);
out:
	buf_free(&text);
	return ret;
}

static struct cached *cache_slot(struct db *db, const struct sql *sql)
{
	size_t at = ((uintptr_t)sql >> 3) * 31 % DB_CACHE_SLOTS, n;

	for (n = 0; n < DB_CACHE_SLOTS; n++, at = (at + 1) % DB_CACHE_SLOTS) {
		if (db->cache[at].sql && db->cache[at].sql != sql)
			continue;
		db->cache[at].sql = sql;
		return &db->cache[at];
	}
	return NULL;
}

int query_open(struct query *q, struct db *db, const struct sql *sql, struct error *e)
{
	struct cached *slot = cache_slot(db, sql);
	int ret;

	memset(q, 0, sizeof(*q));
	q->db = db;
	q->sql = sql;
	/* A nested use of the same statement finds the slot empty and gets one of its own. */
	if (slot && slot->stmt) {
		q->stmt = slot->stmt;
		slot->stmt = NULL;
	} else {
		ret = prepare(db, sql, &q->stmt, e);
		if (ret)
			return ret;
	}
	if (sql->form != SQL_CONTROL && !sqlite3_stmt_readonly(q->stmt) &&
	    sqlite3_get_autocommit(db->handle))
		return query_close(q, db_refuse(db, e, EINVAL, "a change outside a transaction"));
	return 0;
}

int query_close(struct query *q, int ret)
{
	struct cached *slot = cache_slot(q->db, q->sql);

	sqlite3_reset(q->stmt);
	sqlite3_clear_bindings(q->stmt);
	if (slot && !slot->stmt)
		slot->stmt = q->stmt;
	else
		sqlite3_finalize(q->stmt);
	q->stmt = NULL;
	return ret;
}

static void note(struct query *q, int rc)
{
	if (rc && !q->rc)
		q->rc = rc;
}

void bind_int(struct query *q, int64_t value)
{
	note(q, sqlite3_bind_int64(q->stmt, ++q->param, value));
}

static void bind_text_len(struct query *q, const char *text, size_t len)
{
	/* A NULL text binds NULL. */
	note(q, sqlite3_bind_text64(q->stmt, ++q->param, text, len, SQLITE_STATIC, SQLITE_UTF8));
}

void bind_text(struct query *q, const char *text)
{
	bind_text_len(q, text, text ? strlen(text) : 0);
}

void bind_bytes(struct query *q, const void *bytes, size_t len)
{
	/* No bytes are a value too, and a NULL pointer would bind NULL. */
	note(q, sqlite3_bind_blob64(q->stmt, ++q->param, len ? bytes : "", len, SQLITE_STATIC));
}

static void bind_id(struct query *q, int64_t id)
{
	if (id)
		bind_int(q, id);
	else
		note(q, sqlite3_bind_null(q->stmt, ++q->param));
}

void bind_row(struct query *q, const void *row)
{
	const struct row_type *type = q->sql->row;
	size_t i;

	for (i = 0; i < type->count; i++) {
		const struct field *f = &type->fields[i];
		const char *at = (const char *)row + f->offset;

		if (!f->column)
			continue;
		switch (f->type) {
		case FIELD_I64:
			bind_int(q, *(const int64_t *)at);
			break;
		case FIELD_U64:
			bind_int(q, (int64_t) * (const uint64_t *)at);
			break;
		case FIELD_U32:
			bind_int(q, *(const uint32_t *)at);
			break;
		case FIELD_BOOL:
			bind_int(q, *(const bool *)at);
			break;
		case FIELD_TEXT:
			if (f->length)
				bind_text_len(q, *(char *const *)at,
					      *(const size_t *)((const char *)row + f->length));
			else
				bind_text(q, *(char *const *)at);
			break;
		case FIELD_ID:
			bind_id(q, *(const int64_t *)at);
			break;
		case FIELD_STATE:
			bind_text(q, *(const enum db_state *)at == DB_LOADED
					     ? db_settled_name(q->db)
					     : db_state_name(*(const enum db_state *)at));
			break;
		case FIELD_SHA256:
			bind_text(q, *at ? at : NULL);
			break;
		}
	}
}

int query_step(struct query *q, struct error *e)
{
	int rc = q->rc;

	q->column = 0;
	if (!rc)
		rc = sqlite3_step(q->stmt);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return db_fail(q->db, rc, e);
}

int64_t column_int(struct query *q)
{
	return sqlite3_column_int64(q->stmt, q->column++);
}

static char *column_bytes(struct query *q, size_t *len)
{
	int column = q->column++;
	const unsigned char *text = sqlite3_column_text(q->stmt, column);
	size_t size = text ? (size_t)sqlite3_column_bytes(q->stmt, column) : 0;
	char *copy;

	*len = size;
	if (!text) {
		if (sqlite3_column_type(q->stmt, column) != SQLITE_NULL)
			note(q, SQLITE_NOMEM);
		return NULL;
	}
	copy = malloc(size + 1);
	if (!copy) {
		note(q, SQLITE_NOMEM);
		return NULL;
	}
	memcpy(copy, text, size);
	copy[size] = '\0';
	return copy;
}

char *column_text(struct query *q)
{
	size_t len;

	return column_bytes(q, &len);
}

int query_lost(struct query *q, struct error *e)
{
	return q->rc ? db_fail(q->db, q->rc, e) : 0;
}

static void column_state(struct query *q, enum db_state *state)
{
	const unsigned char *name = sqlite3_column_text(q->stmt, q->column++);
	int i;

	/* The schema admits no other names; if one comes, the row is not settled. */
	*state = DB_PENDING;
	for (i = DB_PENDING; name && i <= DB_UNLOADING; i++)
		if (!strcmp((const char *)name, db_state_name(i)))
			*state = i;
}

static void column_sha256(struct query *q, char sha256[65])
{
	const unsigned char *hex = sqlite3_column_text(q->stmt, q->column);

	if (hex && sqlite3_column_bytes(q->stmt, q->column) == 64)
		memcpy(sha256, hex, 65);
	q->column++;
}

/* In an undecided run what it made is there, and what it unloaded is not. */
static bool is_hidden(const struct query *q, const struct row_type *type, void *row)
{
	if (!q->db->undecided)
		return false;
	for (size_t i = 0; i < type->count; i++) {
		enum db_state *state = (void *)((char *)row + type->fields[i].offset);

		if (type->fields[i].type != FIELD_STATE)
			continue;
		if (*state == DB_UNLOADING)
			return true;
		*state = DB_LOADED;
	}
	return false;
}

static int read_row(struct query *q, void *row, struct error *e)
{
	const struct row_type *type = q->sql->row;
	size_t i, len;
	int ret = query_step(q, e);

	if (ret <= 0)
		return ret;
	memset(row, 0, type->size);
	for (i = 0; i < type->count; i++) {
		const struct field *f = &type->fields[i];
		char *at = (char *)row + f->offset;

		switch (f->type) {
		case FIELD_I64:
		case FIELD_ID:
			*(int64_t *)at = column_int(q);
			break;
		case FIELD_U64:
			*(uint64_t *)at = (uint64_t)column_int(q);
			break;
		case FIELD_U32:
			*(uint32_t *)at = (uint32_t)column_int(q);
			break;
		case FIELD_BOOL:
			*(bool *)at = column_int(q) != 0;
			break;
		case FIELD_TEXT:
			*(char **)at = column_bytes(q, &len);
			if (f->length)
				*(size_t *)((char *)row + f->length) = len;
			break;
		case FIELD_STATE:
			column_state(q, (enum db_state *)at);
			break;
		case FIELD_SHA256:
			column_sha256(q, at);
			break;
		}
	}
	ret = query_lost(q, e);
	if (ret) {
		row_clear(type, row);
		return ret;
	}
	return 1;
}

int query_row(struct query *q, void *row, struct error *e)
{
	int ret;

	while ((ret = read_row(q, row, e)) > 0 && is_hidden(q, q->sql->row, row))
		row_clear(q->sql->row, row);
	return ret;
}

void row_clear(const struct row_type *type, void *row)
{
	size_t i;

	for (i = 0; i < type->count; i++)
		if (type->fields[i].type == FIELD_TEXT)
			free(*(char **)((char *)row + type->fields[i].offset));
	memset(row, 0, type->size);
}

static int open_bound(struct query *q, struct db *db, const struct sql *sql, const char *form,
		      va_list args, struct error *e)
{
	int ret = query_open(q, db, sql, e);

	if (ret)
		return ret;
	for (; *form; form++) {
		if (*form == 'i')
			bind_int(q, va_arg(args, int64_t));
		else
			bind_text(q, va_arg(args, const char *));
	}
	return 0;
}

static int run(struct db *db, struct error *e, const struct sql *sql, const char *form,
	       va_list args)
{
	struct query q;
	int ret = open_bound(&q, db, sql, form, args, e);

	return ret ? ret : query_close(&q, query_step(&q, e));
}

int db_run(struct db *db, struct error *e, const struct sql *sql, const char *form, ...)
{
	va_list args;
	int ret;

	va_start(args, form);
	ret = run(db, e, sql, form, args);
	va_end(args);
	return ret;
}

int db_run_on(struct db *db, struct error *e, const char *kind, int64_t id, const struct sql *sql,
	      const char *form, ...)
{
	va_list args;
	int ret;

	va_start(args, form);
	ret = run(db, e, sql, form, args);
	va_end(args);
	if (ret || sqlite3_changes64(db->handle))
		return ret;
	return error_set(e, ENOENT, "database %s: no %s %lld", db->path, kind, (long long)id);
}

int db_find(struct db *db, struct error *e, void *row, const struct sql *sql, const char *form, ...)
{
	struct query q;
	va_list args;
	int ret;

	va_start(args, form);
	ret = open_bound(&q, db, sql, form, args, e);
	va_end(args);
	if (ret)
		return ret;
	ret = query_row(&q, row, e);
	return query_close(&q, ret > 0 ? 0 : ret ? ret : -ENOENT);
}

int db_find_int(struct db *db, struct error *e, int64_t *value, const struct sql *sql)
{
	struct query q;
	int ret = query_open(&q, db, sql, e);

	if (ret)
		return ret;
	*value = 0;
	ret = query_step(&q, e);
	if (ret > 0) {
		*value = column_int(&q);
		ret = 0;
	}
	return query_close(&q, ret);
}

int db_find_ints(struct db *db, struct error *e, int width, int64_t **ints, size_t *count,
		 const struct sql *sql, const char *form, ...)
{
	size_t capacity = 0, n = 0;
	int64_t *list = NULL;
	struct query q;
	va_list args;
	int ret, i;

	*ints = NULL;
	*count = 0;
	va_start(args, form);
	ret = open_bound(&q, db, sql, form, args, e);
	va_end(args);
	if (ret)
		return ret;
	while ((ret = query_step(&q, e)) > 0) {
		if (n == capacity) {
			int64_t *more;

			capacity = capacity ? capacity * 2 : 8;
			more = realloc(list, capacity * width * sizeof(*list));
			if (!more) {
				ret = error_nomem(e);
				break;
			}
			list = more;
		}
		for (i = 0; i < width; i++)
			list[n * width + i] = column_int(&q);
		n++;
	}
	if (ret) {
		free(list);
		return query_close(&q, ret);
	}
	*ints = list;
	*count = n;
	return query_close(&q, 0);
}

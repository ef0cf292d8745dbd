/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_DB_INTERNAL_H
#define BPFMAN_DB_INTERNAL_H

#include <sqlite3.h>
#include <stddef.h>

#include "base/error.h"
#include "db/db.h"

/* "bpfm", PRAGMA application_id: so that no other database is taken for ours. */
enum { DB_APPLICATION_ID = 0x6270666d };

/*
 * The schema as a list of steps: PRAGMA user_version counts those applied. A step that was released
 * is never edited; a change is a new string at the end.
 */
struct schema {
	const char *const *migrations;
	int count;
};
extern const struct schema db_schema;

/* One column of a row type: of these the SELECT and INSERT texts, reader and binder are made. */
enum field_type {
	FIELD_I64,
	FIELD_U64, /* stored as the signed integer with the same bits */
	FIELD_U32,
	FIELD_BOOL,
	FIELD_TEXT,
	FIELD_ID,    /* 0 is stored as NULL */
	FIELD_STATE, /* enum db_state, stored by name */
	FIELD_SHA256 /* char[65], "" is stored as NULL */
};

struct field {
	const char *column; /* NULL: only read */
	const char *select; /* expression to read; NULL: t.COLUMN */
	const char *value;  /* expression to insert, naming :COLUMN; NULL: :COLUMN */
	enum field_type type;
	size_t offset;
	size_t length; /* offset of a text's length; 0: the text ends at its NUL */
};

/* clang-format off */
#define FIELD_TYPE(row, member)                                                                    \
	_Generic(((row *)NULL)->member,                                                            \
		int64_t: FIELD_I64, uint64_t: FIELD_U64, uint32_t: FIELD_U32, bool: FIELD_BOOL,    \
		char *: FIELD_TEXT)

/* A stored column; more designators may follow. */
#define FIELD_IN(row, member, column_, ...)                                                        \
	{ .column = column_, .type = FIELD_TYPE(row, member), .offset = offsetof(row, member),     \
	  ##__VA_ARGS__ }
/* A stored column of the member's name. */
#define FIELD(row, member, ...) FIELD_IN(row, member, #member, ##__VA_ARGS__)
/* The same where the C type does not say how it is stored. */
#define FIELD_AS(row, type_, member)                                                               \
	{ .column = #member, .type = type_, .offset = offsetof(row, member) }
/* A value that comes from a joined table. */
#define FIELD_READ(row, member, expression)                                                        \
	{ .select = expression, .type = FIELD_TYPE(row, member), .offset = offsetof(row, member) }

struct row_type {
	const char *table;
	const char *from; /* tables to read from; the row's own is called t */
	const struct field *fields;
	size_t count;
	size_t size; /* of the C struct */
};
#define ROW_TYPE(table_, from_, struct_, fields_)                                                  \
	{ .table = table_, .from = from_, .fields = fields_,                                       \
	  .count = sizeof(fields_) / sizeof(fields_[0]), .size = sizeof(struct_) }

/*
 * A statement. Its address is the key under which each connection keeps it prepared, so it must be
 * a static object.
 */
struct sql {
	enum { SQL_TEXT, SQL_SELECT, SQL_INSERT, SQL_UPDATE, SQL_CONTROL } form;
	const struct row_type *row;
	const char *text; /* SQL_SELECT: what follows the FROM clause */
};
#define SQL(text_) { .form = SQL_TEXT, .text = text_ }
/* One that begins or ends a transaction: the only kind that may change things outside of one. */
#define CONTROL(text_) { .form = SQL_CONTROL, .text = text_ }
#define SELECT(row_, tail_) { .form = SQL_SELECT, .row = row_, .text = tail_ }
#define INSERT(row_) { .form = SQL_INSERT, .row = row_ }
/* All stored columns of the row whose id is the struct's; bind_row() binds both. */
#define UPDATE(row_) { .form = SQL_UPDATE, .row = row_ }

/*
 * A table that only remembers: rows are added at the end, and only ever the oldest deleted, so that
 * ids have no gaps. Its rows have text_bytes, and bytes_to_here, the running sum, by which the bound
 * is found without reading all rows.
 */
struct bounded {
	int64_t rows_kept, bytes_kept;
	struct sql by_count, newest_sum, before_oldest, by_bytes;
};
#define BOUNDED(table, rows, bytes)                                                                \
	{ .rows_kept = rows, .bytes_kept = bytes,                                                  \
	  .by_count = SQL("DELETE FROM " table " WHERE id <= ?1"),                                 \
	  .newest_sum = SQL("SELECT bytes_to_here FROM " table " ORDER BY id DESC LIMIT 1"),       \
	  .before_oldest =                                                                         \
		  SQL("SELECT bytes_to_here - text_bytes FROM " table " ORDER BY id LIMIT 1"),     \
	  .by_bytes = SQL("DELETE FROM " table                                                     \
			  " WHERE id < ?1 AND bytes_to_here - text_bytes < ?2") }
/* Its two columns, from the member that has the text's bytes. */
#define FIELD_BOUNDED(row, member, table)                                                          \
	FIELD_IN(row, member, "text_bytes, bytes_to_here", .select = "t.text_bytes",               \
		 .value = ":text_bytes, :text_bytes + ifnull((SELECT b.bytes_to_here FROM " table  \
			  " b ORDER BY b.id DESC LIMIT 1), 0)")
/* clang-format on */

struct buf;
/* Adds the statement's text (sql.c). */
void sql_write(const struct sql *sql, struct buf *text);

enum { DB_CACHE_SLOTS = 128 };

struct db {
	sqlite3 *handle;
	char *path; /* as SQLite gets it: never empty, ":memory:" or a URI */
	enum db_mode mode;
	char uuid[33];
	bool in_memory;
	bool undecided;			/* see db_set_undecided() */
	bool durable;			/* the transaction that is open is: see db_begin_durable() */
	bool dirty;			/* committed since the last durable commit */
	bool wrote;			/* committed anything at all */
	int wal_fd;			/* to have the WAL written early; -1: none */
	int wal_started;		/* frames of it whose writing has begun */
	sqlite3_int64 changes_at_begin; /* sqlite3_total_changes64() when the transaction began */
	struct changes {		/* things that the open transaction changed */
		int64_t *ids;
		size_t count;
		bool lost; /* some could not be remembered */
	} changes;
	struct cached {
		const struct sql *sql;
		sqlite3_stmt *stmt; /* NULL while a query has it */
	} cache[DB_CACHE_SLOTS];
};

/* db_open() with a schema of one's own. */
int db_open_schema(struct db **out, const char *path, enum db_mode mode,
		   const struct schema *schema, struct error *e);

/* Whether there is a file; it is not opened. Refuses what is no regular file. */
int db_look_for_file(const struct db *db, bool *exists, struct error *e);
/* Makes the file (0600, empty) and its directory (0700) where they are missing. */
int db_create_file(const struct db *db, struct error *e);
/* Whether the file system's blocks are too small for WAL. */
bool db_small_blocks(const struct db *db);

/* What a database is, by its header numbers, to a program that knows schema. */
enum db_age { DB_NEW, DB_OLD, DB_CURRENT };
/* -EINVAL for a foreign database, -EOPNOTSUPP for a newer schema; e filled. */
int db_classify(const struct db *db, const struct schema *schema, uint32_t application_id,
		int version, bool empty, enum db_age *age, struct error *e);
/* The same of the open database, in a read transaction of the caller's. */
int db_read_age(struct db *db, const struct schema *schema, enum db_age *age, struct error *e);
/* Applies what is missing, in one exclusive transaction, and reads the uuid. */
int db_migrate(struct db *db, const struct schema *schema, struct error *e);
/* Fills db->uuid from table meta. */
int db_read_uuid(struct db *db, struct error *e);

/* From here it is noted which things change (changes.c). */
void db_watch_changes(struct db *db);
/* One that SQLite does not call back for: a row of a table without rowid. */
void db_note_change(struct db *db, int64_t id);
/* Writes them down, before the commit; forgets them in any case. */
int db_write_changes(struct db *db, struct error *e);
void db_forget_changes(struct db *db);

/* Runs statements that have no parameters and answer no row. */
int db_exec(struct db *db, const char *sql, struct error *e);
/* The first row's first column of a statement without parameters. */
int db_exec_int(struct db *db, const char *sql, int64_t *value, struct error *e);

/* Says what SQLite's result code means for this database; rc is not SQLITE_OK. Returns -errno. */
int db_fail(const struct db *db, int rc, struct error *e);
/* The same for a system call's errno. */
int db_fail_errno(const struct db *db, int err, struct error *e);
/* "database PATH: ..." of class ERROR_ENVIRONMENT. */
int db_refuse(const struct db *db, struct error *e, int err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* -EUCLEAN: the database's contents are not what bpfman wrote. */
int db_damaged(const struct db *db, struct error *e, const char *what);

/*
 * A statement that is running. Errors of binding are kept and told by the next step. A query that
 * was opened must be closed, whatever its steps returned.
 */
struct query {
	struct db *db;
	const struct sql *sql;
	sqlite3_stmt *stmt;
	int param;  /* bound so far */
	int column; /* read so far */
	int rc;
};

/* A statement that writes is refused outside a transaction: it would escape db_make_durable(). */
int query_open(struct query *q, struct db *db, const struct sql *sql, struct error *e);
/* Bind the next parameter. Strings and bytes must live until the query is closed; NULL is NULL. */
void bind_int(struct query *q, int64_t value);
void bind_text(struct query *q, const char *text);
void bind_bytes(struct query *q, const void *bytes, size_t len);
/* Binds all stored columns of a row, for an INSERT or an UPDATE. */
void bind_row(struct query *q, const void *row);
/* 1: there is a row; 0: no more; or -errno. */
int query_step(struct query *q, struct error *e);
/* Steps, and reads the row into *row, which owns its strings. 1, 0 or -errno. */
int query_row(struct query *q, void *row, struct error *e);
/* The next column of the row. */
int64_t column_int(struct query *q);
/* A copy, owned by the caller. NULL for NULL, and without memory, which query_lost() tells. */
char *column_text(struct query *q);
/* -ENOMEM with e filled when a column could not be copied, else 0. */
int query_lost(struct query *q, struct error *e);
/* Returns ret. */
int query_close(struct query *q, int ret);

/* Opens, binds and runs at once. Parameters by form: 'i' int64_t, 's' const char *. */
int db_run(struct db *db, struct error *e, const struct sql *sql, const char *form, ...);
/* The same for a statement that must change something: else -ENOENT, "no KIND ID". */
int db_run_on(struct db *db, struct error *e, const char *kind, int64_t id, const struct sql *sql,
	      const char *form, ...);
/* The same for one row of sql's row type; -ENOENT when none, e not filled. */
int db_find(struct db *db, struct error *e, void *row, const struct sql *sql, const char *form,
	    ...);
/* One integer of a statement without parameters; 0 when there is no row. */
int db_find_int(struct db *db, struct error *e, int64_t *value, const struct sql *sql);
/* A list of int64_t, width to an item; caller frees. Empty: NULL. */
int db_find_ints(struct db *db, struct error *e, int width, int64_t **ints, size_t *count,
		 const struct sql *sql, const char *form, ...);

void row_clear(const struct row_type *type, void *row);
/* "loaded"; "pending" while the run is undecided. */
const char *db_settled_name(const struct db *db);
/* A new id of this kind, for a row of another table. */
int db_new_id(struct db *db, enum db_kind kind, int64_t *id, struct error *e);
/* Inserts a row whose first field is its int64_t id, under a new id. */
int db_insert_thing(struct db *db, enum db_kind kind, const struct sql *sql, void *row,
		    struct error *e);
/* Inserts a row whose first field is its int64_t id into such a table, and lets the oldest go. */
int db_insert_bounded(struct db *db, const struct bounded *b, const struct sql *sql, void *row,
		      struct error *e);
/* Writes a row, whose first field is its int64_t id, over the one of that id. */
int db_update_thing(struct db *db, enum db_kind kind, const struct sql *sql, const void *row,
		    struct error *e);
/* Removes an id and its row. */
int db_delete_thing(struct db *db, enum db_kind kind, int64_t id, struct error *e);

#endif

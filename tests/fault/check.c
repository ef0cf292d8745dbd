/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The invariants: what is pinned against what the rows say, both looked at directly. */
#include "sweep.h"

#include <err.h>
#include <errno.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void found(struct findings *f, enum kind kind, const char *format, ...)
{
	va_list args;
	char *what;

	f->found[kind] = true;
	va_start(args, format);
	if (vasprintf(&what, format, args) < 0)
		errx(2, "no memory");
	va_end(args);
	f->tell(f->data, kind, what);
	free(what);
}

/* ---- what the rows say there is ---- */

struct expected {
	char *path;
	bool directory;
	enum thing thing;   /* of a pin */
	uint64_t dev, ino;  /* of a pin */
	uint32_t kernel_id; /* of a pin */
	bool may_lack;	    /* it need not be there */
	bool seen;
};

struct stores {
	const struct place *p;
	struct findings *f;
	struct expected *at;
	size_t count, cap;
	struct ids *known; /* of each kind of thing */
	const char *others;
	size_t others_count;
};

static struct expected *expect(struct stores *s, const char *path)
{
	struct expected *e;

	for (size_t i = 0; i < s->count; i++)
		if (!strcmp(s->at[i].path, path))
			return &s->at[i];
	if (s->count == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 32;
		s->at = reallocarray(s->at, s->cap, sizeof(*s->at));
		if (!s->at)
			errx(2, "no memory");
	}
	e = &s->at[s->count++];
	*e = (struct expected){ .path = strdup(path), .directory = true };
	if (!e->path)
		errx(2, "no memory");
	return e;
}

static const char *text(sqlite3_stmt *row, int column)
{
	return (const char *)sqlite3_column_text(row, column);
}

static void owner_row(struct stores *s, sqlite3_stmt *row)
{
	char path[2 * PLACE_PATH];

	snprintf(path, sizeof(path), "%s/owner_%s", s->p->root, text(row, 0));
	/* It is made after the database, by the first command that changes something. */
	expect(s, path)->may_lack = true;
	expect(s, s->p->root)->may_lack = true;
	/* Stays, as the root does; what is in it must be known. */
	snprintf(path, sizeof(path), "%s/by_name", s->p->root);
	expect(s, path)->may_lack = true;
}

static void object_row(struct stores *s, sqlite3_stmt *row)
{
	struct stat st;

	if (!text(row, 1)) {
		found(s->f, FOUND_GHOST, "object %s has no directory of pins", text(row, 0));
		return;
	}
	expect(s, text(row, 1));
	if (!stat(text(row, 1), &st) && (sqlite3_int64)st.st_dev != sqlite3_column_int64(row, 2))
		found(s->f, FOUND_GHOST, "object %s: another st_dev", text(row, 0));
}

static void pin_row(struct stores *s, sqlite3_stmt *row, enum thing thing)
{
	uint32_t kernel_id = (uint32_t)sqlite3_column_int64(row, 1);

	ids_add(&s->known[thing], kernel_id);
	for (int column = 4; column < sqlite3_column_count(row); column++) {
		struct expected *e;

		if (!text(row, column)) {
			found(s->f, FOUND_GHOST, "%s %s has no pin", thing_names[thing],
			      text(row, 0));
			continue;
		}
		e = expect(s, text(row, column));
		e->directory = false;
		e->thing = thing;
		e->dev = (uint64_t)sqlite3_column_int64(row, 2);
		e->ino = (uint64_t)sqlite3_column_int64(row, 3);
		e->kernel_id = kernel_id;
	}
}

static void program_row(struct stores *s, sqlite3_stmt *row)
{
	pin_row(s, row, A_PROGRAM);
}

static void map_row(struct stores *s, sqlite3_stmt *row)
{
	pin_row(s, row, A_MAP);
}

static void link_row(struct stores *s, sqlite3_stmt *row)
{
	pin_row(s, row, A_LINK);
}

/* A link runs the program that its row belongs to, be it the old build's or the new one's. */
static void running_row(struct stores *s, sqlite3_stmt *row)
{
	uint32_t runs = kernel_link_program(text(row, 1));

	if (runs && runs != (uint32_t)sqlite3_column_int64(row, 2))
		found(s->f, FOUND_GHOST, "link %s runs program %u of the kernel, not its row's",
		      text(row, 0), runs);
}

/* A map that outlived its object is pinned in that one's directory. */
static void left_row(struct stores *s, sqlite3_stmt *row)
{
	expect(s, text(row, 0));
}

static void directory_row(struct stores *s, sqlite3_stmt *row)
{
	struct stat st;

	expect(s, text(row, 0));
	if (!sqlite3_column_int(row, 1) && !stat(text(row, 0), &st))
		found(s->f, FOUND_ORPHAN, "%s was made for a pin that is not there", text(row, 0));
}

static void bad_row(struct stores *s, sqlite3_stmt *row)
{
	found(s->f, FOUND_GHOST, "%s", text(row, 0));
}

static const struct {
	const char *sql;
	void (*row)(struct stores *s, sqlite3_stmt *row);
} queries[] = {
	{ "SELECT value FROM meta WHERE key = 'uuid'", owner_row },
	{ "SELECT id, pin_dir, root_dev FROM objects WHERE state = 'loaded'", object_row },
	{ "SELECT id, kernel_id, dev, ino, pin, pinned_path FROM programs", program_row },
	{ "SELECT id, kernel_id, dev, ino, pinned_path FROM maps", map_row },
	{ "SELECT id, kernel_id, dev, ino, pinned_path FROM links", link_row },
	{ "SELECT l.id, l.pinned_path, p.kernel_id FROM links l JOIN programs p "
	  "ON p.id = l.program_id",
	  running_row },
	{ "SELECT DISTINCT rtrim(rtrim(pinned_path, replace(pinned_path, '/', '')), '/') FROM maps "
	  "WHERE object_id IS NULL AND pinned_path NOT GLOB '*/by_name/*'",
	  left_row },
	{ "SELECT path, EXISTS (SELECT 1 FROM programs WHERE substr(pinned_path, 1, "
	  "length(path) + 1) = path || '/') FROM directories",
	  directory_row },
	{ "SELECT 'object ' || id || ' is ' || state FROM objects WHERE state <> 'loaded'",
	  bad_row },
	{ "SELECT 'program ' || id || ' is ' || state FROM programs WHERE state <> 'loaded'",
	  bad_row },
	{ "SELECT 'map ' || id || ' is ' || state FROM maps WHERE state <> 'loaded'", bad_row },
	{ "SELECT 'link ' || id || ' is ' || state FROM links WHERE state <> 'loaded'", bad_row },
	{ "SELECT 'id ' || id || ' of a ' || kind || ' that is not there' FROM things WHERE "
	  "id NOT IN (SELECT id FROM objects UNION ALL SELECT id FROM programs UNION ALL SELECT id "
	  "FROM maps UNION ALL SELECT id FROM links)",
	  bad_row },
	{ "SELECT 'file ' || sha256 || ' of no object' FROM files WHERE sha256 NOT IN "
	  "(SELECT sha256 FROM objects WHERE sha256 IS NOT NULL UNION ALL SELECT previous_sha256 "
	  "FROM objects WHERE previous_sha256 IS NOT NULL)",
	  bad_row },
	{ "SELECT 'an upgrade of object ' || object_id || ' is unfinished' FROM upgrades",
	  bad_row },
	{ "SELECT 'run ' || run_id || ' is undecided' FROM atomic_runs", bad_row },
	{ "SELECT 'a release of ' || id || ' is unfinished' FROM releases", bad_row },
	{ "SELECT 'object ' || id || ' without programs' FROM objects WHERE id NOT IN "
	  "(SELECT object_id FROM programs) AND state = 'loaded'",
	  bad_row },
	{ "SELECT 'shared map ' || id || ' without users' FROM maps WHERE object_id IS NULL AND "
	  "id NOT IN (SELECT map_id FROM program_maps)",
	  bad_row },
	{ "SELECT 'row of ' || \"table\" || ' refers to nothing' FROM pragma_foreign_key_check",
	  bad_row },
	{ "SELECT quick_check FROM pragma_quick_check WHERE quick_check <> 'ok'", bad_row },
};

/* NULL: there is no database. */
static sqlite3 *open_db(const struct place *p)
{
	sqlite3 *db = NULL;

	if (access(p->db, F_OK))
		return NULL;
	if (sqlite3_open_v2(p->db, &db, SQLITE_OPEN_READONLY, NULL))
		errx(2, "%s: %s", p->db, sqlite3_errmsg(db));
	sqlite3_busy_timeout(db, 10000);
	return db;
}

/* A database that never got its tables has no rows. */
static bool has_tables(sqlite3 *db)
{
	sqlite3_stmt *row = NULL;
	bool has;

	if (sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_schema LIMIT 1", -1, &row, NULL))
		errx(2, "sqlite: %s", sqlite3_errmsg(db));
	has = sqlite3_step(row) == SQLITE_ROW;
	sqlite3_finalize(row);
	return has;
}

static void read_rows(struct stores *s)
{
	sqlite3 *db = open_db(s->p);

	for (size_t i = 0; db && has_tables(db) && i < sizeof(queries) / sizeof(queries[0]); i++) {
		sqlite3_stmt *row = NULL;
		int rc = sqlite3_prepare_v2(db, queries[i].sql, -1, &row, NULL);

		while (!rc && (rc = sqlite3_step(row)) == SQLITE_ROW) {
			queries[i].row(s, row);
			rc = 0;
		}
		if (rc != SQLITE_DONE)
			errx(2, "%s: %s", queries[i].sql, sqlite3_errmsg(db));
		sqlite3_finalize(row);
	}
	sqlite3_close(db);
}

/* ---- what there is ---- */

static bool is_others(const struct stores *s, const char *path)
{
	size_t len = s->others ? strlen(s->others) : 0;

	return len && !strncmp(path, s->others, len) && (!path[len] || path[len] == '/');
}

static void count_entry(void *data, const char *path, bool directory)
{
	struct stores *s = data;

	s->others_count += !directory && is_others(s, path);
}

size_t check_count(const struct place *p, const char *others)
{
	struct stores s = { .p = p, .others = others };

	place_walk(p, count_entry, &s);
	return s.others_count;
}

static void see_entry(void *data, const char *path, bool directory)
{
	struct stores *s = data;
	struct stat st;

	if (is_others(s, path))
		return;

	/* The root itself is there before any row. */
	if (!strcmp(path, s->p->root))
		return;
	for (size_t i = 0; i < s->count; i++) {
		struct expected *e = &s->at[i];

		if (strcmp(e->path, path))
			continue;
		e->seen = true;
		if (directory != e->directory) {
			found(s->f, FOUND_GHOST, "%s is a %s", path,
			      directory ? "directory" : "pin");
		} else if (!directory) {
			if (lstat(path, &st))
				err(2, "%s", path);
			if (st.st_dev != e->dev || st.st_ino != e->ino)
				found(s->f, FOUND_GHOST, "%s is another pin than its row says",
				      path);
			else if (kernel_pinned(path, e->thing) != e->kernel_id)
				found(s->f, FOUND_GHOST, "%s has another kernel id", path);
		}
		return;
	}
	found(s->f, FOUND_ORPHAN, "%s: no row knows it", path);
}

void check_stores(const struct place *p, const char *others, struct ids *known, struct findings *f)
{
	struct stores s = { .p = p, .f = f, .known = known, .others = others };

	read_rows(&s);
	place_walk(p, see_entry, &s);
	for (size_t i = 0; i < s.count; i++) {
		if (!s.at[i].seen && !s.at[i].may_lack)
			found(f, FOUND_GHOST, "%s is not there, though a row says so",
			      s.at[i].path);
		free(s.at[i].path);
	}
	free(s.at);
}

static bool ask(const struct place *p, const char *sql, const char *name)
{
	sqlite3 *db = open_db(p);
	sqlite3_stmt *row = NULL;
	bool yes = false;

	if (db && has_tables(db)) {
		if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) ||
		    (name && sqlite3_bind_text(row, 1, name, -1, SQLITE_STATIC)))
			errx(2, "%s: %s", sql, sqlite3_errmsg(db));
		yes = sqlite3_step(row) == SQLITE_ROW;
		sqlite3_finalize(row);
	}
	sqlite3_close(db);
	return yes;
}

bool check_row(const struct place *p, const char *table, const char *name)
{
	static const struct {
		const char *table, *sql;
	} asked[] = {
		{ "objects", "SELECT 1 FROM objects WHERE name = ?1 AND state = 'loaded'" },
		{ "programs", "SELECT 1 FROM programs WHERE name = ?1 AND state = 'loaded'" },
		{ "links", "SELECT 1 FROM links l JOIN programs p ON p.id = l.program_id "
			   "WHERE p.name = ?1 AND l.state = 'loaded'" },
		{ "new", "SELECT 1 FROM objects WHERE name = ?1 AND path LIKE '%new_%' AND "
			 "previous_sha256 IS NOT NULL AND state = 'loaded'" },
	};

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if (!strcmp(asked[i].table, table))
			return ask(p, asked[i].sql, name);
	errx(2, "%s: no such table", table);
}

bool check_unsettled(const struct place *p)
{
	return ask(p,
		   "SELECT 1 FROM objects WHERE state <> 'loaded' UNION ALL SELECT 1 FROM programs "
		   "WHERE state <> 'loaded' UNION ALL SELECT 1 FROM maps WHERE state <> 'loaded' "
		   "UNION ALL SELECT 1 FROM links WHERE state <> 'loaded' "
		   "UNION ALL SELECT 1 FROM upgrades UNION ALL SELECT 1 FROM atomic_runs",
		   NULL);
}

/* ---- what was said ---- */

/* The first line that the command wrote, if it is whole and JSON. The caller's. */
static json_t *first_document(const struct place *p)
{
	FILE *f = fopen(p->out, "re");
	json_t *document = NULL;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (!f)
		err(2, "%s", p->out);
	len = getline(&line, &cap, f);
	if (len > 0 && line[len - 1] == '\n')
		document = json_loadb(line, (size_t)len, 0, NULL);
	free(line);
	fclose(f);
	return document;
}

bool check_acknowledged(const struct place *p)
{
	json_t *document = first_document(p);
	bool yes = json_is_object(document) && !json_object_get(document, "error") &&
		   json_is_true(json_object_get(document, "changed"));

	json_decref(document);
	return yes;
}

char *check_refused(const struct place *p)
{
	json_t *document = first_document(p);
	json_t *error = json_object_get(document, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *hint = json_string_value(json_object_get(error, "hint"));
	char *refused = NULL;

	/* Where memory is lost there is none for a hint either. */
	if (message && strcmp(message, "not enough memory") &&
	    (!hint || !strstr(hint, "carried out all the same")) &&
	    asprintf(&refused, "it said: %s", message) < 0)
		errx(2, "no memory");
	json_decref(document);
	return refused;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes of object files, and the directories made for pins outside the pin root. */
#include "db/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int db_file_store(struct db *db, const char *sha256, const void *bytes, size_t len, struct error *e)
{
	/* Not ON CONFLICT: that would make a record of all the bytes before it finds the conflict.
	 */
	static const struct sql sql =
		SQL("INSERT INTO files (sha256, size, bytes) SELECT ?1, ?2, ?3 "
		    "WHERE NOT EXISTS (SELECT 1 FROM files WHERE sha256 = ?1)");
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	if (ret)
		return ret;
	bind_text(&q, sha256);
	bind_int(&q, (int64_t)len);
	bind_bytes(&q, bytes, len);
	return query_close(&q, query_step(&q, e));
}

int db_file_replace(struct db *db, const char *sha256, const void *bytes, size_t len,
		    struct error *e)
{
	static const struct sql sql =
		SQL("UPDATE files SET size = ?2, bytes = ?3 WHERE sha256 = ?1");
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	if (ret)
		return ret;
	bind_text(&q, sha256);
	bind_int(&q, (int64_t)len);
	bind_bytes(&q, bytes, len);
	return query_close(&q, query_step(&q, e));
}

int db_file_bytes(struct db *db, const char *sha256, void **bytes, size_t *len, struct error *e)
{
	static const struct sql sql = SQL("SELECT bytes FROM files WHERE sha256 = ?1");
	const void *stored;
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	if (ret)
		return ret;
	bind_text(&q, sha256);
	ret = query_step(&q, e);
	if (ret > 0) {
		stored = sqlite3_column_blob(q.stmt, 0);
		*len = (size_t)sqlite3_column_bytes(q.stmt, 0);
		*bytes = *len && !stored ? NULL : malloc(*len + 1);
		if (*bytes && *len)
			memcpy(*bytes, stored, *len);
		ret = *bytes ? 0 : error_nomem(e);
	} else if (!ret) {
		ret = -ENOENT;
	}
	return query_close(&q, ret);
}

int db_file_forget(struct db *db, const char *sha256, struct error *e)
{
	static const struct sql sql =
		SQL("DELETE FROM files WHERE sha256 = ?1 "
		    "AND NOT EXISTS (SELECT 1 FROM objects o WHERE o.sha256 = ?1) "
		    "AND NOT EXISTS (SELECT 1 FROM objects o WHERE o.previous_sha256 = ?1) "
		    "AND NOT EXISTS (SELECT 1 FROM upgrades u WHERE u.sha256 = ?1)");

	return *sha256 ? db_run(db, e, &sql, "s", sha256) : 0;
}

int db_directory_add(struct db *db, const char *path, struct error *e)
{
	static const struct sql sql =
		SQL("INSERT INTO directories (path) VALUES (?1) ON CONFLICT DO NOTHING");

	return db_run(db, e, &sql, "s", path);
}

int db_directory_delete(struct db *db, const char *path, struct error *e)
{
	static const struct sql sql = SQL("DELETE FROM directories WHERE path = ?1");

	return db_run(db, e, &sql, "s", path);
}

int db_directories(struct db *db, char ***paths, size_t *count, struct error *e)
{
	/* As bytes: a path need not be UTF-8. */
	static const struct sql sql = SQL("SELECT path FROM directories "
					  "ORDER BY length(CAST(path AS BLOB)) DESC, path");
	char **list = NULL, **more;
	size_t n = 0;
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	*paths = NULL;
	*count = 0;
	if (ret)
		return ret;
	while ((ret = query_step(&q, e)) > 0) {
		more = reallocarray(list, n + 1, sizeof(*list));
		if (!more) {
			ret = error_nomem(e);
			break;
		}
		list = more;
		list[n] = column_text(&q);
		ret = query_lost(&q, e);
		if (ret)
			break;
		n++;
	}
	if (!ret) {
		*paths = list;
		*count = n;
		return query_close(&q, 0);
	}
	while (n)
		free(list[--n]);
	free(list);
	return query_close(&q, ret);
}

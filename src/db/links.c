/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Links: programs attached to something. */
#include "db/internal.h"

static const struct field fields[] = {
	FIELD(struct db_link, id),
	FIELD(struct db_link, program_id),
	FIELD_READ(struct db_link, program_name, "p.name"),
	FIELD_READ(struct db_link, object_id, "p.object_id"),
	FIELD_READ(struct db_link, object_name, "o.name"),
	FIELD(struct db_link, type),
	FIELD(struct db_link, attach_type),
	FIELD(struct db_link, target),
	FIELD(struct db_link, target_text),
	FIELD(struct db_link, options),
	FIELD_AS(struct db_link, FIELD_STATE, state),
	FIELD(struct db_link, run_id),
	FIELD(struct db_link, boot_id),
	FIELD(struct db_link, root_dev),
	FIELD_IN(struct db_link, pin, "pinned_path"),
	FIELD_IN(struct db_link, identity.dev, "dev"),
	FIELD_IN(struct db_link, identity.ino, "ino"),
	FIELD_IN(struct db_link, identity.kernel_id, "kernel_id"),
	FIELD_AS(struct db_link, FIELD_ID, expires_at),
	FIELD_AS(struct db_link, FIELD_ID, replaces),
	FIELD(struct db_link, created_at),
};
static const struct row_type links = ROW_TYPE(
	"links",
	"links t JOIN programs p ON p.id = t.program_id JOIN objects o ON o.id = p.object_id",
	struct db_link, fields);

void db_link_clear(struct db_link *l)
{
	row_clear(&links, l);
}

int db_link_insert(struct db *db, struct db_link *l, struct error *e)
{
	static const struct sql sql = INSERT(&links);

	return db_insert_thing(db, DB_LINK, &sql, l, e);
}

int db_link_update(struct db *db, const struct db_link *l, struct error *e)
{
	static const struct sql sql = UPDATE(&links);

	return db_update_thing(db, DB_LINK, &sql, l, e);
}

int db_link_settle(struct db *db, const struct db_link *l, struct error *e)
{
	static const struct sql sql =
		SQL("UPDATE links SET state = ?9, type = ?2, attach_type = ?3, target = ?4, "
		    "target_text = ?5, kernel_id = ?6, dev = ?7, ino = ?8 WHERE id = ?1");

	return db_run_on(db, e, "link", l->id, &sql, "issssiiis", l->id, l->type, l->attach_type,
			 l->target, l->target_text, (int64_t)l->identity.kernel_id,
			 (int64_t)l->identity.dev, (int64_t)l->identity.ino, db_settled_name(db));
}

int db_link_set_state(struct db *db, int64_t id, enum db_state state, const char *run_id,
		      struct error *e)
{
	static const struct sql sql =
		SQL("UPDATE links SET state = ?2, run_id = ifnull(?3, run_id) WHERE id = ?1");

	return db_run_on(db, e, "link", id, &sql, "iss", id, db_state_name(state), run_id);
}

int db_link_keep(struct db *db, int64_t id, struct error *e)
{
	static const struct sql sql = SQL("UPDATE links SET expires_at = NULL WHERE id = ?1");

	return db_run_on(db, e, "link", id, &sql, "i", id);
}

int db_link_delete(struct db *db, int64_t id, struct error *e)
{
	return db_delete_thing(db, DB_LINK, id, e);
}

int db_link_get(struct db *db, int64_t id, struct db_link *l, struct error *e)
{
	static const struct sql sql = SELECT(&links, "WHERE t.id = ?1");

	return db_find(db, e, l, &sql, "i", id);
}

static int each(struct query *q, db_link_fn fn, void *data, struct error *e)
{
	struct db_link l;
	int ret;

	while ((ret = query_row(q, &l, e)) > 0) {
		ret = fn(data, &l);
		db_link_clear(&l);
		if (ret)
			break;
	}
	return query_close(q, ret);
}

int db_links(struct db *db, int64_t program_id, db_link_fn fn, void *data, struct error *e)
{
	static const struct sql all = SELECT(&links, "ORDER BY t.id");
	static const struct sql of_program =
		SELECT(&links, "WHERE t.program_id = ?1 ORDER BY t.id");
	struct query q;
	int ret = query_open(&q, db, program_id ? &of_program : &all, e);

	if (ret)
		return ret;
	if (program_id)
		bind_int(&q, program_id);
	return each(&q, fn, data, e);
}

int db_links_by_name(struct db *db, const char *program, db_link_fn fn, void *data, struct error *e)
{
	static const struct sql sql = SELECT(&links, "WHERE p.name = ?1 ORDER BY t.id");
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	if (ret)
		return ret;
	bind_text(&q, program);
	return each(&q, fn, data, e);
}

int db_links_to(struct db *db, int64_t program_id, const char *target, db_link_fn fn, void *data,
		struct error *e)
{
	static const struct sql sql =
		SELECT(&links, "WHERE t.program_id = ?1 AND (t.target_text = ?2 OR "
			       "substr(t.target_text, 1, length(?2) + 1) = ?2 || ' ') "
			       "ORDER BY t.id");
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	if (ret)
		return ret;
	bind_int(&q, program_id);
	bind_text(&q, target);
	return each(&q, fn, data, e);
}

int db_links_of_object(struct db *db, int64_t object_id, db_link_fn fn, void *data, struct error *e)
{
	static const struct sql sql = SELECT(&links, "WHERE p.object_id = ?1 ORDER BY t.id");
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	if (ret)
		return ret;
	bind_int(&q, object_id);
	return each(&q, fn, data, e);
}

int db_link_replacement(struct db *db, int64_t id, struct db_link *l, struct error *e)
{
	static const struct sql sql = SELECT(&links, "WHERE t.replaces = ?1");

	return db_find(db, e, l, &sql, "i", id);
}

int db_links_unsettled(struct db *db, db_link_fn fn, void *data, struct error *e)
{
	static const struct sql sql = SELECT(&links, "WHERE t.state <> 'loaded' ORDER BY t.id");
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	return ret ? ret : each(&q, fn, data, e);
}

int db_links_expire(struct db *db, int64_t now, const char *run_id, struct error *e)
{
	static const struct sql sql = SQL("UPDATE links SET state = 'unloading', run_id = ?2 "
					  "WHERE expires_at <= ?1 AND state = 'loaded'");

	return db_run(db, e, &sql, "is", now, run_id);
}

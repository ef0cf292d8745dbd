/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs, and which maps they use. */
#include "db/internal.h"

#include <errno.h>
#include <stdlib.h>

static const struct field fields[] = {
	FIELD(struct db_program, id),
	FIELD(struct db_program, object_id),
	FIELD_READ(struct db_program, object_name, "o.name"),
	FIELD(struct db_program, name),
	FIELD(struct db_program, type),
	FIELD(struct db_program, attach_type),
	FIELD(struct db_program, section),
	FIELD(struct db_program, tag),
	FIELD_AS(struct db_program, FIELD_STATE, state),
	FIELD_READ(struct db_program, boot_id, "o.boot_id"),
	FIELD_READ(struct db_program, root_dev, "o.root_dev"),
	FIELD(struct db_program, pin),
	/* The column holds what is shown; the struct only what differs from our own pin. */
	FIELD_IN(struct db_program, outside_path, "pinned_path",
		 .select = "nullif(t.pinned_path, t.pin)", .value = "ifnull(:pinned_path, :pin)"),
	FIELD_IN(struct db_program, identity.dev, "dev"),
	FIELD_IN(struct db_program, identity.ino, "ino"),
	FIELD_IN(struct db_program, identity.kernel_id, "kernel_id"),
	FIELD(struct db_program, load_time),
	FIELD(struct db_program, verified_insns),
	FIELD(struct db_program, xlated_bytes),
	FIELD(struct db_program, jited_bytes),
	FIELD(struct db_program, btf_id),
	FIELD(struct db_program, memlock_bytes),
	FIELD(struct db_program, created_at),
};
static const struct row_type programs = ROW_TYPE(
	"programs", "programs t JOIN objects o ON o.id = t.object_id", struct db_program, fields);

void db_program_clear(struct db_program *p)
{
	row_clear(&programs, p);
}

int db_program_insert(struct db *db, struct db_program *p, struct error *e)
{
	static const struct sql sql = INSERT(&programs);

	return db_insert_thing(db, DB_PROGRAM, &sql, p, e);
}

int db_program_update(struct db *db, const struct db_program *p, struct error *e)
{
	static const struct sql sql = UPDATE(&programs);

	return db_update_thing(db, DB_PROGRAM, &sql, p, e);
}

int db_program_set_state(struct db *db, int64_t id, enum db_state state, struct error *e)
{
	static const struct sql sql = SQL("UPDATE programs SET state = ?2 WHERE id = ?1");

	return db_run_on(db, e, "program", id, &sql, "is", id, db_state_name(state));
}

int db_program_delete(struct db *db, int64_t id, struct error *e)
{
	/* Ids of its links do not go with it. */
	static const struct sql links =
		SQL("DELETE FROM things WHERE id IN (SELECT id FROM links WHERE program_id = ?1)");
	int ret = db_run(db, e, &links, "i", id);

	if (ret)
		return ret;
	return db_delete_thing(db, DB_PROGRAM, id, e);
}

int db_program_get(struct db *db, int64_t id, struct db_program *p, struct error *e)
{
	static const struct sql sql = SELECT(&programs, "WHERE t.id = ?1");

	return db_find(db, e, p, &sql, "i", id);
}

static int each(struct query *q, db_program_fn fn, void *data, struct error *e)
{
	struct db_program p;
	int ret;

	while ((ret = query_row(q, &p, e)) > 0) {
		ret = fn(data, &p);
		db_program_clear(&p);
		if (ret)
			break;
	}
	return query_close(q, ret);
}

int db_programs(struct db *db, int64_t object_id, db_program_fn fn, void *data, struct error *e)
{
	static const struct sql all = SELECT(&programs, "ORDER BY t.id");
	static const struct sql of_object =
		SELECT(&programs, "WHERE t.object_id = ?1 ORDER BY t.id");
	struct query q;
	int ret = query_open(&q, db, object_id ? &of_object : &all, e);

	if (ret)
		return ret;
	if (object_id)
		bind_int(&q, object_id);
	return each(&q, fn, data, e);
}

int db_programs_by_name(struct db *db, const char *name, db_program_fn fn, void *data,
			struct error *e)
{
	static const struct sql sql = SELECT(&programs, "WHERE t.name = ?1 ORDER BY t.id");
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	if (ret)
		return ret;
	bind_text(&q, name);
	return each(&q, fn, data, e);
}

int db_programs_unsettled(struct db *db, db_program_fn fn, void *data, struct error *e)
{
	static const struct sql sql = SELECT(&programs, "WHERE t.state <> 'loaded' ORDER BY t.id");
	struct query q;
	int ret = query_open(&q, db, &sql, e);

	return ret ? ret : each(&q, fn, data, e);
}

int db_use(struct db *db, int64_t program_id, int64_t map_id, struct error *e)
{
	static const struct sql sql = SQL("INSERT INTO program_maps (program_id, map_id) "
					  "VALUES (?1, ?2) ON CONFLICT DO NOTHING");
	int ret = db_run(db, e, &sql, "ii", program_id, map_id);

	db_note_change(db, map_id);
	if (ret == -ENOENT)
		return error_set(e, ENOENT, "database %s: no program %lld or no map %lld", db->path,
				 (long long)program_id, (long long)map_id);
	return ret;
}

int db_unuse(struct db *db, int64_t program_id, struct error *e)
{
	static const struct sql sql = SQL("DELETE FROM program_maps WHERE program_id = ?1");
	int64_t *ids;
	size_t count;
	int ret = db_program_maps(db, program_id, &ids, &count, e);

	if (ret)
		return ret;
	for (size_t i = 0; i < count; i++)
		db_note_change(db, ids[i]);
	free(ids);
	return db_run(db, e, &sql, "i", program_id);
}

int db_program_maps(struct db *db, int64_t program_id, int64_t **ids, size_t *count,
		    struct error *e)
{
	static const struct sql sql =
		SQL("SELECT map_id FROM program_maps WHERE program_id = ?1 ORDER BY map_id");

	return db_find_ints(db, e, 1, ids, count, &sql, "i", program_id);
}

int db_map_programs(struct db *db, int64_t map_id, int64_t **ids, size_t *count, struct error *e)
{
	static const struct sql sql = SQL(
		"SELECT u.program_id FROM program_maps u JOIN programs p ON p.id = u.program_id "
		"WHERE u.map_id = ?1 AND NOT (?2 AND p.state = 'unloading') "
		"ORDER BY u.program_id");

	return db_find_ints(db, e, 1, ids, count, &sql, "ii", map_id, (int64_t)db->undecided);
}

int db_uses(struct db *db, struct db_pair **pairs, size_t *count, struct error *e)
{
	static const struct sql sql =
		SQL("SELECT program_id, map_id FROM program_maps WHERE NOT (?1 AND program_id IN "
		    "(SELECT id FROM programs WHERE state = 'unloading')) "
		    "ORDER BY program_id, map_id");
	int64_t *ints;
	int ret;

	_Static_assert(sizeof(struct db_pair) == 2 * sizeof(int64_t), "read as two integers");
	ret = db_find_ints(db, e, 2, &ints, count, &sql, "i", (int64_t)db->undecided);
	*pairs = (struct db_pair *)ints;
	return ret;
}

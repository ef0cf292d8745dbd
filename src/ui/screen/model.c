/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/screen/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	LOOKS_A_ROUND = 64, /* at rows that nobody sees */
	LINK_ROUNDS = 5,    /* from one look at a link to the next */
};

void program_row_clear(struct row *row)
{
	struct program_row *program = (struct program_row *)row;

	db_program_clear(&program->p);
	free(program->series);
	free(program->holder);
}

static void map_row_clear(struct row *row)
{
	db_map_clear(&((struct map_row *)row)->m);
}

static void link_row_clear(struct row *row)
{
	db_link_clear(&((struct link_row *)row)->l);
}

void model_init(struct model *m, struct manager *manager)
{
	memset(m, 0, sizeof(*m));
	m->manager = manager;
	m->version = m->change = -1;
	rows_init(&m->programs, sizeof(struct program_row), program_row_clear);
	rows_init(&m->maps, sizeof(struct map_row), map_row_clear);
	rows_init(&m->links, sizeof(struct link_row), link_row_clear);
}

void model_free(struct model *m)
{
	rows_free(&m->programs);
	rows_free(&m->maps);
	rows_free(&m->links);
	pairs_free(&m->users);
	pairs_free(&m->links_of);
	db_close(m->db);
	m->db = NULL;
	free(m->trouble);
	m->trouble = NULL;
}

/* ---- reading ---- */

static void drop(char **text)
{
	free(*text);
	*text = NULL;
}

static bool same_identity(const struct db_identity *a, const struct db_identity *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->kernel_id == b->kernel_id;
}

/* Its strings are the row's afterwards; what is not kept would be most of the memory. */
static int put_program(void *data, struct db_program *p)
{
	struct model *m = data;
	struct program_row *row = (struct program_row *)rows_put(&m->programs, p->id);

	if (!row)
		return -ENOMEM;
	if (!same_identity(&row->p.identity, &p->identity))
		drop((char **)&row->series);
	row->row.looked = 0;
	db_program_clear(&row->p);
	row->p = *p;
	memset(p, 0, sizeof(*p));
	drop(&row->p.section);
	drop(&row->p.tag);
	drop(&row->p.attach_type);
	drop(&row->p.outside_path);
	return 0;
}

static int put_map(void *data, struct db_map *map)
{
	struct model *m = data;
	struct map_row *row = (struct map_row *)rows_put(&m->maps, map->id);

	if (!row)
		return -ENOMEM;
	row->row.looked = 0;
	db_map_clear(&row->m);
	row->m = *map;
	memset(map, 0, sizeof(*map));
	drop(&row->m.object_name);
	return 0;
}

static int put_link(void *data, struct db_link *l)
{
	struct model *m = data;
	struct link_row *row = (struct link_row *)rows_put(&m->links, l->id);

	if (!row || !pairs_add(&m->links_of, l->program_id, l->id))
		return -ENOMEM;
	row->row.looked = 0;
	db_link_clear(&row->l);
	row->l = *l;
	memset(l, 0, sizeof(*l));
	drop(&row->l.object_name);
	drop(&row->l.attach_type);
	drop(&row->l.options);
	drop(&row->l.run_id);
	return 0;
}

static int read_all(struct model *m, struct error *e)
{
	struct rows *all[] = { &m->programs, &m->maps, &m->links };
	struct db_pair *uses = NULL;
	size_t count = 0;
	int r;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		rows_begin(all[i], 0);
	pairs_free(&m->users);
	pairs_free(&m->links_of);
	r = db_programs(m->db, 0, put_program, m, e);
	if (!r)
		r = db_maps(m->db, 0, put_map, m, e);
	if (!r)
		r = db_links(m->db, 0, put_link, m, e);
	if (!r)
		r = db_uses(m->db, &uses, &count, e);
	for (size_t i = 0; !r && i < count; i++)
		if (!pairs_add(&m->users, uses[i].map_id, uses[i].program_id))
			r = -ENOMEM;
	free(uses);
	for (size_t i = 0; !r && i < sizeof(all) / sizeof(all[0]); i++)
		rows_end(all[i]);
	return r;
}

static int read_program(struct model *m, int64_t id, struct error *e)
{
	struct db_program p;
	int r = db_program_get(m->db, id, &p, e);

	if (!r) {
		r = put_program(m, &p);
		db_program_clear(&p);
	}
	/* They bear its name. */
	return r ? r : db_links(m->db, id, put_link, m, e);
}

static int read_map(struct model *m, int64_t id, struct error *e)
{
	struct db_map map;
	int64_t *users;
	size_t count;
	int r = db_map_get(m->db, id, &map, e);

	if (!r) {
		r = put_map(m, &map);
		db_map_clear(&map);
	}
	if (!r)
		r = db_map_programs(m->db, id, &users, &count, e);
	if (r)
		return r;
	pairs_drop(&m->users, id, 0);
	for (size_t i = 0; !r && i < count; i++)
		if (!pairs_add(&m->users, id, users[i]))
			r = -ENOMEM;
	free(users);
	return r;
}

static int read_link(struct model *m, int64_t id, struct error *e)
{
	struct db_link l;
	int r = db_link_get(m->db, id, &l, e);

	if (r)
		return r;
	r = put_link(m, &l);
	db_link_clear(&l);
	return r;
}

/* Its rows bear its name, and live in its boot. */
static int read_object(struct model *m, int64_t id, struct error *e)
{
	int r = db_programs(m->db, id, put_program, m, e);

	if (!r)
		r = db_maps(m->db, id, put_map, m, e);
	return r ? r : db_links_of_object(m->db, id, put_link, m, e);
}

static void forget(struct model *m, int64_t id)
{
	const struct link_row *link = model_link(m, id);

	if (link)
		pairs_drop(&m->links_of, link->l.program_id, id);
	rows_drop(&m->programs, id);
	rows_drop(&m->maps, id);
	rows_drop(&m->links, id);
	pairs_drop(&m->users, id, 0);
	pairs_drop(&m->links_of, id, 0);
}

static int read_one(struct model *m, int64_t id, struct error *e)
{
	static int (*const read[])(struct model *, int64_t, struct error *) = {
		[DB_OBJECT] = read_object,
		[DB_PROGRAM] = read_program,
		[DB_MAP] = read_map,
		[DB_LINK] = read_link,
	};
	enum db_kind kind;
	int r = db_kind_of(m->db, id, &kind, e);

	if (!r)
		r = read[kind](m, id, e);
	if (r != -ENOENT)
		return r;
	forget(m, id);
	return 0;
}

/* All rows are of one moment. */
static int read_changed(struct model *m, struct error *e)
{
	int64_t *ids = NULL, last;
	size_t count = 0;
	bool all;
	int r = db_read_begin(m->db, e);

	if (r)
		return r;
	r = db_changes(m->db, m->change, &last, &all, &ids, &count, e);
	if (!r && all)
		r = read_all(m, e);
	for (size_t i = 0; !r && i < count; i++)
		r = read_one(m, ids[i], e);
	db_read_end(m->db);
	free(ids);
	/* What was read by halves is read anew. */
	m->change = r ? -1 : last;
	m->generation += r || all || count;
	return r;
}

/* Opens the database, anew where the file is another one, or was none. */
static int reopen(struct model *m, struct error *e)
{
	struct stat st = { 0 };
	bool there = !stat(manager_db_path(m->manager), &st);
	int r;

	if (m->db && there == m->live && (!there || (st.st_dev == m->dev && st.st_ino == m->ino)))
		return 0;
	db_close(m->db);
	m->db = NULL;
	m->version = m->change = -1;
	r = manager_db_open(m->manager, &m->db, e);
	if (r)
		return r;
	/* One of an older schema is read as a copy, which tells of no changes. */
	m->live = there && db_is_live(m->db);
	m->dev = st.st_dev;
	m->ino = st.st_ino;
	return 0;
}

static bool note_trouble(struct model *m, struct error *e)
{
	bool same = m->trouble && e->message && !strcmp(m->trouble, e->message);
	struct rows *all[] = { &m->programs, &m->maps, &m->links };

	free(m->trouble);
	m->trouble = e->message ? strdup(e->message) : NULL;
	error_clear(e);
	if (same)
		return false;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		rows_begin(all[i], 0);
		rows_end(all[i]);
	}
	m->version = m->change = -1;
	m->generation++;
	return true;
}

bool model_refresh(struct model *m)
{
	struct error e = ERROR_INIT;
	bool changed = false;
	int64_t version = 0;

	m->round++;
	manager_look_again(m->manager);
	if (reopen(m, &e) || db_data_version(m->db, &version, &e))
		return note_trouble(m, &e);
	if (version != m->version) {
		unsigned before = m->generation;

		if (read_changed(m, &e))
			return note_trouble(m, &e);
		m->version = version;
		changed = m->generation != before;
	}
	if (m->trouble) {
		free(m->trouble);
		m->trouble = NULL;
		changed = true;
	}
	for (size_t n = 0; n < LOOKS_A_ROUND && n < m->programs.all.count; n++) {
		size_t i = m->next_look++ % m->programs.all.count;

		model_see_program(m, (struct program_row *)m->programs.all.at[i]);
	}
	return changed;
}

/* ---- looking ---- */

static void see(struct rows *rows, struct row *row, struct look look)
{
	/* Reasons are string constants. */
	if (row->look.sight != look.sight || row->look.reason != look.reason)
		rows_touch(rows, row);
	row->look = look;
}

void model_see_program(struct model *m, struct program_row *row)
{
	const struct link_row *link;
	struct look look;

	if (row->row.looked == m->round)
		return;
	row->row.looked = m->round;
	look = manager_look_program(m->manager, &row->p);
	for (size_t n = 0; look.sight == SIGHT_LOADED && (link = model_link_of(m, row->p.id, n));
	     n++) {
		model_see_link(m, (struct link_row *)link);
		if (link->row.look.sight == SIGHT_ATTACHED)
			look.sight = SIGHT_ATTACHED;
	}
	see(&m->programs, &row->row, look);
}

void model_see_map(struct model *m, struct map_row *row)
{
	if (row->row.looked == m->round)
		return;
	row->row.looked = m->round;
	see(&m->maps, &row->row, manager_look_map(m->manager, &row->m));
}

void model_see_link(struct model *m, struct link_row *row)
{
	if (row->row.looked && row->row.looked + LINK_ROUNDS > m->round)
		return;
	row->row.looked = m->round;
	see(&m->links, &row->row, manager_look_link(m->manager, &row->l));
}

/* ---- finding ---- */

struct program_row *model_program(const struct model *m, int64_t id)
{
	return (struct program_row *)rows_find(&m->programs, id);
}

struct map_row *model_map(const struct model *m, int64_t id)
{
	return (struct map_row *)rows_find(&m->maps, id);
}

struct link_row *model_link(const struct model *m, int64_t id)
{
	return (struct link_row *)rows_find(&m->links, id);
}

struct link_row *model_link_of(const struct model *m, int64_t program_id, size_t n)
{
	size_t i = pairs_first(&m->links_of, program_id) + n;

	if (i >= m->links_of.count || m->links_of.at[i].of != program_id)
		return NULL;
	return model_link(m, m->links_of.at[i].is);
}

const struct program_row *model_user(const struct model *m, int64_t map_id, size_t n)
{
	for (size_t i = pairs_first(&m->users, map_id);
	     i < m->users.count && m->users.at[i].of == map_id; i++) {
		const struct program_row *row = model_program(m, m->users.at[i].is);

		if (row && !n--)
			return row;
	}
	return NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/screen/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/grow.h"

enum {
	LOOKS_A_ROUND = 64, /* at rows that nobody sees */
	LINK_ROUNDS = 5,    /* from one look at a link to the next */
};

void model_init(struct model *m, struct manager *manager)
{
	memset(m, 0, sizeof(*m));
	m->manager = manager;
	m->version = -1;
}

static void free_rows(struct model *m)
{
	for (size_t i = 0; i < m->program_count; i++) {
		db_program_clear(&m->programs[i].p);
		free(m->programs[i].series);
	}
	for (size_t i = 0; i < m->map_count; i++)
		db_map_clear(&m->maps[i].m);
	for (size_t i = 0; i < m->link_count; i++)
		db_link_clear(&m->links[i].l);
	free(m->programs);
	free(m->maps);
	free(m->links);
	free(m->uses);
	m->programs = NULL;
	m->maps = NULL;
	m->links = NULL;
	m->uses = NULL;
	m->program_count = m->map_count = m->link_count = m->use_count = 0;
}

void model_free(struct model *m)
{
	free_rows(m);
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

static int add_program(void *data, struct db_program *p)
{
	struct model *m = data;
	struct program_row *grown = grow(m->programs, m->program_count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	m->programs = grown;
	drop(&p->section);
	drop(&p->tag);
	drop(&p->outside_path);
	grown[m->program_count++] = (struct program_row){ .p = *p };
	memset(p, 0, sizeof(*p)); /* its strings are the row's now */
	return 0;
}

static int add_map(void *data, struct db_map *row)
{
	struct model *m = data;
	struct map_row *grown = grow(m->maps, m->map_count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	m->maps = grown;
	grown[m->map_count++] = (struct map_row){ .m = *row };
	memset(row, 0, sizeof(*row));
	return 0;
}

static int add_link(void *data, struct db_link *l)
{
	struct model *m = data;
	struct link_row *grown = grow(m->links, m->link_count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	m->links = grown;
	grown[m->link_count++] = (struct link_row){ .l = *l };
	memset(l, 0, sizeof(*l));
	return 0;
}

static int by_map(const void *a, const void *b)
{
	const struct db_pair *x = a, *y = b;

	if (x->map_id != y->map_id)
		return x->map_id < y->map_id ? -1 : 1;
	return (x->program_id > y->program_id) - (x->program_id < y->program_id);
}

static bool same_identity(const struct db_identity *a, const struct db_identity *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->kernel_id == b->kernel_id;
}

/* What was known of rows that are still there is known of them still. Both are in order of id. */
static void carry_over(struct model *to, struct model *from)
{
	size_t k = 0;

	for (size_t i = 0; i < to->program_count; i++) {
		struct program_row *row = &to->programs[i];

		while (k < from->program_count && from->programs[k].p.id < row->p.id)
			k++;
		if (k == from->program_count || from->programs[k].p.id != row->p.id ||
		    !same_identity(&from->programs[k].p.identity, &row->p.identity))
			continue;
		row->look = from->programs[k].look;
		row->series = from->programs[k].series;
		from->programs[k].series = NULL;
	}
}

static int read_rows(struct model *m, struct error *e)
{
	struct model fresh = { .manager = m->manager };
	int r = db_read_begin(m->db, e);

	if (r)
		return r;
	r = db_programs(m->db, 0, add_program, &fresh, e);
	if (!r)
		r = db_maps(m->db, 0, add_map, &fresh, e);
	if (!r)
		r = db_links(m->db, 0, add_link, &fresh, e);
	if (!r)
		r = db_uses(m->db, &fresh.uses, &fresh.use_count, e);
	db_read_end(m->db);
	if (r) {
		free_rows(&fresh);
		return r;
	}
	if (fresh.use_count)
		qsort(fresh.uses, fresh.use_count, sizeof(*fresh.uses), by_map);
	carry_over(&fresh, m);
	free_rows(m);
	m->programs = fresh.programs;
	m->program_count = fresh.program_count;
	m->maps = fresh.maps;
	m->map_count = fresh.map_count;
	m->links = fresh.links;
	m->link_count = fresh.link_count;
	m->uses = fresh.uses;
	m->use_count = fresh.use_count;
	m->generation++;
	return 0;
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
	m->version = -1;
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

	free(m->trouble);
	m->trouble = e->message ? strdup(e->message) : NULL;
	error_clear(e);
	if (!same) {
		free_rows(m);
		m->generation++;
	}
	return !same;
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
		if (read_rows(m, &e))
			return note_trouble(m, &e);
		m->version = version;
		changed = true;
	}
	if (m->trouble) {
		free(m->trouble);
		m->trouble = NULL;
		changed = true;
	}
	for (size_t n = 0; n < LOOKS_A_ROUND && n < m->program_count; n++)
		model_see_program(m, m->next_look++ % m->program_count);
	return changed;
}

/* ---- looking ---- */

void model_see_program(struct model *m, size_t i)
{
	struct program_row *row = &m->programs[i];

	if (row->looked == m->round)
		return;
	row->looked = m->round;
	row->look = manager_look_program(m->manager, &row->p);
	if (row->look.sight != SIGHT_LOADED)
		return;
	for (size_t k = 0; k < m->link_count; k++) {
		if (m->links[k].l.program_id != row->p.id)
			continue;
		model_see_link(m, k);
		if (m->links[k].look.sight == SIGHT_ATTACHED)
			row->look.sight = SIGHT_ATTACHED;
	}
}

void model_see_map(struct model *m, size_t i)
{
	struct map_row *row = &m->maps[i];

	if (row->looked == m->round)
		return;
	row->looked = m->round;
	row->look = manager_look_map(m->manager, &row->m);
}

void model_see_link(struct model *m, size_t i)
{
	struct link_row *row = &m->links[i];

	if (row->looked && row->looked + LINK_ROUNDS > m->round)
		return;
	row->looked = m->round;
	row->look = manager_look_link(m->manager, &row->l);
}

/* ---- finding ---- */

static int against_program(const void *key, const void *row)
{
	int64_t id = *(const int64_t *)key, other = ((const struct program_row *)row)->p.id;

	return (id > other) - (id < other);
}

static int against_map(const void *key, const void *row)
{
	int64_t id = *(const int64_t *)key, other = ((const struct map_row *)row)->m.id;

	return (id > other) - (id < other);
}

static int against_link(const void *key, const void *row)
{
	int64_t id = *(const int64_t *)key, other = ((const struct link_row *)row)->l.id;

	return (id > other) - (id < other);
}

const struct link_row *model_link(const struct model *m, int64_t id)
{
	if (!m->link_count)
		return NULL;
	return bsearch(&id, m->links, m->link_count, sizeof(*m->links), against_link);
}

const struct link_row *model_link_of(const struct model *m, int64_t program_id, size_t *i)
{
	while (*i < m->link_count) {
		const struct link_row *row = &m->links[(*i)++];

		if (row->l.program_id == program_id)
			return row;
	}
	return NULL;
}

struct program_row *model_program(const struct model *m, int64_t id)
{
	if (!m->program_count)
		return NULL;
	return bsearch(&id, m->programs, m->program_count, sizeof(*m->programs), against_program);
}

const struct map_row *model_map(const struct model *m, int64_t id)
{
	if (!m->map_count)
		return NULL;
	return bsearch(&id, m->maps, m->map_count, sizeof(*m->maps), against_map);
}

void model_users(const struct model *m, int64_t map_id, struct buf *out)
{
	size_t low = 0, high = m->use_count;
	const char *separator = "";

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (m->uses[mid].map_id < map_id)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < m->use_count && m->uses[low].map_id == map_id; low++) {
		const struct program_row *row = model_program(m, m->uses[low].program_id);

		if (!row)
			continue;
		buf_str(out, separator);
		buf_str(out, row->p.name);
		separator = ",";
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/census.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/grow.h"
#include "kernel/protocol/protocol.h"
#include "manager/internal.h"

/* ---- what is managed ---- */

struct reading {
	struct manager *m;
	struct managed *managed;
	struct error *e;
};

static int add_id(struct reading *r, uint32_t kernel_id, struct look look)
{
	struct managed *managed = r->managed;
	uint32_t *grown;

	/* Of what is lost the kernel may still have something, but not by our doing. */
	if (!kernel_id || look.sight == SIGHT_LOST)
		return 0;
	grown = grow(managed->ids, managed->count, sizeof(*grown));
	if (!grown)
		return error_nomem(r->e);
	managed->ids = grown;
	managed->ids[managed->count++] = kernel_id;
	return 0;
}

static int see_program(void *data, struct db_program *p)
{
	struct reading *r = data;

	return add_id(r, p->identity.kernel_id, manager_look_program(r->m, p));
}

static int see_map(void *data, struct db_map *map)
{
	struct reading *r = data;

	return add_id(r, map->identity.kernel_id, manager_look_map(r->m, map));
}

static int see_link(void *data, struct db_link *link)
{
	struct reading *r = data;

	return add_id(r, link->identity.kernel_id, manager_look_link(r->m, link));
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int managed_read(struct manager *m, enum db_kind kind, struct managed *managed, struct error *e)
{
	struct reading reading = { m, managed, e };
	struct db *db;
	int r;

	memset(managed, 0, sizeof(*managed));
	r = manager_db(m, &db, e);
	if (!r && kind == DB_PROGRAM)
		r = db_programs(db, 0, see_program, &reading, e);
	else if (!r && kind == DB_MAP)
		r = db_maps(db, 0, see_map, &reading, e);
	else if (!r && kind == DB_LINK)
		r = db_links(db, 0, see_link, &reading, e);
	if (!r && managed->count)
		qsort(managed->ids, managed->count, sizeof(*managed->ids), compare);
	return r;
}

bool managed_has(const struct managed *managed, uint32_t kernel_id)
{
	return managed->count &&
	       bsearch(&kernel_id, managed->ids, managed->count, sizeof(*managed->ids), compare);
}

void managed_free(struct managed *managed)
{
	free(managed->ids);
	memset(managed, 0, sizeof(*managed));
}

/* ---- what there is ---- */

static int read_holders(const json_t *holders, struct census_row *c, struct error *e)
{
	const json_t *one;
	size_t i;

	c->holders = calloc(json_array_size(holders) + 1, sizeof(*c->holders));
	if (!c->holders)
		return error_nomem(e);
	json_array_foreach (holders, i, one) {
		char *comm = answer_bytes(one, "comm");

		if (!comm)
			return error_nomem(e);
		c->holders[c->holder_count++] =
			(struct holder){ (int)answer_int(one, "pid"), comm };
	}
	return 0;
}

static int read_row(const json_t *row, struct census_row *c, struct error *e)
{
	c->kernel_id = (uint32_t)answer_int(row, "kernel_id");
	c->name = answer_bytes(row, "name");
	c->type = answer_bytes(row, "type");
	c->tag = answer_bytes(row, "tag");
	c->attach_type = answer_bytes(row, "attach_type");
	c->key_size = (uint32_t)answer_int(row, "key_size");
	c->value_size = (uint32_t)answer_int(row, "value_size");
	c->max_entries = (uint32_t)answer_int(row, "max_entries");
	c->program_id = (uint32_t)answer_int(row, "program_id");
	c->load_time = answer_u64(row, "load_time_ns");
	c->target_gone = answer_bool(row, "target_gone");
	if (!c->type)
		return error_nomem(e);
	return read_holders(json_object_get(row, "holders"), c, e);
}

static int read_rows(const json_t *rows, struct census *census, struct error *e)
{
	const json_t *row;
	size_t i;
	int r = 0;

	census->rows = calloc(json_array_size(rows) + 1, sizeof(*census->rows));
	if (!census->rows)
		return error_nomem(e);
	json_array_foreach (rows, i, row) {
		if (r)
			break;
		r = read_row(row, &census->rows[census->count++], e);
	}
	return r;
}

static json_t *census_request(enum db_kind kind, uint32_t kernel_id)
{
	return json_pack("{ss s[s] sI sb}", "op", "kernel_list", "kinds", db_kind_name(kind),
			 "kernel_id", (json_int_t)kernel_id, "holders", 1);
}

json_t *census_request_news(enum db_kind kind, const uint32_t *known, size_t count)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < count; i++) {
		if (!json_array_append_new(ids, json_integer(known[i])))
			continue;
		json_decref(ids);
		return NULL;
	}
	return json_pack("{ss s[s] so sb sb}", "op", "kernel_list", "kinds", db_kind_name(kind),
			 "known", ids, "brief", 1, "holders", 1);
}

static int read_gone(const json_t *ids, struct census *census, struct error *e)
{
	const json_t *id;
	size_t i;

	census->gone = calloc(json_array_size(ids) + 1, sizeof(*census->gone));
	if (!census->gone)
		return error_nomem(e);
	json_array_foreach (ids, i, id)
		census->gone[census->gone_count++] = (uint32_t)json_integer_value(id);
	return 0;
}

int census_read(const json_t *result, enum db_kind kind, struct census *census, struct error *e)
{
	static const char *const keys[] = {
		[DB_PROGRAM] = "programs", [DB_MAP] = "maps", [DB_LINK] = "links"
	};
	int r;

	memset(census, 0, sizeof(*census));
	r = read_rows(json_object_get(result, keys[kind]), census, e);
	if (!r)
		r = read_gone(json_object_get(result, "gone"), census, e);
	if (!r && answer_str(result, "incomplete", NULL)) {
		census->incomplete = answer_bytes(result, "incomplete");
		r = census->incomplete ? 0 : error_nomem(e);
	}
	return r;
}

int manager_census(struct manager *m, enum db_kind kind, uint32_t kernel_id, struct census *census,
		   struct error *e)
{
	struct managed managed = { 0 };
	json_t *answer = NULL;
	int r;

	memset(census, 0, sizeof(*census));
	/* The kernel first: what is loaded meanwhile is then managed, and not told twice. */
	r = manager_ask(m, "what the kernel has", census_request(kind, kernel_id), &answer, e);
	if (!r)
		r = managed_read(m, kind, &managed, e);
	if (!r)
		r = census_read(json_object_get(answer, "result"), kind, census, e);
	for (size_t i = 0; !r && i < census->count; i++)
		census->rows[i].managed = managed_has(&managed, census->rows[i].kernel_id);
	managed_free(&managed);
	json_decref(answer);
	return r;
}

const struct census_row *census_find(const struct census *census, uint32_t kernel_id)
{
	size_t low = 0, high = census->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (census->rows[mid].kernel_id < kernel_id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < census->count && census->rows[low].kernel_id == kernel_id ? &census->rows[low]
									       : NULL;
}

void census_free(struct census *census)
{
	for (size_t i = 0; i < census->count; i++) {
		struct census_row *c = &census->rows[i];

		for (size_t k = 0; k < c->holder_count; k++)
			free(c->holders[k].comm);
		free(c->holders);
		free(c->name);
		free(c->type);
		free(c->tag);
		free(c->attach_type);
	}
	free(census->rows);
	free(census->gone);
	free(census->incomplete);
	memset(census, 0, sizeof(*census));
}

/* ---- whose it is ---- */

static void holders_text(const struct census_row *c, struct buf *text)
{
	enum { TOLD = 3 };

	for (size_t i = 0; i < c->holder_count && i < TOLD; i++)
		buf_printf(text, "%s%s (pid %d)", i ? ", " : "", c->holders[i].comm,
			   c->holders[i].pid);
	if (c->holder_count > TOLD)
		buf_printf(text, " and %zu more", c->holder_count - TOLD);
	if (c->holder_count)
		buf_printf(text, c->holder_count > 1 ? " hold it" : " holds it");
	else
		buf_str(text, "no process holds it open, so it is pinned or attached");
}

static int refuse(const struct census_row *c, enum db_kind kind, struct error *e)
{
	struct buf text = { 0 };

	holders_text(c, &text);
	error_set(e, EPERM, "%s k:%" PRIu32 "%s%s%s is not bpfman's: %s", db_kind_name(kind),
		  c->kernel_id, c->name ? " \"" : "", c->name ? c->name : "", c->name ? "\"" : "",
		  buf_text(&text));
	buf_free(&text);
	return error_hint(e, "what others loaded is shown, by list --all, and left alone");
}

int census_refuse(struct manager *m, unsigned want, uint32_t kernel_id, struct error *e)
{
	static const enum db_kind kinds[] = { DB_PROGRAM, DB_MAP, DB_LINK };
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct census census;

		if (!(want & (1u << kinds[i])))
			continue;
		/* Where it cannot be asked, it is not known, and that is not the matter here. */
		if (!manager_census(m, kinds[i], kernel_id, &census, NULL) && census.count)
			r = refuse(&census.rows[0], kinds[i], e);
		census_free(&census);
	}
	return r;
}

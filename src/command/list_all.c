/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/list_all.h"

#include <stdio.h>
#include <string.h>

/* Keys of rows that only what is managed has a value for. */
static const char *const program_nulls[] = { "section",	    "object",	   "object_id",	 "state",
					     "lost_reason", "pinned_path", "created_at", NULL };
static const char *const program_lists[] = { "maps", "links", NULL };
static const char *const map_nulls[] = { "object",	"state",      "lost_reason",
					 "pinned_path", "created_at", NULL };
static const char *const map_lists[] = { "programs", NULL };

static const char *const link_nulls[] = { "program",	 "program_id", "object",      "target",
					  "target_text", "state",      "lost_reason", "pinned_path",
					  "expires_at",	 "created_at", NULL };
static const char *const link_lists[] = { NULL };

static void write_program(struct sink *s, const struct census_row *row)
{
	sink_str(s, "name", row->name);
	sink_str(s, "tag", row->tag);
	sink_object(s, "labels", NULL);
	sink_object_end(s);
}

static void write_map(struct sink *s, const struct census_row *row)
{
	sink_str(s, "name", row->name);
	sink_int(s, "key_size", row->key_size);
	sink_int(s, "value_size", row->value_size);
	sink_int(s, "max_entries", row->max_entries);
}

static void write_link(struct sink *s, const struct census_row *row)
{
	sink_str(s, "attach_type", row->attach_type);
}

static const struct {
	const char *const *nulls, *const *lists;
	void (*write)(struct sink *s, const struct census_row *row);
} kinds[] = {
	[DB_PROGRAM] = { program_nulls, program_lists, write_program },
	[DB_MAP] = { map_nulls, map_lists, write_map },
	[DB_LINK] = { link_nulls, link_lists, write_link },
};

int list_all_begin(struct list_all *a, struct session *s, enum db_kind kind,
		   const struct sink_table *table, struct error *e)
{
	static const struct {
		const char *key, *shown;
	} changed[] = { { "id", "shown_id" }, { "state", "shown_state" } };

	memset(a, 0, sizeof(*a));
	a->s = s;
	a->kind = kind;
	memcpy(a->columns, table->columns, table->count * sizeof(*table->columns));
	a->table = *table;
	a->table.columns = a->columns;
	for (size_t i = 0; i < table->count; i++)
		for (size_t k = 0; k < sizeof(changed) / sizeof(changed[0]); k++)
			if (!strcmp(a->columns[i].key, changed[k].key))
				a->columns[i].key = changed[k].shown;
	return manager_census(s->manager, kind, 0, &a->census, e);
}

static void write_holders(struct sink *s, const struct census_row *row)
{
	sink_rows(s, "holders", NULL);
	for (size_t i = 0; row && i < row->holder_count; i++) {
		sink_row(s);
		sink_int(s, "pid", row->holders[i].pid);
		sink_str(s, "comm", row->holders[i].comm);
		sink_row_end(s);
	}
	sink_rows_end(s);
}

void list_all_managed(struct list_all *a, int64_t id, uint32_t kernel_id, struct look look)
{
	struct sink *s = a->s->sink;
	const struct census_row *row = NULL;

	if (kernel_id && look.sight != SIGHT_LOST)
		row = census_find(&a->census, kernel_id);
	sink_bool(s, "managed", true);
	write_holders(s, row && row->managed ? row : NULL);
	if (for_people(a->s)) {
		sink_int(s, "shown_id", id);
		sink_str(s, "shown_state", sight_name(look.sight));
	}
}

const char *list_all_holder(const struct census_row *row)
{
	return row->holder_count ? row->holders[0].comm : "";
}

static void write_shown(struct sink *s, const struct census_row *row)
{
	char text[96];

	write_shown_kernel_id(s, row->kernel_id);
	if (row->holder_count > 1)
		snprintf(text, sizeof(text), "%s +%zu", list_all_holder(row),
			 row->holder_count - 1);
	else
		snprintf(text, sizeof(text), "%s", list_all_holder(row));
	sink_str(s, "shown_state", text);
}

void list_all_foreign(struct list_all *a, const struct census_row *row)
{
	struct sink *s = a->s->sink;

	sink_row(s);
	sink_null(s, "id");
	sink_int(s, "kernel_id", row->kernel_id);
	sink_str(s, "type", row->type);
	kinds[a->kind].write(s, row);
	for (const char *const *key = kinds[a->kind].nulls; *key; key++)
		sink_null(s, *key);
	for (const char *const *key = kinds[a->kind].lists; *key; key++) {
		sink_list(s, *key);
		sink_list_end(s);
	}
	sink_bool(s, "managed", false);
	write_holders(s, row);
	if (for_people(a->s))
		write_shown(s, row);
	sink_row_end(s);
}

void list_all_complete(struct list_all *a)
{
	sink_str(a->s->sink, "incomplete", a->census.incomplete);
	if (a->census.incomplete)
		sink_note(a->s->sink, "not all is shown: %s", a->census.incomplete);
}

void list_all_end(struct list_all *a)
{
	census_free(&a->census);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entries: what a map holds, live. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lang/lang.h"
#include "ui/screen/pane_list.h"

#define ROW(row) ((const struct entry_row *)(row))

static void key_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	buf_str(out, ROW(row)->key);
}

static void value_text(const struct screen *s, const void *row, struct buf *out)
{
	(void)s;
	buf_str(out, ROW(row)->value);
}

static void change_text(const struct screen *s, const void *row, struct buf *out)
{
	const struct entry_row *e = ROW(row);

	(void)s;
	if (e->changed && e->counts) {
		buf_char(out, e->change < 0 ? '-' : '+');
		rates_number((uint64_t)(fabs(e->change) + 0.5), out);
	} else {
		buf_str(out, e->changed ? "*" : "");
	}
}

static enum role change_role(const void *row)
{
	return ROW(row)->changed ? ROLE_GRAPH : ROLE_TEXT;
}

/* Numbers as numbers, so that 10 comes behind 9, and before all else. */
static int compare_texts(const char *a, const char *b)
{
	char *end_a, *end_b;
	double x = strtod(a, &end_a), y = strtod(b, &end_b);

	if (*end_a || *end_b)
		return *end_a && *end_b ? strcmp(a, b) : *end_a ? 1 : -1;
	return ORDER(x, y);
}

static int by_key(const void *a, const void *b)
{
	return compare_texts(ROW(a)->key, ROW(b)->key);
}

static int by_value(const void *a, const void *b)
{
	return compare_texts(ROW(a)->value, ROW(b)->value);
}

static int by_change(const void *a, const void *b)
{
	return ORDER(fabs(ROW(a)->change), fabs(ROW(b)->change));
}

static const struct column columns[] = {
	{ .title = "KEY", .width = 12, .most = 24, .text = key_text, .compare = by_key },
	{ .title = "VALUE",
	  .width = 20,
	  .most = 120,
	  .high_first = true,
	  .text = value_text,
	  .compare = by_value },
	{ .title = "CHANGE/S",
	  .width = 9,
	  .drop = 1,
	  .align = COLUMN_RIGHT,
	  .high_first = true,
	  .text = change_text,
	  .compare = by_change,
	  .role = change_role },
};

static size_t row_count(const struct screen *s)
{
	return s->entries.count;
}

static const void *row_at(const struct screen *s, size_t i)
{
	return &s->entries.rows[i];
}

static int64_t row_key(const void *row)
{
	return ROW(row)->hash;
}

static const struct list_source source = {
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.count = row_count,
	.row = row_at,
	.key = row_key,
	.foreign = list_none_foreign,
};

static void title(struct screen *s, struct pane *p, struct buf *out)
{
	const struct map_row *row = model_map(&s->model, s->entries.map_id);

	(void)p;
	if (row)
		buf_printf(out, " of map %lld %s%s", (long long)row->m.id, row->m.name,
			   s->entries.more ? " (only the first)" : "");
}

static void empty(struct screen *s, struct buf *out)
{
	if (s->entries.trouble)
		buf_str(out, s->entries.trouble);
	else if (!model_map(&s->model, s->entries.map_id))
		buf_str(out, "Enter on a map shows its entries");
	else
		buf_str(out, s->entries.at ? "the map is empty" : "reading ...");
}

/* The command that would write the entry, to be changed and entered. */
static void edit(struct screen *s, const struct entry_row *row)
{
	struct buf command = { 0 };

	buf_printf(&command, "map set %lld ", (long long)s->entries.map_id);
	if (row) {
		lang_quote(&command, row->key);
		buf_char(&command, ' ');
		lang_quote(&command, row->value);
	}
	screen_focus(s, PANE_NONE);
	if (!buf_error(&command))
		prompt_offer(s, buf_text(&command));
	buf_free(&command);
}

static bool act(struct screen *s, struct pane *p, enum action action)
{
	const struct entry_row *row = list_view_selected(&p->list, s);

	switch (action) {
	case ACTION_EDIT:
		edit(s, row);
		return true;
	case ACTION_DETAIL:
	case ACTION_SHOW:
	case ACTION_UNLOAD:
	case ACTION_DETACH:
	case ACTION_TAG:
		screen_say(s, "e edits an entry");
		return true;
	case ACTION_YANK:
		if (row)
			prompt_insert(s, row->key);
		screen_focus(s, PANE_NONE);
		return true;
	default:
		return false;
	}
}

const struct pane_ops entries_pane = {
	.name = "Entries",
	.right = true,
	.weight = 4,
	.least = 7,
	.list = &source,
	.title = title,
	.empty = empty,
	.act = act,
};

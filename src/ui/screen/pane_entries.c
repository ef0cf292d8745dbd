/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entries: what a map holds, live. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lang/lang.h"
#include "ui/screen/pane_list.h"

#define ROW(row) ((const struct entry_row *)(row))

static void change_text(const struct screen *s, const struct row *row, struct buf *out)
{
	(void)s;
	buf_str(out, ROW(row)->moved ? ROW(row)->moved : "");
}

static enum role change_role(const struct row *row)
{
	return ROW(row)->moved ? ROLE_GRAPH : ROLE_TEXT;
}

/* Numbers as numbers, so that 10 comes behind 9, and before all else. */
static int compare_texts(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	char *end_x, *end_y;
	double number_x = strtod(x, &end_x), number_y = strtod(y, &end_y);

	if (*end_x || *end_y)
		return *end_x && *end_y ? strcmp(x, y) : *end_x ? 1 : -1;
	return ORDER(number_x, number_y);
}

static void literal_text(const struct screen *s, const struct row *row, const void *field,
			 struct buf *out)
{
	(void)s;
	(void)row;
	buf_str(out, *(char *const *)field);
}

/* A text as `map set` takes it. */
static const struct cell cell_literal = { .text = literal_text, .compare = compare_texts };

static int by_change(const struct row *a, const struct row *b)
{
	double x = fabs(ROW(a)->change), y = fabs(ROW(b)->change);

	/* What changed by no number is behind those that did, and before those that did not. */
	return x != y ? ORDER(x, y) : !!ROW(a)->moved - !!ROW(b)->moved;
}

static const struct column columns[] = {
	COLUMN("KEY", struct entry_row, key, cell_literal, .width = 12, .most = 24),
	COLUMN("VALUE", struct entry_row, value, cell_literal, .width = 20, .most = 120,
	       .high_first = true),
	{ .title = "CHANGE/S",
	  .width = 9,
	  .most = 40,
	  .drop = 1,
	  .align = COLUMN_RIGHT,
	  .high_first = true,
	  .text = change_text,
	  .compare = by_change,
	  .role = change_role },
};

static struct rows *rows(struct screen *s, unsigned part)
{
	return part == 0 ? &s->entries.rows : NULL;
}

static const struct list_source source = {
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.rows = rows,
};

static void title(struct screen *s, struct pane *p, struct buf *out)
{
	const struct map_row *row = model_map(&s->model, s->entries.map_id);

	(void)p;
	if (!row)
		return;
	buf_printf(out, " of map %lld %s", (long long)row->m.id, row->m.name);
	if (s->entries.more)
		buf_printf(out, " (%zu of at most %u read)", s->entries.rows.all.count,
			   row->m.max_entries);
}

/* The map is gone, and so are its entries. */
static void forget_gone(struct screen *s, struct pane *p)
{
	if (!s->entries.map_id || model_map(&s->model, s->entries.map_id))
		return;
	list_view_free(&p->list);
	entries_free(&s->entries);
	list_view_update(&p->list, s);
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
	const struct entry_row *row = ROW(list_view_selected(&p->list, s));

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
	.refresh = forget_gone,
	.act = act,
};

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maps of what bpfman manages. */
#include "ui/screen/pane_list.h"

static void users_text(const struct screen *s, const struct row *row, struct buf *out)
{
	const struct program_row *user;

	for (size_t n = 0; (user = model_user(&s->model, row->key, n)); n++)
		buf_printf(out, "%s%s", n ? "," : "", user->p.name);
	if (!model_user(&s->model, row->key, 0))
		buf_char(out, '-');
}

static const struct column columns[] = {
	COLUMN_ID(struct map_row, list_id_needs),
	COLUMN("NAME", struct map_row, m.name, cell_string, .width = 16, .most = 40),
	COLUMN("TYPE", struct map_row, m.type, cell_string, .width = 10, .most = 20, .drop = 3),
	COLUMN("KEY", struct map_row, m.key_size, cell_count, .width = 5, .drop = 6,
	       .align = COLUMN_RIGHT),
	COLUMN("VALUE", struct map_row, m.value_size, cell_count, .width = 6, .drop = 5,
	       .align = COLUMN_RIGHT),
	COLUMN("ENTRIES", struct map_row, m.max_entries, cell_count, .width = 8, .drop = 4,
	       .align = COLUMN_RIGHT, .high_first = true),
	COLUMN("MEMORY", struct map_row, m.memlock_bytes, cell_bytes, .width = 6, .drop = 7,
	       .align = COLUMN_RIGHT, .high_first = true),
	{ .title = "USED BY", .width = 12, .most = 40, .drop = 1, .text = users_text },
	COLUMN("STATE", struct map_row, row.look, cell_look, .width = 10, .most = 20, .drop = 8),
	COLUMN_KERNEL(struct map_row, m.identity.kernel_id, 9),
};

static struct rows *rows(struct screen *s, unsigned part)
{
	return part == 0 ? &s->model.maps : NULL;
}

static void see(struct screen *s, struct row *row)
{
	model_see_map(&s->model, (struct map_row *)row);
}

static const struct list_source source = {
	.columns = columns,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.rows = rows,
	.see = see,
};

static void empty(struct screen *s, struct buf *out)
{
	(void)s;
	buf_str(out, "no maps");
}

static bool act(struct screen *s, struct pane *p, enum action action)
{
	const struct row *row = list_view_selected(&p->list, s);
	char text[40];

	/* A map goes with its programs. */
	if (action == ACTION_UNLOAD || action == ACTION_DETACH) {
		screen_say(s, "a map goes with the last program that uses it");
		return true;
	}
	if (action == ACTION_DETAIL && row) {
		entries_show(s, row->key);
		snprintf(text, sizeof(text), "map dump %lld", (long long)row->key);
		run_show(s, text);
		return true;
	}
	return list_act(s, p, action, row ? row->key : 0);
}

const struct pane_ops maps_pane = {
	.name = "Maps",
	.shown = true,
	.weight = 3,
	.least = 5,
	.list = &source,
	.empty = empty,
	.act = act,
};

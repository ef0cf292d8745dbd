/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Links: which program is attached to what. */
#include "ui/screen/pane_list.h"

/* With the time that is left of its trial. */
static void state_text(const struct screen *s, const struct row *row, struct buf *out)
{
	int64_t expires_at = ((const struct link_row *)row)->l.expires_at;
	int64_t left = expires_at - s->host.now();

	cell_look.text(s, row, &row->look, out);
	if (expires_at)
		buf_printf(out, ", %lld s left", left > 0 ? (long long)(left / 1000000000) : 0LL);
}

static const struct column columns[] = {
	COLUMN_ID(struct link_row, list_id_needs),
	COLUMN("PROGRAM", struct link_row, l.program_name, cell_string, .width = 16, .most = 40),
	COLUMN("TYPE", struct link_row, l.type, cell_string, .width = 10, .most = 14, .drop = 3),
	COLUMN("TARGET", struct link_row, l.target_text, cell_string, .width = 20, .most = 70,
	       .drop = 1),
	COLUMN("STATE", struct link_row, row.look, cell_look, .width = 12, .most = 24, .drop = 2,
	       .text = state_text),
	COLUMN_KERNEL(struct link_row, l.identity.kernel_id, 4),
	COLUMN("AGE", struct link_row, l.created_at, cell_since, .width = 5, .drop = 5,
	       .align = COLUMN_RIGHT),
};

static struct rows *rows(struct screen *s, unsigned part)
{
	return part == 0 ? &s->model.links : NULL;
}

static void see(struct screen *s, struct row *row)
{
	model_see_link(&s->model, (struct link_row *)row);
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
	buf_str(out, "nothing is attached: attach PROGRAM TARGET");
}

static bool act(struct screen *s, struct pane *p, enum action action)
{
	const struct row *row = list_view_selected(&p->list, s);

	if (action == ACTION_UNLOAD) {
		screen_say(s, "D detaches a link; U unloads its program");
		return true;
	}
	return list_act(s, p, action, row ? row->key : 0);
}

const struct pane_ops links_pane = {
	.name = "Links",
	.shown = true,
	.weight = 3,
	.from = 30,
	.least = 4,
	.list = &source,
	.empty = empty,
	.act = act,
};

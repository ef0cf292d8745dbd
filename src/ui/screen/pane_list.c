/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/screen/pane_list.h"

#include <stdio.h>

int list_id_needs(const struct screen *s)
{
	const struct rows *all[] = { &s->model.programs, &s->model.maps, &s->model.links };
	int64_t most = 0;
	int digits = 1;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct row_list *rows = &all[i]->all;

		if (rows->count && rows->at[rows->count - 1]->key > most)
			most = rows->at[rows->count - 1]->key;
	}
	for (; most > 9; most /= 10)
		digits++;
	return digits;
}

/* ---- unloading ---- */

/* The tagged rows, or else the selected one. */
static size_t chosen(const struct pane *p, int64_t id, const int64_t **ids, int64_t *one)
{
	*one = id;
	*ids = p->list.tag_count ? p->list.tags : one;
	return p->list.tag_count ? p->list.tag_count : id != 0;
}

static bool among(int64_t id, const int64_t *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* The maps that no program but these uses, and that go with them. */
static void name_maps(const struct model *m, const int64_t *ids, size_t count, struct buf *out)
{
	for (size_t i = 0; i < m->maps.all.count; i++) {
		const struct map_row *map = (const struct map_row *)m->maps.all.at[i];
		const struct program_row *user;
		bool goes = model_user(m, map->m.id, 0) != NULL;

		for (size_t n = 0; goes && (user = model_user(m, map->m.id, n)); n++)
			goes = among(user->p.id, ids, count);
		if (goes)
			buf_printf(out, "  map %lld %s\n", (long long)map->m.id, map->m.name);
	}
}

static void name_links(const struct model *m, int64_t program, struct buf *out)
{
	const struct link_row *row;

	for (size_t n = 0; (row = model_link_of(m, program, n)); n++)
		buf_printf(out, "  link %lld %s %s\n", (long long)row->l.id,
			   row->l.type ? row->l.type : "",
			   row->l.target_text ? row->l.target_text : "");
}

/* What goes with these links, or with the links of these programs. */
static void ask_detach(struct screen *s, const int64_t *ids, size_t count)
{
	struct buf what = { 0 }, command = { 0 }, links = { 0 };

	buf_str(&command, "detach");
	for (size_t i = 0; i < count; i++) {
		const struct link_row *row = model_link(&s->model, ids[i]);

		buf_printf(&command, " %lld", (long long)ids[i]);
		if (row)
			buf_printf(&links, "  link %lld %s %s of %s\n", (long long)ids[i],
				   row->l.type ? row->l.type : "",
				   row->l.target_text ? row->l.target_text : "",
				   row->l.program_name);
		else
			name_links(&s->model, ids[i], &links);
	}
	buf_printf(&what, "%s? This goes:\n%sy detaches, any other key does not\n",
		   buf_text(&command), buf_text(&links));
	if (!links.len)
		screen_say(s, "it is attached to nothing");
	else if (!buf_error(&what) && !buf_error(&command))
		popup_ask(s, what.data, command.data);
	buf_free(&what);
	buf_free(&links);
	buf_free(&command);
}

static void ask_unload(struct screen *s, const int64_t *ids, size_t count)
{
	struct buf what = { 0 }, command = { 0 };

	buf_str(&command, "unload");
	for (size_t i = 0; i < count; i++)
		buf_printf(&command, " %lld", (long long)ids[i]);
	buf_printf(&what, "%s? This goes:\n", buf_text(&command));
	for (size_t i = 0; i < count; i++) {
		const struct program_row *row = model_program(&s->model, ids[i]);

		if (row)
			buf_printf(&what, "  program %lld %s (%s)\n", (long long)ids[i],
				   row->p.name, row->p.type);
		name_links(&s->model, ids[i], &what);
	}
	name_maps(&s->model, ids, count, &what);
	buf_str(&what, "y unloads, any other key does not\n");
	if (!buf_error(&what) && !buf_error(&command))
		popup_ask(s, what.data, command.data);
	buf_free(&what);
	buf_free(&command);
}

bool list_act(struct screen *s, struct pane *p, enum action action, int64_t id)
{
	const int64_t *ids;
	int64_t one;
	size_t count = chosen(p, id, &ids, &one);
	char text[40];

	if (!id)
		return false;
	switch (action) {
	case ACTION_DETAIL:
	case ACTION_SHOW:
		snprintf(text, sizeof(text), "show %lld", (long long)id);
		detail_show(s, text, model_program(&s->model, id) ? id : 0);
		return true;
	case ACTION_LOG:
		if (!model_program(&s->model, id))
			return false;
		snprintf(text, sizeof(text), "log %lld", (long long)id);
		detail_show(s, text, 0);
		return true;
	case ACTION_UNLOAD:
		ask_unload(s, ids, count);
		return true;
	case ACTION_DETACH:
		ask_detach(s, ids, count);
		return true;
	case ACTION_YANK:
		for (size_t i = 0; i < count; i++) {
			snprintf(text, sizeof(text), "%lld ", (long long)ids[i]);
			prompt_insert(s, text);
		}
		screen_focus(s, PANE_NONE);
		return true;
	default:
		return false;
	}
}

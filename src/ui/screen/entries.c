/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/screen/entries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/protocol/protocol.h"
#include "ui/screen/screen.h"

enum { ENTRIES_MOST = 500 };

static void free_rows(struct entry_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(rows[i].key);
		free(rows[i].value);
	}
	free(rows);
}

void entries_free(struct entries *n)
{
	free_rows(n->rows, n->count);
	free(n->trouble);
	memset(n, 0, sizeof(*n));
}

void entries_show(struct screen *s, int64_t map_id)
{
	struct pane *p = &s->panes[PANE_ENTRIES];

	if (s->entries.map_id != map_id) {
		entries_free(&s->entries);
		s->entries.map_id = map_id;
		list_view_free(&p->list);
		p->list.at = p->list.top = 0;
		p->list.moved = false;
	}
	screen_focus(s, PANE_ENTRIES);
	ask_all(s);
}

static json_t *request(struct screen *s)
{
	const struct map_row *row = model_map(&s->model, s->entries.map_id);
	struct manager_map map;

	if (!row || !s->panes[PANE_ENTRIES].at.height)
		return NULL;
	map = (struct manager_map){
		.id = row->m.id, .name = row->m.name, .pin = row->m.pin, .identity = row->m.identity
	};
	return manager_map_request(&map, ENTRIES_MOST);
}

/* FNV-1a: rows are known by their keys' text. Never 0. */
static int64_t hash_of(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return (int64_t)(hash | 1);
}

static const struct entry_row *row_before(const struct entries *n, const struct entry_row *row,
					  size_t i)
{
	/* Mostly nothing has come or gone, and it stands where it stood. */
	if (i < n->count && n->rows[i].hash == row->hash)
		return &n->rows[i];
	for (size_t k = 0; k < n->count; k++)
		if (n->rows[k].hash == row->hash)
			return &n->rows[k];
	return NULL;
}

static bool number_of(const char *text, double *number)
{
	char *end;

	*number = strtod(text, &end);
	return end != text && !*end;
}

static void compare(struct entry_row *row, const struct entry_row *before, double seconds)
{
	double now, then;

	if (!before || seconds <= 0)
		return;
	row->changed = strcmp(row->value, before->value) != 0;
	row->counts = number_of(row->value, &now) && number_of(before->value, &then);
	if (row->counts)
		row->change = (now - then) / seconds;
}

static char *text_at(const json_t *entry, size_t i)
{
	char *bytes = NULL;
	size_t len;
	const char *text = json_string_value(json_array_get(entry, i));

	if (!text || wire_decode(text, &bytes, &len))
		return strdup("-");
	return bytes;
}

static void take(struct entries *n, const json_t *list, int64_t now)
{
	size_t count = json_array_size(list);
	struct entry_row *rows = calloc(count + 1, sizeof(*rows));
	size_t made = 0;

	for (size_t i = 0; rows && i < count; i++) {
		const json_t *entry = json_array_get(list, i);
		struct entry_row *row = &rows[made];

		row->key = text_at(entry, 0);
		row->value = text_at(entry, 1);
		made++;
		if (!row->key || !row->value)
			break;
		row->hash = hash_of(row->key);
		compare(row, row_before(n, row, i), n->at ? (double)(now - n->at) / 1e9 : 0);
	}
	if (!rows || (made && (!rows[made - 1].key || !rows[made - 1].value))) {
		free_rows(rows, made);
		return; /* no memory: what is shown stays */
	}
	free_rows(n->rows, n->count);
	n->rows = rows;
	n->count = made;
	n->at = now;
}

static void answer(struct screen *s, const json_t *result, const struct error *e)
{
	struct entries *n = &s->entries;

	free(n->trouble);
	n->trouble = NULL;
	if (result) {
		take(n, json_object_get(result, "entries"), s->host.monotonic());
		n->more = json_is_string(json_object_get(result, "cursor")) ||
			  json_is_true(json_object_get(result, "clipped"));
	} else {
		n->trouble = strdup(e->message ? e->message : "it cannot be read");
		free_rows(n->rows, n->count);
		n->rows = NULL;
		n->count = 0;
	}
	list_view_update(&s->panes[PANE_ENTRIES].list, s);
}

const struct asker entries_asker = { request, answer };

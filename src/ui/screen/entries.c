/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/screen/entries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/protocol/protocol.h"
#include "ui/screen/screen.h"

enum { ENTRIES_MOST = 500 };

static void entry_row_clear(struct row *row)
{
	free(((struct entry_row *)row)->key);
	free(((struct entry_row *)row)->value);
}

void entries_init(struct entries *n)
{
	memset(n, 0, sizeof(*n));
	rows_init(&n->rows, sizeof(struct entry_row), entry_row_clear);
}

void entries_free(struct entries *n)
{
	rows_free(&n->rows);
	free(n->trouble);
	n->trouble = NULL;
}

void entries_show(struct screen *s, int64_t map_id)
{
	struct pane *p = &s->panes[PANE_ENTRIES];

	if (s->entries.map_id != map_id) {
		list_view_free(&p->list);
		entries_free(&s->entries);
		entries_init(&s->entries);
		s->entries.map_id = map_id;
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

/* FNV-1a: rows are known by their keys' text. Always positive: they are nobody else's. */
static int64_t hash_of(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return (int64_t)(hash >> 1 | 1);
}

static bool number_of(const char *text, double *number)
{
	char *end;

	*number = strtod(text, &end);
	return end != text && !*end;
}

/* What has become of a value; seconds 0: it was not there before. */
static void compare(struct entry_row *row, const char *value, double seconds)
{
	double now, then;

	row->changed = row->value && seconds > 0 && strcmp(row->value, value) != 0;
	row->counts = row->changed && number_of(value, &now) && number_of(row->value, &then);
	row->change = row->counts ? (now - then) / seconds : 0;
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

/* Takes key and value over. */
static void put(struct entries *n, char *key, char *value, double seconds)
{
	int64_t hash = hash_of(key);
	struct entry_row *row = (struct entry_row *)rows_find(&n->rows, hash);
	bool moved = !row || row->changed || strcmp(row->value, value) != 0;

	if (!moved) {
		row->row.read = n->rows.read;
		free(key);
		free(value);
		return;
	}
	row = (struct entry_row *)rows_put(&n->rows, hash);
	if (!row) {
		free(key);
		free(value);
		return;
	}
	compare(row, value, seconds);
	free(row->key);
	free(row->value);
	row->key = key;
	row->value = value;
}

static void take(struct entries *n, const json_t *list, int64_t now)
{
	double seconds = n->at ? (double)(now - n->at) / 1e9 : 0;
	const json_t *entry;
	size_t i;

	rows_begin(&n->rows);
	json_array_foreach (list, i, entry) {
		char *key = text_at(entry, 0), *value = text_at(entry, 1);

		if (key && value) {
			put(n, key, value, seconds);
			continue;
		}
		free(key);
		free(value);
	}
	rows_end(&n->rows);
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
		rows_begin(&n->rows);
		rows_end(&n->rows);
	}
	list_view_take(&s->panes[PANE_ENTRIES].list, s);
}

const struct asker entries_asker = { request, answer };

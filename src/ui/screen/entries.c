/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/screen/entries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/protocol/protocol.h"
#include "ui/screen/moved.h"
#include "ui/screen/screen.h"

static void entry_row_clear(struct row *row)
{
	struct entry_row *entry = (struct entry_row *)row;

	free(entry->key);
	free(entry->value);
	free(entry->moved);
}

void entries_init(struct entries *n)
{
	memset(n, 0, sizeof(*n));
	rows_init(&n->rows, sizeof(struct entry_row), entry_row_clear);
}

void entries_free(struct entries *n)
{
	rows_free(&n->rows);
	for (unsigned i = 0; i < ENTRIES_PARTS; i++)
		free(n->cursors[i]);
	free(n->trouble);
	entries_init(n);
}

void entries_show(struct screen *s, int64_t map_id)
{
	struct pane *p = &s->panes[PANE_ENTRIES];

	if (s->entries.map_id != map_id) {
		list_view_free(&p->list);
		entries_free(&s->entries);
		s->entries.map_id = map_id;
		p->list.at = p->list.top = 0;
		p->list.moved = false;
	}
	screen_focus(s, PANE_ENTRIES);
	ask_all(s);
}

/* ---- asking ---- */

/* Somebody looks at the end of what is read, and there is more. */
static bool wants_more(const struct entries *n, const struct list_view *l)
{
	size_t page = l->height > 0 ? (size_t)l->height : 1;

	return n->parts && n->more && n->parts < ENTRIES_PARTS && l->at + 2 * page >= l->count;
}

/* One of those whose rows are seen: sorted, they may be of many. */
static unsigned seen_part(struct entries *n, const struct list_view *l)
{
	size_t seen = l->height > 0 && l->top < l->count ? l->count - l->top : 0;

	seen = seen > (size_t)l->height ? (size_t)l->height : seen;
	if (!seen)
		return 0;
	for (size_t i = 0; i < seen; i++) {
		unsigned part = l->order[l->top + (n->turn + i) % seen]->part;

		if (part != n->asked || i + 1 == seen) {
			n->turn += (unsigned)i;
			return part;
		}
	}
	return 0;
}

static json_t *request(struct screen *s)
{
	const struct list_view *l = &s->panes[PANE_ENTRIES].list;
	const struct map_row *row = model_map(&s->model, s->entries.map_id);
	struct entries *n = &s->entries;
	struct manager_map map;

	if (!row || !s->panes[PANE_ENTRIES].at.height)
		return NULL;
	map = (struct manager_map){
		.id = row->m.id, .name = row->m.name, .pin = row->m.pin, .identity = row->m.identity
	};
	n->asked = n->stale ? n->stale : wants_more(n, l) ? n->parts : seen_part(n, l);
	n->of_id = row->m.id;
	return manager_map_request(&map, n->cursors[n->asked], ENTRIES_PART);
}

/* ---- taking ---- */

/* FNV-1a: rows are known by their keys' text. Always positive: they are nobody else's. */
static int64_t hash_of(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return (int64_t)(hash >> 1 | 1);
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

/* What has become of it since it was read before. */
static void compare(struct entry_row *row, const char *value, int64_t now)
{
	struct buf moved = { 0 };

	free(row->moved);
	row->moved = NULL;
	row->change = 0;
	if (!row->value || now <= row->at || !strcmp(row->value, value))
		return;
	row->change = moved_text(row->value, value, (double)(now - row->at) / 1e9, &moved);
	row->moved = buf_take(&moved);
}

/* Takes key and value over. */
static void put(struct entries *n, char *key, char *value, int64_t now)
{
	int64_t hash = hash_of(key);
	struct entry_row *row = (struct entry_row *)rows_find(&n->rows, hash);

	if (row && !row->moved && !strcmp(row->value, value))
		rows_keep(&n->rows, &row->row);
	else
		row = (struct entry_row *)rows_put(&n->rows, hash);
	if (!row) {
		free(key);
		free(value);
		return;
	}
	compare(row, value, now);
	free(row->key);
	free(row->value);
	row->key = key;
	row->value = value;
	row->at = now;
}

static void take(struct entries *n, const json_t *list, int64_t now)
{
	const json_t *entry;
	size_t i;

	rows_begin(&n->rows, n->asked);
	json_array_foreach (list, i, entry) {
		char *key = text_at(entry, 0), *value = text_at(entry, 1);

		if (key && value) {
			put(n, key, value, now);
			continue;
		}
		free(key);
		free(value);
	}
	rows_end(&n->rows);
	n->at = now;
}

/* Parts from here on are no more. */
static void cut(struct entries *n, unsigned part)
{
	for (unsigned i = part; i < n->parts; i++) {
		rows_begin(&n->rows, i);
		rows_end(&n->rows);
		free(n->cursors[i]);
		n->cursors[i] = NULL;
	}
	if (n->parts > part)
		n->parts = part;
}

/* Where the next part begins may move, as entries come and go before it. */
static void note_next(struct entries *n, const char *cursor)
{
	unsigned next = n->asked + 1;
	bool last = next >= n->parts;

	if (n->stale == n->asked)
		n->stale = 0;
	if (n->parts < next)
		n->parts = next;
	if (!cursor)
		cut(n, next);
	if (last || !cursor)
		n->more = cursor != NULL;
	if (!cursor || next == ENTRIES_PARTS ||
	    (n->cursors[next] && !strcmp(n->cursors[next], cursor)))
		return;
	free(n->cursors[next]);
	n->cursors[next] = strdup(cursor);
	if (!n->cursors[next])
		cut(n, next); /* without memory it is as if it had never been read */
	else if (next < n->parts)
		n->stale = next;
}

static void answer(struct screen *s, const json_t *result, const struct error *e)
{
	struct list_view *l = &s->panes[PANE_ENTRIES].list;
	struct entries *n = &s->entries;

	if (!n->of_id || n->of_id != n->map_id)
		return;
	free(n->trouble);
	n->trouble = NULL;
	if (result) {
		take(n, json_object_get(result, "entries"), s->host.monotonic());
		note_next(n, json_string_value(json_object_get(result, "cursor")));
	} else {
		n->trouble = strdup(e->message ? e->message : "it cannot be read");
		cut(n, 0);
		n->stale = 0;
		n->more = false;
	}
	list_view_take(l, s);
	if (n->stale || wants_more(n, l))
		ask_again(s, &entries_asker);
}

const struct asker entries_asker = { request, answer };

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Completion from what is managed: names, ids, labels, keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/complete.h"
#include "command/map_entries.h"

enum { KEYS_OFFERED = 256 };

static void offer_id(struct gathering *g, int64_t id)
{
	char text[24];

	/* Ids only once a digit is typed: a name tells more. */
	if (g->prefix[0] < '0' || g->prefix[0] > '9')
		return;
	snprintf(text, sizeof(text), "%lld", (long long)id);
	offer(g, "", text, true);
}

static int offer_program(void *data, struct db_program *p)
{
	struct gathering *g = data;

	offer(g, "", p->name, true);
	if (p->object_name && strchr(g->prefix, '/')) {
		struct buf lead = { 0 };

		buf_printf(&lead, "%s/", p->object_name);
		offer(g, buf_text(&lead), p->name, true);
		buf_free(&lead);
	}
	if (p->outside_path)
		offer(g, "", p->outside_path, true);
	offer_id(g, p->id);
	return 0;
}

static int offer_link(void *data, struct db_link *l)
{
	struct gathering *g = data;

	offer(g, "", l->program_name, true);
	offer_id(g, l->id);
	return 0;
}

static int offer_map(void *data, struct db_map *m)
{
	if (m->name[0] == '.' && m->object_name)
		offer(data, m->object_name, m->name, true);
	else
		offer(data, "", m->name, true);
	offer_id(data, m->id);
	return 0;
}

static int offer_object(void *data, struct db_object *o)
{
	offer(data, "", o->name, true);
	offer(data, "object:", o->name, true);
	offer_id(data, o->id);
	return 0;
}

void offer_named(struct gathering *g, unsigned want)
{
	struct error e = ERROR_INIT;
	struct db *db;
	int r;

	r = manager_db(g->s->manager, &db, &e);
	if (!r && (want & WANT_PROGRAM))
		r = db_programs(db, 0, offer_program, g, &e);
	if (!r && (want & WANT_OBJECT))
		r = db_objects(db, offer_object, g, &e);
	if (!r && (want & WANT_MAP))
		r = db_maps(db, 0, offer_map, g, &e);
	if (!r && (want & WANT_LINK))
		db_links(db, 0, offer_link, g, &e);
	error_clear(&e);
}

/* Some of the keys of the MAP that the line names already. */
void offer_map_keys(struct gathering *g)
{
	const struct partial *p = g->partial;
	struct buf entries = { 0 }, key = { 0 };
	const struct manager_entries how = { &entries, .text = true };
	struct manager_map map = { 0 };
	struct error e = ERROR_INIT;
	const char *at;
	json_t *result = NULL;

	if (p->count == 2 && !manager_map_find(g->s->manager, p->words[1].text, &map, &e) &&
	    !manager_map_part(g->s->manager, &map, NULL, KEYS_OFFERED, &how, &result, &e))
		for (at = buf_text(&entries); entry_key(&at, &key);)
			offer(g, "", buf_text(&key), true);
	json_decref(result);
	manager_map_clear(&map);
	error_clear(&e);
	buf_free(&entries);
	buf_free(&key);
}

struct own_maps {
	struct gathering *g;
	int64_t object_id;
};

static int offer_own_map(void *data, struct db_map *map)
{
	const struct own_maps *own = data;

	if (map->object_id == own->object_id)
		offer(own->g, "", map->name, true);
	return 0;
}

void offer_own_maps(struct gathering *g)
{
	const char *object = first_positional(g);
	struct error e = ERROR_INIT;
	struct named named;
	struct db *db;

	if (object && !manager_resolve(g->s->manager, object, WANT_OBJECT, &named, &e) &&
	    !manager_db(g->s->manager, &db, &e)) {
		struct own_maps own = { g, named.id };

		db_maps(db, named.id, offer_own_map, &own, &e);
	}
	error_clear(&e);
}

static int offer_labels_of(void *data, struct db_object *o)
{
	struct gathering *g = data;
	struct error e = ERROR_INIT;
	struct db_label *labels;
	struct db *db;
	size_t count;

	if (!manager_db(g->s->manager, &db, &e) && !db_labels(db, o->id, &labels, &count, &e)) {
		for (size_t i = 0; i < count; i++) {
			struct buf lead = { 0 };

			buf_printf(&lead, "%s=", labels[i].key);
			offer(g, buf_text(&lead), labels[i].value, true);
			buf_free(&lead);
		}
		db_labels_free(labels, count);
	}
	error_clear(&e);
	return 0;
}

/* Labels that objects have. */
void offer_labels(struct gathering *g)
{
	struct error e = ERROR_INIT;
	struct db *db;

	if (!manager_db(g->s->manager, &db, &e))
		db_objects(db, offer_labels_of, g, &e);
	error_clear(&e);
}

/* What is before the equals sign is of the file, what follows is managed. */
void offer_reuse(struct gathering *g)
{
	const char *equals = strchr(g->prefix, '=');
	struct gathering maps = { .s = g->s, .prefix = equals ? equals + 1 : "" };
	struct buf lead = { 0 };

	if (!equals) {
		offer_of_file(g, "maps", "=");
		return;
	}
	buf_add(&lead, g->prefix, (size_t)(equals - g->prefix) + 1);
	offer_named(&maps, WANT_MAP);
	for (size_t i = 0; i < maps.count; i++) {
		offer(g, buf_text(&lead), maps.found[i].word, true);
		free(maps.found[i].word);
	}
	free(maps.found);
	buf_free(&lead);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of `list`. */
#include "command/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

static uint32_t kernel_id_of(const struct list_kind *kind, const struct list_item *item)
{
	switch (kind->kind) {
	case DB_MAP:
		return item->map.identity.kernel_id;
	case DB_LINK:
		return item->link.identity.kernel_id;
	default:
		return item->program.identity.kernel_id;
	}
}

int listing_write(struct listing *l, const struct list_item *item)
{
	int r;

	if (item->foreign) {
		list_all_foreign(l->all, item->foreign);
		return 0;
	}
	sink_row(l->c.s->sink);
	r = l->kind->write(l, item);
	if (l->all)
		/* Each kind's row begins with its id. */
		list_all_managed(l->all, item->program.id, kernel_id_of(l->kind, item), item->look);
	sink_row_end(l->c.s->sink);
	return r;
}

/* Writes the row, or keeps it; then it is taken over and *taken set. */
static int add_item(struct listing *l, const struct list_item *item, bool *taken)
{
	struct list_item *grown;

	*taken = l->keep;
	if (!l->keep)
		return listing_write(l, item);
	grown = grow(l->items, l->count, sizeof(*grown));
	if (!grown) {
		*taken = false;
		return error_nomem(l->e);
	}
	l->items = grown;
	l->items[l->count++] = *item;
	return 0;
}

static bool passes(const struct list_filter *f, const char *type, struct look look)
{
	return (!f->type || (type && !strcmp(f->type, type))) &&
	       (!f->state || !strcmp(f->state, sight_name(look.sight)));
}

static void sort_by_text(struct list_item *item, const char *text)
{
	item->text = text ? text : "";
}

static void program_sort_key(const struct list_filter *f, struct list_item *item)
{
	const struct db_program *p = &item->program;

	if (!f->sort || !strcmp(f->sort, "id"))
		item->number = p->id;
	else if (!strcmp(f->sort, "name"))
		sort_by_text(item, p->name);
	else if (!strcmp(f->sort, "type"))
		sort_by_text(item, p->type);
	else if (!strcmp(f->sort, "state"))
		sort_by_text(item, sight_name(item->look.sight));
	else if (!strcmp(f->sort, "object"))
		sort_by_text(item, p->object_name);
	else if (!strcmp(f->sort, "kernel_id"))
		item->number = p->identity.kernel_id;
	else
		item->number = p->created_at;
}

static void map_sort_key(const struct list_filter *f, struct list_item *item)
{
	const struct db_map *m = &item->map;

	if (!f->sort || !strcmp(f->sort, "id"))
		item->number = m->id;
	else if (!strcmp(f->sort, "name"))
		sort_by_text(item, m->name);
	else if (!strcmp(f->sort, "type"))
		sort_by_text(item, m->type);
	else if (!strcmp(f->sort, "state"))
		sort_by_text(item, sight_name(item->look.sight));
	else if (!strcmp(f->sort, "object"))
		sort_by_text(item, m->object_name);
	else if (!strcmp(f->sort, "kernel_id"))
		item->number = m->identity.kernel_id;
	else
		item->number = m->created_at;
}

static void object_sort_key(const struct list_filter *f, struct list_item *item)
{
	const struct db_object *o = &item->object;

	if (!f->sort || !strcmp(f->sort, "id"))
		item->number = o->id;
	else if (!strcmp(f->sort, "name") || !strcmp(f->sort, "object"))
		sort_by_text(item, o->name);
	else if (!strcmp(f->sort, "state"))
		sort_by_text(item, sight_name(item->look.sight));
	else
		item->number = o->created_at;
}

static void link_sort_key(const struct list_filter *f, struct list_item *item)
{
	const struct db_link *l = &item->link;

	if (!f->sort || !strcmp(f->sort, "id"))
		item->number = l->id;
	else if (!strcmp(f->sort, "name"))
		sort_by_text(item, l->program_name);
	else if (!strcmp(f->sort, "type"))
		sort_by_text(item, l->type);
	else if (!strcmp(f->sort, "state"))
		sort_by_text(item, sight_name(item->look.sight));
	else if (!strcmp(f->sort, "object"))
		sort_by_text(item, l->object_name);
	else if (!strcmp(f->sort, "kernel_id"))
		item->number = l->identity.kernel_id;
	else
		item->number = l->created_at;
}

static int keep_program(void *data, struct db_program *p)
{
	struct listing *l = data;
	struct list_item item = { .program = *p };
	bool taken;
	int r;

	r = program_look(&l->c, p, &item.look, l->e);
	if (r || !passes(l->filter, p->type, item.look))
		return r;
	r = labels_match(&l->c, p->object_id, l->filter->labels, l->e);
	if (r <= 0)
		return r;
	program_sort_key(l->filter, &item);
	r = add_item(l, &item, &taken);
	if (taken)
		memset(p, 0, sizeof(*p));
	return r;
}

static int keep_map(void *data, struct db_map *m)
{
	struct listing *l = data;
	struct look look = manager_look_map(l->c.s->manager, m);
	struct list_item item = { .map = *m, .look = look };
	bool taken;
	int r;

	if (!passes(l->filter, m->type, look))
		return 0;
	r = labels_match(&l->c, m->object_id, l->filter->labels, l->e);
	if (r <= 0)
		return r;
	map_sort_key(l->filter, &item);
	r = add_item(l, &item, &taken);
	if (taken)
		memset(m, 0, sizeof(*m));
	return r;
}

static int keep_object(void *data, struct db_object *o)
{
	struct listing *l = data;
	struct list_item item = { .object = *o };
	bool taken;
	int r;

	r = object_look(&l->c, o, &item.look, l->e);
	if (r || !passes(l->filter, l->filter->type ? "" : NULL, item.look))
		return r;
	r = labels_match(&l->c, o->id, l->filter->labels, l->e);
	if (r <= 0)
		return r;
	object_sort_key(l->filter, &item);
	r = add_item(l, &item, &taken);
	if (taken)
		memset(o, 0, sizeof(*o));
	return r;
}

static int keep_link(void *data, struct db_link *link)
{
	struct listing *l = data;
	struct list_item item = { .link = *link };
	bool taken;
	int r;

	item.look = manager_look_link(l->c.s->manager, link);
	if (!passes(l->filter, link->type, item.look))
		return 0;
	r = labels_match(&l->c, link->object_id, l->filter->labels, l->e);
	if (r <= 0)
		return r;
	link_sort_key(l->filter, &item);
	r = add_item(l, &item, &taken);
	if (taken)
		memset(link, 0, sizeof(*link));
	return r;
}

/* What is not managed has no id, and comes behind what is. */
static void foreign_sort_key(const struct list_filter *f, struct list_item *item)
{
	const struct census_row *c = item->foreign;

	if (!f->sort || !strcmp(f->sort, "id") || !strcmp(f->sort, "created_at"))
		item->number = INT64_MAX;
	else if (!strcmp(f->sort, "name"))
		sort_by_text(item, c->name);
	else if (!strcmp(f->sort, "type"))
		sort_by_text(item, c->type);
	else if (!strcmp(f->sort, "state"))
		sort_by_text(item, list_all_holder(c));
	else if (!strcmp(f->sort, "object"))
		sort_by_text(item, NULL);
	else
		item->number = c->kernel_id;
}

int listing_read_foreign(struct listing *l)
{
	const struct list_filter *f = l->filter;
	int r = 0;

	/* It has neither a state nor labels, and its program is not ours. */
	if (f->state || f->labels->count || f->program)
		return 0;
	for (size_t i = 0; !r && i < l->all->census.count; i++) {
		struct list_item item = { .foreign = &l->all->census.rows[i] };
		bool taken;

		if (item.foreign->managed || (f->type && strcmp(f->type, item.foreign->type)))
			continue;
		foreign_sort_key(f, &item);
		r = add_item(l, &item, &taken);
	}
	return r;
}

/* Equal ones stay in order of id. */
static int64_t order_of(const struct list_item *item)
{
	return item->foreign ? INT64_MAX - UINT32_MAX + item->foreign->kernel_id : item->program.id;
}

static int compare(const void *a, const void *b)
{
	const struct list_item *x = a, *y = b;
	int c = x->text ? strcmp(x->text, y->text)
			: (x->number > y->number) - (x->number < y->number);

	return c ? c : (order_of(x) > order_of(y)) - (order_of(x) < order_of(y));
}

void listing_sort(struct listing *l)
{
	if (l->count)
		qsort(l->items, l->count, sizeof(*l->items), compare);
}

static int item_program(struct listing *l, const struct list_item *item)
{
	return program_members(&l->c, &item->program, item->look, l->e);
}

static int item_map(struct listing *l, const struct list_item *item)
{
	return map_members(&l->c, &item->map, l->e);
}

static int item_object(struct listing *l, const struct list_item *item)
{
	return object_members(&l->c, &item->object, item->look, l->e);
}

static int item_link(struct listing *l, const struct list_item *item)
{
	link_members(&l->c, &item->link, item->look);
	return 0;
}

static void clear_program(struct list_item *item)
{
	db_program_clear(&item->program);
}

static void clear_map(struct list_item *item)
{
	db_map_clear(&item->map);
}

static void clear_object(struct list_item *item)
{
	db_object_clear(&item->object);
}

static void clear_link(struct list_item *item)
{
	db_link_clear(&item->link);
}

static int read_programs(struct listing *l)
{
	return db_programs(l->c.db, 0, keep_program, l, l->e);
}

static int read_maps(struct listing *l)
{
	return db_maps(l->c.db, 0, keep_map, l, l->e);
}

static int read_objects(struct listing *l)
{
	return db_objects(l->c.db, keep_object, l, l->e);
}

static int read_links(struct listing *l)
{
	return db_links(l->c.db, l->filter->program, keep_link, l, l->e);
}

static const struct list_kind kinds[] = {
	{ "programs", DB_PROGRAM, &programs_table, read_programs, item_program, clear_program },
	{ "maps", DB_MAP, &maps_table, read_maps, item_map, clear_map },
	{ "objects", DB_OBJECT, &objects_table, read_objects, item_object, clear_object },
	{ "links", DB_LINK, &links_table, read_links, item_link, clear_link },
};

const struct list_kind *list_kind_find(const char *name)
{
	for (size_t i = 0; name && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return &kinds[0];
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "command/list_all.h"

struct filter {
	const char *type, *state, *sort;
	int64_t program; /* links of this one only; 0: of all */
	const struct arg_values *labels;
};

/* One row of any kind. */
struct item {
	union {
		struct db_program program;
		struct db_map map;
		struct db_object object;
		struct db_link link;
	};
	const struct census_row *foreign; /* others loaded it: the above is empty; or NULL */
	struct look look;
	const char *text; /* sort key, or NULL */
	int64_t number;	  /* sort key where text is NULL */
};

struct listing;

struct list_kind {
	const char *name;
	enum db_kind kind;
	const struct sink_table *table;
	int (*read)(struct listing *l);
	int (*write)(struct listing *l, const struct item *item);
	void (*clear)(struct item *item);
};

/*
 * Rows come in order of id, and are written as they come. Any other order needs all of them first:
 * then they are kept.
 */
struct listing {
	struct rows_context c;
	const struct filter *filter;
	const struct list_kind *kind;
	struct list_all *all; /* --all; or NULL */
	bool keep;
	struct item *items;
	size_t count;
	struct error *e;
};

static uint32_t kernel_id_of(const struct list_kind *kind, const struct item *item)
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

static int write_item(struct listing *l, const struct item *item)
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
static int add_item(struct listing *l, const struct item *item, bool *taken)
{
	struct item *grown;

	*taken = l->keep;
	if (!l->keep)
		return write_item(l, item);
	grown = grow(l->items, l->count, sizeof(*grown));
	if (!grown) {
		*taken = false;
		return error_nomem(l->e);
	}
	l->items = grown;
	l->items[l->count++] = *item;
	return 0;
}

static bool passes(const struct filter *f, const char *type, struct look look)
{
	return (!f->type || (type && !strcmp(f->type, type))) &&
	       (!f->state || !strcmp(f->state, sight_name(look.sight)));
}

static void sort_by_text(struct item *item, const char *text)
{
	item->text = text ? text : "";
}

static void program_sort_key(const struct filter *f, struct item *item)
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

static void map_sort_key(const struct filter *f, struct item *item)
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

static void object_sort_key(const struct filter *f, struct item *item)
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

static void link_sort_key(const struct filter *f, struct item *item)
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
	struct item item = { .program = *p };
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
	struct item item = { .map = *m, .look = look };
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
	struct item item = { .object = *o };
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
	struct item item = { .link = *link };
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
static void foreign_sort_key(const struct filter *f, struct item *item)
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

static int read_foreign(struct listing *l)
{
	const struct filter *f = l->filter;
	int r = 0;

	/* It has neither a state nor labels, and its program is not ours. */
	if (f->state || f->labels->count || f->program)
		return 0;
	for (size_t i = 0; !r && i < l->all->census.count; i++) {
		struct item item = { .foreign = &l->all->census.rows[i] };
		bool taken;

		if (item.foreign->managed || (f->type && strcmp(f->type, item.foreign->type)))
			continue;
		foreign_sort_key(f, &item);
		r = add_item(l, &item, &taken);
	}
	return r;
}

/* Equal ones stay in order of id. */
static int64_t order_of(const struct item *item)
{
	return item->foreign ? INT64_MAX - UINT32_MAX + item->foreign->kernel_id : item->program.id;
}

static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int c = x->text ? strcmp(x->text, y->text)
			: (x->number > y->number) - (x->number < y->number);

	return c ? c : (order_of(x) > order_of(y)) - (order_of(x) < order_of(y));
}

static int item_program(struct listing *l, const struct item *item)
{
	return program_members(&l->c, &item->program, item->look, l->e);
}

static int item_map(struct listing *l, const struct item *item)
{
	return map_members(&l->c, &item->map, l->e);
}

static int item_object(struct listing *l, const struct item *item)
{
	return object_members(&l->c, &item->object, item->look, l->e);
}

static int item_link(struct listing *l, const struct item *item)
{
	link_members(&l->c, &item->link, item->look);
	return 0;
}

static void clear_program(struct item *item)
{
	db_program_clear(&item->program);
}

static void clear_map(struct item *item)
{
	db_map_clear(&item->map);
}

static void clear_object(struct item *item)
{
	db_object_clear(&item->object);
}

static void clear_link(struct item *item)
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

static const struct list_kind *kind_of(const char *name)
{
	for (size_t i = 0; name && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return &kinds[0];
}

static int run_list(struct session *s, const struct invocation *in, struct error *e)
{
	const struct list_kind *kind = kind_of(invocation_value(in, "KIND"));
	struct filter filter = {
		.type = invocation_value(in, "--type"),
		.state = invocation_value(in, "--state"),
		.sort = invocation_value(in, "--sort"),
		.labels = invocation_values(in, "--label"),
	};
	struct listing l = {
		.filter = &filter,
		.kind = kind,
		.keep = filter.sort && strcmp(filter.sort, "id"),
		.e = e,
	};
	const char *program = invocation_value(in, "--program");
	const struct sink_table *table = kind->table;
	struct named named = { .id = 0 };
	struct list_all all;
	int r = 0;

	if (program)
		r = manager_resolve(s->manager, program, WANT_PROGRAM, &named, e);
	if (r)
		return r;
	filter.program = named.id;
	if (invocation_value(in, "--all")) {
		l.all = &all;
		r = list_all_begin(&all, s, kind->kind, table, e);
		table = &all.table;
	}
	if (!r)
		r = rows_context_init(&l.c, s, true, e);
	if (r)
		goto out;
	sink_rows(s->sink, kind->name, table);
	r = kind->read(&l);
	if (!r && l.all)
		r = read_foreign(&l);
	if (!r && l.count)
		qsort(l.items, l.count, sizeof(*l.items), compare);
	for (size_t i = 0; i < l.count; i++) {
		if (!r)
			r = write_item(&l, &l.items[i]);
		kind->clear(&l.items[i]);
	}
	sink_rows_end(s->sink);
	if (l.all)
		list_all_complete(&all);
	free(l.items);
	rows_context_free(&l.c);
out:
	if (l.all)
		list_all_end(&all);
	return r;
}

static int check_list(const struct invocation *in, struct error *e)
{
	const char *kind = invocation_value(in, "KIND");

	if (invocation_value(in, "--program") && (!kind || strcmp(kind, "links")))
		return error_set_class(e, ERROR_USAGE, EINVAL, "--program is for list links");
	if (kind && !strcmp(kind, "objects") && invocation_value(in, "--all"))
		return error_set_class(e, ERROR_USAGE, EINVAL,
				       "--all is for programs, maps and links: the kernel has "
				       "no objects");
	if (kind && !strcmp(kind, "objects") && invocation_value(in, "--type"))
		return error_set_class(e, ERROR_USAGE, EINVAL,
				       "objects have no type; programs, maps and links do");
	return 0;
}

static const char *const kind_names[] = { "programs", "maps", "links", "objects", NULL };
static const char *const state_names[] = { "loaded",  "attached", "lost", "target_gone",
					   "unknown", "pending",  NULL };
static const char *const sort_names[] = { "id",	    "name",	 "type",       "state",
					  "object", "kernel_id", "created_at", NULL };

static const struct arg list_args[] = {
	{ .name = "KIND",
	  .type = ARG_CHOICE,
	  .value = "programs|maps|links|objects",
	  .choices = kind_names,
	  .help = "what to list (default: programs)" },
	{ .name = "--type", .type = ARG_TEXT, .value = "TYPE", .help = "only of this type" },
	{ .name = "--program",
	  .type = ARG_PROGRAM,
	  .value = "PROGRAM",
	  .help = "only links of this program" },
	{ .name = "--label",
	  .type = ARG_LABEL,
	  .flags = ARG_REPEAT,
	  .value = "KEY=VALUE",
	  .help = "only what bears this label" },
	{ .name = "--state",
	  .type = ARG_CHOICE,
	  .value = "loaded|attached|lost|target_gone|unknown|pending",
	  .choices = state_names,
	  .help = "only in this state" },
	{ .name = "--all",
	  .type = ARG_FLAG,
	  .help = "also what others loaded, with its holders; this asks the kernel" },
	{ .name = "--sort",
	  .type = ARG_CHOICE,
	  .value = "id|name|type|state|object|kernel_id|created_at",
	  .choices = sort_names,
	  .help = "order of the rows (default: id)" },
};

const struct command list_commands[] = {
	{ "list", "list what bpfman manages, from the database", list_args,
	  sizeof(list_args) / sizeof(list_args[0]), 0, run_list,
	  "It needs no worker, no lock and no capability, only read access to the database. "
	  "States: loaded; attached, a link, or a program with one; target_gone, a link whose "
	  "interface, network namespace, cgroup or process is no more; lost, because of a reboot, "
	  "or because the pin is gone (unpinned) or is "
	  "another object now (replaced); unknown, where it cannot be told, with the reason; "
	  "pending, in the middle of a change. With --all what else the kernel has follows: its ID "
	  "is k: and the kernel's id, its STATE a process that holds it. It is shown, and left "
	  "alone.",
	  check_list },
};
const size_t list_command_count = sizeof(list_commands) / sizeof(list_commands[0]);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a word in a command names. */
#include "manager/internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/grow.h"
#include "base/text.h"

/* All that a word could mean, and all names of the kinds asked for (for "did you mean"). */
struct search {
	struct manager *m;
	struct error *e;
	const char *text;      /* the word as typed */
	const char *name;      /* the name looked for, or NULL */
	const char *object;    /* its object's name, or NULL */
	const char *pin;       /* a pin path, or NULL */
	uint64_t kernel_id;    /* or 0 */
	int64_t program;       /* a program whose links are looked for, or 0 */
	struct named found[4]; /* the first few of one kind */
	char *what[4];	       /* what each is: OBJECT/NAME, and a link's target */
	size_t count;
	char **names;
	size_t names_count;
};

static int remember_name(struct search *s, const char *name)
{
	char **grown;
	char *copy;

	if (!name)
		return 0;
	grown = grow(s->names, s->names_count, sizeof(*grown));
	if (!grown)
		return error_nomem(s->e);
	s->names = grown;
	copy = strdup(name);
	if (!copy)
		return error_nomem(s->e);
	s->names[s->names_count++] = copy;
	return 0;
}

static int hit(struct search *s, enum db_kind kind, int64_t id, const char *object,
	       const char *name, const char *target)
{
	size_t max = sizeof(s->found) / sizeof(s->found[0]);
	struct buf what = { 0 };

	if (s->count < max) {
		buf_printf(&what, "%s%s%s%s%s", object ? object : "", object ? "/" : "", name,
			   target ? " " : "", target ? target : "");
		s->found[s->count] = (struct named){ kind, id };
		s->what[s->count] = buf_take(&what);
		if (!s->what[s->count])
			return error_nomem(s->e);
	}
	s->count++;
	return 0;
}

static bool same_boot(const struct search *s, const char *boot_id)
{
	return boot_id && !strcmp(boot_id, s->m->boot_id);
}

static bool matches(const struct search *s, const char *name, const char *object, const char *pin,
		    const char *outside, const char *boot_id, uint32_t kernel_id)
{
	if (s->program)
		return false;
	if (s->pin)
		return (pin && !strcmp(pin, s->pin)) || (outside && !strcmp(outside, s->pin));
	if (s->kernel_id)
		return kernel_id == s->kernel_id && same_boot(s, boot_id);
	if (s->object && (!object || strcmp(object, s->object)))
		return false;
	return s->name && !strcmp(name, s->name);
}

static int see_program(void *data, struct db_program *p)
{
	struct search *s = data;

	if (matches(s, p->name, p->object_name, p->pin, p->outside_path, p->boot_id,
		    p->identity.kernel_id))
		return hit(s, DB_PROGRAM, p->id, p->object_name, p->name, NULL);
	return remember_name(s, p->name);
}

/* Whether the name is "multi.bss", as libbpf and the kernel call the map .bss of multi. */
static bool is_section(const struct search *s, const struct db_map *map)
{
	size_t len = map->object_name ? strlen(map->object_name) : 0;

	return s->name && !s->object && len && map->name[0] == '.' &&
	       !strncmp(s->name, map->object_name, len) && !strcmp(s->name + len, map->name);
}

static int see_map(void *data, struct db_map *map)
{
	struct search *s = data;

	if (is_section(s, map) || matches(s, map->name, map->object_name, map->pin, NULL,
					  map->boot_id, map->identity.kernel_id))
		return hit(s, DB_MAP, map->id, map->object_name, map->name, NULL);
	return remember_name(s, map->name);
}

static int see_object(void *data, struct db_object *o)
{
	struct search *s = data;

	if (!s->object && matches(s, o->name, NULL, o->pin_dir, NULL, NULL, 0))
		return hit(s, DB_OBJECT, o->id, NULL, o->name, NULL);
	return remember_name(s, o->name);
}

/* A link is named by its program. */
static int see_link(void *data, struct db_link *l)
{
	struct search *s = data;

	if (l->program_id == s->program || matches(s, l->program_name, l->object_name, l->pin, NULL,
						   l->boot_id, l->identity.kernel_id))
		return hit(s, DB_LINK, l->id, l->object_name, l->program_name, l->target_text);
	return remember_name(s, l->program_name);
}

static const char *kinds_text(unsigned want)
{
	switch (want) {
	case WANT_PROGRAM:
		return "program";
	case WANT_OBJECT:
		return "object";
	case WANT_MAP:
		return "map";
	case WANT_LINK:
		return "link";
	case WANT_PROGRAM | WANT_LINK:
		return "program or link";
	case WANT_PROGRAM | WANT_OBJECT:
		return "program or object";
	default:
		return "program, object, map or link";
	}
}

static const char *article(const char *noun)
{
	return strchr("aeiou", noun[0]) ? "an" : "a";
}

static int ambiguous(struct search *s)
{
	size_t max = sizeof(s->found) / sizeof(s->found[0]);

	error_set(s->e, ENOTUNIQ, "\"%s\" is ambiguous: it names %zu %ss", s->text, s->count,
		  db_kind_name(s->found[0].kind));
	for (size_t i = 0; i < s->count && i < max; i++)
		error_detail(s->e, "%lld  %s", (long long)s->found[i].id, s->what[i]);
	if (s->count > max)
		error_detail(s->e, "and %zu more", s->count - max);
	return error_hint(s->e, s->found[0].kind == DB_LINK
					? "name it by its id"
					: "name it by its id or as OBJECT/NAME");
}

static int nothing(struct search *s, unsigned want)
{
	const char *near;
	int r = 0;

	if (s->kernel_id && s->kernel_id <= UINT32_MAX)
		r = census_refuse(s->m, want, (uint32_t)s->kernel_id, s->e);
	if (r)
		return r;
	near = text_nearest(s->name ? s->name : s->text, (const char *const *)s->names,
			    s->names_count);

	if (s->kernel_id)
		error_set(s->e, ENOENT, "bpfman does not manage kernel id %llu",
			  (unsigned long long)s->kernel_id);
	else if (s->program)
		error_set(s->e, ENOENT, "program %s has no link", s->text);
	else
		error_set(s->e, ENOENT, "no %s is named \"%s\"", kinds_text(want), s->text);
	if (near && strcmp(near, s->text))
		return error_hint(s->e, "did you mean \"%s\"?", near);
	return error_hint(s->e, want == WANT_LINK ? "list links shows what there is"
						  : "list shows what there is");
}

/* Through all rows, which "did you mean" needs too. */
static int search_kind(struct search *s, struct db *db, enum db_kind kind)
{
	switch (kind) {
	case DB_PROGRAM:
		return db_programs(db, 0, see_program, s, s->e);
	case DB_MAP:
		return db_maps(db, 0, see_map, s, s->e);
	case DB_OBJECT:
		return db_objects(db, see_object, s, s->e);
	case DB_LINK:
		return db_links(db, s->program, see_link, s, s->e);
	}
	return 0;
}

static int search_object(struct search *s, struct db *db)
{
	struct db_object o = { 0 };
	int r = db_object_by_name(db, s->name, &o, s->e);

	if (!r)
		r = see_object(s, &o);
	db_object_clear(&o);
	return r == -ENOENT ? 0 : r;
}

/* Through the name's index: most words are names, and have no need of all the others. */
static int search_name(struct search *s, struct db *db, enum db_kind kind)
{
	switch (kind) {
	case DB_PROGRAM:
		return db_programs_by_name(db, s->name, see_program, s, s->e);
	case DB_MAP:
		return db_maps_by_name(db, s->name, see_map, s, s->e);
	case DB_OBJECT:
		return search_object(s, db);
	case DB_LINK:
		return db_links_by_name(db, s->name, see_link, s, s->e);
	}
	return 0;
}

typedef int search_fn(struct search *s, struct db *db, enum db_kind kind);

static int search_kinds(struct search *s, struct db *db, unsigned want, search_fn *fn)
{
	/* A bare name means the program before the object. */
	static const enum db_kind order[] = { DB_PROGRAM, DB_OBJECT, DB_MAP, DB_LINK };
	int r = 0;

	for (size_t i = 0; !r && !s->count && i < sizeof(order) / sizeof(order[0]); i++)
		if (want & (1u << order[i]))
			r = fn(s, db, order[i]);
	return r;
}

static int by_id(struct search *s, struct db *db, unsigned want, struct named *named)
{
	uint64_t id;
	int r;

	if (!parse_u64(s->text, &id) || id > INT64_MAX)
		return error_set(s->e, ERANGE, "%s is too large for an id", s->text);
	r = db_kind_of(db, (int64_t)id, &named->kind, s->e);
	if (r == -ENOENT) {
		error_set(s->e, ENOENT, "nothing has the id %s", s->text);
		return error_hint(s->e, "list shows what there is");
	}
	if (r)
		return r;
	named->id = (int64_t)id;
	if (named->kind == DB_PROGRAM && !(want & WANT_PROGRAM) && (want & WANT_LINK)) {
		s->program = named->id;
		return 0;
	}
	if (!(want & (1u << named->kind)))
		return error_set(s->e, EINVAL, "%s is %s %s, not %s %s", s->text,
				 article(db_kind_name(named->kind)), db_kind_name(named->kind),
				 article(kinds_text(want)), kinds_text(want));
	return 0;
}

static bool all_digits(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* The number behind "kernel:" or "k:"; NULL: text has another form. */
static const char *kernel_number(const char *text)
{
	if (!strncmp(text, "kernel:", 7))
		return text + 7;
	return !strncmp(text, "k:", 2) ? text + 2 : NULL;
}

bool name_kernel_id(const char *text, uint32_t *id)
{
	const char *number = kernel_number(text);
	uint64_t value;

	if (!number || !all_digits(number) || !parse_u64(number, &value) || !value ||
	    value > UINT32_MAX)
		return false;
	*id = (uint32_t)value;
	return true;
}

/* Finds out what form of name the word has. *copy owns what s points into. */
static int read_form(struct search *s, unsigned *want, char **copy)
{
	uint32_t id;
	char *slash;

	if (kernel_number(s->text)) {
		if (!name_kernel_id(s->text, &id))
			return error_set(s->e, EINVAL, "\"%s\" is no kernel id", s->text);
		s->kernel_id = id;
		return 0;
	}
	if (!strncmp(s->text, "object:", 7)) {
		if (!(*want & WANT_OBJECT))
			return error_set(s->e, EINVAL, "\"%s\" is an object, not a %s", s->text,
					 kinds_text(*want));
		*want = WANT_OBJECT;
		s->name = s->text + 7;
		return 0;
	}
	if (s->text[0] == '/' || !strncmp(s->text, "./", 2)) {
		*copy = file_absolute(s->text, s->e);
		s->pin = *copy;
		return *copy ? 0 : -s->e->err;
	}
	*copy = strdup(s->text);
	if (!*copy)
		return error_nomem(s->e);
	s->name = *copy;
	slash = strchr(*copy, '/');
	if (slash) {
		*slash = '\0';
		s->object = *copy;
		s->name = slash + 1;
	}
	return 0;
}

int manager_resolve(struct manager *m, const char *text, unsigned want, struct named *named,
		    struct error *e)
{
	struct search s = { .m = m, .e = e, .text = text };
	char *copy = NULL;
	struct db *db;
	int r;

	r = manager_db(m, &db, e);
	if (r)
		return r;
	if (all_digits(text)) {
		r = by_id(&s, db, want, named);
		if (r || !s.program)
			return r;
		want = WANT_LINK;
	} else {
		r = read_form(&s, &want, &copy);
	}
	if (!r && s.name)
		r = search_kinds(&s, db, want, search_name);
	if (!r && !s.count)
		r = search_kinds(&s, db, want, search_kind);
	if (!r && s.count == 1)
		*named = s.found[0];
	else if (!r)
		r = s.count ? ambiguous(&s) : nothing(&s, want);
	for (size_t i = 0; i < sizeof(s.what) / sizeof(s.what[0]); i++)
		free(s.what[i]);
	for (size_t i = 0; i < s.names_count; i++)
		free(s.names[i]);
	free(s.names);
	free(copy);
	return r;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernel/worker/btf_parse.h"
#include "kernel/worker/globals.h"

/* What the request wants, decoded. */
struct assignment {
	char *name; /* "limit", "cfg.ports[1]" */
	char *value;
};

struct setting {
	const struct object *o;
	const json_t *reuse; /* maps that are reused; NULL: none */
	struct variable *variables;
	size_t count;
	struct assignment *assignments;
	size_t wanted;
};

/* The section that a variable is in, where it is one that becomes no map; NULL: no such variable.
 */
static const char *other_section(const struct btf *btf, const char *name)
{
	__u32 id;
	int i;

	for (id = 1; btf && id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const struct btf_var_secinfo *place = btf_var_secinfos(t);

		for (i = 0; btf_is_datasec(t) && i < btf_vlen(t); i++, place++) {
			const struct btf_type *var = btf__type_by_id(btf, place->type);
			const char *known = var ? btf__name_by_offset(btf, var->name_off) : NULL;

			if (known && strcmp(known, name) == 0)
				return btf__name_by_offset(btf, t->name_off);
		}
	}
	return NULL;
}

static int no_such_global(const struct setting *s, const char *name, struct failure *f)
{
	const struct btf *btf = bpf_object__btf(s->o->bpf);
	const char *section = other_section(btf, name);
	const char **names = calloc(s->count + 1, sizeof(*names));
	const char *nearest;
	size_t i;

	if (!names)
		return fail_nomem(f);
	for (i = 0; i < s->count; i++)
		names[i] = s->variables[i].name;
	nearest = text_nearest(name, names, s->count);
	if (section)
		fail(f, STAGE_REQUEST, REASON_NO_SUCH_GLOBAL, EINVAL,
		     "'%s' of %s is in section %s, which is no global data", name, s->o->label,
		     section);
	else
		fail(f, STAGE_REQUEST, REASON_NO_SUCH_GLOBAL, ENOENT,
		     "%s has no global variable '%s'", s->o->label, name);
	if (nearest && !section)
		error_hint(&f->error, "did you mean '%s'?", nearest);
	else if (!s->count)
		error_hint(&f->error, "the object has no global data");
	else if (!btf)
		error_hint(&f->error,
			   "the object has no BTF: give a whole section's bytes, as in "
			   "%s=hex:0a0b",
			   names[0]);
	for (i = 0; !nearest && i < s->count && i < 32; i++)
		error_detail(&f->error, "%s", names[i]);
	free(names);
	return -f->error.err;
}

/* The variable that a name or path begins with, and what follows: "" or ".limit" or "[3]". */
static const struct variable *find(const struct setting *s, const char *path, const char **steps)
{
	size_t i;

	for (i = 0; i < s->count; i++) {
		const struct variable *v = &s->variables[i];
		size_t len = strlen(v->name);

		*steps = path + len;
		/* A section's name has dots of its own: .data.x is not in .data. */
		if (strncmp(path, v->name, len) == 0 &&
		    (!**steps || (v->type && (**steps == '.' || **steps == '['))))
			return v;
	}
	return NULL;
}

static int write_variable(const struct btf *btf, const struct variable *v, const char *steps,
			  const char *text, unsigned char *bytes, struct failure *f)
{
	struct btf_place place;
	int err;

	if (!v->type && strncmp(text, "hex:", 4) != 0)
		return fail(f, STAGE_REQUEST, REASON_BAD_VALUE, EINVAL,
			    "its type is unknown: give all %zu bytes, as in hex:0a0b", v->size);
	if (!v->type)
		return hex_parse(text, bytes, v->size, f);
	err = btf_place_whole(btf, v->type, &place, f);
	if (!err)
		err = btf_place_step(btf, steps, &place, f);
	if (!err)
		err = btf_place_parse(btf, &place, text, bytes, v->size, f);
	return err;
}

static bool is_reused(const struct setting *s, const struct bpf_map *map)
{
	/* Names of sections are the same on the wire. */
	return json_object_get(s->reuse, object_map_name(map));
}

static int assign(const struct setting *s, const struct assignment *a, struct failure *f)
{
	const char *steps;
	const struct variable *v = find(s, a->name, &steps);
	unsigned char *bytes = NULL;
	const void *initial;
	size_t size = 0;
	char *name;
	int err;

	if (!v) {
		name = strndup(a->name, strcspn(a->name, "[") ?: 1);
		if (!name)
			return fail_nomem(f);
		if (*name != '.')
			name[strcspn(name, ".")] = '\0';
		err = no_such_global(s, name, f);
		free(name);
		return err;
	}
	initial = bpf_map__initial_value(v->map, &size);
	if (strcmp(object_map_name(v->map), ".kconfig") == 0)
		return fail(f, STAGE_REQUEST, REASON_NO_SUCH_GLOBAL, EINVAL,
			    "'%s' is set by the kernel's configuration", a->name);
	if (!initial || v->offset > size || v->size > size - v->offset)
		return fail(f, STAGE_REQUEST, REASON_NO_SUCH_GLOBAL, EINVAL,
			    "'%s' has no value before the object is loaded", a->name);
	if (is_reused(s, v->map))
		return fail(f, STAGE_REQUEST, REASON_NO_SUCH_GLOBAL, EINVAL,
			    "'%s' is in %s, for which a map is reused: it has a value already",
			    a->name, object_map_name(v->map));
	bytes = malloc(size);
	if (!bytes)
		return fail_nomem(f);
	memcpy(bytes, initial, size);
	err = write_variable(bpf_object__btf(s->o->bpf), v, steps, a->value, bytes + v->offset, f);
	if (err)
		error_context(&f->error, "global '%s'", a->name);
	else if (bpf_map__set_initial_value(v->map, bytes, size))
		err = fail(f, STAGE_REQUEST, REASON_OTHER, errno, "cannot set '%s': %s", a->name,
			   strerror(errno));
	free(bytes);
	return err;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct assignment *)a)->name, ((const struct assignment *)b)->name);
}

static int read_request(json_t *globals, struct setting *s, struct failure *f)
{
	const char *key;
	json_t *value;
	size_t len;
	int err = 0;

	s->assignments = calloc(json_object_size(globals) + 1, sizeof(*s->assignments));
	if (!s->assignments)
		return fail_nomem(f);
	json_object_foreach (globals, key, value) {
		struct assignment *a = &s->assignments[s->wanted];

		if (wire_decode(key, &a->name, &len) || strlen(a->name) != len) {
			free(a->name);
			return fail_request(f, "field 'globals': a name is not well encoded");
		}
		s->wanted++;
		err = request_decode(value, "globals", &a->value, f);
		if (err)
			return err;
	}
	/* "cfg" before "cfg.limit". */
	qsort(s->assignments, s->wanted, sizeof(*s->assignments), by_name);
	return 0;
}

int globals_set(const struct request *request, const struct object *o, struct failure *f)
{
	json_t *globals = json_object_get(request->json, "globals");
	struct setting s = { .o = o, .reuse = request_field(request, "reuse_maps") };
	size_t i;
	int err;

	if (!json_object_size(globals))
		return 0;
	err = read_request(globals, &s, f);
	if (!err && globals_list(o->bpf, &s.variables, &s.count))
		err = fail_nomem(f);
	for (i = 0; !err && i < s.wanted; i++)
		err = assign(&s, &s.assignments[i], f);
	for (i = 0; i < s.wanted; i++) {
		free(s.assignments[i].name);
		free(s.assignments[i].value);
	}
	free(s.assignments);
	free(s.variables);
	return err;
}

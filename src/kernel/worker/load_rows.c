/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "kernel/worker/load.h"

/* "DIRECTORY/NAME" as a JSON string, null without a name. */
static json_t *path_json(const char *directory, const char *name)
{
	struct buf path = { 0 };
	json_t *json;

	if (!name || !*name)
		return json_null();
	buf_printf(&path, "%s/%s", directory, name);
	json = buf_error(&path) ? NULL : wire_json(buf_text(&path));
	buf_free(&path);
	return json;
}

static json_t *id_json(json_int_t id)
{
	return id < 0 ? json_null() : json_integer(id);
}

static json_t *finish(json_t *row, int err)
{
	if (row && !err)
		return row;
	json_decref(row);
	return NULL;
}

static json_t *program_row(const struct load *l, const struct load_program *p)
{
	json_t *pin = l->staging.path ? path_json(l->final, p->pin) : wire_json(l->pin.path);
	json_t *shown = l->pin.path ? wire_json(l->pin.path) : json_incref(pin);
	json_t *row;
	int err = 0;

	row = json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "id", id_json(p->id), "name",
			wire_json(bpf_program__name(p->program)), "type",
			object_program_type(bpf_program__type(p->program)), "attach_type",
			wire_json(object_attach_type(p->program)), "section",
			wire_json(bpf_program__section_name(p->program)), "pinned_path", shown,
			"pin", pin);
	if (row) {
		err |= pin_identity_row(row, &p->st);
		err |= program_facts_row(row, &p->facts);
	}
	return finish(row, err);
}

static json_t *map_row(const struct load *l, const struct load_map *m)
{
	const char *name = m->carried.path ? m->carried.base : m->pin;
	json_t *pin = m->given.path ? wire_json(m->given.path)
		      : m->by_name  ? path_json(l->by_name.path, m->shared_name)
				    : path_json(l->final, name);
	bool pinned = m->given.path || m->by_name || name[0];
	json_t *row;
	int err = 0;

	row = json_pack("{s:o, s:o, s:s, s:O, s:o, s:b, s:b}", "id", id_json(m->id), "name",
			wire_json(m->name), "type", object_map_type(m->facts.info.type),
			"pinned_path", pin, "pin", pin, "shared", m->by_name, "created",
			!m->reused);
	if (row) {
		err |= pin_identity_row(row, pinned ? &m->st : NULL);
		err |= map_facts_row(row, &m->facts);
	}
	return finish(row, err);
}

/* The device of the pins, which the rename does not change. */
static json_t *root_device(const struct load *l)
{
	return l->staging.path ? json_u64(l->programs[0].st.st_dev) : json_null();
}

json_t *load_result(const struct load *l)
{
	json_t *programs = json_array();
	json_t *maps = json_array();
	json_t *ids = json_array();
	json_t *result;
	size_t i;
	int err = 0;

	for (i = 0; i < l->object.count; i++)
		err |= json_array_append_new(programs, program_row(l, &l->programs[i]));
	for (i = 0; i < l->map_count; i++) {
		const struct load_map *m = &l->maps[i];

		if (!m->kept)
			continue;
		err |= json_array_append_new(maps, map_row(l, m));
		err |= json_array_append_new(ids, json_integer(m->facts.info.id));
	}
	result = json_pack("{s:I, s:o, s:o, s:o, s:o}", "program_id",
			   (json_int_t)l->programs[0].facts.info.id, "map_ids", ids, "programs",
			   programs, "maps", maps, "root_dev", root_device(l));
	return finish(result, err);
}

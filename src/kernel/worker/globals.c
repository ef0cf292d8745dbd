/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/btf.h>

#include "base/buf.h"
#include "kernel/protocol/protocol.h"
#include "kernel/worker/btf_text.h"
#include "kernel/worker/globals.h"
#include "kernel/worker/object.h"

enum { VALUE_LIMIT = 4096 }; /* bytes of a variable whose value is still told */

static json_t *take_json(struct buf *text)
{
	json_t *json = buf_error(text) ? NULL : wire_json(buf_text(text));

	buf_free(text);
	return json;
}

static json_t *type_json(const struct btf *btf, __u32 id)
{
	struct buf text = { 0 };

	if (btf_type_text(btf, id, &text)) {
		buf_free(&text);
		return json_null();
	}
	return take_json(&text);
}

static json_t *bytes_json(const unsigned char *bytes, size_t size)
{
	struct buf hex = { 0 };
	size_t i;

	buf_str(&hex, "hex:");
	for (i = 0; i < size; i++)
		buf_printf(&hex, "%02x", bytes[i]);
	return take_json(&hex);
}

static json_t *value_json(const struct btf *btf, __u32 id, const unsigned char *bytes, size_t size)
{
	struct buf text = { 0 };

	if (size > VALUE_LIMIT)
		return json_null();
	if (btf_value_text(btf, id, bytes, size, &text)) {
		buf_free(&text);
		return bytes_json(bytes, size);
	}
	return take_json(&text);
}

static int add_row(json_t *list, const char *name, const char *map, json_t *type, size_t size,
		   json_t *value)
{
	json_t *row =
		json_pack("{s:o, s:o, s:o, s:I, s:o}", "name", wire_json(name), "map",
			  wire_json(map), "type", type, "size", (json_int_t)size, "value", value);

	return json_array_append_new(list, row);
}

static int add_variables(json_t *list, const struct btf *btf, const char *map,
			 const struct btf_type *section, const unsigned char *bytes, size_t size)
{
	const struct btf_var_secinfo *place = btf_var_secinfos(section);
	int err = 0;
	int i;

	for (i = 0; !err && i < btf_vlen(section); i++, place++) {
		const struct btf_type *var = btf__type_by_id(btf, place->type);
		json_t *value = NULL;

		if (!var || !btf_is_var(var))
			continue;
		if (bytes && place->offset <= size && place->size <= size - place->offset)
			value = value_json(btf, var->type, bytes + place->offset, place->size);
		else
			value = json_null();
		err = add_row(list, btf__name_by_offset(btf, var->name_off), map,
			      type_json(btf, var->type), place->size, value);
	}
	return err;
}

/* The data of a section that BTF does not describe: one row, named like it. */
static int add_section(json_t *list, const char *map, const unsigned char *bytes, size_t size)
{
	json_t *value = bytes && size <= VALUE_LIMIT ? bytes_json(bytes, size) : json_null();

	return add_row(list, map, map, json_null(), size, value);
}

static int add_map(json_t *list, const struct btf *btf, const struct bpf_map *map)
{
	const char *name = object_map_name(map);
	const struct btf_type *section = NULL;
	size_t size = 0;
	const void *bytes = bpf_map__initial_value(map, &size);
	int id;

	if (btf) {
		id = btf__find_by_name_kind(btf, name, BTF_KIND_DATASEC);
		if (id > 0)
			section = btf__type_by_id(btf, id);
	}
	if (section)
		return add_variables(list, btf, name, section, bytes, size);
	return add_section(list, name, bytes, size);
}

json_t *globals_json(const struct bpf_object *bpf)
{
	const struct btf *btf = bpf_object__btf(bpf);
	const struct bpf_map *map;
	json_t *list = json_array();
	int err = list ? 0 : -1;

	bpf_object__for_each_map (map, bpf) {
		if (!err && bpf_map__is_internal(map))
			err = add_map(list, btf, map);
	}
	if (err) {
		json_decref(list);
		return NULL;
	}
	return list;
}

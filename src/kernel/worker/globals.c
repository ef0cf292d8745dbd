/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/grow.h"
#include "kernel/protocol/protocol.h"
#include "kernel/worker/btf_text.h"
#include "kernel/worker/globals.h"

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

	if (btf_value_text(btf, id, bytes, size, &text)) {
		buf_free(&text);
		return bytes_json(bytes, size);
	}
	return take_json(&text);
}

static int add(struct variable **list, size_t *count, const struct variable *v)
{
	struct variable *grown = grow(*list, *count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*list = grown;
	grown[(*count)++] = *v;
	return 0;
}

static int list_section(const struct btf *btf, struct bpf_map *map, const struct btf_type *section,
			struct variable **list, size_t *count)
{
	const struct btf_var_secinfo *place = btf_var_secinfos(section);
	int err = 0;
	int i;

	for (i = 0; !err && i < btf_vlen(section); i++, place++) {
		const struct btf_type *t = btf__type_by_id(btf, place->type);
		struct variable v = { map, NULL, 0, place->offset, place->size };

		if (!t || !btf_is_var(t))
			continue;
		v.name = btf__name_by_offset(btf, t->name_off);
		v.type = t->type;
		err = add(list, count, &v);
	}
	return err;
}

static int list_map(const struct btf *btf, struct bpf_map *map, struct variable **list,
		    size_t *count)
{
	struct variable whole = { map, object_map_name(map), 0, 0, bpf_map__value_size(map) };
	int id = btf ? btf__find_by_name_kind(btf, whole.name, BTF_KIND_DATASEC) : 0;

	if (id > 0)
		return list_section(btf, map, btf__type_by_id(btf, id), list, count);
	return add(list, count, &whole);
}

int globals_list(const struct bpf_object *bpf, struct variable **list, size_t *count)
{
	const struct btf *btf = bpf_object__btf(bpf);
	struct bpf_map *map;
	int err = 0;

	*list = NULL;
	*count = 0;
	bpf_object__for_each_map (map, bpf) {
		if (!err && bpf_map__is_internal(map))
			err = list_map(btf, map, list, count);
	}
	if (err) {
		free(*list);
		*list = NULL;
	}
	return err;
}

static json_t *row(const struct btf *btf, const struct variable *v)
{
	size_t size = 0;
	const unsigned char *bytes = bpf_map__initial_value(v->map, &size);
	json_t *value;

	if (!bytes || v->offset > size || v->size > size - v->offset || v->size > VALUE_LIMIT)
		value = json_null();
	else if (v->type)
		value = value_json(btf, v->type, bytes + v->offset, v->size);
	else
		value = bytes_json(bytes + v->offset, v->size);
	return json_pack("{s:o, s:o, s:o, s:I, s:o}", "name", wire_json(v->name), "map",
			 wire_json(object_map_name(v->map)), "type",
			 v->type ? type_json(btf, v->type) : json_null(), "size",
			 (json_int_t)v->size, "value", value);
}

json_t *globals_json(const struct bpf_object *bpf)
{
	json_t *list = json_array();
	struct variable *all;
	size_t count;
	size_t i;
	int err = globals_list(bpf, &all, &count);

	for (i = 0; !err && i < count; i++)
		err = json_array_append_new(list, row(bpf_object__btf(bpf), &all[i]));
	free(all);
	if (err) {
		json_decref(list);
		return NULL;
	}
	return list;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/protocol/protocol.h"
#include "kernel/worker/btf_piece.h"
#include "kernel/worker/btf_text.h"

/*
 * Unions are shown with all their members, so broken BTF could show the same bytes any number of
 * times: values are counted.
 */
struct walk {
	const struct btf *btf;
	size_t budget;
};

static int to_json(struct walk *w, __u32 id, struct piece p, int depth, json_t **out);

static json_t *digits(bool is_signed, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), is_signed ? "%" PRId64 : "%" PRIu64, number);
	return json_string_nocheck(text);
}

static json_t *int_json(const struct btf_type *t, uint64_t number, unsigned bits)
{
	int encoding = btf_int_encoding(t);

	if (encoding & BTF_INT_BOOL)
		return json_boolean(number);
	if (encoding & BTF_INT_SIGNED)
		number = (uint64_t)sign_extend(number, bits);
	if (t->size == 8)
		return digits(encoding & BTF_INT_SIGNED, number);
	return json_integer((json_int_t)number);
}

static json_t *wide_json(uint128_t number)
{
	char text[40];

	snprintf(text, sizeof(text), "0x%016" PRIx64 "%016" PRIx64, (uint64_t)(number >> 64),
		 (uint64_t)number);
	return json_string_nocheck(text);
}

static json_t *pointer_json(uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, number);
	return json_string_nocheck(text);
}

static json_t *enum_json(const struct btf *btf, const struct btf_type *t, uint64_t number,
			 unsigned bits)
{
	const char *name = enum_name(btf, t, number, bits);

	if (name)
		return wire_json(name);
	return digits(btf_kflag(t), btf_kflag(t) ? (uint64_t)sign_extend(number, bits) : number);
}

/* JSON knows neither infinity nor NaN. */
static json_t *float_json(struct piece p)
{
	double wide = NAN;
	float narrow;

	if (p.size == sizeof(narrow)) {
		memcpy(&narrow, p.bytes, p.size);
		wide = narrow;
	} else if (p.size == sizeof(wide)) {
		memcpy(&wide, p.bytes, p.size);
	}
	return isfinite(wide) ? json_real(wide) : json_null();
}

/* Up to the last byte that is not NUL. */
static json_t *text_json(struct piece p)
{
	size_t len = p.size;
	json_t *json;
	char *text;

	while (len && !p.bytes[len - 1])
		len--;
	text = wire_encode((const char *)p.bytes, len);
	json = text ? json_string_nocheck(text) : NULL;
	free(text);
	return json;
}

static int array_json(struct walk *w, const struct btf_type *t, struct piece p, int depth,
		      json_t **out)
{
	const struct btf_array *array = btf_array(t);
	int64_t size = btf__resolve_size(w->btf, array->type);
	size_t i;
	int err = 0;

	if (size < 0 || (size && array->nelems > p.size / size))
		return -EINVAL;
	if (piece_is_char(w->btf, array->type)) {
		p.size = array->nelems;
		*out = text_json(p);
		return *out ? 0 : -ENOMEM;
	}
	*out = json_array();
	if (!*out)
		return -ENOMEM;
	for (i = 0; !err && size && i < array->nelems; i++) {
		struct piece element = { p.bytes + i * size, size };
		json_t *value = NULL;

		err = to_json(w, array->type, element, depth, &value);
		if (!err && json_array_append_new(*out, value))
			err = -ENOMEM;
	}
	return err;
}

static int bit_field_json(struct walk *w, __u32 id, struct piece p, unsigned offset, unsigned bits,
			  json_t **out)
{
	const struct btf_type *t = piece_type(w->btf, id);
	uint64_t number;

	if (!t || piece_bits(p, offset, bits, &number))
		return -EINVAL;
	if (btf_is_int(t))
		*out = int_json(t, number, bits);
	else if (btf_is_any_enum(t))
		*out = enum_json(w->btf, t, number, bits);
	else
		return -EINVAL;
	return *out ? 0 : -ENOMEM;
}

/* Adds the members to an object; those of a member without a name belong to the whole. */
static int add_members(struct walk *w, const struct btf_type *t, struct piece p, int depth,
		       json_t *object)
{
	int err = 0;
	int i;

	if (t->size > p.size || depth == 0)
		return -EINVAL;
	if (w->budget == 0)
		return -E2BIG;
	w->budget--;
	for (i = 0; !err && i < btf_vlen(t); i++) {
		const struct btf_member *m = btf_members(t) + i;
		const char *name = btf__name_by_offset(w->btf, m->name_off);
		const struct btf_type *inner = piece_type(w->btf, m->type);
		unsigned offset = btf_member_bit_offset(t, i);
		unsigned bits = btf_member_bitfield_size(t, i);
		struct piece member = { p.bytes + offset / 8, 0 };
		json_t *value = NULL;
		char *key;

		if (offset / 8 > t->size)
			return -EINVAL;
		member.size = t->size - offset / 8;
		if (!name || !*name) {
			if (inner && btf_is_composite(inner))
				err = add_members(w, inner, member, depth - 1, object);
			continue;
		}
		err = bits ? bit_field_json(w, m->type, p, offset, bits, &value)
			   : to_json(w, m->type, member, depth, &value);
		if (err)
			return err;
		key = wire_encode(name, strlen(name));
		if (!key || json_object_set_new_nocheck(object, key, value))
			err = -ENOMEM;
		free(key);
	}
	return err;
}

static int plain_json(struct walk *w, const struct btf_type *t, struct piece p, json_t **out)
{
	size_t size = btf_is_ptr(t) ? BTF_PTR_BYTES : t->size;
	uint128_t number;

	if (btf_is_float(t)) {
		if (size > p.size)
			return -EINVAL;
		p.size = size;
		*out = float_json(p);
	} else if (piece_number(p, size, &number)) {
		return -EINVAL;
	} else if (btf_is_ptr(t)) {
		*out = pointer_json((uint64_t)number);
	} else if (size > 8) {
		*out = wide_json(number);
	} else if (btf_is_int(t)) {
		*out = int_json(t, (uint64_t)number, size * 8);
	} else {
		*out = enum_json(w->btf, t, (uint64_t)number, size * 8);
	}
	return *out ? 0 : -ENOMEM;
}

static int to_json(struct walk *w, __u32 id, struct piece p, int depth, json_t **out)
{
	const struct btf_type *t = piece_type(w->btf, id);
	int err = -EINVAL;

	*out = NULL;
	if (!t || depth == 0)
		return -EINVAL;
	if (w->budget == 0)
		return -E2BIG;
	w->budget--;
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_PTR:
	case BTF_KIND_FLOAT:
		err = plain_json(w, t, p, out);
		break;
	case BTF_KIND_ARRAY:
		err = array_json(w, t, p, depth - 1, out);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		*out = json_object();
		err = *out ? add_members(w, t, p, depth - 1, *out) : -ENOMEM;
		break;
	default:
		break;
	}
	if (err) {
		json_decref(*out);
		*out = NULL;
	}
	return err;
}

int btf_value_json(const struct btf *btf, __u32 id, const unsigned char *bytes, size_t size,
		   json_t **out)
{
	struct walk w = { btf, 4096 + 4 * size };
	struct piece whole = { bytes, size };

	return to_json(&w, id, whole, BTF_DEPTH, out);
}

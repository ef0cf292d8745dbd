/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "kernel/worker/btf_piece.h"
#include "kernel/worker/btf_text.h"

enum { TEXT_LIMIT = 64 * 1024 };

static int value(const struct btf *btf, __u32 id, struct piece p, int depth, struct buf *out);

static void add_hex(struct piece p, size_t size, struct buf *out)
{
	size_t i;

	buf_str(out, "hex:");
	for (i = 0; i < size; i++)
		buf_printf(out, "%02x", p.bytes[i]);
}

static void add_int(const struct btf_type *t, uint64_t number, unsigned bits, struct buf *out)
{
	int encoding = btf_int_encoding(t);

	if ((encoding & BTF_INT_BOOL) && number <= 1)
		buf_str(out, number ? "true" : "false");
	else if ((encoding & BTF_INT_BOOL) && bits == 8)
		buf_printf(out, "hex:%02" PRIx64, number); /* no bool has this value */
	else if (encoding & BTF_INT_SIGNED)
		buf_printf(out, "%" PRId64, sign_extend(number, bits));
	else
		buf_printf(out, "%" PRIu64, number);
}

static void add_enum(const struct btf *btf, const struct btf_type *t, uint64_t number,
		     unsigned bits, struct buf *out)
{
	const char *name = enum_name(btf, t, number, bits);

	if (name)
		buf_str(out, name);
	else if (btf_kflag(t))
		buf_printf(out, "%" PRId64, sign_extend(number, bits));
	else
		buf_printf(out, "%" PRIu64, number);
}

static int add_float(struct piece p, size_t size, struct buf *out)
{
	double wide;
	float narrow;

	if (size > p.size)
		return -EINVAL;
	if (size == sizeof(narrow)) {
		memcpy(&narrow, p.bytes, size);
		buf_printf(out, "%.9g", (double)narrow);
	} else if (size == sizeof(wide)) {
		memcpy(&wide, p.bytes, size);
		buf_printf(out, "%.17g", wide);
	} else {
		add_hex(p, size, out);
	}
	return 0;
}

/* "default": up to the first NUL, when only NULs follow. False: not such a text. */
static bool add_string(struct piece p, size_t size, struct buf *out)
{
	size_t len = strnlen((const char *)p.bytes, size);
	size_t i;

	for (i = len; i < size; i++)
		if (p.bytes[i])
			return false;
	buf_char(out, '"');
	for (i = 0; i < len; i++) {
		unsigned char c = p.bytes[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\%03o", c);
		else
			buf_char(out, (char)c);
	}
	buf_char(out, '"');
	return true;
}

static int add_array(const struct btf *btf, const struct btf_type *t, struct piece p, int depth,
		     struct buf *out)
{
	const struct btf_array *array = btf_array(t);
	int64_t size = btf__resolve_size(btf, array->type);
	size_t i;
	int err = 0;

	if (size < 0 || (size && array->nelems > p.size / size))
		return -EINVAL;
	if (piece_is_char(btf, array->type) && add_string(p, array->nelems, out))
		return 0;
	buf_char(out, '{');
	for (i = 0; !err && size && i < array->nelems; i++) {
		struct piece element = { p.bytes + i * size, size };

		if (i)
			buf_str(out, ", ");
		err = value(btf, array->type, element, depth, out);
	}
	buf_char(out, '}');
	return err;
}

static int add_bit_field(const struct btf *btf, __u32 id, struct piece p, unsigned offset,
			 unsigned bits, struct buf *out)
{
	const struct btf_type *t = piece_type(btf, id);
	uint64_t number;

	if (!t || piece_bits(p, offset, bits, &number))
		return -EINVAL;
	if (btf_is_int(t))
		add_int(t, number, bits, out);
	else if (btf_is_any_enum(t))
		add_enum(btf, t, number, bits, out);
	else
		return -EINVAL;
	return 0;
}

/* Which member shows a union: the first with a name that covers all of it, else the first. */
static int shown_member(const struct btf *btf, const struct btf_type *t)
{
	int i;

	for (i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = btf_members(t) + i;
		const char *name = btf__name_by_offset(btf, m->name_off);

		if (name && *name && !btf_member_bitfield_size(t, i) &&
		    btf__resolve_size(btf, m->type) == t->size)
			return i;
	}
	return 0;
}

/* All members, or one of a union; those of a member without a name belong to the whole. */
static int add_members(const struct btf *btf, const struct btf_type *t, struct piece p, int depth,
		       bool *any, struct buf *out)
{
	int i = btf_is_union(t) ? shown_member(btf, t) : 0;
	int end = btf_is_union(t) && btf_vlen(t) ? i + 1 : btf_vlen(t);
	int err = 0;

	if (t->size > p.size || depth == 0 || out->len > TEXT_LIMIT)
		return -EINVAL;
	for (; !err && i < end; i++) {
		const struct btf_member *m = btf_members(t) + i;
		const char *name = btf__name_by_offset(btf, m->name_off);
		const struct btf_type *inner = piece_type(btf, m->type);
		unsigned offset = btf_member_bit_offset(t, i);
		unsigned bits = btf_member_bitfield_size(t, i);
		struct piece member = { p.bytes + offset / 8, 0 };

		if (offset / 8 > t->size)
			return -EINVAL;
		member.size = t->size - offset / 8;
		if (!name || !*name) {
			if (inner && btf_is_composite(inner))
				err = add_members(btf, inner, member, depth - 1, any, out);
			continue;
		}
		buf_printf(out, "%s.%s = ", *any ? ", " : "", name);
		*any = true;
		err = bits ? add_bit_field(btf, m->type, p, offset, bits, out)
			   : value(btf, m->type, member, depth, out);
	}
	return err;
}

static int add_struct(const struct btf *btf, const struct btf_type *t, struct piece p, int depth,
		      struct buf *out)
{
	bool any = false;
	int err;

	buf_char(out, '{');
	err = add_members(btf, t, p, depth, &any, out);
	buf_char(out, '}');
	return err;
}

static int value(const struct btf *btf, __u32 id, struct piece p, int depth, struct buf *out)
{
	const struct btf_type *t = piece_type(btf, id);
	uint128_t number;

	if (!t || depth == 0 || out->len > TEXT_LIMIT)
		return -EINVAL;
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		if (piece_number(p, t->size, &number))
			return -EINVAL;
		if (t->size > 8)
			buf_printf(out, "0x%016" PRIx64 "%016" PRIx64, (uint64_t)(number >> 64),
				   (uint64_t)number);
		else
			add_int(t, (uint64_t)number, t->size * 8, out);
		return 0;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		if (piece_number(p, t->size, &number) || t->size > 8)
			return -EINVAL;
		add_enum(btf, t, (uint64_t)number, t->size * 8, out);
		return 0;
	case BTF_KIND_PTR:
		if (piece_number(p, BTF_PTR_BYTES, &number))
			return -EINVAL;
		buf_printf(out, "0x%" PRIx64, (uint64_t)number);
		return 0;
	case BTF_KIND_FLOAT:
		return add_float(p, t->size, out);
	case BTF_KIND_ARRAY:
		return add_array(btf, t, p, depth - 1, out);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return add_struct(btf, t, p, depth - 1, out);
	default:
		return -EINVAL;
	}
}

int btf_value_text(const struct btf *btf, __u32 id, const unsigned char *bytes, size_t size,
		   struct buf *out)
{
	struct piece whole = { bytes, size };

	return value(btf, id, whole, BTF_DEPTH, out);
}

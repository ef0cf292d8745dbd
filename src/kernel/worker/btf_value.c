/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "kernel/worker/btf_text.h"

enum { DEPTH = 16, TEXT_LIMIT = 64 * 1024 };

/* A piece of the variable's bytes; the object has this machine's byte order. */
struct piece {
	const unsigned char *bytes;
	size_t size; /* bytes that there are, up to the variable's end */
};

static int value(const struct btf *btf, __u32 id, struct piece p, int depth, struct buf *out);

/* The type below typedefs, const and the like; NULL when there is none. */
static const struct btf_type *plain_type(const struct btf *btf, __u32 id)
{
	int plain = btf__resolve_type(btf, id);

	return plain < 0 ? NULL : btf__type_by_id(btf, plain);
}

static int64_t sign_extend(uint64_t value, unsigned bits)
{
	unsigned unused = 64 - bits;

	return (int64_t)(value << unused) >> unused;
}

/* An unsigned number of 1, 2, 4 or 8 bytes. */
static int read_number(struct piece p, size_t size, uint64_t *number)
{
	unsigned char bytes[8] = { 0 };

	if (size > p.size || (size != 1 && size != 2 && size != 4 && size != 8))
		return -EINVAL;
	if (BYTE_ORDER == LITTLE_ENDIAN)
		memcpy(bytes, p.bytes, size);
	else
		memcpy(bytes + 8 - size, p.bytes, size);
	memcpy(number, bytes, 8);
	return 0;
}

/* Bits of a bit field: offset counts from the piece's begin, in the machine's order. */
static int read_bits(struct piece p, unsigned offset, unsigned bits, uint64_t *number)
{
	uint64_t all = 0;
	unsigned first = offset / 8;
	unsigned last = (offset + bits + 7) / 8;
	unsigned i;

	if (bits == 0 || bits > 57 || last > p.size)
		return -EINVAL;
	if (BYTE_ORDER == LITTLE_ENDIAN) {
		for (i = last; i > first; i--)
			all = all << 8 | p.bytes[i - 1];
		all >>= offset % 8;
	} else {
		for (i = first; i < last; i++)
			all = all << 8 | p.bytes[i];
		all >>= last * 8 - offset - bits;
	}
	*number = all & ((UINT64_C(1) << bits) - 1);
	return 0;
}

static void add_hex(struct piece p, size_t size, struct buf *out)
{
	size_t i;

	for (i = 0; i < size; i++)
		buf_printf(out, "%02x", p.bytes[i]);
}

static void add_int(const struct btf_type *t, uint64_t number, unsigned bits, struct buf *out)
{
	int encoding = btf_int_encoding(t);

	if ((encoding & BTF_INT_BOOL) && number <= 1)
		buf_str(out, number ? "true" : "false");
	else if (encoding & BTF_INT_SIGNED)
		buf_printf(out, "%" PRId64, sign_extend(number, bits));
	else
		buf_printf(out, "%" PRIu64, number);
}

static void add_enum(const struct btf *btf, const struct btf_type *t, uint64_t number,
		     unsigned bits, struct buf *out)
{
	uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	int i;

	for (i = 0; i < btf_vlen(t); i++) {
		bool wide = btf_is_enum64(t);
		uint64_t known = wide ? btf_enum64_value(btf_enum64(t) + i)
				      : (uint64_t)(int64_t)btf_enum(t)[i].val;
		__u32 name = wide ? ((const __u32 *)(t + 1))[3 * i] : btf_enum(t)[i].name_off;
		const char *text = btf__name_by_offset(btf, name);

		if ((known & mask) == number && text && *text) {
			buf_str(out, text);
			return;
		}
	}
	if (btf_kflag(t))
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

/* Whether the element is char under this very name: __u8 may hold anything. */
static bool is_char(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);
	const char *name;
	int links;

	for (links = 0; t && btf_is_mod(t) && links < DEPTH; links++)
		t = btf__type_by_id(btf, t->type);
	name = t ? btf__name_by_offset(btf, t->name_off) : NULL;
	return name && btf_is_int(t) && t->size == 1 && strcmp(name, "char") == 0;
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
	if (is_char(btf, array->type) && add_string(p, array->nelems, out))
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
	const struct btf_type *t = plain_type(btf, id);
	uint64_t number;

	if (!t || read_bits(p, offset, bits, &number))
		return -EINVAL;
	if (btf_is_int(t))
		add_int(t, number, bits, out);
	else if (btf_is_any_enum(t))
		add_enum(btf, t, number, bits, out);
	else
		return -EINVAL;
	return 0;
}

/* All members, or a union's first. */
static int add_members(const struct btf *btf, const struct btf_type *t, struct piece p, int depth,
		       struct buf *out)
{
	int count = btf_is_union(t) && btf_vlen(t) ? 1 : btf_vlen(t);
	int err = 0;
	int i;

	if (t->size > p.size)
		return -EINVAL;
	buf_char(out, '{');
	for (i = 0; !err && i < count; i++) {
		const struct btf_member *m = btf_members(t) + i;
		const char *name = btf__name_by_offset(btf, m->name_off);
		unsigned offset = btf_member_bit_offset(t, i);
		unsigned bits = btf_member_bitfield_size(t, i);
		struct piece member = { p.bytes + offset / 8, 0 };

		if (i)
			buf_str(out, ", ");
		if (name && *name)
			buf_printf(out, ".%s = ", name);
		if (offset / 8 > t->size)
			err = -EINVAL;
		else if (bits)
			err = add_bit_field(btf, m->type, p, offset, bits, out);
		else {
			member.size = t->size - offset / 8;
			err = value(btf, m->type, member, depth, out);
		}
	}
	buf_char(out, '}');
	return err;
}

static int value(const struct btf *btf, __u32 id, struct piece p, int depth, struct buf *out)
{
	const struct btf_type *t = plain_type(btf, id);
	uint64_t number;

	if (!t || depth == 0 || out->len > TEXT_LIMIT)
		return -EINVAL;
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		if (t->size == 16 && p.size >= 16) {
			add_hex(p, 16, out);
			return 0;
		}
		if (read_number(p, t->size, &number))
			return -EINVAL;
		add_int(t, number, t->size * 8, out);
		return 0;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		if (read_number(p, t->size, &number))
			return -EINVAL;
		add_enum(btf, t, number, t->size * 8, out);
		return 0;
	case BTF_KIND_PTR:
		/* BPF pointers have 8 bytes on every machine. */
		if (read_number(p, 8, &number))
			return -EINVAL;
		buf_printf(out, "0x%" PRIx64, number);
		return 0;
	case BTF_KIND_FLOAT:
		return add_float(p, t->size, out);
	case BTF_KIND_ARRAY:
		return add_array(btf, t, p, depth - 1, out);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return add_members(btf, t, p, depth - 1, out);
	default:
		return -EINVAL;
	}
}

int btf_value_text(const struct btf *btf, __u32 id, const unsigned char *bytes, size_t size,
		   struct buf *out)
{
	struct piece whole = { bytes, size };

	return value(btf, id, whole, DEPTH, out);
}

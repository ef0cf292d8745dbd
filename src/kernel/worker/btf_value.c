/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values in two styles: as C text, and as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/text.h"
#include "kernel/protocol/protocol.h"
#include "kernel/worker/btf_piece.h"
#include "kernel/worker/btf_text.h"

enum { TEXT_LIMIT = 64 * 1024, TEXT_PER_BYTE = 16 };

struct printer {
	const struct btf *btf;
	struct buf *out;
	size_t limit; /* of out->len, about: broken types, and unions in unions, may be huge */
	bool json;
	bool wire;     /* strings encoded as they travel, else as they are shown */
	size_t stride; /* from one copy to the next */
	unsigned copies;
};

static int value(struct printer *p, __u32 id, struct piece v, int depth);

static struct piece copy_of(const struct printer *p, struct piece v, unsigned i)
{
	v.bytes += i * p->stride;
	return v;
}

static bool copies_differ(const struct printer *p, struct piece v, size_t size)
{
	unsigned i;

	for (i = 1; i < p->copies; i++)
		if (memcmp(v.bytes, copy_of(p, v, i).bytes, size) != 0)
			return true;
	return false;
}

static void add_string(struct printer *p, const char *s, size_t len)
{
	char *wire = p->wire ? wire_encode(s, len) : NULL;

	if (p->wire && !wire)
		p->out->failed = true;
	else
		json_quote_add(p->out, wire ? wire : s, wire ? strlen(wire) : len);
	free(wire);
}

/* ---- numbers ---- */

/* Where a number lies: whole bytes, or bits of a bit field. */
struct number {
	size_t size;	 /* in bytes, where bits is 0 */
	unsigned offset; /* in bits */
	unsigned bits;
};

static unsigned width_of(struct number n)
{
	return n.bits ? n.bits : 8 * n.size;
}

static int read_copy(const struct printer *p, struct piece v, struct number n, unsigned copy,
		     uint128_t *number)
{
	uint64_t bits;
	int err;

	v = copy_of(p, v, copy);
	if (!n.bits)
		return piece_number(v, n.size, number);
	err = piece_bits(v, n.offset, n.bits, &bits);
	*number = err ? 0 : bits;
	return err;
}

/* The number that all copies have; -ERANGE when they differ. */
static int read_same(const struct printer *p, struct piece v, struct number n, uint128_t *number)
{
	int err = read_copy(p, v, n, 0, number);
	uint128_t other;
	unsigned i;

	for (i = 1; !err && i < p->copies; i++) {
		err = read_copy(p, v, n, i, &other);
		if (!err && other != *number)
			err = -ERANGE;
	}
	return err;
}

static int read_sum(const struct printer *p, struct piece v, struct number n, bool is_signed,
		    uint64_t *sum)
{
	uint128_t number;
	unsigned i;
	int err = 0;

	*sum = 0;
	for (i = 0; !err && i < p->copies; i++) {
		err = read_copy(p, v, n, i, &number);
		if (!err)
			*sum += is_signed ? (uint64_t)sign_extend((uint64_t)number, width_of(n))
					  : (uint64_t)number;
	}
	return err;
}

/* 64 bits are a string in JSON: its readers make doubles of numbers. */
static void add_digits(struct printer *p, uint64_t number, bool is_signed, bool quoted)
{
	quoted = quoted && p->json;
	if (quoted)
		buf_char(p->out, '"');
	if (is_signed)
		digits_add_i64(p->out, (int64_t)number);
	else
		digits_add_u64(p->out, number);
	if (quoted)
		buf_char(p->out, '"');
}

static int add_bool(struct printer *p, struct piece v, struct number n)
{
	uint128_t number;
	int err = read_same(p, v, n, &number);

	if (err)
		return err;
	if (number > 1 && !p->json && width_of(n) == 8) /* no bool has this value */
		buf_printf(p->out, "hex:%02x", (unsigned)number);
	else if (number > 1 && !p->json)
		digits_add_u64(p->out, (uint64_t)number);
	else
		buf_str(p->out, number ? "true" : "false");
	return 0;
}

static int add_wide(struct printer *p, struct piece v, struct number n)
{
	const char *quote = p->json ? "\"" : "";
	uint128_t number;
	int err = read_same(p, v, n, &number);

	if (!err)
		buf_printf(p->out, "%s0x%016" PRIx64 "%016" PRIx64 "%s", quote,
			   (uint64_t)(number >> 64), (uint64_t)number, quote);
	return err;
}

static int add_int(struct printer *p, const struct btf_type *t, struct piece v, struct number n)
{
	bool is_signed = btf_int_encoding(t) & BTF_INT_SIGNED;
	uint64_t sum;
	int err;

	if (btf_int_encoding(t) & BTF_INT_BOOL)
		return add_bool(p, v, n);
	if (n.size > 8)
		return add_wide(p, v, n);
	err = read_sum(p, v, n, is_signed, &sum);
	if (!err)
		add_digits(p, sum, is_signed, t->size == 8);
	return err;
}

static int add_enum(struct printer *p, const struct btf_type *t, struct piece v, struct number n)
{
	uint128_t number;
	const char *name;
	int err = n.size > 8 ? -EINVAL : read_same(p, v, n, &number);

	if (err)
		return err;
	name = enum_name(p->btf, t, (uint64_t)number, width_of(n));
	if (name && p->json)
		add_string(p, name, strlen(name));
	else if (name)
		buf_str(p->out, name);
	else if (btf_kflag(t))
		add_digits(p, (uint64_t)sign_extend((uint64_t)number, width_of(n)), true, true);
	else
		add_digits(p, (uint64_t)number, false, true);
	return 0;
}

static int add_pointer(struct printer *p, struct piece v)
{
	struct number n = { .size = BTF_PTR_BYTES };
	const char *quote = p->json ? "\"" : "";
	uint128_t number;
	int err = read_same(p, v, n, &number);

	if (!err)
		buf_printf(p->out, "%s0x%" PRIx64 "%s", quote, (uint64_t)number, quote);
	return err;
}

static void add_hex(struct printer *p, const unsigned char *bytes, size_t size)
{
	size_t i;

	buf_str(p->out, "hex:");
	for (i = 0; i < size; i++)
		buf_printf(p->out, "%02x", bytes[i]);
}

static int add_float(struct printer *p, struct piece v, size_t size)
{
	double sum = 0;
	double wide = NAN;
	float narrow;
	unsigned i;

	if (size > v.size)
		return -EINVAL;
	if (size != sizeof(narrow) && size != sizeof(wide)) {
		if (copies_differ(p, v, size))
			return -ERANGE;
		if (p->json)
			buf_str(p->out, "null");
		else
			add_hex(p, v.bytes, size);
		return 0;
	}
	for (i = 0; i < p->copies; i++) {
		if (size == sizeof(narrow)) {
			memcpy(&narrow, copy_of(p, v, i).bytes, size);
			wide = (double)narrow;
		} else {
			memcpy(&wide, copy_of(p, v, i).bytes, size);
		}
		sum = i ? sum + wide : wide;
	}
	if (p->json && !isfinite(sum))
		buf_str(p->out, "null");
	else
		buf_printf(p->out, "%.*g", size == sizeof(narrow) ? 9 : 17, sum);
	return 0;
}

/* ---- arrays ---- */

/* A C string literal: what a terminal should not see, in octal, which has a fixed length. */
static void add_literal(struct buf *out, const char *s, size_t len)
{
	size_t i = 0;

	buf_char(out, '"');
	while (i < len) {
		uint32_t code;
		size_t n = utf8_decode(s + i, len - i, &code);
		size_t end = i + (n ? n : 1);

		if (s[i] == '"' || s[i] == '\\')
			buf_char(out, '\\');
		for (; i < end; i++)
			if (n && !code_is_control(code))
				buf_char(out, s[i]);
			else
				buf_printf(out, "\\%03o", (unsigned char)s[i]);
	}
	buf_char(out, '"');
}

/* "default", without the NULs at its end. False: C cannot say it so, as there is one before. */
static bool add_text(struct printer *p, struct piece v, size_t size)
{
	const char *s = (const char *)v.bytes;

	while (size && !s[size - 1])
		size--;
	if (p->json)
		add_string(p, s, size);
	else if (memchr(s, 0, size))
		return false;
	else
		add_literal(p->out, s, size);
	return true;
}

static int add_array(struct printer *p, const struct btf_type *t, struct piece v, int depth)
{
	const struct btf_array *array = btf_array(t);
	int64_t size = btf__resolve_size(p->btf, array->type);
	size_t i;
	int err = 0;

	if (size < 0 || (size && array->nelems > v.size / size))
		return -EINVAL;
	if (piece_is_char(p->btf, array->type)) {
		if (copies_differ(p, v, array->nelems))
			return -ERANGE;
		if (add_text(p, v, array->nelems))
			return 0;
	}
	buf_char(p->out, p->json ? '[' : '{');
	for (i = 0; !err && size && i < array->nelems; i++) {
		struct piece element = { v.bytes + i * size, size };

		if (i)
			buf_str(p->out, p->json ? "," : ", ");
		err = value(p, array->type, element, depth);
	}
	buf_char(p->out, p->json ? ']' : '}');
	return err;
}

/* ---- structs and unions ---- */

static int add_bit_field(struct printer *p, __u32 id, struct piece v, unsigned offset,
			 unsigned bits)
{
	const struct btf_type *t = piece_type(p->btf, id);
	struct number n = { .offset = offset, .bits = bits };

	if (t && btf_is_int(t))
		return add_int(p, t, v, n);
	return t && btf_is_any_enum(t) ? add_enum(p, t, v, n) : -EINVAL;
}

/* Which member says a union in C: the first with a name that covers all of it, else the first. */
static int said_member(const struct btf *btf, const struct btf_type *t)
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

static void add_name(struct printer *p, const char *name, bool *any)
{
	if (*any)
		buf_str(p->out, p->json ? "," : ", ");
	*any = true;
	if (p->json) {
		add_string(p, name, strlen(name));
		buf_char(p->out, ':');
	} else {
		buf_char(p->out, '.');
		buf_str(p->out, name);
		buf_str(p->out, " = ");
	}
}

/* All members, in C one of a union; those of a member without a name belong to the whole. */
static int add_members(struct printer *p, const struct btf_type *t, struct piece v, int depth,
		       bool *any)
{
	bool one = btf_is_union(t) && !p->json;
	int i = one ? said_member(p->btf, t) : 0;
	int end = one && btf_vlen(t) ? i + 1 : btf_vlen(t);
	int err = 0;

	if (t->size > v.size || depth == 0)
		return -EINVAL;
	if (p->out->len > p->limit)
		return -E2BIG;
	for (; !err && i < end; i++) {
		const struct btf_member *m = btf_members(t) + i;
		const char *name = btf__name_by_offset(p->btf, m->name_off);
		const struct btf_type *inner = piece_type(p->btf, m->type);
		unsigned offset = btf_member_bit_offset(t, i);
		unsigned bits = btf_member_bitfield_size(t, i);
		struct piece member = { v.bytes + offset / 8, 0 };

		if (offset / 8 > t->size)
			return -EINVAL;
		member.size = t->size - offset / 8;
		if (!name || !*name) {
			if (inner && btf_is_composite(inner))
				err = add_members(p, inner, member, depth - 1, any);
			continue;
		}
		add_name(p, name, any);
		err = bits ? add_bit_field(p, m->type, v, offset, bits)
			   : value(p, m->type, member, depth);
	}
	return err;
}

static int value(struct printer *p, __u32 id, struct piece v, int depth)
{
	const struct btf_type *t = piece_type(p->btf, id);
	bool any = false;
	int err;

	if (!t || depth == 0)
		return -EINVAL;
	if (p->out->len > p->limit)
		return -E2BIG;
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return add_int(p, t, v, (struct number){ .size = t->size });
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return add_enum(p, t, v, (struct number){ .size = t->size });
	case BTF_KIND_PTR:
		return add_pointer(p, v);
	case BTF_KIND_FLOAT:
		return add_float(p, v, t->size);
	case BTF_KIND_ARRAY:
		return add_array(p, t, v, depth - 1);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		buf_char(p->out, '{');
		err = add_members(p, t, v, depth - 1, &any);
		buf_char(p->out, '}');
		return err;
	default:
		return -EINVAL;
	}
}

static int print(struct printer *p, __u32 id, const struct btf_copies *c)
{
	struct piece v = { c->bytes, c->size };

	p->limit = p->out->len + TEXT_LIMIT + TEXT_PER_BYTE * c->size;
	p->stride = c->stride;
	p->copies = c->count;
	if (c->bits)
		return add_bit_field(p, id, v, c->bit, c->bits);
	return value(p, id, v, BTF_DEPTH);
}

int btf_copies_text(const struct btf *btf, __u32 id, const struct btf_copies *copies,
		    struct buf *out)
{
	struct printer p = { .btf = btf, .out = out };

	return print(&p, id, copies);
}

int btf_copies_json(const struct btf *btf, __u32 id, const struct btf_copies *copies,
		    struct buf *out)
{
	struct printer p = { .btf = btf, .out = out, .json = true };

	return print(&p, id, copies);
}

int btf_value_text(const struct btf *btf, __u32 id, const unsigned char *bytes, size_t size,
		   struct buf *out)
{
	const struct btf_copies one = { .bytes = bytes, .size = size, .count = 1 };

	return btf_copies_text(btf, id, &one, out);
}

int btf_value_json(const struct btf *btf, __u32 id, const unsigned char *bytes, size_t size,
		   json_t **out)
{
	const struct btf_copies one = { .bytes = bytes, .size = size, .count = 1 };
	struct buf text = { 0 };
	struct printer p = { .btf = btf, .out = &text, .json = true, .wire = true };
	int err = print(&p, id, &one);

	*out = NULL;
	if (!err) {
		*out = buf_error(&text) ? NULL
					: json_loadb(text.data, text.len, JSON_DECODE_ANY, NULL);
		err = *out ? 0 : -ENOMEM;
	}
	buf_free(&text);
	return err;
}

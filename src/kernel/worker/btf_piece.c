/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "kernel/worker/btf_piece.h"

static const bool little = BYTE_ORDER == LITTLE_ENDIAN;

const struct btf_type *piece_type(const struct btf *btf, __u32 id)
{
	int plain = btf__resolve_type(btf, id);

	return plain < 0 ? NULL : btf__type_by_id(btf, plain);
}

bool piece_is_char(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);
	const char *name;
	int links;

	for (links = 0; t && btf_is_mod(t) && links < BTF_DEPTH; links++)
		t = btf__type_by_id(btf, t->type);
	name = t ? btf__name_by_offset(btf, t->name_off) : NULL;
	return name && btf_is_int(t) && t->size == 1 && strcmp(name, "char") == 0;
}

int piece_number(struct piece p, size_t size, uint128_t *number)
{
	unsigned char bytes[sizeof(*number)] = { 0 };

	if (size == 0 || size > p.size || size > sizeof(bytes) || (size & (size - 1)))
		return -EINVAL;
	memcpy(little ? bytes : bytes + sizeof(bytes) - size, p.bytes, size);
	memcpy(number, bytes, sizeof(bytes));
	return 0;
}

void piece_put_number(unsigned char *bytes, size_t size, uint128_t number)
{
	unsigned char all[sizeof(number)];

	memcpy(all, &number, sizeof(all));
	memcpy(bytes, little ? all : all + sizeof(all) - size, size);
}

/* Where the n-th bit after the first is, counted from the low end of a byte. */
static unsigned bit_place(unsigned offset, unsigned n)
{
	unsigned at = offset + n;

	return little ? at % 8 : 7 - at % 8;
}

int piece_bits(struct piece p, unsigned offset, unsigned bits, uint64_t *number)
{
	uint64_t all = 0;
	unsigned i;

	if (bits == 0 || bits > 64 || offset / 8 > p.size || (offset + bits + 7) / 8 > p.size)
		return -EINVAL;
	for (i = 0; i < bits; i++) {
		uint64_t bit = p.bytes[(offset + i) / 8] >> bit_place(offset, i) & 1;

		all |= bit << (little ? i : bits - 1 - i);
	}
	*number = all;
	return 0;
}

void piece_put_bits(unsigned char *bytes, unsigned offset, unsigned bits, uint64_t number)
{
	unsigned i;

	for (i = 0; i < bits; i++) {
		unsigned char *byte = &bytes[(offset + i) / 8];
		unsigned char mask = 1u << bit_place(offset, i);
		bool set = number >> (little ? i : bits - 1 - i) & 1;

		*byte = set ? *byte | mask : *byte & ~mask;
	}
}

int64_t sign_extend(uint64_t value, unsigned bits)
{
	unsigned unused = 64 - bits;

	return (int64_t)(value << unused) >> unused;
}

uint64_t enumerator_value(const struct btf_type *t, int i)
{
	return btf_is_enum64(t) ? btf_enum64_value(btf_enum64(t) + i)
				: (uint64_t)(int64_t)btf_enum(t)[i].val;
}

const char *enumerator_name(const struct btf *btf, const struct btf_type *t, int i)
{
	/* struct btf_enum64 is newer than some headers: three words, the name first. */
	__u32 offset = btf_is_enum64(t) ? ((const __u32 *)(t + 1))[3 * i] : btf_enum(t)[i].name_off;
	const char *name = btf__name_by_offset(btf, offset);

	return name ? name : "";
}

const char *enum_name(const struct btf *btf, const struct btf_type *t, uint64_t number,
		      unsigned bits)
{
	uint64_t mask = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	int i;

	for (i = 0; i < btf_vlen(t); i++) {
		const char *name = enumerator_name(btf, t, i);

		if ((enumerator_value(t, i) & mask) == number && *name)
			return name;
	}
	return NULL;
}

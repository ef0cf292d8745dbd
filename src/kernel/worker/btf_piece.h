/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_BTF_PIECE_H
#define BPFMAN_WORKER_BTF_PIECE_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What printing and parsing of values share: the bytes of a variable or of a part of it, in this
 * machine's byte order, and what BTF says of them. BTF may be broken: all is bounded.
 */

enum {
	BTF_DEPTH = 16,	   /* values nested deeper are neither printed nor parsed */
	BTF_PTR_BYTES = 8, /* BPF pointers have 8 bytes on every machine */
};

struct piece {
	const unsigned char *bytes;
	size_t size; /* bytes that there are, up to the variable's end */
};

__extension__ typedef unsigned __int128 uint128_t;

/* The type below typedefs, const and the like; NULL when there is none. */
const struct btf_type *piece_type(const struct btf *btf, __u32 id);
/* Whether it is char under this very name: __u8 may hold anything. */
bool piece_is_char(const struct btf *btf, __u32 id);

/* An unsigned number of 1, 2, 4, 8 or 16 bytes; -EINVAL for other sizes and where p ends before. */
int piece_number(struct piece p, size_t size, uint128_t *number);
/* The same for 1 to 64 bits; offset counts bits from p's begin as BTF does on this machine. */
int piece_bits(struct piece p, unsigned offset, unsigned bits, uint64_t *number);
/* Their inverses: the low bytes or bits of number. The caller has checked that they fit. */
void piece_put_number(unsigned char *bytes, size_t size, uint128_t number);
void piece_put_bits(unsigned char *bytes, unsigned offset, unsigned bits, uint64_t number);

/* A number of so many bits as two's complement. */
int64_t sign_extend(uint64_t value, unsigned bits);

/* The i-th enumerator of an enum type: its value as 64 bits, and its name, "" for none. */
uint64_t enumerator_value(const struct btf_type *t, int i);
const char *enumerator_name(const struct btf *btf, const struct btf_type *t, int i);
/* The name that a number of so many bits has in it; NULL for none. */
const char *enum_name(const struct btf *btf, const struct btf_type *t, uint64_t number,
		      unsigned bits);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_BTF_TEXT_H
#define BPFMAN_WORKER_BTF_TEXT_H

#include <bpf/btf.h>
#include <jansson.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * Types and values of an object file as C text. The file may be broken: types may refer to
 * themselves without end, which libbpf's own btf_dump follows until memory is gone. All that is
 * done here is bounded in depth and length.
 */

/* "int", "char[16]", "struct cfg *", "int (*)(void *)"; const and the like are left out. */
int btf_type_text(const struct btf *btf, __u32 id, struct buf *out);
/*
 * "42", "true", "\"text\"", "RED", "{1, 2}", "{.a = 1, .b = 0x10}" for the bytes of a variable of
 * this type; of a union one member. btf_value_parse() takes it back. -EINVAL when they do not fit
 * each other; out holds a part then. The text is valid UTF-8 without control characters.
 */
int btf_value_text(const struct btf *btf, __u32 id, const unsigned char *bytes, size_t size,
		   struct buf *out);
/*
 * The same as JSON: structs and unions as objects (a union with all its members; members of one
 * without a name belong to the whole), arrays as lists, char arrays as strings without the NULs at
 * their end, enums by name, bools. Integers of up to four bytes are numbers, others strings of
 * digits, pointers and __int128 strings in hexadecimal; floats are null where they are not finite.
 * Strings are encoded as they travel. The type of a value follows from its BTF type alone. *out is
 * the caller's. -EINVAL: bytes and type do not fit each other; -E2BIG, -ENOMEM; *out is NULL then.
 */
int btf_value_json(const struct btf *btf, __u32 id, const unsigned char *bytes, size_t size,
		   json_t **out);

/*
 * The copies of a value that each CPU has, stride bytes apart; one copy is a value like any other.
 * Numbers are told as the sum of their copies. Other things must be the same in all of them, else
 * there is no sum: -ERANGE.
 */
struct btf_copies {
	const unsigned char *bytes;
	size_t size; /* of one */
	size_t stride;
	unsigned count;
	unsigned bit, bits; /* of a bit field: where it begins in bytes, and its width; else 0 */
};
int btf_copies_text(const struct btf *btf, __u32 id, const struct btf_copies *copies,
		    struct buf *out);
/* The same as JSON text, with strings as bpfman shows them. */
int btf_copies_json(const struct btf *btf, __u32 id, const struct btf_copies *copies,
		    struct buf *out);
/* What a type is made of: numbers, which copies are summed of, and others, which are not. */
enum btf_leaves { BTF_NUMBERS = 1, BTF_OTHERS = 2 };
enum btf_leaves btf_leaves(const struct btf *btf, __u32 id);

#endif

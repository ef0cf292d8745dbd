/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_BTF_PARSE_H
#define BPFMAN_WORKER_BTF_PARSE_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>

#include "kernel/worker/failure.h"

/*
 * From text to the bytes of a value, as BTF says; the inverse of btf_value_text(), and more:
 *
 *	integers	42 -1 0x2a 'c'; range-checked
 *	bool		true false 0 1
 *	enums		RED, or a number
 *	char arrays	"text" (escapes \" \\ \n \t \r \NNN \xNN) or the bare word; what the text
 *does not fill is zero, text of the whole length has no NUL floats		1.5 -3e10 inf nan
 *	pointers	0x1f
 *	arrays		{1, 2}; elements that are left out are zero
 *	structs		{1, .b = 2, .c.d[3] = 4}; the same. Values without a name come first; names
 *			inside of a member without one are known, as in C
 *	unions		{.b = 2}, one member
 *	anything	hex:0a0b, all its bytes as they lie in memory
 *
 * JSON's [1, 2] and {"b": 2} are taken too. Failures have stage request, reason bad_value or
 * no_such_member; their messages say which part and what it takes, the hint has the nearest name.
 */

/* A variable or a part of one. */
struct btf_place {
	__u32 type;
	size_t offset; /* bytes from the variable's begin */
	size_t size;   /* bytes; of a bit field those that it touches */
	unsigned bit;  /* of a bit field: its begin in bits from offset; else 0 */
	unsigned bits; /* of a bit field: its width; 0: none */
};

/* The whole of a variable of this type. */
int btf_place_whole(const struct btf *btf, __u32 id, struct btf_place *place, struct failure *f);
/* Follows "", ".limit", "[3]", ".ports[0].min" from place to a part of it. */
int btf_place_step(const struct btf *btf, const char *steps, struct btf_place *place,
		   struct failure *f);
/* Moves place from a struct or union to its i-th member. False: it is not inside. */
bool btf_place_member(const struct btf *btf, int i, struct btf_place *place);
/*
 * Writes the place's value into the variable's bytes, of which there are size. Bytes outside of the
 * place stay as they are; after a failure those inside are undefined.
 */
int btf_place_parse(const struct btf *btf, const struct btf_place *place, const char *text,
		    unsigned char *bytes, size_t size, struct failure *f);
/* The same for a whole value of this type. */
int btf_value_parse(const struct btf *btf, __u32 id, const char *text, unsigned char *bytes,
		    size_t size, struct failure *f);
/* Bytes from "hex:0a0b": exactly size of them; any other text is refused. */
int hex_parse(const char *text, unsigned char *bytes, size_t size, struct failure *f);

#endif

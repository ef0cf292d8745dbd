/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/grow.h"
#include "base/text.h"
#include "kernel/worker/btf_parse.h"
#include "kernel/worker/btf_piece.h"
#include "kernel/worker/btf_text.h"

static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

int btf_place_whole(const struct btf *btf, __u32 id, struct btf_place *place, struct failure *f)
{
	int64_t size = btf__resolve_size(btf, id);

	if (size < 0)
		return fail(f, STAGE_REQUEST, REASON_BAD_VALUE, EINVAL,
			    "its type has no size that BTF tells");
	*place = (struct btf_place){ .type = id, .size = size };
	return 0;
}

/* Names of members, also those inside of members without a name, which C sees from outside. */
struct members {
	const char **names;
	size_t count;
};

static int list_members(const struct btf *btf, const struct btf_type *t, int depth,
			struct members *all)
{
	int i;
	int err = 0;

	for (i = 0; !err && i < btf_vlen(t); i++) {
		const struct btf_member *m = btf_members(t) + i;
		const char *name = btf__name_by_offset(btf, m->name_off);
		const struct btf_type *inner = piece_type(btf, m->type);
		const char **grown;

		if (name && *name) {
			grown = grow(all->names, all->count, sizeof(*grown));
			if (!grown)
				return -ENOMEM;
			all->names = grown;
			all->names[all->count++] = name;
		} else if (inner && btf_is_composite(inner) && depth > 0) {
			err = list_members(btf, inner, depth - 1, all);
		}
	}
	return err;
}

static int no_such_member(const struct btf *btf, __u32 id, const char *name, struct failure *f)
{
	struct members all = { 0 };
	struct buf type = { 0 };
	const char *nearest;
	int err;

	err = list_members(btf, piece_type(btf, id), BTF_DEPTH, &all);
	if (!err)
		err = btf_type_text(btf, id, &type);
	if (err == -ENOMEM) {
		fail_nomem(f);
	} else {
		fail(f, STAGE_REQUEST, REASON_NO_SUCH_MEMBER, ENOENT, "%s has no member '%s'",
		     err ? "it" : buf_text(&type), name);
		nearest = text_nearest(name, all.names, all.count);
		if (nearest)
			error_hint(&f->error, "did you mean '%s'?", nearest);
		for (size_t i = 0; !nearest && i < all.count && i < 32; i++)
			error_detail(&f->error, "%s", all.names[i]);
	}
	free(all.names);
	buf_free(&type);
	return -f->error.err;
}

bool btf_place_member(const struct btf *btf, int i, struct btf_place *place)
{
	const struct btf_type *t = piece_type(btf, place->type);
	const struct btf_member *m = btf_members(t) + i;
	unsigned offset = btf_member_bit_offset(t, i);
	unsigned bits = btf_member_bitfield_size(t, i);
	int64_t size = btf__resolve_size(btf, m->type);
	struct btf_place member = { .type = m->type, .offset = place->offset + offset / 8 };

	if (bits) {
		member.bit = offset % 8;
		member.bits = bits;
		size = (member.bit + bits + 7) / 8;
	}
	if (size < 0 || bits > 64 || (!bits && offset % 8) || offset / 8 > place->size ||
	    (size_t)size > place->size - offset / 8)
		return false;
	member.size = size;
	*place = member;
	return true;
}

static bool find_member(const struct btf *btf, __u32 id, const char *name, int depth,
			struct btf_place *place)
{
	const struct btf_type *t = piece_type(btf, id);
	struct btf_place start = *place;
	int i;

	for (i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = btf_members(t) + i;
		const char *known = btf__name_by_offset(btf, m->name_off);
		const struct btf_type *inner = piece_type(btf, m->type);

		*place = start;
		if (known && strcmp(known, name) == 0)
			return btf_place_member(btf, i, place);
		if ((known && *known) || !inner || !btf_is_composite(inner) || depth == 0)
			continue;
		if (btf_place_member(btf, i, place) &&
		    find_member(btf, m->type, name, depth - 1, place))
			return true;
	}
	return false;
}

static int step_member(const struct btf *btf, const char *steps, size_t len,
		       struct btf_place *place, struct failure *f)
{
	const struct btf_type *t = piece_type(btf, place->type);
	char *name;
	int err = 0;

	if (!t || !btf_is_composite(t) || place->bits)
		return fail(f, STAGE_REQUEST, REASON_NO_SUCH_MEMBER, EINVAL,
			    "%.*s: it is neither a struct nor a union", (int)len + 1, steps - 1);
	name = strndup(steps, len);
	if (!name)
		return fail_nomem(f);
	if (len == 0)
		err = fail(f, STAGE_REQUEST, REASON_NO_SUCH_MEMBER, EINVAL,
			   "a member's name is missing after the dot");
	else if (!find_member(btf, place->type, name, BTF_DEPTH, place))
		err = no_such_member(btf, place->type, name, f);
	free(name);
	return err;
}

static int step_element(const struct btf *btf, const char *digits, size_t len,
			struct btf_place *place, struct failure *f)
{
	const struct btf_type *t = piece_type(btf, place->type);
	const struct btf_array *array;
	char number[24] = "";
	uint64_t index;
	int64_t size;

	if (!t || !btf_is_array(t))
		return fail(f, STAGE_REQUEST, REASON_NO_SUCH_MEMBER, EINVAL,
			    "[%.*s]: it is no array", (int)len, digits);
	array = btf_array(t);
	if (len < sizeof(number))
		memcpy(number, digits, len);
	if (!parse_u64(number, &index))
		return fail(f, STAGE_REQUEST, REASON_NO_SUCH_MEMBER, EINVAL,
			    "[%.*s]: that is no index", (int)len, digits);
	if (index >= array->nelems)
		return fail(f, STAGE_REQUEST, REASON_NO_SUCH_MEMBER, ERANGE,
			    "[%s]: the array has %u elements, counted from 0", number,
			    array->nelems);
	size = btf__resolve_size(btf, array->type);
	if (size < 0 || (size && index >= place->size / size))
		return fail(f, STAGE_REQUEST, REASON_BAD_VALUE, EINVAL,
			    "[%s]: the element is not inside of its array", number);
	place->type = array->type;
	place->offset += index * size;
	place->size = size;
	return 0;
}

int btf_place_step(const struct btf *btf, const char *steps, struct btf_place *place,
		   struct failure *f)
{
	int err = 0;

	while (!err && *steps) {
		size_t len;

		if (*steps == '.') {
			len = strspn(++steps, name_bytes);
			err = step_member(btf, steps, len, place, f);
			steps += len;
		} else if (*steps == '[' && strchr(steps, ']')) {
			len = strcspn(++steps, "]");
			err = step_element(btf, steps, len, place, f);
			steps += len + 1;
		} else {
			err = fail(f, STAGE_REQUEST, REASON_NO_SUCH_MEMBER, EINVAL,
				   "'%s' is neither .MEMBER nor [INDEX]", steps);
		}
	}
	return err;
}

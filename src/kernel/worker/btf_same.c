/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "kernel/worker/btf_piece.h"
#include "kernel/worker/btf_same.h"
#include "kernel/worker/btf_text.h"

enum { STEPS = 100 * 1000 }; /* types that are looked at: broken BTF may have no end */

struct side {
	const struct btf *btf;
	const char *called;
};

struct comparison {
	struct side a, b;
	struct buf path; /* of the part: "ports[].min" */
	struct buf *difference;
	int steps;
};

static bool same(struct comparison *c, __u32 id_a, __u32 id_b, int depth);

static void tell_type(struct buf *out, const struct side *side, __u32 id)
{
	struct buf text = { 0 };

	buf_printf(out, "%s %s", btf_type_text(side->btf, id, &text) ? "unknown" : buf_text(&text),
		   side->called);
	buf_free(&text);
}

/* Always false, so that callers can return it. */
static bool types_differ(struct comparison *c, __u32 id_a, __u32 id_b)
{
	buf_printf(c->difference, "%s%s", buf_text(&c->path), c->path.len ? ": " : "");
	tell_type(c->difference, &c->a, id_a);
	buf_str(c->difference, ", ");
	tell_type(c->difference, &c->b, id_b);
	return false;
}

static bool numbers_differ(struct comparison *c, const char *what, __u32 a, __u32 b)
{
	buf_printf(c->difference, "%s%s%s is %u %s, %u %s", buf_text(&c->path),
		   c->path.len ? ": " : "", what, a, c->a.called, b, c->b.called);
	return false;
}

static bool only_in(struct comparison *c, const struct side *side, const char *what,
		    const char *name)
{
	buf_printf(c->difference, "%s%s%s '%s' is only %s", buf_text(&c->path),
		   c->path.len ? ": " : "", what, name, side->called);
	return false;
}

static const char *name_at(const struct btf *btf, __u32 offset)
{
	const char *name = btf__name_by_offset(btf, offset);

	return name ? name : "";
}

static bool same_enums(struct comparison *c, const struct btf_type *a, const struct btf_type *b)
{
	int i;

	for (i = 0; i < btf_vlen(a) || i < btf_vlen(b); i++) {
		const char *name_a = i < btf_vlen(a) ? enumerator_name(c->a.btf, a, i) : NULL;
		const char *name_b = i < btf_vlen(b) ? enumerator_name(c->b.btf, b, i) : NULL;

		if (!name_a || (name_b && strcmp(name_a, name_b) != 0))
			return only_in(c, &c->b, "enumerator", name_b);
		if (!name_b)
			return only_in(c, &c->a, "enumerator", name_a);
		if (enumerator_value(a, i) != enumerator_value(b, i))
			return numbers_differ(c, name_a, (__u32)enumerator_value(a, i),
					      (__u32)enumerator_value(b, i));
	}
	return true;
}

/* The part by its name, below the present one. */
static bool same_part(struct comparison *c, const char *name, __u32 id_a, __u32 id_b, int depth)
{
	size_t len = c->path.len;
	bool agree;

	if (*name)
		buf_printf(&c->path, "%s%s", len && *name != '[' ? "." : "", name);
	agree = same(c, id_a, id_b, depth);
	if (agree)
		buf_cut(&c->path, len);
	return agree;
}

static bool same_members(struct comparison *c, const struct btf_type *a, const struct btf_type *b,
			 int depth)
{
	int i;

	for (i = 0; i < btf_vlen(a) || i < btf_vlen(b); i++) {
		const struct btf_member *m = btf_members(a) + i, *n = btf_members(b) + i;
		const char *name_a = i < btf_vlen(a) ? name_at(c->a.btf, m->name_off) : NULL;
		const char *name_b = i < btf_vlen(b) ? name_at(c->b.btf, n->name_off) : NULL;

		if (!name_a || (name_b && strcmp(name_a, name_b) != 0))
			return only_in(c, &c->b, "member", name_b);
		if (!name_b)
			return only_in(c, &c->a, "member", name_a);
		if (!same_part(c, name_a, m->type, n->type, depth))
			return false;
		if (btf_member_bit_offset(a, i) != btf_member_bit_offset(b, i) ||
		    btf_member_bitfield_size(a, i) != btf_member_bitfield_size(b, i)) {
			buf_printf(&c->path, "%s%s", c->path.len ? "." : "", name_a);
			return btf_member_bit_offset(a, i) == btf_member_bit_offset(b, i)
				       ? numbers_differ(c, "its width in bits",
							btf_member_bitfield_size(a, i),
							btf_member_bitfield_size(b, i))
				       : numbers_differ(c, "its place in bits",
							btf_member_bit_offset(a, i),
							btf_member_bit_offset(b, i));
		}
	}
	return true;
}

/* The variables of a section: .data, .bss. */
static bool same_variables(struct comparison *c, const struct btf_type *a, const struct btf_type *b,
			   int depth)
{
	int i;

	for (i = 0; i < btf_vlen(a) || i < btf_vlen(b); i++) {
		const struct btf_var_secinfo *p = btf_var_secinfos(a) + i;
		const struct btf_var_secinfo *q = btf_var_secinfos(b) + i;
		const struct btf_type *v, *w;
		const char *name_a = NULL, *name_b = NULL;

		v = i < btf_vlen(a) ? btf__type_by_id(c->a.btf, p->type) : NULL;
		w = i < btf_vlen(b) ? btf__type_by_id(c->b.btf, q->type) : NULL;
		name_a = v ? name_at(c->a.btf, v->name_off) : NULL;
		name_b = w ? name_at(c->b.btf, w->name_off) : NULL;
		if (!name_a && !name_b)
			continue;
		if (!name_a || (name_b && strcmp(name_a, name_b) != 0))
			return only_in(c, &c->b, "variable", name_b);
		if (!name_b)
			return only_in(c, &c->a, "variable", name_a);
		if (!btf_is_var(v) || !btf_is_var(w) ||
		    !same_part(c, name_a, v->type, w->type, depth))
			return false;
		if (p->offset != q->offset) {
			buf_printf(&c->path, "%s", name_a);
			return numbers_differ(c, "its place", p->offset, q->offset);
		}
	}
	return true;
}

static bool same(struct comparison *c, __u32 id_a, __u32 id_b, int depth)
{
	const struct btf_type *a = piece_type(c->a.btf, id_a), *b = piece_type(c->b.btf, id_b);

	/* What cannot be compared is not said to differ. */
	if (!a || !b || depth == 0 || --c->steps < 0)
		return true;
	if (btf_is_any_enum(a) && btf_is_any_enum(b))
		return a->size == b->size ? same_enums(c, a, b) : types_differ(c, id_a, id_b);
	if (btf_kind(a) != btf_kind(b))
		return types_differ(c, id_a, id_b);
	switch (btf_kind(a)) {
	case BTF_KIND_INT:
		if (a->size != b->size || btf_int_encoding(a) != btf_int_encoding(b))
			return types_differ(c, id_a, id_b);
		return true;
	case BTF_KIND_FLOAT:
		return a->size == b->size || types_differ(c, id_a, id_b);
	case BTF_KIND_ARRAY:
		if (btf_array(a)->nelems != btf_array(b)->nelems)
			return types_differ(c, id_a, id_b);
		return same_part(c, "[]", btf_array(a)->type, btf_array(b)->type, depth - 1);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return same_members(c, a, b, depth - 1);
	case BTF_KIND_DATASEC:
		return same_variables(c, a, b, depth - 1);
	default:
		return true;
	}
}

int btf_difference(const struct btf *a, __u32 id_a, const char *called_a, const struct btf *b,
		   __u32 id_b, const char *called_b, struct buf *difference)
{
	struct comparison c = {
		.a = { a, called_a },
		.b = { b, called_b },
		.difference = difference,
		.steps = STEPS,
	};
	int err = 0;

	same(&c, id_a, id_b, BTF_DEPTH);
	if (buf_error(&c.path) || buf_error(difference))
		err = -ENOMEM;
	buf_free(&c.path);
	return err;
}

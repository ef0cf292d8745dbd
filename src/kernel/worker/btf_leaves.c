/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel/worker/btf_piece.h"
#include "kernel/worker/btf_text.h"

static enum btf_leaves leaves(const struct btf *btf, __u32 id, int depth)
{
	const struct btf_type *t = piece_type(btf, id);
	enum btf_leaves all = 0;
	int i;

	if (!t || depth == 0)
		return BTF_OTHERS;
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return (btf_int_encoding(t) & BTF_INT_BOOL) || t->size > 8 ? BTF_OTHERS
									   : BTF_NUMBERS;
	case BTF_KIND_FLOAT:
		return BTF_NUMBERS;
	case BTF_KIND_ARRAY:
		return piece_is_char(btf, btf_array(t)->type)
			       ? BTF_OTHERS
			       : leaves(btf, btf_array(t)->type, depth - 1);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (i = 0; i < btf_vlen(t); i++)
			all |= leaves(btf, btf_members(t)[i].type, depth - 1);
		return all;
	default:
		return BTF_OTHERS;
	}
}

enum btf_leaves btf_leaves(const struct btf *btf, __u32 id)
{
	return leaves(btf, id, BTF_DEPTH);
}

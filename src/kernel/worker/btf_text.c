/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "kernel/worker/btf_text.h"

enum { LINKS = 32, DEPTH = 4, TEXT_LIMIT = 1024 };

static int type_text(const struct btf *btf, __u32 id, int depth, struct buf *out);

static const char *name_of(const struct btf *btf, const struct btf_type *t)
{
	const char *name = btf__name_by_offset(btf, t->name_off);

	return name ? name : "";
}

/* The type's own words, without what its declarator adds. */
static void add_base(const struct btf *btf, const struct btf_type *t, struct buf *out)
{
	const char *keyword = "";
	const char *name = t ? name_of(btf, t) : "void";

	switch (t ? btf_kind(t) : BTF_KIND_INT) {
	case BTF_KIND_STRUCT:
		keyword = "struct";
		break;
	case BTF_KIND_UNION:
		keyword = "union";
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		keyword = "enum";
		break;
	case BTF_KIND_FWD:
		keyword = btf_kflag(t) ? "union" : "struct";
		break;
	default:
		break;
	}
	if (*keyword)
		buf_printf(out, "%s %s", keyword, *name ? name : "{ ... }");
	else
		buf_str(out, name);
}

static void wrap(struct buf *text, const char *before, const char *after)
{
	struct buf whole = { 0 };

	buf_printf(&whole, "%s%s%s", before, buf_text(text), after);
	buf_free(text);
	*text = whole;
}

static void add_parameters(const struct btf *btf, const struct btf_type *t, int depth,
			   struct buf *declarator)
{
	const struct btf_param *p = btf_params(t);
	int i;

	buf_char(declarator, '(');
	if (btf_vlen(t) == 0)
		buf_str(declarator, "void");
	for (i = 0; i < btf_vlen(t) && declarator->len < TEXT_LIMIT; i++, p++) {
		if (i)
			buf_str(declarator, ", ");
		/* The last one without type stands for "...". */
		if (depth == 0 || (i + 1 == btf_vlen(t) && p->type == 0))
			buf_str(declarator, "...");
		else
			type_text(btf, p->type, depth - 1, declarator);
	}
	buf_char(declarator, ')');
}

/* One step from a declaration to the type below it. False: it is the last. */
static bool step(const struct btf *btf, const struct btf_type *t, int depth, struct buf *declarator,
		 __u32 *id)
{
	bool pointer = declarator->len && declarator->data[0] == '*';

	if (btf_is_mod(t)) {
		*id = t->type;
	} else if (btf_is_ptr(t)) {
		wrap(declarator, "*", "");
		*id = t->type;
	} else if (btf_is_array(t)) {
		if (pointer)
			wrap(declarator, "(", ")");
		buf_printf(declarator, "[%u]", btf_array(t)->nelems);
		*id = btf_array(t)->type;
	} else if (btf_is_func_proto(t)) {
		if (pointer)
			wrap(declarator, "(", ")");
		add_parameters(btf, t, depth, declarator);
		*id = t->type;
	} else {
		return false;
	}
	return true;
}

static int type_text(const struct btf *btf, __u32 id, int depth, struct buf *out)
{
	const struct btf_type *t = NULL;
	struct buf declarator = { 0 };
	int links;

	for (links = 0; links < LINKS && id && declarator.len < TEXT_LIMIT; links++) {
		t = btf__type_by_id(btf, id);
		if (!t || !step(btf, t, depth, &declarator, &id))
			break;
		t = NULL;
	}
	if ((id && !t) || buf_error(&declarator)) {
		buf_free(&declarator);
		return -EINVAL;
	}
	add_base(btf, t, out);
	if (declarator.len)
		buf_printf(out, "%s%s", declarator.data[0] == '[' ? "" : " ", declarator.data);
	buf_free(&declarator);
	return 0;
}

int btf_type_text(const struct btf *btf, __u32 id, struct buf *out)
{
	return type_text(btf, id, DEPTH, out);
}

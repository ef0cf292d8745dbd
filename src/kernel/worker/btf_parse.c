/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "kernel/worker/btf_cursor.h"
#include "kernel/worker/btf_piece.h"

static int parse(struct cursor *c, const struct btf_place *place);

/* ---- bytes and text ---- */

static int hex_digit(char ch)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = ch ? strchr(digits, tolower((unsigned char)ch)) : NULL;

	return found ? (int)(found - digits) : -1;
}

static bool is_hex(const char *text)
{
	return strncmp(text, "hex:", 4) == 0;
}

int hex_parse(const char *text, unsigned char *bytes, size_t size, struct failure *f)
{
	const char *digits = is_hex(text) ? text + strlen("hex:") : "?";
	size_t len = strlen(digits);
	size_t i;

	if (strspn(digits, "0123456789abcdefABCDEF") != len || len % 2)
		return fail(f, STAGE_REQUEST, REASON_BAD_VALUE, EINVAL,
			    "'%.*s' is not hex: and two digits for each byte", CURSOR_SHOWN, text);
	if (len / 2 != size)
		return fail(f, STAGE_REQUEST, REASON_BAD_VALUE, EINVAL,
			    "hex: with %zu bytes for a value of %zu", len / 2, size);
	for (i = 0; i < size; i++)
		bytes[i] = hex_digit(digits[2 * i]) << 4 | hex_digit(digits[2 * i + 1]);
	return 0;
}

static int parse_hex(struct cursor *c, const struct btf_place *place)
{
	struct word w = { 0 };
	int err = cursor_word(c, &w);

	if (!err && place->bits)
		err = cursor_bad(c, EINVAL, "a bit field cannot be given as bytes");
	if (!err && hex_parse(buf_text(&w.text), c->bytes + place->offset, place->size, c->f)) {
		if (c->path.len)
			error_context(&c->f->error, "%s", buf_text(&c->path));
		err = -c->f->error.err;
	}
	buf_free(&w.text);
	return err;
}

static int store_text(struct cursor *c, const struct btf_place *place, const struct buf *text)
{
	if (text->len > place->size)
		return cursor_bad(c, ERANGE, "text of %zu bytes does not fit into %zu", text->len,
				  place->size);
	memset(c->bytes + place->offset, 0, place->size);
	if (text->len)
		memcpy(c->bytes + place->offset, text->data, text->len);
	return 0;
}

static int parse_text(struct cursor *c, const struct btf_place *place)
{
	struct word w = { 0 };
	int err = 0;

	/* By itself it needs no quotes, whatever is in it. */
	if (c->depth == 0 && *c->at != '"') {
		buf_str(&w.text, c->at);
		c->at += strlen(c->at);
	} else {
		err = cursor_word(c, &w);
	}
	if (!err)
		err = buf_error(&w.text) ? fail_nomem(c->f) : store_text(c, place, &w.text);
	buf_free(&w.text);
	return err;
}

/* ---- arrays, structs, unions ---- */

static bool take(struct cursor *c, char ch)
{
	cursor_skip_blanks(c);
	if (*c->at != ch)
		return false;
	c->at++;
	return true;
}

/* A brace or bracket, and what closes it; 0 where there is none. */
static char open_list(struct cursor *c)
{
	if (take(c, '{'))
		return '}';
	return take(c, '[') ? ']' : 0;
}

/* Whether another one follows; after the last the list is closed. */
static bool another(struct cursor *c, char close, bool first, int *err)
{
	bool comma = first || take(c, ',');

	if (take(c, close))
		return false;
	if (!comma || !*c->at) {
		*err = *c->at ? cursor_bad(c, EINVAL, "',' or '%c' is missing before '%.*s'", close,
					   CURSOR_SHOWN, c->at)
			      : cursor_bad(c, EINVAL, "'%c' is missing at the end", close);
		return false;
	}
	return true;
}

static int parse_array(struct cursor *c, const struct btf_place *place, const struct btf_type *t)
{
	const struct btf_array *array = btf_array(t);
	int64_t size = btf__resolve_size(c->btf, array->type);
	size_t len = c->path.len;
	char close;
	__u32 i;
	int err = 0;

	cursor_skip_blanks(c);
	if (piece_is_char(c->btf, array->type) && *c->at != '{' && !(c->depth > 0 && *c->at == '['))
		return parse_text(c, place);
	if (size < 0 || (uint64_t)size * array->nelems > place->size)
		return cursor_bad(c, EINVAL, "BTF does not tell where its elements are");
	close = open_list(c);
	if (!close)
		return cursor_bad(c, EINVAL, "an array is given as {VALUE, ...}");
	memset(c->bytes + place->offset, 0, place->size);
	c->depth++;
	for (i = 0; !err && another(c, close, i == 0, &err); i++) {
		struct btf_place element = {
			.type = array->type,
			.offset = place->offset + i * (size_t)size,
			.size = size,
		};

		if (i >= array->nelems)
			return cursor_bad(c, ERANGE,
					  "the array has %u elements, and there are more values",
					  array->nelems);
		buf_printf(&c->path, "[%u]", i);
		err = parse(c, &element);
		if (!err)
			buf_cut(&c->path, len);
	}
	c->depth--;
	return err;
}

/*
 * ".a.b[3] =", "a =" or "\"a\":" in front of a member's value, as steps from the struct. Empty when
 * the value stands alone: that of the next member.
 */
static int read_designator(struct cursor *c, struct buf *steps)
{
	const char *begin, *end, *after;
	bool quoted;

	cursor_skip_blanks(c);
	quoted = *c->at == '"';
	begin = c->at + quoted;
	end = begin + strspn(begin, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.[]");
	if (end == begin || (quoted && *end != '"'))
		return 0;
	for (after = end + quoted; cursor_is_blank(*after); after++)
		;
	if (*after != (quoted ? ':' : '=')) {
		if (*begin == '.')
			return cursor_bad(c, EINVAL, "'=' is missing after '%.*s'",
					  (int)(end - begin), begin);
		return 0;
	}
	if (*begin != '.' && *begin != '[')
		buf_char(steps, '.');
	buf_add(steps, begin, end - begin);
	c->at = after + 1;
	return buf_error(steps) ? fail_nomem(c->f) : 0;
}

/* Where a struct's values go while they are read. */
struct filling {
	const struct btf_place *whole;
	const struct btf_type *type;
	int next;   /* member that a value without a name is for; -1 after one with a name */
	size_t end; /* of the last member, in bits of the variable */
};

static int named_member(struct cursor *c, struct filling *s, const char *steps,
			struct btf_place *member)
{
	size_t begin;

	s->next = -1;
	if (btf_place_step(c->btf, steps, member, c->f)) {
		if (c->path.len)
			error_context(&c->f->error, "%s", buf_text(&c->path));
		return -c->f->error.err;
	}
	begin = member->offset * 8 + member->bit;
	if (btf_is_union(s->type) && begin < s->end)
		return cursor_bad(c, EINVAL, "a union has the value of one member");
	s->end = begin + (member->bits ? member->bits : member->size * 8);
	buf_str(&c->path, steps);
	return 0;
}

static int next_member(struct cursor *c, struct filling *s, struct btf_place *member)
{
	int count = btf_is_union(s->type) && btf_vlen(s->type) ? 1 : btf_vlen(s->type);
	const char *name;

	if (s->next < 0)
		return cursor_bad(c, EINVAL, "a value without a name comes after one with a name");
	if (s->next >= count)
		return cursor_bad(c, ERANGE, "there are more values than members, which are %d",
				  count);
	name = btf__name_by_offset(c->btf, btf_members(s->type)[s->next].name_off);
	if (!btf_place_member(c->btf, s->next++, member))
		return cursor_bad(c, EINVAL, "BTF does not tell where its members are");
	if (name && *name)
		buf_printf(&c->path, ".%s", name);
	s->end = (member->offset + member->size) * 8;
	return 0;
}

static int parse_member(struct cursor *c, struct filling *s)
{
	struct btf_place member = *s->whole;
	struct buf steps = { 0 };
	size_t len = c->path.len;
	int err = read_designator(c, &steps);

	if (!err)
		err = steps.len ? named_member(c, s, buf_text(&steps), &member)
				: next_member(c, s, &member);
	if (!err)
		err = parse(c, &member);
	if (!err)
		buf_cut(&c->path, len);
	buf_free(&steps);
	return err;
}

static int parse_members(struct cursor *c, const struct btf_place *place, const struct btf_type *t)
{
	struct filling s = { .whole = place, .type = t };
	char close = open_list(c);
	bool first = true;
	int err = 0;

	if (close != '}')
		return cursor_bad(c, EINVAL, "a %s is given as {.MEMBER = VALUE, ...}",
				  btf_is_union(t) ? "union" : "struct");
	memset(c->bytes + place->offset, 0, place->size);
	c->depth++;
	for (; !err && another(c, close, first, &err); first = false)
		err = parse_member(c, &s);
	c->depth--;
	return err;
}

/* ---- values ---- */

/* Whether a number of the place's size can be stored at all. */
static bool is_storable(const struct btf_place *place, const struct btf_type *t)
{
	if (place->bits)
		return btf_is_int(t) || btf_is_any_enum(t);
	return place->size && place->size <= 16 && !(place->size & (place->size - 1));
}

static int parse(struct cursor *c, const struct btf_place *place)
{
	const struct btf_type *t = piece_type(c->btf, place->type);

	if (c->depth > BTF_DEPTH)
		return cursor_bad(c, E2BIG, "values are nested too deep");
	cursor_skip_blanks(c);
	if (is_hex(c->at))
		return parse_hex(c, place);
	switch (t ? btf_kind(t) : BTF_KIND_UNKN) {
	case BTF_KIND_ARRAY:
		return parse_array(c, place, t);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return parse_members(c, place, t);
	case BTF_KIND_INT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_PTR:
		if (!is_storable(place, t))
			break;
		return cursor_parse_word(c, place, t);
	case BTF_KIND_FLOAT:
		return cursor_parse_word(c, place, t);
	default:
		break;
	}
	return cursor_bad(c, EINVAL, "a value of its type can only be given as hex:BYTES");
}

int btf_place_parse(const struct btf *btf, const struct btf_place *place, const char *text,
		    unsigned char *bytes, size_t size, struct failure *f)
{
	struct cursor c = { .btf = btf, .at = text, .bytes = bytes, .f = f };
	int err;

	if (place->offset > size || place->size > size - place->offset)
		return cursor_bad(&c, EINVAL, "its type says %zu bytes, but there are %zu",
				  place->offset + place->size, size);
	err = parse(&c, place);
	if (!err) {
		cursor_skip_blanks(&c);
		if (*c.at)
			err = cursor_bad(&c, EINVAL, "'%.*s' is left over after the value",
					 CURSOR_SHOWN, c.at);
	}
	buf_free(&c.path);
	return err;
}

int btf_value_parse(const struct btf *btf, __u32 id, const char *text, unsigned char *bytes,
		    size_t size, struct failure *f)
{
	struct btf_place place;
	int err = btf_place_whole(btf, id, &place, f);

	return err ? err : btf_place_parse(btf, &place, text, bytes, size, f);
}

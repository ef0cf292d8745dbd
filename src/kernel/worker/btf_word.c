/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernel/worker/btf_cursor.h"
#include "kernel/worker/btf_piece.h"
#include "kernel/worker/btf_text.h"

int cursor_bad(struct cursor *c, int err, const char *format, ...)
{
	struct buf text = { 0 };
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	if (buf_error(&text) || buf_error(&c->path))
		fail_nomem(c->f);
	else
		fail(c->f, STAGE_REQUEST, REASON_BAD_VALUE, err, "%s%s%s", buf_text(&c->path),
		     c->path.len ? ": " : "", buf_text(&text));
	buf_free(&text);
	return -c->f->error.err;
}

/* ---- words ---- */

bool cursor_is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n';
}

void cursor_skip_blanks(struct cursor *c)
{
	while (cursor_is_blank(*c->at))
		c->at++;
}

/* What follows a backslash. The byte, or -1 where there is no such escape. */
static int escape(struct cursor *c)
{
	static const char from[] = "\"'\\ntr", to[] = "\"'\\\n\t\r";
	const char *known = *c->at ? strchr(from, *c->at) : NULL;
	char digits[4] = "";
	size_t n = strspn(c->at, "01234567");
	int base = 8;

	if (known) {
		c->at++;
		return (unsigned char)to[known - from];
	}
	if (*c->at == 'x') {
		c->at++;
		n = strspn(c->at, "0123456789abcdefABCDEF");
		base = 16;
	}
	n = n > (base == 8 ? 3 : 2) ? (base == 8 ? 3 : 2) : n;
	if (n == 0)
		return -1;
	memcpy(digits, c->at, n);
	c->at += n;
	return strtol(digits, NULL, base) > 255 ? -1 : (int)strtol(digits, NULL, base);
}

static int read_quoted(struct cursor *c, struct word *w)
{
	const char *begin = c->at;

	w->quote = *c->at++;
	while (*c->at && *c->at != w->quote) {
		int ch = (unsigned char)*c->at++;

		if (ch == '\\') {
			ch = escape(c);
			if (ch < 0)
				return cursor_bad(c, EINVAL, "unknown escape in %.*s", CURSOR_SHOWN,
						  begin);
		}
		buf_char(&w->text, (char)ch);
	}
	if (!*c->at)
		return cursor_bad(c, EINVAL, "the quote is not closed: %.*s", CURSOR_SHOWN, begin);
	c->at++;
	return 0;
}

int cursor_word(struct cursor *c, struct word *w)
{
	size_t len;
	int err = 0;

	cursor_skip_blanks(c);
	if (*c->at == '"' || *c->at == '\'') {
		err = read_quoted(c, w);
	} else {
		len = strcspn(c->at, " \t\n,{}[]=\"'");
		buf_add(&w->text, c->at, len);
		c->at += len;
		if (len == 0)
			err = *c->at ? cursor_bad(c, EINVAL, "a value is missing before '%.*s'",
						  CURSOR_SHOWN, c->at)
				     : cursor_bad(c, EINVAL, "a value is missing");
	}
	if (!err && buf_error(&w->text))
		err = fail_nomem(c->f);
	return err;
}

/* ---- numbers ---- */

struct number {
	uint128_t magnitude;
	bool negative;
};

/* Decimal or hexadecimal with a sign, or a character in single quotes. */
static bool read_number(const struct word *w, struct number *n)
{
	const char *s = buf_text(&w->text);
	unsigned base = 10;

	*n = (struct number){ 0 };
	if (w->quote == '\'') {
		n->magnitude = (unsigned char)*s;
		return w->text.len == 1;
	}
	n->negative = *s == '-';
	s += *s == '-' || *s == '+';
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	if (!*s)
		return false;
	for (; *s; s++) {
		unsigned digit = isdigit((unsigned char)*s)   ? (unsigned)(*s - '0')
				 : isalpha((unsigned char)*s) ? (unsigned)(tolower(*s) - 'a' + 10)
							      : base;

		if (digit >= base)
			return false;
		if (n->magnitude > ((uint128_t)-1 - digit) / base)
			return false;
		n->magnitude = n->magnitude * base + digit;
	}
	n->negative &= n->magnitude != 0;
	return true;
}

/* What so many bits take, in words. */
static void add_range(struct buf *out, unsigned bits, bool is_signed)
{
	uint64_t most = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

	if (bits > 64)
		buf_printf(out, "%s bits", is_signed ? "signed 128" : "128");
	else if (is_signed)
		buf_printf(out, "-%" PRIu64 " to %" PRIu64, most / 2 + 1, most / 2);
	else
		buf_printf(out, "0 to %" PRIu64, most);
}

static bool fits(const struct number *n, unsigned bits, bool is_signed)
{
	uint128_t most = bits >= 128 ? (uint128_t)-1 : ((uint128_t)1 << bits) - 1;

	if (is_signed)
		most = most / 2 + n->negative;
	else if (n->negative)
		return false;
	return n->magnitude <= most;
}

static void put(struct cursor *c, const struct btf_place *place, uint128_t number)
{
	unsigned char *bytes = c->bytes + place->offset;

	if (place->bits)
		piece_put_bits(bytes, place->bit, place->bits, (uint64_t)number);
	else
		piece_put_number(bytes, place->size, number);
}

static int store(struct cursor *c, const struct btf_place *place, const struct word *w,
		 const struct number *n, bool is_signed)
{
	unsigned bits = place->bits ? place->bits : place->size * 8;
	struct buf type = { 0 };
	int err = 0;

	if (!fits(n, bits, is_signed)) {
		if (btf_type_text(c->btf, place->type, &type))
			buf_str(&type, "its type");
		if (place->bits)
			buf_printf(&type, " of %u bits", bits);
		buf_str(&type, " takes ");
		add_range(&type, bits, is_signed);
		err = cursor_bad(c, ERANGE, "%.*s is out of range: %s", CURSOR_SHOWN,
				 buf_text(&w->text), buf_text(&type));
		buf_free(&type);
	} else {
		put(c, place, n->negative ? -n->magnitude : n->magnitude);
	}
	return err;
}

static int parse_int(struct cursor *c, const struct btf_place *place, const struct btf_type *t,
		     const struct word *w)
{
	const char *text = buf_text(&w->text);
	struct number n;

	if (btf_int_encoding(t) & BTF_INT_BOOL) {
		n = (struct number){ .magnitude = !strcmp(text, "true") || !strcmp(text, "1") };
		if (!n.magnitude && strcmp(text, "false") && strcmp(text, "0"))
			return cursor_bad(c, EINVAL, "'%.*s' is neither true nor false",
					  CURSOR_SHOWN, text);
		put(c, place, n.magnitude);
		return 0;
	}
	if (!read_number(w, &n))
		return cursor_bad(c, EINVAL, "'%.*s' is no integer", CURSOR_SHOWN, text);
	return store(c, place, w, &n, btf_int_encoding(t) & BTF_INT_SIGNED);
}

static int no_such_name(struct cursor *c, const struct btf_type *t, const char *text)
{
	int count = btf_vlen(t);
	const char **names = calloc(count + 1, sizeof(*names));
	const char *nearest;
	int i;

	if (!names)
		return fail_nomem(c->f);
	for (i = 0; i < count; i++)
		names[i] = enumerator_name(c->btf, t, i);
	cursor_bad(c, EINVAL, "'%.*s' is neither a name of the enum nor a number", CURSOR_SHOWN,
		   text);
	nearest = text_nearest(text, names, count);
	if (nearest)
		error_hint(&c->f->error, "did you mean '%s'?", nearest);
	for (i = 0; !nearest && i < count && i < 32; i++)
		error_detail(&c->f->error, "%s", names[i]);
	free(names);
	return -c->f->error.err;
}

static int parse_enum(struct cursor *c, const struct btf_place *place, const struct btf_type *t,
		      const struct word *w)
{
	const char *text = buf_text(&w->text);
	struct number n;
	int i;

	for (i = 0; i < btf_vlen(t); i++) {
		if (*text && strcmp(enumerator_name(c->btf, t, i), text) == 0) {
			put(c, place, enumerator_value(t, i));
			return 0;
		}
	}
	if (!read_number(w, &n))
		return no_such_name(c, t, text);
	return store(c, place, w, &n, btf_kflag(t));
}

static int parse_float(struct cursor *c, const struct btf_place *place, const struct word *w)
{
	const char *text = buf_text(&w->text);
	char *end;
	double wide = strtod(text, &end);
	float narrow = (float)wide;

	if (end == text || *end || isspace((unsigned char)*text))
		return cursor_bad(c, EINVAL, "'%.*s' is no number", CURSOR_SHOWN, text);
	if (place->size != sizeof(narrow) && place->size != sizeof(wide))
		return cursor_bad(c, EINVAL, "a number of %zu bytes can only be given as hex:BYTES",
				  place->size);
	if ((isinf(wide) || (place->size == sizeof(narrow) && isinf(narrow))) &&
	    !strcasestr(text, "inf"))
		return cursor_bad(c, ERANGE, "%.*s is out of range", CURSOR_SHOWN, text);
	memcpy(c->bytes + place->offset,
	       place->size == sizeof(narrow) ? (void *)&narrow : (void *)&wide, place->size);
	return 0;
}

int cursor_parse_word(struct cursor *c, const struct btf_place *place, const struct btf_type *t)
{
	struct word w = { 0 };
	struct number n;
	int err = cursor_word(c, &w);

	if (!err && w.quote != '\'' && strlen(buf_text(&w.text)) != w.text.len)
		err = cursor_bad(c, EINVAL, "there is a NUL in '%.*s'", CURSOR_SHOWN,
				 buf_text(&w.text));
	if (err)
		goto out;
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		err = parse_int(c, place, t, &w);
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		err = parse_enum(c, place, t, &w);
		break;
	case BTF_KIND_FLOAT:
		err = parse_float(c, place, &w);
		break;
	default:
		if (read_number(&w, &n))
			err = store(c, place, &w, &n, false);
		else
			err = cursor_bad(c, EINVAL, "'%.*s' is no address", CURSOR_SHOWN,
					 buf_text(&w.text));
		break;
	}
out:
	buf_free(&w.text);
	return err;
}

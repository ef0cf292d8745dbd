/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What changed between two values that have the same shape. */
#include "ui/screen/moved.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ui/screen/rates.h"

enum { MEMBERS = 8 }; /* of which changes are told; there is no room for more */

struct token {
	enum { TOKEN_END, TOKEN_NUMBER, TOKEN_MEMBER, TOKEN_OTHER } kind;
	const char *text;
	size_t len;
};

struct member {
	const char *name; /* of the value after */
	size_t len;
	double change;
	bool other; /* what changed of it is no number */
};

struct moved {
	struct member members[MEMBERS];
	size_t count;
};

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* A quoted text is one token, with what is escaped in it. */
static size_t quoted(const char *s)
{
	size_t n = 1;

	while (s[n] && s[n] != s[0])
		n += s[n] == '\\' && s[n + 1] ? 2 : 1;
	return n + (s[n] == s[0]);
}

static struct token next(const char **at)
{
	const char *s = *at + strspn(*at, " ,");
	struct token t = { TOKEN_OTHER, s, 1 };

	if (!*s) {
		t.kind = TOKEN_END;
		t.len = 0;
	} else if (*s == '.' && in_word(s[1])) {
		t.kind = TOKEN_MEMBER;
		while (in_word(s[t.len]))
			t.len++;
	} else if (isdigit((unsigned char)*s) || (*s == '-' && isdigit((unsigned char)s[1]))) {
		t.kind = TOKEN_NUMBER;
		while (in_word(s[t.len]) || s[t.len] == '.')
			t.len++;
	} else if (*s == '"' || *s == '\'') {
		t.len = quoted(s);
	} else if (in_word(*s)) {
		while (in_word(s[t.len]))
			t.len++;
	}
	*at = s + t.len;
	return t;
}

static bool same(const struct token *a, const struct token *b)
{
	return a->len == b->len && !memcmp(a->text, b->text, a->len);
}

/* Exact where both are integers, also beyond what a double holds. False: one is no number. */
static bool difference(const struct token *before, const struct token *after, double *change)
{
	char *end_a, *end_b;
	uint64_t a, b;
	double x, y;

	errno = 0;
	a = strtoull(before->text, &end_a, 0);
	b = strtoull(after->text, &end_b, 0);
	if (!errno && end_a == before->text + before->len && end_b == after->text + after->len) {
		/* A minus sign has made it the same number modulo 2^64. */
		bool minus = *before->text == '-' || *after->text == '-';

		*change = minus	   ? (double)(int64_t)b - (double)(int64_t)a
			  : b >= a ? (double)(b - a)
				   : -(double)(a - b);
		return true;
	}
	x = strtod(before->text, &end_a);
	y = strtod(after->text, &end_b);
	*change = y - x;
	return end_a == before->text + before->len && end_b == after->text + after->len;
}

static struct member *member_of(struct moved *m, const struct token *name)
{
	size_t i = 0;

	while (i < m->count && (m->members[i].len != name->len ||
				memcmp(m->members[i].name, name->text, name->len) != 0))
		i++;
	if (i == MEMBERS)
		return NULL;
	if (i == m->count)
		m->members[m->count++] = (struct member){ .name = name->text, .len = name->len };
	return &m->members[i];
}

/* False: they have not the same shape, and cannot be compared by members. */
static bool compare(struct moved *m, const char *before, const char *after)
{
	struct token name = { TOKEN_OTHER, "", 0 };

	for (;;) {
		struct token a = next(&before), b = next(&after);
		struct member *member;
		double change = 0;

		if (a.kind != b.kind || (a.kind == TOKEN_MEMBER && !same(&a, &b)))
			return false;
		if (a.kind == TOKEN_END)
			return true;
		if (a.kind == TOKEN_MEMBER)
			name = (struct token){ TOKEN_MEMBER, b.text + 1, b.len - 1 };
		if (same(&a, &b))
			continue;
		member = member_of(m, &name);
		if (!member)
			continue;
		if (a.kind == TOKEN_NUMBER && difference(&a, &b, &change))
			member->change += change;
		else
			member->other = true;
	}
}

double moved_text(const char *before, const char *after, double seconds, struct buf *out)
{
	struct moved m = { 0 };
	double most = 0;

	if (!compare(&m, before, after))
		m.count = 0;
	for (size_t i = 0; i < m.count; i++) {
		const struct member *member = &m.members[i];
		double change = member->change / seconds;

		buf_str(out, i ? ", " : "");
		if (change != 0) {
			buf_char(out, change < 0 ? '-' : '+');
			rates_number((uint64_t)(fabs(change) + 0.5), out);
		} else {
			buf_char(out, '*');
		}
		if (member->len) {
			buf_char(out, ' ');
			buf_add(out, member->name, member->len);
		}
		if (fabs(change) > fabs(most))
			most = change;
	}
	if (!m.count)
		buf_char(out, '*');
	return most;
}

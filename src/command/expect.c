/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/expect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const struct {
	const char *text;
	int op;
} operators[] = {
	/* The longer ones first. */
	{ ">=", EXPECT_GE }, { "<=", EXPECT_LE }, { "!=", EXPECT_NE }, { "==", EXPECT_EQ },
	{ ">", EXPECT_GT },  { "<", EXPECT_LT },  { "=", EXPECT_EQ },
};

/* A whole number of 65 bits. */
struct whole {
	bool negative;
	uint64_t magnitude;
};

static bool read_whole(const char *text, struct whole *w)
{
	char *end;

	w->negative = *text == '-';
	text += w->negative;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		errno = 0;
		w->magnitude = strtoull(text, &end, 16);
		if (errno || *end || !text[2])
			return false;
	} else if (!parse_u64(text, &w->magnitude)) {
		return false;
	}
	if (!w->magnitude)
		w->negative = false;
	return true;
}

static int compare(struct whole a, struct whole b)
{
	int sign = a.negative ? -1 : 1;

	if (a.negative != b.negative)
		return sign;
	if (a.magnitude == b.magnitude)
		return 0;
	return a.magnitude < b.magnitude ? -sign : sign;
}

int expect_parse(struct expect *x, const char *text, struct error *e)
{
	size_t len = strcspn(text, "=!<>");
	struct whole number;

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		size_t n = strlen(operators[i].text);

		if (strncmp(text + len, operators[i].text, n) != 0)
			continue;
		*x = (struct expect){ text, len, operators[i].op, text + len + n };
		while (*x->wanted == ' ')
			x->wanted++;
		while (x->part_len && x->part[x->part_len - 1] == ' ')
			x->part_len--;
		if (x->op <= EXPECT_NE || read_whole(x->wanted, &number))
			return 0;
		return error_set_class(e, ERROR_USAGE, EINVAL,
				       "--expect: %s compares whole numbers, and \"%s\" is none",
				       operators[i].text, x->wanted);
	}
	error_set_class(e, ERROR_USAGE, EINVAL, "--expect is [PART]OPERATOR VALUE, not \"%s\"",
			text);
	return error_hint(e, "for example '>0', 'packets>=10', '!=DROP'");
}

/* One step into the value: a member's name, or an element's index in brackets. */
static const json_t *step(const json_t *value, const char **at, const char *end)
{
	const char *begin = *at;
	const json_t *next;
	char *name;

	if (*begin == '[') {
		size_t index = strtoul(begin + 1, (char **)at, 10);

		if (*at == begin + 1 || *at >= end || **at != ']')
			return NULL;
		(*at)++;
		return json_array_get(value, index);
	}
	begin += *begin == '.';
	for (*at = begin; *at < end && **at != '.' && **at != '['; (*at)++)
		;
	name = strndup(begin, *at - begin);
	next = name ? json_object_get(value, name) : NULL;
	free(name);
	return next;
}

/* A plain value as text: that of JSON, strings without their quotes. */
static void add_text(const json_t *value, struct buf *out)
{
	char *text;

	if (json_is_string(value)) {
		buf_str(out, json_string_value(value));
		return;
	}
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	buf_str(out, text ? text : "");
	free(text);
}

static bool holds(const struct expect *x, const char *is)
{
	struct whole a, b;
	int order;

	if (!read_whole(is, &a) || !read_whole(x->wanted, &b)) {
		bool same = !strcmp(is, x->wanted);

		return x->op == EXPECT_EQ ? same : x->op == EXPECT_NE && !same;
	}
	order = compare(a, b);
	switch (x->op) {
	case EXPECT_EQ:
		return order == 0;
	case EXPECT_NE:
		return order != 0;
	case EXPECT_LT:
		return order < 0;
	case EXPECT_LE:
		return order <= 0;
	case EXPECT_GT:
		return order > 0;
	case EXPECT_GE:
		return order >= 0;
	}
	return false;
}

int expect_holds(const struct expect *x, const json_t *value, struct buf *shown, struct error *e)
{
	const char *at = x->part, *end = x->part + x->part_len;
	struct buf text = { 0 };
	bool yes;

	while (value && at < end)
		value = step(value, &at, end);
	if (!value)
		return error_set(e, ENOENT, "the value has no part \"%.*s\"", (int)x->part_len,
				 x->part);
	add_text(value, &text);
	yes = holds(x, buf_text(&text));
	if (shown)
		buf_add(shown, buf_text(&text), text.len);
	buf_free(&text);
	return yes;
}

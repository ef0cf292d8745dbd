/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "kernel/protocol/protocol.h"
#include "kernel/protocol/scan.h"

static size_t skip_space(const char *line, size_t len, size_t i)
{
	while (i < len && (line[i] == ' ' || line[i] == '\t'))
		i++;
	return i;
}

/*
 * i is behind the closing quote of the key "object": where the text of its value begins, when that
 * is a string; else 0.
 */
static size_t value_of_key(const char *line, size_t len, size_t i)
{
	i = skip_space(line, len, i);
	if (i >= len || line[i] != ':')
		return 0;
	i = skip_space(line, len, i + 1);
	return i < len && line[i] == '"' ? i + 1 : 0;
}

/* Length of a string that is nothing but base64, from its begin to its closing quote; else 0. */
static size_t plain_length(const char *line, size_t len, size_t begin)
{
	size_t span = base64_span(line + begin, len - begin);

	return begin + span < len && line[begin + span] == '"' ? span : 0;
}

/* The index of the closing quote of the string whose text begins at i, or len. */
static size_t string_end(const char *line, size_t len, size_t i)
{
	for (; i < len && line[i] != '"'; i++)
		if (line[i] == '\\')
			i++;
	return i < len ? i : len;
}

void protocol_scan(const char *line, size_t len, int limit, struct scan *s)
{
	static const char key[] = "object";
	const size_t key_len = sizeof(key) - 1;
	int depth = 0;
	size_t i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < len && s->depth <= limit; i++) {
		if (line[i] == '{' || line[i] == '[') {
			if (++depth > s->depth)
				s->depth = depth;
		} else if (line[i] == '}' || line[i] == ']') {
			depth--;
		} else if (line[i] == '"') {
			size_t begin = i + 1;

			i = string_end(line, len, begin);
			if (depth != 1 || s->object_len || i - begin != key_len ||
			    memcmp(line + begin, key, key_len) != 0)
				continue;
			s->object = value_of_key(line, len, i + 1);
			if (!s->object)
				continue;
			s->object_len = plain_length(line, len, s->object);
			if (s->object_len)
				i = s->object + s->object_len;
		}
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernel/protocol/protocol.h"
#include "kernel/protocol/wire.h"

static bool is_plain(unsigned char c, bool lines)
{
	if (c == '\n' || c == '\t')
		return lines;
	return c >= 0x20 && c < 0x7f && c != '\\';
}

static char *encode(const char *bytes, size_t len, bool lines)
{
	struct buf out = { 0 };
	size_t i = 0;

	while (i < len) {
		size_t run = i;
		uint32_t code;
		size_t n;

		while (run < len && is_plain(bytes[run], lines))
			run++;
		if (run > i) {
			buf_add(&out, bytes + i, run - i);
			i = run;
			continue;
		}
		if (bytes[i] == '\\') {
			buf_str(&out, "\\\\");
			i++;
			continue;
		}
		n = utf8_decode(bytes + i, len - i, &code);
		if (n > 1) {
			buf_add(&out, bytes + i, n);
			i += n;
			continue;
		}
		buf_printf(&out, "\\x%02x", (unsigned char)bytes[i]);
		i++;
	}
	if (!out.data && !out.failed)
		return strdup("");
	return buf_take(&out);
}

char *wire_encode(const char *bytes, size_t len)
{
	return encode(bytes, len, false);
}

char *wire_encode_text(const char *bytes, size_t len)
{
	return encode(bytes, len, true);
}

json_t *wire_json(const char *bytes)
{
	char *text;
	json_t *json;

	if (!bytes)
		return json_null();
	text = wire_encode(bytes, strlen(bytes));
	/* What was just encoded is valid UTF-8. */
	json = text ? json_string_nocheck(text) : NULL;
	free(text);
	return json;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int wire_decode(const char *text, char **bytes, size_t *len)
{
	size_t size = strlen(text);
	char *out = malloc(size + 1);
	size_t n = 0;
	size_t i;

	if (!out)
		return -ENOMEM;
	for (i = 0; i < size; i++) {
		int high, low;

		if (text[i] != '\\') {
			out[n++] = text[i];
			continue;
		}
		if (text[i + 1] == '\\') {
			out[n++] = '\\';
			i++;
			continue;
		}
		if (text[i + 1] != 'x')
			goto malformed;
		high = hex_digit(text[i + 2]);
		low = high < 0 ? -1 : hex_digit(text[i + 3]);
		if (low < 0)
			goto malformed;
		out[n++] = (char)(high * 16 + low);
		i += 3;
	}
	out[n] = '\0';
	*bytes = out;
	*len = n;
	return 0;

malformed:
	free(out);
	return -EINVAL;
}

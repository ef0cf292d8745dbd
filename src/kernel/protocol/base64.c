/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <nettle/base64.h>

#include "kernel/protocol/protocol.h"

char *base64_encode(const void *bytes, size_t len, size_t *out_len)
{
	size_t size = BASE64_ENCODE_RAW_LENGTH(len);
	char *text = malloc(size + 1);

	if (!text)
		return NULL;
	base64_encode_raw(text, len, bytes);
	text[size] = '\0';
	if (out_len)
		*out_len = size;
	return text;
}

int base64_decode(const char *text, size_t text_len, void **bytes, size_t *len)
{
	struct base64_decode_ctx context;
	size_t done = BASE64_DECODE_LENGTH(text_len);
	size_t expected;
	uint8_t *out;

	if (text_len % 4)
		return -EINVAL;
	expected = text_len / 4 * 3;
	if (text_len && text[text_len - 1] == '=')
		expected -= text[text_len - 2] == '=' ? 2 : 1;
	out = malloc(done ? done : 1);
	if (!out)
		return -ENOMEM;
	base64_decode_init(&context);
	/* nettle skips white space: then fewer bytes come out than the length promises. */
	if (!base64_decode_update(&context, &done, out, text_len, text) ||
	    !base64_decode_final(&context) || done != expected) {
		free(out);
		return -EINVAL;
	}
	*bytes = out;
	*len = done;
	return 0;
}

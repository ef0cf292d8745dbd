/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The object file: read once, hashed, and sent to the worker as those same bytes, so that what is
 * recorded is what was loaded.
 */
#include "manager/internal.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "kernel/protocol/protocol.h"

void input_hash(const void *bytes, size_t len, char sha256[65])
{
	struct sha256_ctx ctx;
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_init(&ctx);
	sha256_update(&ctx, len, bytes);
	sha256_digest(&ctx, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(sha256 + 2 * i, 3, "%02x", digest[i]);
}

int input_read(struct input *in, const char *path, struct error *e)
{
	struct buf bytes = { 0 };
	size_t base64_len;
	int r;

	memset(in, 0, sizeof(*in));
	in->path = file_absolute(path, e);
	if (!in->path)
		return -e->err;
	r = file_read(path, OBJECT_MAX, &bytes, e);
	if (!r && !bytes.len)
		r = error_set(e, ENODATA, "%s is empty", path);
	if (!r) {
		in->len = bytes.len;
		in->bytes = buf_take(&bytes);
		input_hash(in->bytes, in->len, in->sha256);
		in->base64 = base64_encode(in->bytes, in->len, &base64_len);
		if (!in->base64)
			r = error_nomem(e);
	}
	buf_free(&bytes);
	if (r)
		input_free(in);
	return r;
}

int input_given(struct input *in, const char *path, const char *base64, struct error *e)
{
	size_t len = strlen(base64);
	int r;

	memset(in, 0, sizeof(*in));
	in->path = file_absolute(path, e);
	if (!in->path)
		return -e->err;
	r = base64_decode(base64, len, &in->bytes, &in->len);
	if (r == -ENOMEM)
		r = error_nomem(e);
	else if (r || !in->len)
		r = error_set(e, EINVAL, "--bytes of %s is not base64 of a file", path);
	if (!r && in->len > OBJECT_MAX)
		r = error_set(e, EFBIG, "--bytes of %s is over %d MiB", path, OBJECT_MAX >> 20);
	if (!r) {
		input_hash(in->bytes, in->len, in->sha256);
		in->base64 = strdup(base64);
		r = in->base64 ? 0 : error_nomem(e);
	}
	if (r)
		input_free(in);
	return r;
}

int input_stored(struct input *in, struct db *db, const struct db_object *o, struct error *e)
{
	int r;

	memset(in, 0, sizeof(*in));
	memcpy(in->sha256, o->sha256, sizeof(in->sha256));
	in->path = strdup(o->path);
	r = in->path ? db_file_bytes(db, o->sha256, &in->bytes, &in->len, e) : error_nomem(e);
	if (r == -ENOENT)
		error_set(e, ENOENT, "the bytes of \"%s\" are not in the database", o->name);
	if (!r) {
		in->base64 = base64_encode(in->bytes, in->len, NULL);
		r = in->base64 ? 0 : error_nomem(e);
	}
	if (r)
		input_free(in);
	return r;
}

void input_free(struct input *in)
{
	free(in->path);
	free(in->bytes);
	free(in->base64);
	memset(in, 0, sizeof(*in));
}

int input_attach(const struct input *in, const char *object_name, json_t *request, struct error *e)
{
	/* The path is what messages call it; nothing is read from there again. */
	if (json_object_set_new(request, "path", wire_json(in->path)) ||
	    json_object_set_new(request, "object", json_string_nocheck(in->base64)) ||
	    json_object_set_new(request, "object_name", wire_json(object_name)))
		return error_nomem(e);
	return 0;
}

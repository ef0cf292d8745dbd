/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking into files and verifying them: nothing is kept, no lock is taken, no database is read. */
#include "manager/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "kernel/protocol/protocol.h"

/* A request about a file. NULL with e filled, or the request, and its file in *in. */
static json_t *about_file(const char *op, const char *path, struct input *in, struct error *e)
{
	json_t *request = NULL;
	char *name;

	if (input_read(in, path, e))
		return NULL;
	name = object_name_of(in->path);
	request = name ? json_pack("{ss}", "op", op) : NULL;
	if (!request)
		error_nomem(e);
	if (request && input_attach(in, *name ? name : "object", request, e)) {
		json_decref(request);
		request = NULL;
	}
	free(name);
	if (!request)
		input_free(in);
	return request;
}

int manager_open(struct manager *m, const char *path, json_t **result, char sha256[65],
		 uint64_t *size, struct error *e)
{
	json_t *request, *answer = NULL;
	struct input in;
	int r;

	*result = NULL;
	request = about_file("open", path, &in, e);
	if (!request)
		return -e->err;
	if (sha256)
		memcpy(sha256, in.sha256, sizeof(in.sha256));
	if (size)
		*size = in.len;
	r = manager_do(m, path, request, &answer, e);
	if (!r)
		*result = json_incref(json_object_get(answer, "result"));
	json_decref(answer);
	input_free(&in);
	return r;
}

/* Adds what the file's global variables and maps are to be. */
static int add_given(struct manager *m, const struct manager_load *l, json_t *request,
		     struct error *e)
{
	json_t *reuse = NULL;
	int r = load_pairs(request, "globals", l->globals, l->global_count, e);

	if (!r && l->reuse_count)
		r = load_find_reused(m, l, &reuse, e);
	if (!r && reuse)
		r = load_reuse_request(request, reuse, e);
	json_decref(reuse);
	return r;
}

int manager_check_file(struct manager *m, const struct manager_load *l, json_t **file,
		       struct error *e)
{
	json_t *request, *answer = NULL;
	struct input in;
	int r;

	*file = NULL;
	request = about_file("open", l->path, &in, e);
	if (!request)
		return -e->err;
	r = add_given(m, l, request, e);
	if (r)
		json_decref(request);
	else
		r = manager_do(m, l->path, request, &answer, e);
	if (!r)
		*file = json_incref(json_object_get(answer, "result"));
	json_decref(answer);
	input_free(&in);
	return r;
}

static bool has_program(const json_t *programs, const char *name)
{
	const json_t *row;
	size_t i;

	json_array_foreach (programs, i, row) {
		char *bytes = answer_bytes(row, "name");
		bool same = bytes && !strcmp(bytes, name);

		free(bytes);
		if (same)
			return true;
	}
	return false;
}

int manager_has_programs(const json_t *file, const char *path, const char *const *names,
			 size_t count, struct error *e)
{
	const json_t *programs = json_object_get(file, "programs"), *row;
	struct buf have = { 0 };
	size_t i = 0;
	int r = 0;

	while (i < count && has_program(programs, names[i]))
		i++;
	if (!json_array_size(programs)) {
		r = error_set(e, ENOENT, "%s has no programs", path);
	} else if (i < count) {
		error_set(e, ENOENT, "%s has no program \"%s\"", path, names[i]);
		json_array_foreach (programs, i, row)
			buf_printf(&have, "%s%s", i ? ", " : "", answer_str(row, "name", "?"));
		r = error_hint(e, "it has: %s", buf_text(&have));
	}
	buf_free(&have);
	return r;
}

int manager_verify(struct manager *m, const struct manager_load *l, const char *program,
		   const char *type, json_t **answer, struct error *e)
{
	json_t *request;
	struct input in;
	int r = 0;

	*answer = NULL;
	request = about_file("verify", l->path, &in, e);
	if (!request)
		return -e->err;
	if (json_object_set_new(request, "program", wire_json(program)) ||
	    (type && json_object_set_new(request, "type", wire_json(type))))
		r = error_nomem(e);
	if (!r)
		r = add_given(m, l, request, e);
	if (r)
		json_decref(request);
	else
		r = manager_do(m, l->path, request, answer, e);
	input_free(&in);
	return r;
}

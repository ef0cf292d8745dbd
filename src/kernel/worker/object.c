/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "kernel/worker/elf.h"
#include "kernel/worker/env.h"
#include "kernel/worker/kernel_btf.h"
#include "kernel/worker/object.h"
#include "kernel/worker/reasons.h"

/* An object in base64 must fit into one line of the protocol. */
static const size_t object_limit = PROTOCOL_MAX_LINE / 4 * 3;

static int read_file(struct object *o, const char *path, struct failure *f)
{
	int err = file_read(path, object_limit, &o->bytes, &f->error);

	if (!err)
		return 0;
	f->stage = STAGE_OPEN;
	f->environment = false;
	switch (-err) {
	case ENOMEM:
		f->reason = REASON_MEMORY;
		break;
	case EISDIR:
	case EINVAL:
	case EFBIG:
		f->reason = REASON_NOT_ELF;
		break;
	default:
		f->reason = REASON_NO_SUCH_FILE;
		break;
	}
	return err;
}

static int decode_bytes(struct object *o, const json_t *text, struct failure *f)
{
	void *bytes;
	size_t len;
	int err;

	err = base64_decode(json_string_value(text), json_string_length(text), &bytes, &len);
	if (err == -ENOMEM)
		return fail_nomem(f);
	if (err)
		return fail_request(f, "field 'object' is not valid base64");
	o->bytes.data = bytes;
	o->bytes.len = len;
	o->bytes.cap = len;
	return 0;
}

/* Fills label and name, unless the request named the object. */
static int name_it(struct object *o, const char *path, struct failure *f)
{
	if (!o->name && path)
		o->name = object_name_of(path);
	o->label = strdup(path ? path : o->name ? o->name : "");
	return o->name && o->label ? 0 : fail_nomem(f);
}

static int read_object(const struct request *request, struct object *o, struct failure *f)
{
	const json_t *bytes = request_field(request, "object");
	char *path = NULL;
	int err;

	err = request_string(request, "path", &path, f);
	if (!err)
		err = request_string(request, "object_name", &o->name, f);
	if (err)
		goto out;
	if (!path && !bytes) {
		err = fail_request(f, "one of the fields 'path' and 'object' is needed");
	} else if (bytes && (!o->name || !*o->name)) {
		err = fail_request(f, "field 'object' needs 'object_name'");
	} else {
		err = name_it(o, path, f);
		if (!err)
			err = bytes ? decode_bytes(o, bytes, f) : read_file(o, path, f);
	}
out:
	free(path);
	return err;
}

static int open_bpf(struct object *o, struct log *log, struct failure *f)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = o->name);
	int err = elf_check(o->bytes.data, o->bytes.len, o->label, f);

	if (err)
		return err;
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 4
	/* In the initial user namespace a BPF token gives nothing; looking for one costs calls. */
	if (!env_user_namespace())
		opts.bpf_token_path = "";
#endif
	o->bpf = bpf_object__open_mem(o->bytes.data, o->bytes.len, &opts);
	if (!o->bpf)
		return explain_open(o, log, errno, f);
	return 0;
}

int object_open_bytes(struct object *o, const char *name, struct buf *bytes, struct log *log,
		      struct failure *f)
{
	o->bytes = *bytes;
	memset(bytes, 0, sizeof(*bytes));
	o->name = strdup(name);
	o->label = strdup(name);
	if (!o->name || !o->label)
		return fail_nomem(f);
	return open_bpf(o, log, f);
}

int object_open(const struct request *request, struct object *o, struct failure *f)
{
	int err = read_object(request, o, f);

	return err ? err : open_bpf(o, request->log, f);
}

/* The part of the address space where the program's text goes. */
static char *slice_of(const struct object *o, size_t program)
{
	bool shared = o->slice == o->text.size;

	return o->text.text + (shared ? 0 : program * o->slice);
}

const char *object_verifier_text(const struct object *o, size_t program)
{
	return o->text.text ? slice_of(o, program) : "";
}

static int give_text(struct object *o, unsigned log_level, struct failure *f)
{
	const size_t page = 4096;
	size_t i;

	if (verifier_log_map(&o->text))
		return fail_nomem(f);
	o->slice = o->text.size;
	if (log_level && o->count)
		o->slice = o->text.size / o->count / page * page;
	for (i = 0; i < o->count; i++) {
		bpf_program__set_log_buf(o->programs[i], slice_of(o, i), o->slice);
		bpf_program__set_log_level(o->programs[i], log_level);
	}
	return 0;
}

static void log_texts(const struct request *request, const struct object *o)
{
	size_t i;

	for (i = 0; i < o->count; i++) {
		const char *text = object_verifier_text(o, i);

		if (*text)
			log_add(request->log, text, strlen(text));
		if (o->slice == o->text.size)
			break;
	}
}

/* The types that are checked against the kernel's BTF, which libbpf then parses. */
static bool needs_kernel_btf(const struct object *o)
{
	size_t i;

	for (i = 0; i < o->count; i++) {
		switch (bpf_program__type(o->programs[i])) {
		case BPF_PROG_TYPE_TRACING:
		case BPF_PROG_TYPE_LSM:
		case BPF_PROG_TYPE_EXT:
		case BPF_PROG_TYPE_STRUCT_OPS:
			return true;
		default:
			break;
		}
	}
	return false;
}

int object_load(const struct request *request, struct object *o, unsigned log_level,
		struct failure *f)
{
	int err = give_text(o, log_level, f);

	if (err)
		return err;
	if (needs_kernel_btf(o))
		kernel_btf_prepare();
	err = bpf_object__load(o->bpf);
	/* What follows may look at why; the text is part of the answer either way. */
	if (err)
		explain_load(o, request->log, -err, f);
	if (err || log_level)
		log_texts(request, o);
	return err ? -f->error.err : 0;
}

void object_close(struct object *o)
{
	bpf_object__close(o->bpf);
	verifier_log_unmap(&o->text);
	free(o->programs);
	free(o->name);
	free(o->label);
	buf_free(&o->bytes);
	memset(o, 0, sizeof(*o));
}

const char *object_map_name(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);
	const char *dot = bpf_map__is_internal(map) ? strrchr(name, '.') : NULL;

	/* ".rodata.str" has no prefix and keeps its second dot. */
	return dot && name[0] != '.' ? dot : name;
}

const char *object_attach_type(const struct bpf_program *program)
{
	enum bpf_attach_type attach = bpf_program__expected_attach_type(program);

	switch (bpf_program__type(program)) {
	case BPF_PROG_TYPE_UNSPEC:
	case BPF_PROG_TYPE_STRUCT_OPS: /* the number of a member there */
		return NULL;
	case BPF_PROG_TYPE_CGROUP_SKB:
		if (strncmp(bpf_program__section_name(program), "cgroup_skb/", 11) != 0)
			return NULL;
		break;
	default:
		/* 0 is cgroup_inet_ingress: no choice of any other type. */
		if (attach == 0)
			return NULL;
		break;
	}
	return libbpf_bpf_attach_type_str(attach);
}

static const char *type_word(const char *known, unsigned type)
{
	static char number[24];

	if (known)
		return known;
	snprintf(number, sizeof(number), "type_%u", type);
	return number;
}

const char *object_program_type(enum bpf_prog_type type)
{
	return type_word(libbpf_bpf_prog_type_str(type), type);
}

const char *object_map_type(enum bpf_map_type type)
{
	return type_word(libbpf_bpf_map_type_str(type), type);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_OBJECT_H
#define BPFMAN_WORKER_OBJECT_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "kernel/worker/failure.h"
#include "kernel/worker/log.h"
#include "kernel/worker/request.h"

/* The object file of a request, opened by libbpf, and which of its programs are meant. */
struct object {
	char *name;  /* what it is called in the kernel */
	char *label; /* what messages call it: path or name */
	struct buf bytes;
	struct bpf_object *bpf;
	struct bpf_program **programs; /* those selected, in the object's order */
	size_t count;
	bool subset; /* the request named them */
	struct verifier_log text;
	size_t slice; /* bytes of text for each program; all of it when only a failure writes */
};

#define OBJECT_INIT          \
	{                    \
		.name = NULL \
	}

/* Reads the request's object and opens it. Nothing in the kernel changes. */
int object_open(const struct request *request, struct object *o, struct failure *f);
/* The same from memory, without a request. Takes over bytes and copies name. */
int object_open_bytes(struct object *o, const char *name, struct buf *bytes, struct log *log,
		      struct failure *f);
/* Selects the request's program(s), sets their types and what libbpf is to load. */
int object_select(const struct request *request, struct object *o, struct failure *f);
/*
 * Loads the selected programs and creates the maps. log_level: 0, text only when it fails; else
 * the kernel's (1 walk, 4 figures) from the beginning. The verifier's text goes to the log when
 * it fails or when log_level is not 0.
 */
int object_load(const struct request *request, struct object *o, unsigned log_level,
		struct failure *f);
/* The verifier's text for a selected program of object_load(); "" when it wrote none. */
const char *object_verifier_text(const struct object *o, size_t program);
void object_close(struct object *o);

/* Its name in the file: libbpf puts the object's name in front of .data, .rodata, .bss. */
const char *object_map_name(const struct bpf_map *map);
/* NULL where the type has none that the program chose. */
const char *object_attach_type(const struct bpf_program *program);
/* libbpf's word, or "type_N" for one that it does not know; a fixed buffer for the latter. */
const char *object_program_type(enum bpf_prog_type type);
/* The other way round; also what a section's name (tc, cgroup/dev) says. False: it is unknown. */
bool object_type_of(const char *word, enum bpf_prog_type *type, enum bpf_attach_type *attach);
const char *object_map_type(enum bpf_map_type type);

#endif

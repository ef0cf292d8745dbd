/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_GLOBALS_H
#define BPFMAN_WORKER_GLOBALS_H

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <jansson.h>
#include <stddef.h>

#include "kernel/worker/object.h"
#include "kernel/worker/request.h"

/* A global variable of an object; a whole section where BTF does not tell what is in it. */
struct variable {
	struct bpf_map *map; /* that it lives in */
	const char *name;
	__u32 type;    /* its BTF id; 0: a section */
	size_t offset; /* bytes in the map's value */
	size_t size;
};

/* The object's variables in the order of maps and places; *list is the caller's. -ENOMEM. */
int globals_list(const struct bpf_object *bpf, struct variable **list, size_t *count);

/*
 * The object's global variables with the types and values that BTF gives them, as a list for the
 * answer of open. NULL when memory is lost.
 */
json_t *globals_json(const struct bpf_object *bpf);

/*
 * Gives the object's variables the values of the request's "globals", before it is loaded: a
 * variable's before that of its parts. Nothing in the kernel changes.
 */
int globals_set(const struct request *request, const struct object *o, struct failure *f);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_GLOBALS_H
#define BPFMAN_WORKER_GLOBALS_H

#include <bpf/libbpf.h>
#include <jansson.h>

/*
 * The object's global variables with the types and values that BTF gives them, as a list for the
 * answer of open. NULL when memory is lost.
 */
json_t *globals_json(const struct bpf_object *bpf);

#endif

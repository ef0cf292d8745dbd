/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_BTF_TEXT_H
#define BPFMAN_WORKER_BTF_TEXT_H

#include <bpf/btf.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * Types and values of an object file as C text. The file may be broken: types may refer to
 * themselves without end, which libbpf's own btf_dump follows until memory is gone. All that is
 * done here is bounded in depth and length.
 */

/* "int", "char[16]", "struct cfg *", "int (*)(void *)"; const and the like are left out. */
int btf_type_text(const struct btf *btf, __u32 id, struct buf *out);
/*
 * "42", "true", "\"text\"", "RED", "{1, 2}", "{.a = 1, .b = 0x10}" for the bytes of a variable of
 * this type. -EINVAL when they do not fit each other; out holds a part then.
 */
int btf_value_text(const struct btf *btf, __u32 id, const unsigned char *bytes, size_t size,
		   struct buf *out);

#endif

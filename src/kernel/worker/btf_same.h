/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_BTF_SAME_H
#define BPFMAN_WORKER_BTF_SAME_H

#include <bpf/btf.h>

#include "base/buf.h"

/*
 * Whether bytes of one type mean the same as bytes of another, perhaps of other BTF: the same
 * layout and the same names of members, variables and enumerators. Names of typedefs and integer
 * types, const and the like, and what pointers point to do not count. Empty when they agree; else
 * the first difference in words, "limit: __u16 in the object, __u32 pinned", for a and b called as
 * given. -ENOMEM.
 */
int btf_difference(const struct btf *a, __u32 id_a, const char *called_a, const struct btf *b,
		   __u32 id_b, const char *called_b, struct buf *difference);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/btf.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "kernel/worker/kernel_btf.h"

static struct btf *kept;

#ifdef BPFMAN_WRAP_LIBBPF
/* The linker's --wrap has libbpf call these in place of its own, which are called __real_. */
struct btf *__real_btf__load_vmlinux_btf(void);
struct btf *__wrap_btf__load_vmlinux_btf(void);
void __real_btf__free(struct btf *btf);
void __wrap_btf__free(struct btf *btf);

struct btf *__wrap_btf__load_vmlinux_btf(void)
{
	/* On failure errno is libbpf's, and the next object tries again. */
	if (!kept)
		kept = __real_btf__load_vmlinux_btf();
	return kept;
}

void __wrap_btf__free(struct btf *btf)
{
	if (btf != kept)
		__real_btf__free(btf);
}

void kernel_btf_release(void)
{
	__real_btf__free(kept);
	kept = NULL;
}
#else
void kernel_btf_release(void)
{
}
#endif

/*
 * Room at the top of the heap, in huge pages: page faults are a third of such a load otherwise.
 * Below the threshold for mapping it is heap, and untouched until it is used.
 */
void kernel_btf_prepare(void)
{
	const size_t room = 40 << 20, huge = 2 << 20;
	char *memory = kept ? NULL : malloc(room);
	size_t skip;

	if (!memory)
		return;
	skip = (huge - (uintptr_t)memory % huge) % huge;
	madvise(memory + skip, (room - skip) / huge * huge, MADV_HUGEPAGE);
	free(memory);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_ELF_H
#define BPFMAN_WORKER_ELF_H

#include <stddef.h>

#include "kernel/worker/failure.h"

/*
 * What libbpf does not tell about an object file: why it is not one, and its license. Reads ELF64
 * of this machine's byte order (elf(5)); every offset is checked against the size.
 */

/* Refuses (not_elf, bad_elf) what is not a relocatable ELF file for BPF. label names the file. */
int elf_check(const void *bytes, size_t size, const char *label, struct failure *f);
/* The text in the "license" section, owned by the caller; NULL when there is none. */
char *elf_license(const void *bytes, size_t size);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_KERNEL_BTF_H
#define BPFMAN_WORKER_KERNEL_BTF_H

/*
 * The kernel's BTF. libbpf reads and parses these 5 MB anew for each object that needs them, and
 * frees them again. Where the worker is linked with libbpf's archive it gets the same parsed ones
 * each time; they do not change before the next boot.
 */

/* Makes room for them, where libbpf is about to parse them. */
void kernel_btf_prepare(void);
/* Frees what is kept. No object that libbpf is loading may be there. */
void kernel_btf_release(void);

#endif

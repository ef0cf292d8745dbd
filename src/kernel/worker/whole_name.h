/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_WHOLE_NAME_H
#define BPFMAN_WORKER_WHOLE_NAME_H

#include <linux/bpf.h>

/*
 * A program's whole name: the kernel keeps 15 bytes of it, its BTF all. What cannot be had whole is
 * as the kernel has it. Caller frees; NULL: lost memory.
 */
char *program_whole_name(int fd, const struct bpf_prog_info *info);

#endif

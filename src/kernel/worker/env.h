/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_ENV_H
#define BPFMAN_WORKER_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* What this process may do and what the kernel around it offers. */

/* Bit n: capability n is effective. 0 when that cannot be read. */
uint64_t env_capabilities(void);
/* Appends "CAP_BPF, CAP_NET_ADMIN" for the set bits. */
void env_capability_names(uint64_t set, struct buf *out);
/* "CAP_BPF" of one capability, in a fixed buffer. */
enum { ENV_CAPABILITY_NAME = 64 };
void env_capability_name(int capability, char name[ENV_CAPABILITY_NAME]);
/* Whether this is not the initial user namespace: only there capabilities count for bpf(2). */
bool env_user_namespace(void);
/* kernel.unprivileged_bpf_disabled: 0, 1 or 2; -1 when the kernel has no such setting. */
int env_unprivileged_bpf_disabled(void);
/* kernel.bpf_stats_enabled: the kernel counts runs of programs, whoever looks. */
bool env_stats_enabled(void);
/* "integrity" or "confidentiality" while kernel lockdown is on; else NULL. A fixed string. */
const char *env_lockdown(void);
/* The kernel's release; a fixed string. */
const char *env_kernel(void);
/* Whether its release is this one or later; for what a kernel does not tell otherwise. */
bool env_kernel_since(unsigned major, unsigned minor);
/* /proc/sys/kernel/random/boot_id; "" when it cannot be read. */
enum { ENV_BOOT_ID = 40 };
void env_boot_id(char id[ENV_BOOT_ID]);
bool env_has_cpu(unsigned cpu); /* it is online */
bool env_has_btf(void);
bool env_has_bpffs(void);
bool env_has_tracefs(void);
/* Whether tracefs is mounted at path. */
bool env_is_tracefs(const char *path);
/*
 * The first bytes of a small file of the kernel, without a newline at their end; a negative errno
 * when it cannot be read.
 */
int env_read(const char *path, char *text, size_t size);

#endif

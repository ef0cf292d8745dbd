/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_FUNCTIONS_H
#define BPFMAN_WORKER_FUNCTIONS_H

#include <linux/types.h>
#include <stdbool.h>

#include "kernel/worker/failure.h"
#include "kernel/worker/names.h"

/* Functions of the running kernel. */
struct functions {
	struct names names;
	unsigned long *addresses; /* one for each name; NULL: this kernel does not tell them */
	size_t count;
	__u64 *cookies; /* the user's; freed with the rest */
};

/* Whether the kernel's symbols have a function of that name; true where they cannot be read. */
bool functions_has(const char *name);
/* Fails with no_target and the nearest that can be traced. */
int functions_missing(const char *name, struct failure *f);
/*
 * The functions that can be traced and match a shell's pattern; without is_pattern the one of that
 * very name, which is not looked for. Refuses (no_target) where none does.
 */
int functions_match(const char *pattern, bool is_pattern, struct functions *found,
		    struct failure *f);
void functions_free(struct functions *found);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_SYMBOLS_H
#define BPFMAN_WORKER_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/worker/failure.h"

enum { BUILD_ID = 81 }; /* hexadecimal, with its NUL; "" for none */

/* A function in an ELF file. */
struct symbol {
	uint64_t offset; /* of its first byte in the file */
	uint64_t size;	 /* 0: not known */
	char build_id[BUILD_ID];
};

/*
 * Refuses what is no ELF file (bad_target), a function that it does not have (no_target, with the
 * nearest), and one that several functions or a choice at run time share (unfit).
 */
int symbol_find(const char *path, const char *function, struct symbol *symbol, struct failure *f);

/* Several functions of an ELF file. */
struct symbols {
	unsigned long *offsets; /* in the file, ascending; owned by the user */
	size_t count;
	char build_id[BUILD_ID];
};

/*
 * Those whose names match a shell's pattern, each once whatever its names. Functions chosen at run
 * time (IFUNC) are not among them. Refuses what is no ELF file, and (no_target) where none matches.
 */
int symbols_match(const char *path, const char *pattern, struct symbols *found, struct failure *f);

#endif

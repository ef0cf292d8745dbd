/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_SYMBOLS_H
#define BPFMAN_WORKER_SYMBOLS_H

#include <stdint.h>

#include "kernel/worker/failure.h"

/* A function in an ELF file. */
struct symbol {
	uint64_t offset;   /* of its first byte in the file */
	uint64_t size;	   /* 0: not known */
	char build_id[81]; /* hexadecimal; "" for none */
};

/*
 * Refuses what is no ELF file (bad_target), a function that it does not have (no_target, with the
 * nearest), and one that several functions or a choice at run time share (unfit).
 */
int symbol_find(const char *path, const char *function, struct symbol *symbol, struct failure *f);

#endif

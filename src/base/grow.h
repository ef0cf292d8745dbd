/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_BASE_GROW_H
#define BPFMAN_BASE_GROW_H

#include <stddef.h>

/*
 * Room for one more element of size bytes in an array of count that has only ever grown by this
 * function: it doubles whenever count is a power of two. The array, which may have moved, or NULL
 * without memory; then the old one is as it was and still the caller's.
 */
void *grow(void *array, size_t count, size_t size);

#endif

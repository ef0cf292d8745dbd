/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_KERNEL_SCAN_H
#define BPFMAN_KERNEL_SCAN_H

#include <stddef.h>

/*
 * What is known of a line before it is parsed. The parser recurses, so the depth is bounded before
 * it runs; and it needs 17 ns for each byte of a string, which is most of the time of a load when
 * the string is an object file: that one is copied past it.
 */
struct scan {
	int depth;	   /* deepest nesting; not counted beyond limit + 1 */
	size_t object;	   /* where the text of the outer "object" begins ... */
	size_t object_len; /* ... and its length; 0: none that may be taken out */
};

void protocol_scan(const char *line, size_t len, int limit, struct scan *s);

#endif

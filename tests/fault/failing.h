/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_TESTS_FAULT_FAILING_H
#define BPFMAN_TESTS_FAULT_FAILING_H

#include <stdbool.h>

/*
 * What programs that are built to fail share. BPFMAN_FAULT in the environment says
 *
 *	KIND FIRST COUNT FILE
 *
 * of what the FIRST-th and those after it fail, COUNT in all (0: all that come), and where to count
 * them: a file of sizeof(struct failing_count), mapped.
 */
struct failing_count {
	unsigned long seen, failed;
};

/* Whether this one fails: "front" and "worker" are allocations, "files" SQLite's files. */
bool failing(const char *kind);

#endif

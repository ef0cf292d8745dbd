/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_BASE_NETNS_H
#define BPFMAN_BASE_NETNS_H

#include <stdint.h>

/*
 * The cookie of the network namespace that the calling thread is in: no other one has it until the
 * next boot, while inodes are used again at once. 0: not known (Linux before 5.14).
 */
uint64_t netns_cookie_here(void);

/*
 * Runs work(data) inside the network namespace that fd is, in a thread that enters it and ends: the
 * namespace is the thread's own, so nothing that fails can leave the caller in another one. Returns
 * when work has. Memory and descriptors are shared, and the caller waits: work may do what the
 * caller may. 0, -EAGAIN without a thread, or -errno of setns(2): then work did not run.
 */
int netns_do(int fd, void (*work)(void *data), void *data);

#endif

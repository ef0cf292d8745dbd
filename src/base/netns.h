/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_BASE_NETNS_H
#define BPFMAN_BASE_NETNS_H

#include <stdint.h>

/*
 * The cookie of the network namespace that the calling thread is in: no other one has it until the
 * next boot, while inodes are used again at once. 0: not known (Linux before 5.14).
 */
uint64_t netns_cookie_here(void);

#endif

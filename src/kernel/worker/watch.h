/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_WATCH_H
#define BPFMAN_WORKER_WATCH_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/worker/failure.h"

/*
 * What is held between requests for someone who looks: the kernel's counting of runs, descriptors
 * of pins, which cost more to open than to ask, and what of a program stays as it is. It is a
 * cache, and may go at any time: no request depends on it. A program that is held lives on though
 * it was unloaded, so nothing is held that the last request did not name, nor longer than that
 * request asked for.
 */

/* What stays as it is as long as the program lives. */
struct watched_program {
	__u32 id;
	__u64 load_time;
	uint64_t memlock; /* bytes, from fdinfo */
	char *name;	  /* whole */
	bool named;	  /* by the request that is being served */
};

/* A request begins: nothing is named yet. */
void watch_begin(void);
/*
 * A descriptor of the pin at path, newly opened or still open; it stays the cache's. pin_dev and
 * pin_ino, where not 0, are what the pin must be.
 */
int watch_pin(const char *path, uint64_t pin_dev, uint64_t pin_ino, int *fd, struct failure *f);
/* What is known of a program: *program is valid until the next call. */
int watch_program(int fd, const struct bpf_prog_info *info, const struct watched_program **program,
		  struct failure *f);
/* Has the kernel count, or no longer. 0 or a negative errno. */
int watch_counting(bool on);
bool watch_counts(void);
/* The request ends: what it did not name is closed, and all of it where hold_ms is 0. */
void watch_hold(int64_t hold_ms);
/* Nothing was asked for a while: closes what is due. ms until the next is, or -1. */
int watch_idle(void);
void watch_end(void);

#endif

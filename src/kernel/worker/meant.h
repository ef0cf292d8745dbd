/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_MEANT_H
#define BPFMAN_WORKER_MEANT_H

#include "kernel/worker/request.h"

/*
 * Opens the map or program (what) that a request means by its fields pin_path, pin_dev and pin_ino,
 * or by kernel_id alone, which by_id opens. Nothing but bpffs is opened, and no symbolic link
 * followed. An error where the pin is another one by now.
 */
int meant_open(const struct request *request, const char *what, int (*by_id)(__u32 id), int *fd,
	       struct failure *f);
/* Whether the pin's stat is what the request's fields dev and ino say; path is for the message. */
int meant_pin(const struct request *request, const char *dev, const char *ino,
	      const struct stat *st, const char *path, struct failure *f);
/*
 * Once it is open and has told its id: whether that is the request's kernel_id. Between looking at
 * the pin and opening it another may have taken its place.
 */
int meant_check(const struct request *request, __u32 id, struct failure *f);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_TRACEFS_H
#define BPFMAN_WORKER_TRACEFS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/worker/failure.h"

/* Where tracefs is mounted; a fixed string, NULL: nowhere. */
const char *tracefs_path(void);
/*
 * The number of an event. Refuses (no_tracefs, no_target, with the nearest name) what cannot be
 * found.
 */
int tracefs_event(const char *category, const char *name, uint64_t *id, struct failure *f);
/* Whether an event of that name is in any category; false also where tracefs is not to be read. */
bool tracefs_has(const char *name);

#endif

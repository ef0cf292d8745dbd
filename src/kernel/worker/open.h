/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_OPEN_H
#define BPFMAN_WORKER_OPEN_H

#include <jansson.h>

#include "kernel/worker/object.h"

/* What an opened object holds, as the answer of open tells it; NULL when memory is lost. */
json_t *open_result(const struct object *o);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All operations, in the order of PROTOCOL_OPERATIONS. */
#include <string.h>

#include "kernel/protocol/specs.h"

static struct operation_spec const specs[OP_COUNT] = {
#define X(id, name, summary) [OP_##id] = { OP_##id, name, summary, &shape_##id },
	PROTOCOL_OPERATIONS(X)
#undef X
};

const struct operation_spec *protocol_operation(enum operation op)
{
	return &specs[op];
}

const struct operation_spec *protocol_find(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < OP_COUNT; i++)
		if (strlen(specs[i].name) == len && memcmp(specs[i].name, name, len) == 0)
			return &specs[i];
	return NULL;
}

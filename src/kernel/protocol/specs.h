/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_PROTOCOL_SPECS_H
#define BPFMAN_PROTOCOL_SPECS_H

#include "kernel/protocol/protocol.h"

/* The shape of each operation, in the file of its family: operations_*.c. */
#define X(id, name, summary) extern const struct operation_shape shape_##id;
PROTOCOL_OPERATIONS(X)
#undef X

/* Defines one; fields_ is an array. */
#define SHAPE(id, fields_, result_)                              \
	const struct operation_shape shape_##id = {              \
		.fields = fields_,                               \
		.count = sizeof(fields_) / sizeof((fields_)[0]), \
		.result = result_,                               \
	}

#endif

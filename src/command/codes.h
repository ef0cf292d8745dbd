/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_COMMAND_CODES_H
#define BPFMAN_COMMAND_CODES_H

#include <stdint.h>

#include "base/error.h"

/* What programs of a type (as libbpf calls it) return, by name. */

/* "XDP_PASS"; NULL: the type has no names, or none for this code. */
const char *code_name(const char *type, uint32_t code);
/* A name or a number; ERROR_FAILED with the nearest name where it is neither. */
int code_parse(const char *type, const char *text, uint32_t *code, struct error *e);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_KERNEL_WIRE_H
#define BPFMAN_KERNEL_WIRE_H

#include <stddef.h>

/*
 * wire_encode() for text of several lines (a log): newline and tab stay as they are. wire_decode()
 * takes it back. Owned by the caller; NULL means lost memory.
 */
char *wire_encode_text(const char *bytes, size_t len);

#endif

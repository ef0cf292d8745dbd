/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_BASE_JSON_TEXT_H
#define BPFMAN_BASE_JSON_TEXT_H

#include "base/buf.h"

/*
 * Appends bytes from anywhere as a JSON string with its quotes: always valid UTF-8, and safe to
 * show. Bytes that are no UTF-8 become \xNN, control characters and those that reorder a line
 * \uNNNN.
 */
void json_quote_add(struct buf *out, const char *s, size_t len);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_MOVED_H
#define BPFMAN_SCREEN_MOVED_H

#include "base/buf.h"

/*
 * How a value has moved from one reading to the next, as text: "+1.2k", or by members
 * "+1.2k packets, +98.4k bytes"; elements of an array, and what each CPU has, are summed up. Both
 * values are C text as the worker tells it. "*": it is another one, and that is all there is to
 * say. Returns the greatest change of a number, a second.
 */
double moved_text(const char *before, const char *after, double seconds, struct buf *out);

#endif

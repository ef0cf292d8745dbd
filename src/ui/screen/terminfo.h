/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_TERMINFO_H
#define BPFMAN_SCREEN_TERMINFO_H

#include <stdbool.h>

#include "base/buf.h"

/* Whether a screen can be shown here; why not, as a line for the user. term NULL: $TERM. */
bool terminal_capable(const char *term, struct buf *why);

#endif

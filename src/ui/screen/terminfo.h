/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_TERMINFO_H
#define BPFMAN_SCREEN_TERMINFO_H

#include <stdbool.h>

#include "base/buf.h"

/* Whether a screen can be shown here; why not, as a line for the user. term NULL: $TERM. */
bool terminal_capable(const char *term, struct buf *why);
/*
 * After newterm(): what many who call themselves xterm cannot do (repeating a character) is not
 * used. Without it lines get some bytes longer; with it they are garbled there.
 */
void terminal_be_careful(void);

#endif

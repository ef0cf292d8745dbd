/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_COMMAND_WORD_H
#define BPFMAN_WORKER_COMMAND_WORD_H

#include "base/buf.h"

/* Adds a word to a line of the command language, after a blank and quoted where it needs that. */
void command_word(struct buf *line, const char *word);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_KERNEL_CLIENT_ENTRIES_H
#define BPFMAN_KERNEL_CLIENT_ENTRIES_H

#include "base/buf.h"

/*
 * Takes the elements of the list "entries" out of an answer, so that nobody has to make a tree of
 * them: entries receives their text, rest the answer with an empty list. They are to be shown as
 * they are, so nothing is taken on trust. -EPROTO: no list of JSON values in compact form and valid
 * UTF-8, or one with characters that a terminal should not see. -ENOENT: there is no such list.
 * Both buffers are empty at first.
 */
int entries_take(const char *line, size_t len, struct buf *entries, struct buf *rest);

#endif

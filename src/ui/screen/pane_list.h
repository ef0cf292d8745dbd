/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_PANE_LIST_H
#define BPFMAN_SCREEN_PANE_LIST_H

#include "ui/screen/screen.h"

/* What the panes of rows share. */

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* "loaded", "lost: reboot"; and its colour. */
void look_text(struct look look, struct buf *out);
enum role look_role(struct look look);
/* "-" where the kernel's id is of another boot, or gone. */
void kernel_id_text(struct look look, uint32_t id, struct buf *out);
/* "-" for 0. */
void bytes_text(uint64_t bytes, struct buf *out);
void count_text(uint64_t n, struct buf *out);
/* How long ago. */
void since_text(const struct screen *s, int64_t then, struct buf *out);

/* Cells of the greatest id there is. */
int list_id_needs(const struct screen *s);
bool list_none_foreign(const void *row);
/* Detail, log, unload and yank, of the row with this id, 0: none. */
bool list_act(struct screen *s, struct pane *p, enum action action, int64_t id);

#endif

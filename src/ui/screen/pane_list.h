/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_PANE_LIST_H
#define BPFMAN_SCREEN_PANE_LIST_H

#include "ui/screen/screen.h"

/* What the panes of rows share. */

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* Cells of the greatest id there is. */
int list_id_needs(const struct screen *s);
/* The columns that rows of ours begin with and, where it is wide, end with. */
#define COLUMN_ID(struct_, needs_)                                              \
	COLUMN("ID", struct_, row.key, cell_key, .width = 4, .needs = (needs_), \
	       .align = COLUMN_RIGHT)
#define COLUMN_KERNEL(struct_, member_, drop_)                                          \
	COLUMN("KERNEL", struct_, member_, cell_kernel_id, .width = 7, .drop = (drop_), \
	       .align = COLUMN_RIGHT)
/* Detail, log, unload and yank, of the row with this id, 0: none. */
bool list_act(struct screen *s, struct pane *p, enum action action, int64_t id);

#endif

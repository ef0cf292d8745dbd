/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Output: the commands, and what they say. */
#include "ui/screen/screen.h"

const struct pane_ops output_pane = {
	.name = "Output",
	.shown = true,
	.right = true,
	.weight = 3,
	.least = 3,
};

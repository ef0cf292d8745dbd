/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of the screen share: a database with rows whose "pins" are files, a screen on
 * /dev/null with a clock that stands still, keys by name, and what is drawn as text. No terminal,
 * no kernel, no worker.
 */
#ifndef BPFMAN_TEST_SCREEN_WORLD_H
#define BPFMAN_TEST_SCREEN_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ui/screen/screen.h"

/* The database's contents. */
enum world_rows { WORLD_EMPTY, WORLD_FEW, WORLD_MANY, WORLD_HOSTILE };

struct world {
	char dir[64];
	char *home; /* the directory before */
	struct options options;
	struct ui ui;
	struct ui_face face;
	struct screen *screen;
	FILE *in, *out;
	char boot_id[40];
	int64_t created_at;
};

/* Makes and fills the database and opens a screen of this size and kind of terminal. */
void world_open(struct world *w, enum world_rows rows, int height, int width, const char *term,
		bool colour, FILE *in);
void world_close(struct world *w);
/*
 * Obeys steps separated by blanks: the name of a key; 'text' to type (two quotes for one);
 * @ROWSxCOLUMNS to resize; +PROGRAM, another session loads it; -ID, it unloads it; =ID, it drops a map; !ID, its pin
 * disappears; ~, all have run for half a minute; &, others have loaded two; #, the map of Entries
 * was read twice; %, one more part of a large one was; <ROW,COLUMN, a click there; ^ROW,COLUMN
 * and _ROW,COLUMN, the wheel up and down. After each the queue is run and what changed is read.
 */
void world_steps(struct world *w, const char *steps);
/* What is drawn: lines without trailing blanks. */
void world_text(struct world *w, struct buf *out);
/* How it is drawn: for each line with anything but plain text its runs, "3: 0+80 bold,4". */
void world_attributes(struct world *w, struct buf *out);
/* No cell may hold a control character: their number. */
int world_raw_cells(void);

#endif

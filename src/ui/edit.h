/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_UI_EDIT_H
#define BPFMAN_UI_EDIT_H

/* What readline (8.2) does not survive by itself, in line mode as on the screen. */

/* After the handler of lines was installed for the first time. */
void edit_begin(void);
/* Before a key goes to readline: its first byte. */
void edit_before(char key);
/* After rl_callback_read_char(). */
void edit_after(void);
/*
 * Ends what readline is in the middle of (a search, a count, a sequence of keys), before its line
 * is changed from outside.
 */
void edit_finish(void);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_KEYS_H
#define BPFMAN_SCREEN_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* What keys do. One list: the enum, the help and the names come from it. */
#define SCREEN_ACTIONS(X)                                                                       \
	X(HELP, "what the keys do")                                                             \
	X(QUIT, "end the session")                                                              \
	X(CANCEL, "cancel the command that runs; else clear the line")                          \
	X(SUSPEND, "stop; fg comes back")                                                       \
	X(REDRAW, "draw the whole screen anew")                                                 \
	X(TO_PANES, "from an empty command line to the panes")                                  \
	X(TO_PROMPT, "to the command line")                                                     \
	X(NEXT_PANE, "next pane")                                                               \
	X(PREVIOUS_PANE, "previous pane")                                                       \
	X(ZOOM, "this pane alone, and back")                                                    \
	X(PANE_1, "show or hide Programs")                                                      \
	X(PANE_2, "show or hide Maps")                                                          \
	X(PANE_3, "show or hide Links")                                                         \
	X(PANE_4, "show or hide Entries")                                                       \
	X(PANE_5, "show or hide Detail")                                                        \
	X(PANE_6, "show or hide Output")                                                        \
	X(UP, "up")                                                                             \
	X(DOWN, "down")                                                                         \
	X(LEFT, "left")                                                                         \
	X(RIGHT, "right")                                                                       \
	X(PAGE_UP, "a page up")                                                                 \
	X(PAGE_DOWN, "a page down")                                                             \
	X(HOME, "to the first")                                                                 \
	X(END, "to the last")                                                                   \
	X(DETAIL, "everything known of it: show ID; on a map: its entries")                     \
	X(SHOW, "everything known of it: show ID")                                              \
	X(EDIT, "put the command that sets the entry on the command line")                      \
	X(OTHERS, "show or hide what others loaded")                                            \
	X(GRAPH, "Detail of a program: a graph of the last five minutes, or no longer")         \
	X(LOG, "what kernel and libbpf said when it was loaded: log ID; else of the last load") \
	X(FILTER, "show only rows that hold a text; an empty one ends that")                    \
	X(SORT, "sort by the next column")                                                      \
	X(REVERSE, "sort the other way round")                                                  \
	X(TAG, "tag the row, or no longer")                                                     \
	X(UNTAG, "no row is tagged any more")                                                   \
	X(UNLOAD, "unload it, or all that are tagged; asks first")                              \
	X(DETACH, "detach the link, or all links of the program; asks first")                   \
	X(YANK, "put its id on the command line")                                               \
	X(SEARCH, "find a text")                                                                \
	X(AGAIN, "next place where it stands")                                                  \
	X(BACK, "previous place where it stands")                                               \
	X(SAVE, "put `set output` on the command line: all this, and what comes, to a file")    \
	X(WRAP, "long lines wrapped, or cut")                                                   \
	X(PAUSE, "stop refreshing, and go on")                                                  \
	X(SLOWER, "refresh half as often")                                                      \
	X(FASTER, "refresh twice as often")

enum action {
	ACTION_NONE,
#define X(id, summary) ACTION_##id,
	SCREEN_ACTIONS(X)
#undef X
		ACTION_COUNT
};

/* Where a key means something. */
enum key_place {
	KEYS_ALWAYS = 1,
	KEYS_PROMPT = 2, /* the command line has the keys */
	KEYS_PANE = 4,	 /* a pane has */
	KEYS_LIST = 8,	 /* a pane of rows */
	KEYS_TEXT = 16,	 /* a pane of text */
	KEYS_DETAIL = 32,
	KEYS_ENTRIES = 64,
	KEYS_OUTPUT = 128,
	KEYS_MANAGED = 256, /* Programs, Maps, Links */
	KEYS_PROGRAMS = 512,
	KEYS_LINKS = 1024,
	KEYS_REFUSED = 2048, /* a key of Programs that is told there why it does nothing */
};

/* Keys are ncurses' codes; control keys and characters their own; this with what follows Esc. */
enum {
	KEY_META = 1 << 24,
	KEY_PASTE_BEGIN = 1 << 12, /* above all of ncurses' own */
	KEY_PASTE_END,
};

/* The action of a key where places are, or ACTION_NONE. */
enum action keys_action(int code, unsigned places);
/* "F1", "Ctrl-U", "PgUp", "/" */
void keys_name(int code, struct buf *out);
/* The code of such a name, or 0. */
int keys_code(const char *name);
/* The lines of the help. */
void keys_help(struct buf *out);
/* The n-th key of the last line, where places are; NULL: no more. *label says what it does. */
bool keys_bar(size_t n, unsigned places, struct buf *name, const char **label);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_H
#define BPFMAN_SCREEN_H

#define NCURSES_NOMACROS
#include <ncurses.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ui/screen/ask.h"
#include "ui/screen/entries.h"
#include "ui/screen/keys.h"
#include "ui/screen/layout.h"
#include "ui/screen/list_view.h"
#include "ui/screen/model.h"
#include "ui/screen/rates.h"
#include "ui/screen/text_view.h"
#include "ui/ui.h"

/*
 * The full screen: panes over one command line. One loop turns it, also while a command waits for
 * its answer, and draws what is dirty before it sleeps. Nothing here is known to commands: they
 * write to a sink, which feeds the Output pane.
 */
struct screen;
struct pane;

/* What the screen stands on; a test has its own. */
struct screen_host {
	const char *term; /* NULL: $TERM */
	FILE *in, *out;
	int64_t (*now)(void);	    /* ns since the epoch, for the clock in the header */
	int64_t (*monotonic)(void); /* ns, for what changes how fast */
	void (*stop)(void);	    /* returns when we are in the foreground again */
	const char *name;	    /* of this machine */
	const char *kernel;	    /* its name and release */
	bool colour;
};

/* ---- panes (pane_*.c) ---- */

/* One line each: the enum's suffix and the operations, in the order in which they stand. */
#define SCREEN_PANES(X)            \
	X(PROGRAMS, programs_pane) \
	X(MAPS, maps_pane)         \
	X(LINKS, links_pane)       \
	X(ENTRIES, entries_pane)   \
	X(DETAIL, detail_pane)     \
	X(OUTPUT, output_pane)

enum pane_id {
#define X(id, ops) PANE_##id,
	SCREEN_PANES(X)
#undef X
		PANE_COUNT
};
enum { PANE_NONE = -1 };

struct pane_ops {
	const char *name;
	bool shown;			/* from the beginning */
	bool right;			/* its side where panes stand side by side */
	int weight;			/* share of the rows */
	int from;			/* rows of the screen from which it is shown unasked */
	int least;			/* rows it needs, with its title */
	const struct list_source *list; /* rows; NULL: text */
	/* What the title says behind the name, or NULL. */
	void (*title)(struct screen *s, struct pane *p, struct buf *out);
	/* What an empty list says; lines. */
	void (*empty)(struct screen *s, struct buf *out);
	/* After a refresh: brings the pane up to date; NULL: nothing to do. */
	void (*refresh)(struct screen *s, struct pane *p);
	/* An action that is the pane's own; false: it is not. */
	bool (*act)(struct screen *s, struct pane *p, enum action action);
};

struct pane {
	const struct pane_ops *ops;
	bool shown;
	uint64_t used; /* when it had the keys last, or something happened in it */
	struct rect at;
	struct list_view list;
	struct text_view text;
	unsigned generation; /* Detail: of the model that its contents were made of */
	char *command;	     /* Detail: tells what it shows; NULL: the keys */
	char *subject;	     /* Detail: what that is, for the title */
	int64_t about;	     /* Detail: the program it is of, or 0 */
	bool graph;	     /* Detail: with the graph of the last minutes */
};

#define X(id, ops) extern const struct pane_ops ops;
SCREEN_PANES(X)
#undef X

/* ---- the whole ---- */

/* What the command line is asked for. */
enum entry { ENTRY_COMMAND, ENTRY_FILTER, ENTRY_SEARCH };

struct screen {
	struct ui *ui;
	struct screen_host host;
	SCREEN *terminal;
	WINDOW *keys; /* a pad: reading keys from it draws nothing */
	int rows, columns;
	struct layout layout;
	struct pane panes[PANE_COUNT];
	int focus; /* the pane that has the keys; PANE_NONE: the command line */
	int last;  /* the pane that had them last */
	int zoomed;
	uint64_t uses; /* counts what pane.used is */
	struct model model;
	struct asking asking;
	struct rates rates;
	struct entries entries;
	struct others {
		struct rows rows; /* struct program_row; a key is the kernel id, negative */
		bool known, hidden;
		int64_t next;	/* when to ask again (monotonic ns) */
		unsigned asked; /* how often */
		bool anew;	/* the last time for all of them */
	} others;
	bool dirty, dirty_prompt;
	bool ended;
	int status; /* of the last command */

	/* The command line (prompt.c) and what is typed (input.c). */
	struct prompt {
		enum entry entry;
		int pane;	 /* whose filter or search it is */
		char *put_aside; /* the line that stood there before */
		bool restore;
		int left;     /* cells scrolled out of sight */
		bool reading; /* readline is at work: it cannot be entered again */
		bool pasting;
		struct buf paste;
		struct buf bytes; /* on their way into readline */
		size_t taken;
		char part[4]; /* of a UTF-8 character */
		int part_len;
	} prompt;
	struct popup {
		struct buf text; /* lines; empty: none */
		bool question;	 /* only `y` goes on */
		char *command;	 /* what runs then */
	} popup;
	struct click { /* the last one, as far as it was on a row */
		int pane;
		int64_t key, at; /* monotonic ns */
	} click;
	struct buf message; /* in the last line, until the next key */

	/* Commands (run.c). */
	struct buf said;   /* written by the sink, not yet in the Output pane */
	struct buf copied; /* in the Output pane, not yet in the file of `set output` */
	char **queue;
	size_t queued;
	bool running;

	/* The loop (loop.c). */
	bool paused;
	int interval_ms;
	int timer;     /* a descriptor that tells when to refresh */
	int timer_ms;  /* how often it does; 0: it does not */
	int64_t drawn; /* when */
};

/* screen.c */
int screen_open(struct screen **out, struct ui *ui, const struct screen_host *host,
		struct error *e);
void screen_close(struct screen *s);
/* Which pane is where, after a change of size or of what is shown. */
void screen_layout(struct screen *s);
void screen_resize(struct screen *s, int rows, int columns);
/* Draws what is dirty and shows it. */
void screen_draw(struct screen *s);
/* Reads again what may have changed; see model_refresh(). */
void screen_refresh(struct screen *s);
/* Statistics have come: what they change is brought up to date. */
void screen_rated(struct screen *s);
/* The keys are the pane's now; PANE_NONE: the command line's. A pane that is hidden is shown. */
void screen_focus(struct screen *s, int pane);
/* What `set` may have changed takes effect. */
void screen_options(struct screen *s);
void screen_say(struct screen *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* terminal.c */
int terminal_open(struct screen *s, struct error *e);
void terminal_close(struct screen *s);
void terminal_suspend(struct screen *s);
/* Whether the terminal tells what the mouse does. */
void terminal_mouse(bool on);

/* input.c */
/* Reads and obeys all keys that are there; false: there will be no more. */
bool screen_read_keys(struct screen *s);
/* One key, as keys.h has it, or a byte of text. */
void screen_key(struct screen *s, int code);

/* mouse.c */
enum mouse_event { MOUSE_CLICK, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN };
void screen_mouse(struct screen *s, enum mouse_event event, int y, int x);

/* prompt.c */
void prompt_open(struct screen *s);
void prompt_close(struct screen *s);
/* The screen whose command line is open: readline's functions have no argument of ours. */
struct screen *prompt_screen(void);
/* Bytes of whole keys, as readline would read them from a terminal. */
void prompt_feed(struct screen *s, const char *bytes, size_t len);
void prompt_insert(struct screen *s, const char *text);
/* A command to be completed and entered, in place of what stands there; undo brings that back. */
void prompt_offer(struct screen *s, const char *command);
void prompt_clear(struct screen *s);
bool prompt_empty(void);
/* Whether readline edits as vi does. */
bool prompt_vi(void);
/* Asks for something else than a command, beginning with text. */
void prompt_ask(struct screen *s, enum entry entry, int pane, const char *text);
/* Back to commands; what was typed is not used any more. */
void prompt_cancel_entry(struct screen *s);
void prompt_draw(struct screen *s);

/* act.c */
void screen_act(struct screen *s, enum action action);
/* Moves the selection, or the text, by rows. */
void screen_scroll(struct screen *s, struct pane *p, long rows);
/* Where keys mean something now. */
unsigned screen_places(const struct screen *s);

/* run.c */
/* The sink's text goes to the Output pane. */
void run_drain(struct screen *s);
/* The file of `set output` is another one now: it begins with what Output holds. */
void run_copied(struct screen *s);
/* A command for which no key has to be pressed any more: it runs when its turn comes. */
void run_later(struct screen *s, const char *line);
/* Runs what waits, one after the other. */
void run_queue(struct screen *s);
/* Drops what waits; how many. */
size_t run_forget(struct screen *s);
/* Runs the rc file. */
void run_rc(struct screen *s);
/* Runs a command that only reads and appends what it says. The command line is not concerned. */
void run_quietly(struct screen *s, const char *line, struct buf *out);
/* Shows a command that a key stands for in Output, as if it had been typed. */
void run_show(struct screen *s, const char *line);

/* loop.c */
/* One turn: draws, waits for keys, signals, time, or fd; see client_turn. 1: fd is ready. */
int loop_wait(void *screen, int fd, short events, int timeout_ms);
int loop_run(struct screen *s);
int loop_open(struct screen *s, struct error *e);
void loop_close(struct screen *s);

/* popup.c */
void popup_close(struct screen *s);
void popup_draw(struct screen *s);
/* Asks whether command shall run; what names what will go, in lines. */
void popup_ask(struct screen *s, const char *what, const char *command);
/* A key comes while it stands there: it goes. Whether the key was for it. */
bool popup_answer(struct screen *s, int code);
/* Tab: completes, or shows what there is. readline's form. */
int popup_complete(int count, int key);

/* others.c */
void others_init(struct others *o);
void others_free(struct others *o);

/* pane_detail.c */
/* What a reading command says, which is shown in Output too. */
void detail_show(struct screen *s, const char *command, int64_t program);
void detail_help(struct screen *s);

#endif

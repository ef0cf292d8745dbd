/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_UI_H
#define BPFMAN_UI_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "command/command.h"

/* How bpfman is talked to: arguments, scripts, the prompt. */

/* What the shell's command line says. */
struct arguments {
	struct options options;
	struct input_text { /* -c and -f, in order */
		bool file;
		const char *text; /* the commands, or the file's path */
	} * inputs;
	size_t input_count;
	const char **words; /* one command straight from the shell */
	size_t word_count;
};
/* Class ERROR_USAGE on a mistake; free in any case. The strings of argv are borrowed. */
int arguments_parse(struct arguments *a, int argc, char **argv, struct error *e);
void arguments_free(struct arguments *a);
void arguments_help(struct buf *out);

/* What a screen does in place of standard output, standard error and poll(2). */
struct ui_face {
	int (*wait)(void *data, int fd, short events, int timeout_ms); /* as client_turn.wait */
	struct sink *(*sink)(void *data, const struct options *options);
	void (*notice)(void *data, const char *line); /* escaped */
	/* ui_copy_write() writes to another file from here, or to none: what has been said already?
	 */
	void (*copied)(void *data);
	void *data;
};

/* A session with its hooks. */
struct ui {
	struct session session;
	struct options *options;
	const struct ui_face *face; /* NULL: plain */
	int signals;		    /* a descriptor that tells of signals (signals.c) */
	int interrupted;	    /* the signal that asked to stop, or 0 */
	bool untold;		    /* nobody who waits has been told yet */
	bool stop;		    /* ^Z was typed at the prompt */
	bool resized;		    /* SIGWINCH came */
	int copy;		    /* `set output FILE`: the file, or -1 (copy.c) */
	bool buffered;		    /* the line mode's: results wait in written (pager.c) */
	struct buf written;
	struct progress {
		bool on;
		const char *what; /* the command, as typed; NULL: none runs */
		size_t what_len;
		long long begun; /* ns, monotonic */
		size_t drawn;	 /* cells on the line now */
	} progress;
};
int ui_open(struct ui *ui, struct options *options, struct error *e);
/* Closes everything; if a signal other than SIGINT asked us to stop, it is raised again. */
void ui_close(struct ui *ui);
/* From here results, notices and waiting are the face's; NULL: plain again. Borrowed. */
int ui_set_face(struct ui *ui, const struct ui_face *face, struct error *e);
/* Waits for fd; see client_turn. */
int ui_wait(void *data, int fd, short events, int timeout_ms);
/* signals.c */
int ui_signals_open(struct ui *ui, struct error *e);
/* Signals have their default effect again. */
void ui_signals_close(struct ui *ui);
/* From here a signal is noted in place of its effect, or no longer. */
void ui_catch(int signo, bool on);
/* From here SIGINT, SIGTERM and SIGHUP interrupt what is under way instead of ending us. */
void ui_catch_ends(void);
/* The mask for a child: as it was before any signal was caught. */
void ui_child_mask(sigset_t *mask);
/* As if the signal had come. */
void ui_interrupt(struct ui *ui, int signo);
/* Notes the signals that have come, without waiting. */
void ui_read_signals(struct ui *ui);
/* Takes back an interruption that has been dealt with. */
void ui_clear_interrupt(struct ui *ui);

/* copy.c */
/* Everything that is said goes to the file as well, which is begun anew; NULL: to none any more. */
int ui_copy_to(struct ui *ui, const char *path, struct error *e);
/* Ends it. */
void ui_copy_end(struct ui *ui);
/* A face writes what it shows; when that fails, it is ended, and e says why. */
int ui_copy_write(struct ui *ui, const char *text, size_t len, struct error *e);
/* The sink with a copy of all that goes to it, where there is a file; owns inner. */
struct sink *ui_copy_sink(struct ui *ui, struct sink *inner);

/* pager.c */
/*
 * Shows what has been written: through the user's pager where it is longer than the terminal and
 * page says so. 0 or a negative errno.
 */
int ui_show_written(struct ui *ui, bool page);

/* Modes. Each returns the exit status. */
int ui_batch(struct ui *ui, const struct arguments *a);
int ui_stdin(struct ui *ui);
int ui_line(struct ui *ui);
/* The full screen; where the terminal cannot hold one, the line mode, saying so. */
int ui_screen(struct ui *ui);
int ui_version(struct ui *ui);

/* History of the prompt (history.c): read at start, one line appended for each command. */
void ui_history_open(void);
void ui_history_add(const char *line);
/*
 * Runs the commands of ~/.config/bpfman/rc, where there is one (rc.c). One that belongs to somebody
 * else is refused.
 */
void ui_run_rc(struct ui *ui);

#endif

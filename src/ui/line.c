/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The line mode: a readline prompt that takes the same commands as a script. */
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "ui/complete.h"
#include "ui/edit.h"
#include "ui/ui.h"

/* readline's handlers have no argument of ours. */
static struct ui *current;
static bool ended;
static int last_status;

/* ---- Tab ---- */

static void show_candidates(void *data, const struct candidates *c)
{
	(void)data;
	c->room[0] = (char *)"";
	rl_crlf();
	rl_display_match_list(c->room, (int)c->count, (int)c->longest);
	rl_forced_update_display();
}

static int complete(int count, int key)
{
	(void)count;
	(void)key;
	if (!complete_line(&current->session, show_candidates, NULL))
		rl_ding();
	return 0;
}

/* ---- lines ---- */

static void on_line(char *line);

static void prompt(void)
{
	/* While a line is edited the terminal is readline's, and has to be given back for ^Z. */
	ui_catch(SIGTSTP, true);
	rl_callback_handler_install("bpfman> ", on_line);
}

static void stop(void)
{
	rl_deprep_terminal();
	ui_catch(SIGTSTP, false);
	raise(SIGTSTP);
	/* Here again: in the foreground. The line is as it was. */
	ui_catch(SIGTSTP, true);
	rl_prep_terminal(1);
	rl_forced_update_display();
}

static void on_line(char *line)
{
	struct ui *ui = current;

	if (!line) {
		ended = true;
		rl_callback_handler_remove();
		if (write(STDOUT_FILENO, "\n", 1) < 0)
			last_status = ERROR_FAILED;
		return;
	}
	/* The terminal is the command's while it runs: ^C is a signal then, not a key. */
	rl_callback_handler_remove();
	ui_catch(SIGTSTP, false);
	ui_history_add(line);
	last_status = session_run_text(&ui->session, "prompt", line, strlen(line));
	free(line);
	if (ui_show_written(ui, true))
		last_status = status_graver(last_status, ERROR_FAILED);
	ui_clear_interrupt(ui);
	if (ui->session.quit || ui->interrupted)
		ended = true;
	else
		prompt();
}

/* The byte that was looked at before readline gets it, or EOF. */
static int looked_at = EOF;

static int next_byte(FILE *stream)
{
	int c = looked_at == EOF ? rl_getc(stream) : looked_at;

	looked_at = EOF;
	return c;
}

static void read_key(void)
{
	unsigned char byte;

	if (RL_ISSTATE(RL_STATE_ISEARCH) && read(STDIN_FILENO, &byte, 1) == 1) {
		looked_at = byte;
		edit_before((char)byte);
	}
	rl_callback_read_char();
	edit_after();
}

static void cancel_line(void)
{
	edit_finish();
	rl_free_line_state();
	rl_replace_line("", 1);
	using_history(); /* back from wherever the arrows had gone */
	edit_after();
	if (write(STDOUT_FILENO, "^C\n", 3) < 0)
		ended = true;
	rl_on_new_line();
	rl_redisplay();
}

int ui_line(struct ui *ui)
{
	struct error e = ERROR_INIT;

	/* Only here: scripts need no locale, and reading one costs as much as opening a database.
	 */
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C"); /* numbers are read and written alike everywhere */
	current = ui;
	ui->session.interactive = true;
	ui->buffered = true;
	if (ui_set_face(ui, NULL, &e)) {
		last_status = session_tell(&ui->session, "bpfman", &e);
		error_clear(&e);
		return last_status;
	}
	ui_catch_ends();
	rl_readline_name = "bpfman";
	rl_catch_signals = 0;
	rl_change_environment = 0;
	rl_getc_function = next_byte;
	rl_initialize();
	complete_bind(complete);
	ui_history_open();
	if (!ui->options->no_rc)
		ui_run_rc(ui);
	ui_show_written(ui, false);
	ended = ui->session.quit;
	if (!ended)
		prompt();
	edit_begin();
	while (!ended) {
		struct pollfd p[2] = { { STDIN_FILENO, POLLIN, 0 }, { ui->signals, POLLIN, 0 } };

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents) {
			ui->stop = ui->untold = false;
			ui_read_signals(ui);
			if (ui->stop)
				stop();
			if (ui->interrupted && ui->interrupted != SIGINT)
				break;
			if (ui->untold)
				cancel_line();
			ui_clear_interrupt(ui);
		}
		if (p[0].revents)
			read_key();
	}
	rl_callback_handler_remove();
	ui_show_written(ui, false);
	/* What was typed at a prompt has been answered; only how the session ended counts. */
	return last_status == ERROR_INTERRUPTED ? 0 : last_status;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The line mode: a readline prompt that takes the same commands as a script. */
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "base/file.h"
#include "ui/ui.h"

enum { RC_MAX = 1 << 20 };

/* readline's handlers have no argument of ours. */
static struct ui *current;
static bool ended;
static int last_status;

/* ---- Tab ---- */

struct matches {
	char **words; /* readline's form: [0] is the text that stands, then the candidates */
	size_t count;
	size_t start, longest;
	bool final;
};

static int add_match(void *data, const char *word, size_t start, bool final)
{
	struct matches *m = data;
	char **grown = realloc(m->words, (m->count + 3) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	m->words = grown;
	grown[m->count + 1] = strdup(word);
	if (!grown[m->count + 1])
		return -ENOMEM;
	grown[m->count + 2] = NULL;
	m->count++;
	m->start = start;
	m->final = final;
	if (strlen(word) > m->longest)
		m->longest = strlen(word);
	return 0;
}

static size_t common_prefix(const struct matches *m)
{
	size_t len = strlen(m->words[1]);

	for (size_t i = 2; i <= m->count; i++)
		while (strncmp(m->words[1], m->words[i], len))
			len--;
	return len;
}

static void replace(const struct matches *m, const char *text)
{
	rl_begin_undo_group();
	rl_delete_text((int)m->start, rl_point);
	rl_point = (int)m->start;
	rl_insert_text(text);
	rl_end_undo_group();
}

static int complete(int count, int key)
{
	struct matches m = { 0 };
	struct error e = ERROR_INIT;
	char *prefix = NULL;
	size_t typed;

	(void)count;
	(void)key;
	session_complete(&current->session, rl_line_buffer, (size_t)rl_point, add_match, &m, &e);
	error_clear(&e);
	if (!m.count) {
		rl_ding();
		return 0;
	}
	typed = (size_t)rl_point - m.start;
	if (m.count == 1) {
		replace(&m, m.words[1]);
		if (m.final)
			rl_insert_text(" ");
	} else {
		prefix = strndup(m.words[1], common_prefix(&m));
		if (prefix && strlen(prefix) > typed) {
			replace(&m, prefix);
		} else {
			m.words[0] = (char *)"";
			rl_crlf();
			rl_display_match_list(m.words, (int)m.count, (int)m.longest);
			rl_forced_update_display();
		}
	}
	free(prefix);
	for (size_t i = 1; i <= m.count; i++)
		free(m.words[i]);
	free(m.words);
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
	ui_clear_interrupt(ui);
	if (ui->session.quit || ui->interrupted)
		ended = true;
	else
		prompt();
}

static void cancel_line(void)
{
	rl_free_line_state();
	rl_callback_sigcleanup();
	rl_replace_line("", 1);
	using_history(); /* back from wherever the arrows had gone */
	if (write(STDOUT_FILENO, "^C\n", 3) < 0)
		ended = true;
	rl_on_new_line();
	rl_redisplay();
}

static void run_rc(struct ui *ui)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	struct error e = ERROR_INIT;
	struct buf path = { 0 }, text = { 0 };
	struct stat st;

	if (config && config[0] == '/')
		buf_printf(&path, "%s/bpfman/rc", config);
	else if (home && home[0] == '/')
		buf_printf(&path, "%s/.config/bpfman/rc", home);
	if (!path.len || buf_error(&path) || stat(path.data, &st)) {
		buf_free(&path);
		return;
	}
	if (st.st_uid != geteuid()) {
		error_set(&e, EPERM, "%s is not yours, and was not read", path.data);
		session_tell(&ui->session, NULL, &e);
	} else if (file_read(path.data, RC_MAX, &text, &e)) {
		session_tell(&ui->session, NULL, &e);
	} else {
		ui->session.depth++; /* as if sourced: its errors have places */
		session_run_text(&ui->session, path.data, buf_text(&text), text.len);
		ui->session.depth--;
	}
	error_clear(&e);
	buf_free(&path);
	buf_free(&text);
}

int ui_line(struct ui *ui)
{
	struct error e = ERROR_INIT;

	/* Only here: scripts need no locale, and reading one costs as much as opening a database.
	 */
	setlocale(LC_ALL, "");
	current = ui;
	ui->session.interactive = true;
	if (ui_catch_signals(ui, &e)) {
		last_status = session_tell(&ui->session, "bpfman", &e);
		error_clear(&e);
		return last_status;
	}
	rl_readline_name = "bpfman";
	rl_catch_signals = 0;
	rl_change_environment = 0;
	rl_initialize();
	rl_bind_key('\t', complete);
	ui_history_open();
	if (!ui->options->no_rc)
		run_rc(ui);
	ended = ui->session.quit;
	if (!ended)
		prompt();
	while (!ended) {
		struct pollfd p[2] = { { STDIN_FILENO, POLLIN, 0 }, { ui->signals[0], POLLIN, 0 } };

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
			rl_callback_read_char();
	}
	rl_callback_handler_remove();
	/* What was typed at a prompt has been answered; only how the session ended counts. */
	return last_status == ERROR_INTERRUPTED ? 0 : last_status;
}

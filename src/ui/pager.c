/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The line mode's results: at once, or, when they are long, through the user's pager. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "output/output.h"
#include "ui/ui.h"

/* What text is shown with where PAGER says nothing; less leaves it on the terminal. */
static const char default_pager[] =
	"command -v less >/dev/null && exec env LESS=\"${LESS-FX}\" less; exec more";

/* The shell command to page with; NULL: none. */
static const char *pager_command(const struct ui *ui)
{
	const char *pager = getenv("PAGER"), *term = getenv("TERM");

	if (ui->options->pager == SWITCH_OFF || !term || !strcmp(term, "dumb"))
		return NULL;
	if (!pager)
		return default_pager;
	return *pager && strcmp(pager, "cat") != 0 ? pager : NULL;
}

/* Whether the terminal has fewer rows than the text and the prompt behind it. */
static bool is_long(const char *text, size_t len)
{
	struct winsize size;
	size_t rows = 0;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		return false;
	for (size_t at = 0; at < len && rows < size.ws_row; rows++) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end ? (size_t)(end - text) - at : len - at;
		size_t cells = text_cells(text + at, n);

		rows += cells ? (cells - 1) / size.ws_col : 0;
		at += n + 1;
	}
	return rows >= size.ws_row;
}

/* Starts it in our process group, so that the terminal is its too. */
static int start(const char *command, int in, pid_t *pid)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)command, NULL };
	static const int ours[] = { SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGHUP, SIGTSTP };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t defaults, mask;
	extern char **environ;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return -r;
	r = posix_spawnattr_init(&attr);
	if (r) {
		posix_spawn_file_actions_destroy(&actions);
		return -r;
	}
	sigemptyset(&defaults);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		sigaddset(&defaults, ours[i]);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	ui_child_mask(&mask);
	posix_spawnattr_setsigmask(&attr, &mask);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	r = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (!r)
		r = posix_spawn(pid, "/bin/sh", &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* Whether a signal that ends us has come; ^C is the pager's business. */
static bool told_to_end(struct ui *ui)
{
	ui_read_signals(ui);
	return ui->interrupted && ui->interrupted != SIGINT;
}

/* Feeds it until it has all or wants no more. */
static void feed(struct ui *ui, int to, const char *text, size_t len)
{
	while (len && !told_to_end(ui)) {
		struct pollfd p[2] = { { to, POLLOUT, 0 }, { ui->signals, POLLIN, 0 } };
		ssize_t n = write(to, text, len);

		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			return; /* it was left early */
		} else if (poll(p, 2, -1) < 0 && errno != EINTR) {
			return;
		}
	}
}

/* Waits for its end; its exit status, or -1. */
static int await(struct ui *ui, pid_t pid)
{
	int fd = pidfd_open(pid, 0), status;

	while (fd >= 0) {
		struct pollfd p[2] = { { fd, POLLIN, 0 }, { ui->signals, POLLIN, 0 } };

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (told_to_end(ui))
			kill(pid, SIGTERM);
		if (p[0].revents)
			break;
	}
	if (fd >= 0)
		close(fd);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Whether it was shown. */
static bool page(struct ui *ui, const char *command, const struct buf *text)
{
	enum { NOT_FOUND = 127, NOT_EXECUTABLE = 126 };
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return false;
	if (start(command, ends[0], &pid)) {
		close(ends[0]);
		close(ends[1]);
		return false;
	}
	close(ends[0]);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	feed(ui, ends[1], text->data, text->len);
	close(ends[1]);
	status = await(ui, pid);
	return status != NOT_FOUND && status != NOT_EXECUTABLE;
}

int ui_show_written(struct ui *ui, bool may_page)
{
	const char *command = may_page ? pager_command(ui) : NULL;
	struct buf plain = { 0 };
	bool shown = false;
	int r = 0;

	if (!ui->written.len)
		return 0;
	if (command) {
		table_plain(&plain, ui->written.data, ui->written.len);
		shown = !buf_error(&plain) && is_long(plain.data, plain.len) &&
			page(ui, command, &plain);
		buf_free(&plain);
	}
	if (!shown)
		r = file_write_all(STDOUT_FILENO, ui->written.data, ui->written.len);
	buf_free(&ui->written);
	return r;
}

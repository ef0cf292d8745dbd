/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signals that are ours: blocked, and read from a descriptor where the session waits anyway, so
 * that nothing runs at a moment of its own. Children get the mask of before (ui_child_mask()).
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ui/ui.h"

/* A process has one mask. */
static struct {
	int fd; /* -1: none */
	sigset_t caught, before;
} signals = { .fd = -1 };

int ui_signals_open(struct ui *ui, struct error *e)
{
	sigemptyset(&signals.caught);
	sigprocmask(SIG_SETMASK, NULL, &signals.before);
	ui->signals = signals.fd = signalfd(-1, &signals.caught, SFD_CLOEXEC | SFD_NONBLOCK);
	if (ui->signals >= 0)
		return 0;
	return error_set_class(e, ERROR_ENVIRONMENT, errno, "cannot wait for signals: %s",
			       strerror(errno));
}

void ui_signals_close(struct ui *ui)
{
	/* What came for us must not end us now. */
	if (ui->signals >= 0) {
		ui_read_signals(ui);
		close(ui->signals);
	}
	if (signals.fd >= 0)
		sigprocmask(SIG_SETMASK, &signals.before, NULL);
	ui->signals = signals.fd = -1;
}

void ui_child_mask(sigset_t *mask)
{
	if (signals.fd >= 0)
		*mask = signals.before;
	else
		sigprocmask(SIG_SETMASK, NULL, mask);
}

void ui_catch(int signo, bool on)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, signo);
	if (on)
		sigaddset(&signals.caught, signo);
	else
		sigdelset(&signals.caught, signo);
	signalfd(signals.fd, &signals.caught, 0);
	sigprocmask(on ? SIG_BLOCK : SIG_UNBLOCK, &one, NULL);
}

void ui_catch_ends(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		/* nohup and background shells have them ignored, and so they stay. */
		if (!sigaction(ends[i], NULL, &action) && action.sa_handler != SIG_IGN)
			ui_catch(ends[i], true);
}

void ui_interrupt(struct ui *ui, int signo)
{
	if (signo == SIGTSTP) {
		ui->stop = true; /* the prompt's business */
		return;
	}
	if (signo == SIGWINCH) {
		ui->resized = true;
		return;
	}
	/* One that ends us outlasts a ^C. */
	if (!ui->interrupted || signo != SIGINT)
		ui->interrupted = signo;
	ui->untold = true;
}

void ui_read_signals(struct ui *ui)
{
	struct signalfd_siginfo info;

	while (read(ui->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		ui_interrupt(ui, (int)info.ssi_signo);
}

void ui_clear_interrupt(struct ui *ui)
{
	ui_read_signals(ui);
	ui->untold = false;
	if (ui->interrupted == SIGINT)
		ui->interrupted = 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one loop: keys, signals, time, and what a command waits for. Commands run from it, and while
 * they wait they turn it (client_turn), so that nothing ever freezes.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "ui/screen/screen.h"

enum {
	NS_PER_MS = 1000000,
	SPIN_MS = 100,
	FRAME_MS = 30, /* between two drawings while a command says more and more */
};

/* Milliseconds until then, rounded up; never negative. */
static int ms_until(int64_t then, int64_t now)
{
	return then <= now ? 0 : (int)((then - now + NS_PER_MS - 1) / NS_PER_MS);
}

static void sooner(int *ms, int other)
{
	if (*ms < 0 || other < *ms)
		*ms = other;
}

static void take_size(struct screen *s)
{
	struct winsize size;

	if (ioctl(fileno(s->host.out), TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		return;
	screen_resize(s, size.ws_row, size.ws_col);
}

static void obey_signals(struct screen *s)
{
	struct ui *ui = s->ui;

	ui_read_signals(ui);
	if (ui->resized) {
		ui->resized = false;
		take_size(s);
	}
	if (ui->stop) {
		ui->stop = false;
		screen_act(s, ACTION_SUSPEND);
	}
	if (ui->interrupted && ui->interrupted != SIGINT)
		s->ended = true;
	else if (ui->interrupted && !s->running)
		ui_clear_interrupt(ui);
}

/* The timer tells of each refresh; while nothing is refreshed it is silent. */
static void set_timer(struct screen *s)
{
	int ms = s->paused ? 0 : s->interval_ms;
	struct timespec interval = { ms / 1000, (long)(ms % 1000) * NS_PER_MS };
	struct itimerspec spec = { .it_interval = interval, .it_value = interval };

	if (ms == s->timer_ms)
		return;
	/* Who changes the interval, or goes on, sees something at once. */
	if (ms)
		spec.it_value = (struct timespec){ .tv_nsec = 1 };
	timerfd_settime(s->timer, 0, &spec, NULL);
	s->timer_ms = ms;
}

static bool time_has_come(struct screen *s)
{
	uint64_t times;

	return read(s->timer, &times, sizeof(times)) > 0;
}

int loop_open(struct screen *s, struct error *e)
{
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return s->timer < 0 ? error_set_class(e, ERROR_ENVIRONMENT, errno, "no timer: %s",
					      strerror(errno))
			    : 0;
}

void loop_close(struct screen *s)
{
	if (s->timer >= 0)
		close(s->timer);
	s->timer = -1;
}

/* One turn. 1: fd is ready; 0: something else happened, or time passed; or -errno. */
static int turn(struct screen *s, int fd, short events, int ms)
{
	struct pollfd p[5] = { { fileno(s->host.in), POLLIN, 0 },
			       { s->ui->signals, POLLIN, 0 },
			       { fd, events, 0 },
			       { s->timer, POLLIN, 0 } };
	int64_t now = clock_monotonic();

	manager_poll(s->ui->session.manager, &p[4]);
	run_drain(s);
	if (s->dirty || s->dirty_prompt) {
		int64_t next = s->drawn + (int64_t)FRAME_MS * NS_PER_MS;

		/* What was typed is seen at once. */
		if (s->running && !s->dirty_prompt && next > now)
			sooner(&ms, ms_until(next, now));
		else
			screen_draw(s);
	}
	set_timer(s);
	if (s->running && s->ui->progress.what)
		sooner(&ms, SPIN_MS);
	if (poll(p, 5, ms) < 0 && errno != EINTR)
		return -errno;
	obey_signals(s);
	if (p[0].revents && !screen_read_keys(s))
		s->ended = true;
	ask_take(s);
	if (p[3].revents && time_has_come(s))
		screen_refresh(s);
	if (s->running && s->ui->progress.what &&
	    s->drawn + (int64_t)SPIN_MS * NS_PER_MS <= clock_monotonic())
		s->dirty_prompt = true;
	return p[2].revents != 0;
}

int loop_wait(void *screen, int fd, short events, int timeout_ms)
{
	struct screen *s = screen;
	int64_t end = clock_monotonic() + (int64_t)timeout_ms * NS_PER_MS;

	for (;;) {
		int left = timeout_ms < 0 ? -1 : ms_until(end, clock_monotonic());
		int r = turn(s, fd, events, left);

		if (r < 0)
			return r;
		/* Told once: what is cancelled may have to wait again, to clean up. */
		if (s->ui->untold) {
			s->ui->untold = false;
			return -EINTR;
		}
		if (r > 0 || (timeout_ms >= 0 && clock_monotonic() >= end))
			return 0;
	}
}

int loop_run(struct screen *s)
{
	while (!s->ended) {
		run_queue(s);
		if (s->ended)
			break;
		if (turn(s, -1, 0, -1) < 0)
			break;
	}
	return s->status == ERROR_INTERRUPTED ? 0 : s->status;
}

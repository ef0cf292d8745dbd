/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session with its hooks: where results go, waiting, signals, the progress line. */
#include "ui/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "output/output.h"

enum {
	NS_PER_MS = 1000000,
	PROGRESS_AFTER_MS = 400,
	PROGRESS_EVERY_MS = 100,
	PROGRESS_CELLS = 48,
	BLIND_NS = 10000000
};

/* ---- results ---- */

static bool colored(const struct options *o, int fd)
{
	const char *term = getenv("TERM");
	bool capable = term && *term && strcmp(term, "dumb") != 0;

	return o->color == COLOR_ALWAYS || (o->color == COLOR_AUTO && capable && isatty(fd));
}

static int make_sink(struct session *s, struct error *e)
{
	struct table_style style = { .color = colored(s->options, STDOUT_FILENO),
				     .error_fd = STDERR_FILENO };
	bool json = s->options->output == OUTPUT_JSON;
	struct ui *ui = s->ui;
	struct sink *sink;

	/* What waits keeps the order of answers and failures, where they go to the same place. */
	if (ui->buffered && isatty(STDERR_FILENO))
		style.error_fd = -1;
	if (ui->face)
		sink = ui->face->sink(ui->face->data, s->options);
	else if (ui->buffered)
		sink = json ? sink_json_buf(&ui->written) : sink_table_buf(&ui->written, &style);
	else
		sink = json ? sink_json_new(STDOUT_FILENO) : sink_table_new(STDOUT_FILENO, &style);
	/* A face shows more than results: it writes what it shows. */
	if (!ui->face)
		sink = ui_copy_sink(ui, sink);
	if (sink && s->options->quiet)
		sink = sink_quiet_new(sink);
	if (!sink)
		return error_nomem(e);
	sink_free(s->sink);
	s->sink = sink;
	return 0;
}

/* ---- the progress line ---- */

static void progress_draw(struct progress *p, const char *text)
{
	struct buf line = { 0 };
	size_t cells = text_cells(text, strlen(text));

	/* Back to the first column and over what stands there: no escape sequence is needed. */
	buf_char(&line, '\r');
	buf_str(&line, text);
	if (p->drawn > cells) {
		buf_fill(&line, ' ', p->drawn - cells);
		buf_fill(&line, '\b', p->drawn - cells);
	}
	if (!*text)
		buf_char(&line, '\r');
	if (!buf_error(&line))
		file_write_all(STDERR_FILENO, line.data, line.len);
	p->drawn = cells;
	buf_free(&line);
}

static void progress_clear(struct progress *p)
{
	if (p->drawn)
		progress_draw(p, "");
}

static void progress_tick(struct progress *p)
{
	static const char spin[] = "|/-\\";
	int64_t took = clock_monotonic() - p->begun;
	struct buf what = { 0 }, line = { 0 };
	size_t fits;

	if (!p->on || !p->what || took < (int64_t)PROGRESS_AFTER_MS * NS_PER_MS)
		return;
	escape_add(&what, p->what, p->what_len, ESCAPE_LINE);
	fits = text_prefix(buf_text(&what), what.len, PROGRESS_CELLS);
	buf_printf(&line, "%c ", spin[(took / NS_PER_MS / PROGRESS_EVERY_MS) % 4]);
	buf_add(&line, buf_text(&what), fits);
	buf_printf(&line, "%s  %.1f s  ^C cancels", fits < what.len ? "..." : "",
		   (double)took / 1e9);
	if (!buf_error(&line) && !buf_error(&what))
		progress_draw(p, line.data);
	buf_free(&what);
	buf_free(&line);
}

static void busy(void *data, const char *what, size_t len)
{
	struct ui *ui = data;

	progress_clear(&ui->progress);
	ui->progress.what = what;
	ui->progress.what_len = len;
	ui->progress.begun = clock_monotonic();
}

static int copy_to(void *data, const char *path, struct error *e)
{
	return ui_copy_to(data, path, e);
}

static void before_sleep(void *data)
{
	struct ui *ui = data;

	progress_clear(&ui->progress);
	ui_show_written(ui, false);
}

static void notice(void *data, const char *line)
{
	struct ui *ui = data;
	struct buf text = { 0 };

	if (ui->options->quiet || (ui->options->output == OUTPUT_JSON && !ui->face))
		return; /* then standard error is for errors alone, or for nothing */
	if (ui->face) {
		escape_add(&text, line, strlen(line), ESCAPE_LINE);
		ui->face->notice(ui->face->data, buf_text(&text));
		buf_free(&text);
		return;
	}
	progress_clear(&ui->progress);
	ui_show_written(ui, false);
	buf_str(&text, "bpfman: ");
	escape_add(&text, line, strlen(line), ESCAPE_LINE);
	buf_char(&text, '\n');
	if (!buf_error(&text))
		file_write_all(STDERR_FILENO, text.data, text.len);
	buf_free(&text);
}

/* ---- waiting ---- */

/* The terminal has written "^C" where the cursor was: what follows begins on a line of its own. */
static void interrupted_line(struct progress *p)
{
	if (p->on)
		file_write_all(STDERR_FILENO, "\n", 1);
	p->drawn = 0;
}

int ui_wait(void *data, int fd, short events, int timeout_ms)
{
	struct ui *ui = data;
	int64_t end = clock_monotonic() + (int64_t)timeout_ms * NS_PER_MS;

	if (ui->face)
		return ui->face->wait(ui->face->data, fd, events, timeout_ms);
	for (;;) {
		struct pollfd p[2] = { { ui->signals, POLLIN, 0 }, { fd, events, 0 } };
		int64_t left =
			timeout_ms < 0 ? INT64_MAX : (end - clock_monotonic()) / NS_PER_MS + 1;
		int tick = ui->progress.on && ui->progress.what ? PROGRESS_EVERY_MS : -1;
		int ms = tick;

		if (timeout_ms >= 0 && (tick < 0 || left < tick))
			ms = left > 0 && timeout_ms ? (int)left : 0;
		if (poll(p, 2, ms) < 0 && errno != EINTR) {
			if (fd >= 0)
				return -errno;
			/* Time passes without it, too: only a signal may be called an interruption.
			 */
			p[1].revents = 0;
			nanosleep(&(struct timespec){ .tv_nsec = ms ? BLIND_NS : 0 }, NULL);
		}
		ui_read_signals(ui);
		if (ui->untold) {
			/* Told once: what is cancelled may have to wait again, to clean up. */
			ui->untold = false;
			interrupted_line(&ui->progress);
			return -EINTR;
		}
		if (p[1].revents) {
			progress_clear(&ui->progress);
			return 0;
		}
		if (timeout_ms >= 0 && clock_monotonic() >= end)
			return 0;
		progress_tick(&ui->progress);
	}
}

int ui_set_face(struct ui *ui, const struct ui_face *face, struct error *e)
{
	ui->face = face;
	ui->progress.on = !face && isatty(STDERR_FILENO) && isatty(STDOUT_FILENO);
	return make_sink(&ui->session, e);
}

/* ---- the whole ---- */

int ui_open(struct ui *ui, struct options *options, struct error *e)
{
	static struct client_turn turn = { .wait = ui_wait };
	struct manager_config config = {
		.db_path = options->db,
		.pin_root = options->pin_root,
		.worker = options->worker,
		.default_root = !strcmp(options->pin_root, MANAGER_ROOT_DEFAULT),
		.dry_run = options->dry_run,
		.ephemeral = options->ephemeral,
		.lock_timeout = options->lock_timeout,
		.turn = &turn,
		.notice = notice,
		.notice_data = ui,
	};
	int r;

	memset(ui, 0, sizeof(*ui));
	ui->options = options;
	ui->progress.on = isatty(STDERR_FILENO) && isatty(STDOUT_FILENO);
	ui->signals = ui->copy = -1;
	turn.data = ui;
	r = ui_signals_open(ui, e);
	if (r)
		return r;
	ui->session = (struct session){
		.options = options,
		.make_sink = make_sink,
		.copy_to = copy_to,
		.busy = busy,
		.before_sleep = before_sleep,
		.wait = ui_wait,
		.ui = ui,
	};
	r = make_sink(&ui->session, e);
	if (!r)
		r = manager_new(&ui->session.manager, &config, e);
	return r;
}

void ui_close(struct ui *ui)
{
	int signo = ui->interrupted;

	manager_free(ui->session.manager);
	sink_free(ui->session.sink);
	if (ui->copy >= 0)
		close(ui->copy);
	buf_free(&ui->written);
	ui_signals_close(ui);
	if (signo && signo != SIGINT) {
		signal(signo, SIG_DFL);
		raise(signo);
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The full screen as a mode of bpfman. */
#include <locale.h>
#include <readline/history.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "output/output.h"
#include "ui/screen/screen.h"
#include "ui/screen/terminfo.h"

static struct sink *make_sink(void *data, const struct options *options)
{
	struct screen *s = data;
	/* The Output pane understands the sink's marks; colours are the theme's business. */
	struct table_style style = { .color = true, .error_fd = -1 };

	return options->output == OUTPUT_JSON ? sink_json_buf(&s->said)
					      : sink_table_buf(&s->said, &style);
}

static void notice(void *data, const char *line)
{
	struct screen *s = data;

	buf_printf(&s->said, "bpfman: %s\n", line);
}

static void copied(void *data)
{
	run_copied(data);
}

static void stop(void)
{
	ui_catch(SIGTSTP, false);
	raise(SIGTSTP);
	ui_catch(SIGTSTP, true);
}

int ui_screen(struct ui *ui)
{
	struct ui_face face = {
		.wait = loop_wait, .sink = make_sink, .notice = notice, .copied = copied
	};
	struct screen_host host = { .in = stdin,
				    .out = stdout,
				    .now = clock_now,
				    .monotonic = clock_monotonic,
				    .stop = stop };
	struct error e = ERROR_INIT;
	struct screen *s = NULL;
	struct buf why = { 0 };
	struct utsname uts;
	int status;

	if (ui->options->line)
		return ui_line(ui);
	if (!terminal_capable(NULL, &why)) {
		fprintf(stderr, "bpfman: %s: line mode instead of the full screen\n",
			buf_text(&why));
		buf_free(&why);
		return ui_line(ui);
	}
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C"); /* numbers are read and written alike everywhere */
	uname(&uts);
	host.name = uts.nodename;
	host.kernel = uts.release;
	host.colour = ui->options->color != COLOR_NEVER;
	ui->session.interactive = true;
	/* Before the terminal is taken: ncurses would handle them itself. */
	ui_catch_ends();
	ui_catch(SIGWINCH, true);
	ui_catch(SIGTSTP, true);
	if (screen_open(&s, ui, &host, &e))
		goto failed;
	ui_history_open();
	face.data = s;
	if (ui_set_face(ui, &face, &e))
		goto failed;
	if (!ui->options->no_rc)
		run_rc(s);
	status = ui->session.quit ? s->status : loop_run(s);
	ui_set_face(ui, NULL, &e);
	screen_close(s);
	error_clear(&e);
	return status;
failed:
	screen_close(s);
	status = session_tell(&ui->session, "bpfman", &e);
	error_clear(&e);
	return status;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arguments to a mode to an exit status. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "output/output.h"
#include "ui/ui.h"

/* On a terminal nobody knows what will be typed, and each line is shown as done. */
static int refuse_atomic(struct ui *ui)
{
	struct error e = ERROR_INIT;
	int status;

	error_set_class(&e, ERROR_USAGE, EINVAL, "--atomic needs all commands at once");
	error_hint(&e, "give them with -c or -f, or on standard input");
	status = session_tell(&ui->session, "bpfman", &e);
	error_clear(&e);
	return status;
}

static int run(struct arguments *a)
{
	struct error e = ERROR_INIT;
	struct ui ui;
	int status;

	if (ui_open(&ui, &a->options, &e))
		status = ui.session.sink ? session_tell(&ui.session, "bpfman", &e) : (int)e.class;
	else if (a->options.version)
		status = ui_version(&ui);
	else if (a->word_count || a->input_count)
		status = ui_batch(&ui, a);
	else if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		status = a->options.atomic ? refuse_atomic(&ui) : ui_screen(&ui);
	else
		status = ui_stdin(&ui);
	error_clear(&e);
	ui_close(&ui);
	return status;
}

/* Whether results are wanted as JSON, also where parsing stopped before the option. */
static bool wants_json(int argc, char **argv)
{
	bool output = false;

	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (output && !strcmp(argv[i], "json"))
			return true;
		output = !strcmp(argv[i], "-o") || !strcmp(argv[i], "--output");
		if (!strcmp(argv[i], "-j") || !strcmp(argv[i], "--json") ||
		    !strcmp(argv[i], "-ojson") || !strcmp(argv[i], "--output=json"))
			return true;
	}
	return false;
}

static int usage_error(const struct error *e, bool json)
{
	struct table_style style = { .color = false, .error_fd = STDERR_FILENO };
	struct sink *sink =
		json ? sink_json_new(STDOUT_FILENO) : sink_table_new(STDOUT_FILENO, &style);
	struct error broken = ERROR_INIT;

	if (sink) {
		sink_begin(sink);
		sink_fail(sink, "bpfman", NULL, e, &broken);
	}
	error_clear(&broken);
	sink_free(sink);
	return (int)e->class;
}

static int help(void)
{
	struct buf text = { 0 };
	struct error e = ERROR_INIT;
	int status = 0;
	int r;

	arguments_help(&text);
	r = buf_error(&text) ? -ENOMEM : file_write_all(STDOUT_FILENO, text.data, text.len);
	if (r) {
		error_set(&e, -r, "cannot write the help: %s", strerror(-r));
		status = usage_error(&e, false);
	}
	buf_free(&text);
	error_clear(&e);
	return status;
}

/*
 * A standard stream that is closed stays unusable, but its number is taken: else the next file or
 * pipe that is opened would be written to in its place. Opened the wrong way round, so that using
 * it fails as it should.
 */
static void take_closed_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
	struct error e = ERROR_INIT;
	struct arguments a;
	int status;

	take_closed_streams();
	/* A closed pipe, and a file that may not grow, are failed writes, told like any other. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (arguments_parse(&a, argc, argv, &e))
		status = usage_error(&e, wants_json(argc, argv));
	else if (a.options.help)
		status = help();
	else
		status = run(&a);
	error_clear(&e);
	arguments_free(&a);
	return status;
}

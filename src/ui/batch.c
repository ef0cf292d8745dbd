/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One command from the shell, -c, -f and standard input. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <ncurses.h>
#include <readline/readline.h>

#include "base/file.h"
#include "ui/ui.h"

enum { SCRIPT_MAX = 1 << 30 };

static int tell(struct ui *ui, const char *where, struct error *e)
{
	int status = session_tell(&ui->session, where, e);

	error_clear(e);
	return status;
}

static int read_script(const struct input_text *input, struct script *script, struct error *e)
{
	struct buf text = { 0 };
	int r;

	if (!input->file)
		return script_parse(script, "-c", input->text, strlen(input->text), e);
	if (!strcmp(input->text, "-"))
		r = file_read_fd(STDIN_FILENO, "standard input", SCRIPT_MAX, &text, e);
	else
		r = file_read_stream(input->text, SCRIPT_MAX, &text, e);
	if (r) {
		e->class = ERROR_USAGE; /* nothing was run */
		error_where(e, "%s", "bpfman");
	} else {
		r = script_parse(script, input->text, buf_text(&text), text.len, e);
	}
	buf_free(&text);
	return r;
}

static int run_scripts(struct ui *ui, const struct script *scripts, size_t count)
{
	ui_catch_ends();
	return session_run(&ui->session, scripts, count);
}

int ui_batch(struct ui *ui, const struct arguments *a)
{
	size_t count = a->word_count ? 1 : a->input_count, parsed = 0;
	struct script *scripts = calloc(count, sizeof(*scripts));
	struct error e = ERROR_INIT;
	int status = 0;
	int r = scripts ? 0 : error_nomem(&e);

	if (!r && a->word_count) {
		r = script_from_words(&scripts[0], "bpfman", a->words, a->word_count, &e);
		parsed += !r;
	}
	while (!r && parsed < count) {
		r = read_script(&a->inputs[parsed], &scripts[parsed], &e);
		parsed += !r;
	}
	status = r ? tell(ui, NULL, &e) : run_scripts(ui, scripts, count);
	for (size_t i = 0; i < parsed; i++)
		script_free(&scripts[i]);
	free(scripts);
	return status;
}

int ui_stdin(struct ui *ui)
{
	struct error e = ERROR_INIT;
	struct buf text = { 0 };
	struct script script;
	int status;

	if (file_read_fd(STDIN_FILENO, "standard input", SCRIPT_MAX, &text, &e)) {
		status = tell(ui, "bpfman", &e);
	} else if (script_parse(&script, "stdin", buf_text(&text), text.len, &e)) {
		status = tell(ui, NULL, &e);
	} else {
		status = run_scripts(ui, &script, 1);
		script_free(&script);
	}
	buf_free(&text);
	return status;
}

int ui_version(struct ui *ui)
{
	struct sink *s = ui->session.sink;
	struct error e = ERROR_INIT;
	const char *libbpf;
	json_t *hello = NULL;
	struct utsname uts;
	int status = 0;

	/* Without a worker the version of libbpf is not known, and that is all. */
	if (manager_hello(ui->session.manager, &hello, &e))
		error_clear(&e);
	libbpf = answer_str(hello, "libbpf", NULL);
	uname(&uts);
	sink_begin(s);
	sink_note(s, "bpfman %s", PACKAGE_VERSION);
	sink_note(s, "libbpf %s", libbpf ? libbpf : "unknown (no worker)");
	sink_note(s, "SQLite %s", db_engine_version());
	sink_note(s, "readline %s", rl_library_version);
	sink_note(s, "%s", curses_version());
	sink_note(s, "Linux %s", uts.release);
	sink_str(s, "bpfman", PACKAGE_VERSION);
	sink_str(s, "libbpf", libbpf);
	sink_str(s, "sqlite", db_engine_version());
	sink_str(s, "readline", rl_library_version);
	sink_str(s, "ncurses", curses_version());
	sink_str(s, "kernel", uts.release);
	if (sink_end(s, &e))
		status = tell(ui, "bpfman", &e);
	json_decref(hello);
	return status;
}

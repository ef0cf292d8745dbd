/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source and watch: commands that run commands */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "command/command.h"

enum { SOURCE_DEPTH = 16, SCRIPT_MAX = 1 << 30 };

/* Files being sourced, the innermost first. */
struct source {
	dev_t dev;
	ino_t ino;
	const struct source *outer;
};

static int check_sources(const struct session *s, const char *path, struct source *this,
			 struct error *e)
{
	struct stat st;

	if (stat(path, &st))
		return error_set(e, errno, "cannot open %s: %s", path, strerror(errno));
	for (const struct source *o = s->source; o; o = o->outer)
		if (o->dev == st.st_dev && o->ino == st.st_ino)
			return error_set(e, ELOOP, "%s sources itself", path);
	if (s->depth >= SOURCE_DEPTH)
		return error_set(e, ELOOP, "%s: source inside source deeper than %d", path,
				 SOURCE_DEPTH);
	*this = (struct source){ st.st_dev, st.st_ino, s->source };
	return 0;
}

static int run_source(struct session *s, const struct invocation *in, struct error *e)
{
	const char *path = invocation_value(in, "FILE");
	struct buf text = { 0 };
	struct source this;
	int status, r;

	r = check_sources(s, path, &this, e);
	if (!r)
		r = file_read_stream(path, SCRIPT_MAX, &text, e);
	if (r)
		goto out;
	s->source = &this;
	s->depth++;
	status = session_run_text(s, path, buf_text(&text), text.len);
	s->depth--;
	s->source = this.outer;
	if (status) {
		e->class = (enum error_class)status; /* told already */
		r = -EIO;
	}
out:
	buf_free(&text);
	return r;
}

static const struct arg source_args[] = {
	{ .name = "FILE", .type = ARG_FILE, .flags = ARG_REQUIRED, .help = "the script" },
};

/* ---- watch ---- */

/* The command line behind `watch`, as a script of its own. */
static int inner_script(const struct invocation *in, struct script *script, struct error *e)
{
	const struct arg_values *words = invocation_values(in, "COMMAND");

	return script_from_words(script, "watch", words->values, words->count, e);
}

static int check_watch(const struct invocation *in, struct error *e)
{
	struct invocation inner;
	struct script script;
	int r;

	r = inner_script(in, &script, e);
	if (r)
		return r;
	r = invocation_bind(&inner, &script.statements[0], false, e);
	if (!r) {
		if (inner.command->flags & (COMMAND_MUTATES | COMMAND_DOCUMENTS))
			r = error_set_class(e, ERROR_USAGE, EINVAL,
					    "watch repeats commands that only read; %s is none",
					    inner.command->name);
		invocation_free(&inner);
	}
	script_free(&script);
	return r;
}

static int run_watch(struct session *s, const struct invocation *in, struct error *e)
{
	const char *every = invocation_value(in, "--interval"),
		   *count = invocation_value(in, "--count");
	double seconds = every ? strtod(every, NULL) : 2.0;
	uint64_t left = count ? strtoull(count, NULL, 10) : UINT64_MAX;
	int64_t next = clock_monotonic();
	struct script script;
	int status = 0;
	int r;

	r = inner_script(in, &script, e);
	if (r)
		return r;
	s->depth++; /* its commands are not the end of the script */
	while (!status && left--) {
		status = session_run(s, &script, 1);
		next += (int64_t)(seconds * 1e9);
		if (!status && left && session_sleep_until(s, next))
			status = ERROR_INTERRUPTED;
	}
	s->depth--;
	script_free(&script);
	if (status) {
		e->class = (enum error_class)status;
		r = -EINTR;
	}
	return r;
}

static const struct arg watch_args[] = {
	{ .name = "--interval",
	  .letter = 'n',
	  .type = ARG_SECONDS,
	  .value = "SECONDS",
	  .help = "time from one run to the next (default 2)" },
	{ .name = "--count", .type = ARG_COUNT, .value = "N", .help = "end after N runs" },
	{ .name = "COMMAND",
	  .type = ARG_WORDS,
	  .flags = ARG_REQUIRED | ARG_REPEAT,
	  .value = "COMMAND",
	  .help = "a command that changes nothing, with its arguments" },
};

#define ARGS(a) (a), sizeof(a) / sizeof((a)[0])

const struct command run_commands[] = {
	{ "source", "run a script file", ARGS(source_args), COMMAND_DOCUMENTS, run_source,
	  "A script may source others, to a depth of 16; one that sources itself is an error.",
	  NULL },
	{ "watch", "repeat a reading command until ^C", ARGS(watch_args), COMMAND_DOCUMENTS,
	  run_watch, "With -o json each run is a document of its own.", check_watch },
};
const size_t run_command_count = sizeof(run_commands) / sizeof(run_commands[0]);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* set, help, complete, quit: the session itself */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "command/command.h"

#define ARGS(a) (a), sizeof(a) / sizeof((a)[0])

/* ---- set ---- */

static const struct sink_column set_columns[] = {
	{ .key = "name", .title = "OPTION" },
	{ .key = "value", .title = "VALUE" },
	{ .key = "help", .title = "MEANING" },
};
static const struct sink_table set_table = { set_columns, 3, NULL };

static void write_option(struct session *s, const struct option_row *row)
{
	struct buf value = { 0 };

	option_text(s->options, row, &value);
	sink_row(s->sink);
	sink_str(s->sink, "name", row->name);
	sink_str(s->sink, "value", buf_text(&value));
	sink_str(s->sink, "help", row->help);
	sink_row_end(s->sink);
	buf_free(&value);
}

static int find_settable(const char *name, const struct option_row **row, struct error *e)
{
	const char *names[32], *near;
	size_t n = 0;

	*row = option_find(name, strlen(name));
	if (*row && (*row)->settable)
		return 0;
	for (size_t i = 0; i < option_count && n < 32; i++)
		if (option_rows[i].settable)
			names[n++] = option_rows[i].name;
	if (*row)
		error_set_class(e, ERROR_USAGE, EINVAL,
				"%s can be set only when bpfman starts, as --%s", name, name);
	else
		error_set_class(e, ERROR_USAGE, EINVAL, "there is no option \"%s\"", name);
	near = *row ? NULL : text_nearest(name, names, n);
	if (near)
		return error_hint(e, "did you mean \"%s\"?", near);
	return error_hint(e, "set without a name lists them");
}

static int check_set(const struct invocation *in, struct error *e)
{
	const char *name = invocation_value(in, "OPTION"), *value = invocation_value(in, "VALUE");
	const struct option_row *row;
	struct options scratch = { 0 };
	int r;

	if (!name)
		return 0;
	r = find_settable(name, &row, e);
	if (!r && value && !option_names_file(row, value))
		r = option_set(&scratch, row, value, e);
	if (r && row && row->file && value)
		error_hint(e, "%s%s./%s is a file of that name", e->hint ? e->hint : "",
			   e->hint ? " " : "", value);
	options_free(&scratch);
	return r;
}

/* Results go to the file from the next command on; "-": to no file any more. */
static int set_file(struct session *s, const char *value, struct error *e)
{
	if (strcmp(value, "-") != 0 && s->options->dry_run) {
		sink_note(s->sink, "results would go to %s as well", value);
		return 0;
	}
	return s->copy_to(s->ui, strcmp(value, "-") ? value : NULL, e);
}

static int run_set(struct session *s, const struct invocation *in, struct error *e)
{
	const char *name = invocation_value(in, "OPTION"), *value = invocation_value(in, "VALUE");
	const struct option_row *row;
	int r;

	if (name && value) {
		r = find_settable(name, &row, e);
		if (!r && s->options->atomic && row->offset == offsetof(struct options, keep_going))
			r = error_set(e, EINVAL, "--atomic and keep-going exclude each other");
		if (!r && option_names_file(row, value))
			r = set_file(s, value, e);
		else if (!r)
			r = option_set(s->options, row, value, e);
		if (r)
			return r;
		manager_set_lock_timeout(s->manager, s->options->lock_timeout);
		s->remake = true; /* how results look may have changed: from the next command on */
		return 0;
	}
	sink_rows(s->sink, "options", &set_table);
	for (size_t i = 0; i < option_count; i++)
		if (option_rows[i].settable && (!name || !strcmp(name, option_rows[i].name)))
			write_option(s, &option_rows[i]);
	sink_rows_end(s->sink);
	return 0;
}

static const struct arg set_args[] = {
	{ .name = "OPTION", .type = ARG_OPTION, .help = "its name; without one all are listed" },
	{ .name = "VALUE", .type = ARG_OPTION_VALUE, .help = "its new value" },
};

/* ---- help ---- */

/* Whether help was asked of this command: of all, of it, or of the first of its two words. */
static bool help_wanted(const struct invocation *in, const struct command *c)
{
	const struct arg_values *words = invocation_values(in, "COMMAND");
	const char *second;

	if (!words->count)
		return true;
	second = command_second(c, words->values[0]);
	if (second)
		return words->count == 1 ||
		       (words->count == 2 && !strcmp(second, words->values[1]));
	return words->count == 1 && !strcmp(c->name, words->values[0]);
}

static int check_help(const struct invocation *in, struct error *e)
{
	const struct arg_values *words = invocation_values(in, "COMMAND");
	const char *name, *near;
	const char *names[64];
	size_t n = 0;

	for (const struct command *c; (c = command_at(n)); n++)
		if (help_wanted(in, c))
			return 0;
	name = words->values[words->count - 1];
	n = 0;
	for (const struct command *c; n < 64 && (c = command_at(n)); n++)
		names[n] = c->name;
	error_set_class(e, ERROR_USAGE, EINVAL, "unknown command \"%s\"", name);
	near = text_nearest(name, names, n);
	return near ? error_hint(e, "did you mean \"%s\"?", near)
		    : error_hint(e, "help lists the commands");
}

static void write_command(struct sink *s, const struct command *c)
{
	struct buf usage = { 0 };

	command_usage(c, &usage);
	sink_row(s);
	sink_str(s, "name", c->name);
	sink_str(s, "summary", c->summary);
	sink_str(s, "usage", buf_text(&usage));
	sink_str(s, "description", c->description);
	sink_bool(s, "mutates", c->flags & COMMAND_MUTATES);
	sink_bool(s, "undoable", c->flags & COMMAND_UNDOABLE);
	sink_rows(s, "arguments", NULL);
	for (size_t i = 0; i < c->arg_count; i++) {
		sink_row(s);
		sink_str(s, "name", c->args[i].name);
		sink_str(s, "value", c->args[i].value);
		sink_bool(s, "required", c->args[i].flags & ARG_REQUIRED);
		sink_bool(s, "repeats", c->args[i].flags & ARG_REPEAT);
		sink_str(s, "help", c->args[i].help);
		sink_row_end(s);
	}
	sink_rows_end(s);
	sink_row_end(s);
	buf_free(&usage);
}

static int run_help(struct session *s, const struct invocation *in, struct error *e)
{
	bool all = !invocation_value(in, "COMMAND");
	const struct command *c;
	struct buf text = { 0 };

	if (s->options->output == OUTPUT_TABLE) {
		if (all)
			command_help(NULL, &text);
		for (size_t i = 0; !all && (c = command_at(i)); i++) {
			if (!help_wanted(in, c))
				continue;
			buf_str(&text, text.len ? "\n" : "");
			command_help(c, &text);
		}
		if (buf_error(&text))
			return error_nomem(e);
		sink_text(s->sink, "text", text.data, text.len);
		buf_free(&text);
		return 0;
	}
	sink_rows(s->sink, "commands", NULL);
	for (size_t i = 0; (c = command_at(i)); i++)
		if (help_wanted(in, c))
			write_command(s->sink, c);
	sink_rows_end(s->sink);
	return 0;
}

static const struct arg help_args[] = {
	{ .name = "COMMAND",
	  .type = ARG_COMMAND,
	  .flags = ARG_REPEAT,
	  .help = "the one to tell all of" },
};

/* ---- complete ---- */

static const struct sink_column candidate_columns[] = { { .key = "word" } };
static const struct sink_table candidate_table = { candidate_columns, 1, NULL };

static int write_candidate(void *data, const char *word, size_t start, bool final)
{
	struct session *s = data;

	sink_row(s->sink);
	sink_str(s->sink, "word", word);
	sink_int(s->sink, "start", (int64_t)start);
	sink_bool(s->sink, "final", final);
	sink_row_end(s->sink);
	return 0;
}

static int run_complete(struct session *s, const struct invocation *in, struct error *e)
{
	const char *text = invocation_value(in, "TEXT");
	int r;

	sink_rows(s->sink, "candidates", &candidate_table);
	r = session_complete(s, text, strlen(text), write_candidate, s, e);
	sink_rows_end(s->sink);
	return r;
}

static const struct arg complete_args[] = {
	{ .name = "TEXT",
	  .type = ARG_TEXT,
	  .flags = ARG_REQUIRED,
	  .help = "a command line up to the cursor, as one word" },
};

/* ---- quit ---- */

static int run_quit(struct session *s, const struct invocation *in, struct error *e)
{
	(void)in;
	(void)e;
	s->quit = true;
	return 0;
}

const struct command session_commands[] = {
	{ "set", "show or change an option of this session", ARGS(set_args), 0, run_set,
	  "Without a name all options are listed. `set output FILE` has results written to a file "
	  "as "
	  "well, as text without colours, until `set output -`; a FILE is whatever has a / or a . "
	  "in "
	  "it. On the full screen it begins with what Output holds already.",
	  check_set },
	{ "help", "list the commands, or tell all of one", ARGS(help_args), 0, run_help, NULL,
	  check_help },
	{ "complete", "print what Tab would offer, one a line", ARGS(complete_args), 0,
	  run_complete, NULL, NULL },
	{ "quit", "end the session", NULL, 0, 0, run_quit, NULL, NULL },
};
const size_t session_command_count = sizeof(session_commands) / sizeof(session_commands[0]);

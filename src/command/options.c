/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "manager/manager.h"

static const char *const outputs[] = { "table", "json", NULL };
static const char *const switches[] = { "on", "off", NULL };
static const char *const colors[] = { "auto", "always", "never", NULL };

#define AT(member) offsetof(struct options, member)

const struct option_row option_rows[] = {
	{ .name = "output",
	  .letter = 'o',
	  .kind = OPTION_CHOICE,
	  .value = "table|json",
	  .choices = outputs,
	  .offset = AT(output),
	  .settable = true,
	  .file = AT(output_file),
	  .help = "how results are written; json: one compact document a line for each command" },
	{ .name = "json",
	  .letter = 'j',
	  .kind = OPTION_FLAG,
	  .offset = AT(output),
	  .help = "the same as --output json" },
	{ .name = "dry-run",
	  .letter = 'n',
	  .kind = OPTION_FLAG,
	  .offset = AT(dry_run),
	  .help = "parse, resolve names and open objects, but change and create nothing" },
	{ .name = "atomic",
	  .letter = '1',
	  .kind = OPTION_FLAG,
	  .offset = AT(atomic),
	  .help = "all that is run, or nothing of it, also when it is killed in the middle" },
	{ .name = "keep-going",
	  .letter = 'k',
	  .kind = OPTION_FLAG,
	  .offset = AT(keep_going),
	  .settable = true,
	  .help = "run the rest after a command failed" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPTION_FLAG,
	  .offset = AT(quiet),
	  .settable = true,
	  .help = "print only errors" },
	{ .name = "echo",
	  .letter = 'x',
	  .kind = OPTION_FLAG,
	  .offset = AT(echo),
	  .settable = true,
	  .help = "print each command before it runs" },
	{ .name = "timing",
	  .kind = OPTION_FLAG,
	  .offset = AT(timing),
	  .settable = true,
	  .help = "tell how long each command took" },
	{ .name = "lock-timeout",
	  .kind = OPTION_SECONDS,
	  .value = "SECONDS",
	  .offset = AT(lock_timeout),
	  .settable = true,
	  .help = "how long to wait for another session (default 30)" },
	{ .name = "db",
	  .kind = OPTION_PATH,
	  .value = "FILE",
	  .env = "BPFMAN_DB",
	  .offset = AT(db),
	  .help = "database (default " MANAGER_DB_DEFAULT ")" },
	{ .name = "pin-root",
	  .kind = OPTION_PATH,
	  .value = "DIR",
	  .env = "BPFMAN_PIN_ROOT",
	  .offset = AT(pin_root),
	  .help = "where pins go, on bpffs (default " MANAGER_ROOT_DEFAULT ")" },
	{ .name = "worker",
	  .kind = OPTION_PATH,
	  .value = "FILE",
	  .env = "BPFMAN_WORKER",
	  .offset = AT(worker),
	  .help = "the worker (default " BPFMAN_WORKER_DEFAULT ")" },
	{ .name = "ephemeral",
	  .kind = OPTION_FLAG,
	  .offset = AT(ephemeral),
	  .help = "a private database and pin root, gone at exit" },
	{ .name = "line",
	  .kind = OPTION_FLAG,
	  .offset = AT(line),
	  .help = "line mode, even on a capable terminal" },
	{ .name = "no-rc",
	  .kind = OPTION_FLAG,
	  .offset = AT(no_rc),
	  .help = "do not read ~/.config/bpfman/rc" },
	{ .name = "color",
	  .kind = OPTION_CHOICE,
	  .value = "auto|always|never",
	  .choices = colors,
	  .offset = AT(color),
	  .settable = true,
	  .help = "colours (auto: on a terminal, unless NO_COLOR is set)" },
	{ .name = "stats",
	  .kind = OPTION_CHOICE,
	  .value = "on|off",
	  .choices = switches,
	  .offset = AT(stats),
	  .settable = true,
	  .help = "whether the full screen has the kernel count runs and time, host-wide" },
	{ .name = "interval",
	  .kind = OPTION_INTERVAL,
	  .value = "SECONDS",
	  .offset = AT(interval_ms),
	  .settable = true,
	  .session_only = true,
	  .help = "how often the full screen reads anew" },
	{ .name = "pause",
	  .kind = OPTION_FLAG,
	  .offset = AT(pause),
	  .settable = true,
	  .session_only = true,
	  .help = "the full screen reads nothing anew" },
	{ .name = "others",
	  .kind = OPTION_CHOICE,
	  .value = "on|off",
	  .choices = switches,
	  .offset = AT(others),
	  .settable = true,
	  .session_only = true,
	  .help = "whether the full screen shows what others loaded" },
	{ .name = "mouse",
	  .kind = OPTION_FLAG,
	  .offset = AT(mouse),
	  .settable = true,
	  .session_only = true,
	  .help = "the full screen obeys the mouse, which selects no text for the terminal then" },
	{ .name = "pager",
	  .kind = OPTION_CHOICE,
	  .value = "on|off",
	  .choices = switches,
	  .offset = AT(pager),
	  .settable = true,
	  .session_only = true,
	  .help = "whether the line mode shows what is longer than the terminal with $PAGER" },
	{ .name = "help",
	  .letter = 'h',
	  .kind = OPTION_FLAG,
	  .offset = AT(help),
	  .help = "print this help" },
	{ .name = "version",
	  .letter = 'V',
	  .kind = OPTION_FLAG,
	  .offset = AT(version),
	  .help = "print the versions of bpfman, its libraries and the kernel" },
};

const size_t option_count = sizeof(option_rows) / sizeof(option_rows[0]);

static void *member(const struct options *o, const struct option_row *row)
{
	return (char *)o + row->offset;
}

static int set_path(struct options *o, const struct option_row *row, const char *value,
		    struct error *e)
{
	char **slot = member(o, row);
	char *path;

	if (!*value)
		return error_set_class(e, ERROR_USAGE, EINVAL, "--%s: the path is empty",
				       row->name);
	path = file_absolute(value, e);
	if (!path)
		return -e->err;
	/* "/a/b/" and "/a/b" are the same place; the former would not be found as a prefix. */
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	free(*slot);
	*slot = path;
	return 0;
}

static int set_flag(struct options *o, const struct option_row *row, const char *value,
		    struct error *e)
{
	static const char *const on[] = { "on", "yes", "true", "1" };
	static const char *const off[] = { "off", "no", "false", "0" };

	if (!strcmp(row->name, "json")) {
		o->output = OUTPUT_JSON;
		return 0;
	}
	if (!value) {
		*(bool *)member(o, row) = true;
		return 0;
	}
	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
		if (!strcmp(value, on[i]) || !strcmp(value, off[i])) {
			*(bool *)member(o, row) = !strcmp(value, on[i]);
			return 0;
		}
	}
	return error_set_class(e, ERROR_USAGE, EINVAL, "%s is on or off, not \"%s\"", row->name,
			       value);
}

static int set_interval(struct options *o, const struct option_row *row, const char *value,
			struct error *e)
{
	double seconds;
	char *end;

	/* No sign, no "inf", no hexadecimal; the locale's numbers are C's. */
	seconds = strspn(value, "0123456789.") == strlen(value) ? strtod(value, &end) : 0;
	if (!*value || seconds * 1000 < OPTION_INTERVAL_LEAST_MS ||
	    seconds * 1000 > OPTION_INTERVAL_MOST_MS || *end)
		return error_set_class(e, ERROR_USAGE, EINVAL,
				       "%s is a number of seconds from %g to %g, not \"%s\"",
				       row->name, OPTION_INTERVAL_LEAST_MS / 1000.0,
				       OPTION_INTERVAL_MOST_MS / 1000.0, value);
	*(int *)member(o, row) = (int)(seconds * 1000 + 0.5);
	return 0;
}

static int set_choice(struct options *o, const struct option_row *row, const char *value,
		      struct error *e)
{
	const char *near;
	size_t n = 0;

	for (; row->choices[n]; n++) {
		if (!strcmp(row->choices[n], value)) {
			*(int *)member(o, row) = (int)n;
			return 0;
		}
	}
	near = text_nearest(value, row->choices, n);
	error_set_class(e, ERROR_USAGE, EINVAL, "%s is %s, not \"%s\"", row->name, row->value,
			value);
	return near ? error_hint(e, "did you mean \"%s\"?", near) : -EINVAL;
}

bool option_names_file(const struct option_row *row, const char *value)
{
	return row->file && (!strcmp(value, "-") || strpbrk(value, "/."));
}

const char *option_file(const struct options *o, const struct option_row *row)
{
	return row->file ? *(char **)((char *)o + row->file) : NULL;
}

int option_set(struct options *o, const struct option_row *row, const char *value, struct error *e)
{
	uint64_t number;

	switch (row->kind) {
	case OPTION_FLAG:
		return set_flag(o, row, value, e);
	case OPTION_PATH:
		return set_path(o, row, value, e);
	case OPTION_SECONDS:
		if (!parse_u64(value, &number) || number > 1000000)
			return error_set_class(e, ERROR_USAGE, EINVAL,
					       "%s is a whole number of seconds, not \"%s\"",
					       row->name, value);
		*(int *)member(o, row) = (int)number;
		return 0;
	case OPTION_INTERVAL:
		return set_interval(o, row, value, e);
	case OPTION_CHOICE:
		return set_choice(o, row, value, e);
	}
	return 0;
}

void option_text(const struct options *o, const struct option_row *row, struct buf *out)
{
	switch (row->kind) {
	case OPTION_FLAG:
		buf_str(out, *(bool *)member(o, row) ? "on" : "off");
		break;
	case OPTION_CHOICE:
		buf_str(out, row->choices[*(int *)member(o, row)]);
		break;
	case OPTION_SECONDS:
		buf_printf(out, "%d", *(int *)member(o, row));
		break;
	case OPTION_INTERVAL:
		buf_printf(out, "%g", *(int *)member(o, row) / 1000.0);
		break;
	case OPTION_PATH:
		buf_str(out, *(char **)member(o, row));
		break;
	}
	if (option_file(o, row))
		buf_printf(out, ", also to %s", option_file(o, row));
}

int options_init(struct options *o, struct error *e)
{
	const char *no_color = getenv("NO_COLOR");
	int r = 0;

	memset(o, 0, sizeof(*o));
	o->lock_timeout = 30;
	o->interval_ms = 1000;
	if (no_color && *no_color)
		o->color = COLOR_NEVER;
	o->db = strdup(MANAGER_DB_DEFAULT);
	o->pin_root = strdup(MANAGER_ROOT_DEFAULT);
	o->worker = strdup(BPFMAN_WORKER_DEFAULT);
	if (!o->db || !o->pin_root || !o->worker)
		return error_nomem(e);
	for (size_t i = 0; !r && i < option_count; i++) {
		const char *value = option_rows[i].env ? getenv(option_rows[i].env) : NULL;

		if (value && *value)
			r = option_set(o, &option_rows[i], value, e);
	}
	return r;
}

void options_free(struct options *o)
{
	free(o->db);
	free(o->pin_root);
	free(o->worker);
	free(o->output_file);
	memset(o, 0, sizeof(*o));
}

const struct option_row *option_find(const char *name, size_t len)
{
	for (size_t i = 0; i < option_count; i++)
		if (strlen(option_rows[i].name) == len && !memcmp(option_rows[i].name, name, len))
			return &option_rows[i];
	return NULL;
}

const struct option_row *option_by_letter(char letter)
{
	for (size_t i = 0; i < option_count; i++)
		if (letter && option_rows[i].letter == letter)
			return &option_rows[i];
	return NULL;
}

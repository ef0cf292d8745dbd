/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shell's command line. Options stand before or after the command; "--" ends them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/text.h"
#include "ui/ui.h"

struct parsing {
	struct arguments *a;
	char **argv;
	int argc, at;
	const struct command *command; /* once its word has been seen */
	struct error *e;
};

static int add_input(struct arguments *a, bool file, const char *text, struct error *e)
{
	struct input_text *grown = grow(a->inputs, a->input_count, sizeof(*grown));

	if (!grown)
		return error_nomem(e);
	a->inputs = grown;
	grown[a->input_count++] = (struct input_text){ file, text };
	return 0;
}

static int add_word(struct parsing *p, const char *word)
{
	const char **grown = grow(p->a->words, p->a->word_count, sizeof(*grown));
	size_t used;

	if (!grown)
		return error_nomem(p->e);
	p->a->words = grown;
	grown[p->a->word_count++] = word;
	if (!p->command && p->a->word_count <= 2)
		p->command = command_match(grown[0], p->a->word_count > 1 ? word : NULL, &used);
	return 0;
}

/* The command's own option of this name or letter. */
static const struct arg *own_option(const struct command *c, const char *word)
{
	size_t len = strcspn(word, "=");

	for (size_t i = 0; c && i < c->arg_count; i++) {
		const struct arg *a = &c->args[i];

		if (a->name[0] == '-' && strlen(a->name) == len && !strncmp(a->name, word, len))
			return a;
		if (a->letter && word[1] == a->letter && !word[2])
			return a;
	}
	return NULL;
}

static int unknown(struct parsing *p, const char *word)
{
	const char *name = word + strspn(word, "-"), *names[32], *near;
	const struct option_row *row = option_find(name, strcspn(name, "="));
	size_t n = 0;

	error_set_class(p->e, ERROR_USAGE, EINVAL, "unknown option \"%s\"", word);
	if (row)
		return error_hint(p->e, "it is set by `set %s` in a session", row->name);
	for (size_t i = 0; i < option_count && n < 32; i++)
		if (!option_rows[i].session_only)
			names[n++] = option_rows[i].name;
	near = text_nearest(name, names, n);
	if (near)
		return error_hint(p->e, "did you mean --%s?", near);
	return error_hint(p->e, "bpfman --help lists the options");
}

static int take_value(struct parsing *p, const char *name, const char **value)
{
	if (p->at + 1 >= p->argc)
		return error_set_class(p->e, ERROR_USAGE, EINVAL, "%s needs a value", name);
	*value = p->argv[++p->at];
	return 0;
}

static int long_option(struct parsing *p, const char *word)
{
	const char *equals = strchr(word, '='), *value = NULL;
	size_t len = equals ? (size_t)(equals - word) - 2 : strlen(word) - 2;
	const struct option_row *row = option_find(word + 2, len);
	int r = 0;

	if (!row || row->session_only)
		return p->command ? add_word(p, word) : unknown(p, word);
	if (equals && !row->value)
		return error_set_class(p->e, ERROR_USAGE, EINVAL, "--%s takes no value", row->name);
	if (equals)
		value = equals + 1;
	else if (row->value)
		r = take_value(p, word, &value);
	return r ? r : option_set(&p->a->options, row, value, p->e);
}

static int short_options(struct parsing *p, const char *word)
{
	for (const char *s = word + 1; *s; s++) {
		const struct option_row *row = option_by_letter(*s);
		const char *value = NULL;
		int r = 0;

		if (*s == 'c' || *s == 'f') {
			if (s[1])
				value = s + 1;
			else
				r = take_value(p, *s == 'c' ? "-c" : "-f", &value);
			return r ? r : add_input(p->a, *s == 'f', value, p->e);
		}
		if (!row)
			return p->command && s == word + 1 ? add_word(p, word) : unknown(p, word);
		if (row->value) {
			if (s[1])
				value = s + 1;
			else
				r = take_value(p, word, &value);
			return r ? r : option_set(&p->a->options, row, value, p->e);
		}
		r = option_set(&p->a->options, row, NULL, p->e);
		if (r)
			return r;
	}
	return 0;
}

static int parse_word(struct parsing *p)
{
	const char *word = p->argv[p->at];
	const struct arg *own;
	int r;

	if (word[0] != '-' || !word[1])
		return add_word(p, word);
	own = own_option(p->command, word);
	if (own) {
		r = add_word(p, word);
		if (!r && own->type != ARG_FLAG && !strchr(word, '=') && p->at + 1 < p->argc)
			r = add_word(p, p->argv[++p->at]);
		return r;
	}
	return word[1] == '-' ? long_option(p, word) : short_options(p, word);
}

int arguments_parse(struct arguments *a, int argc, char **argv, struct error *e)
{
	struct parsing p = { .a = a, .argv = argv, .argc = argc, .at = 1, .e = e };
	int r;

	memset(a, 0, sizeof(*a));
	r = options_init(&a->options, e);
	for (; !r && p.at < argc; p.at++) {
		if (strcmp(argv[p.at], "--")) {
			r = parse_word(&p);
			continue;
		}
		/* The command sees its end of options too. */
		if (p.command)
			r = add_word(&p, "--");
		for (p.at++; !r && p.at < argc; p.at++)
			r = add_word(&p, argv[p.at]);
	}
	if (!r && a->options.atomic && a->options.keep_going)
		r = error_set_class(e, ERROR_USAGE, EINVAL,
				    "--atomic and --keep-going exclude each other");
	if (!r && a->input_count && a->word_count)
		r = error_set_class(e, ERROR_USAGE, EINVAL,
				    "a command and -c or -f exclude each other: \"%s\"",
				    a->words[0]);
	return r;
}

void arguments_free(struct arguments *a)
{
	options_free(&a->options);
	free(a->inputs);
	free(a->words);
	a->inputs = NULL;
	a->words = NULL;
}

void arguments_help(struct buf *out)
{
	buf_str(out,
		"bpfman [OPTION]...                          "
		"on a terminal the full screen; otherwise run standard input as a script\n"
		"bpfman [OPTION]... -c 'COMMAND; COMMAND'    run, then exit (may be repeated)\n"
		"bpfman [OPTION]... -f FILE                  run a script file\n"
		"bpfman [OPTION]... COMMAND [ARGUMENT]...    one command\n\nOptions:\n");
	options_help(out);
	buf_str(out, "\nCommands:\n");
	command_help(NULL, out);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words to the arguments of a command's row. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/text.h"
#include "command/command.h"

/* What newcomers type from other tools, and what it is called here. */
static const struct {
	const char *typed[3];
	const char *ours;
} dialects[] = {
	{ { "prog", "load" }, "load FILE [--program NAME] [--pin-path PATH]" },
	{ { "prog", "loadall" }, "load FILE" },
	{ { "prog", "show" }, "list programs, or show ID" },
	{ { "prog", "list" }, "list programs" },
	{ { "program", "load" }, "load FILE" },
	{ { "program", "list" }, "list programs" },
	{ { "program", "get" }, "show ID" },
	{ { "program", "unload" }, "unload PROGRAM" },
	{ { "map", "show" }, "list maps, or show map ID" },
	{ { "map", "list" }, "list maps" },
	{ { "map", "lookup" }, "map get MAP KEY" },
	{ { "map", "update" }, "map set MAP KEY VALUE" },
	{ { "map", "peek" }, "map get MAP" },
	{ { "map", "push" }, "map set MAP VALUE" },
	{ { "map", "enqueue" }, "map set MAP VALUE" },
	{ { "map", "pop" }, "map delete MAP" },
	{ { "map", "dequeue" }, "map delete MAP" },
	{ { "prog", "run" }, "run PROGRAM --data FILE" },
	{ { "get" }, "show ID" },
	{ { "delete" }, "unload PROGRAM|OBJECT" },
	{ { "remove" }, "unload PROGRAM|OBJECT" },
	{ { "rm" }, "unload PROGRAM|OBJECT" },
	{ { "ls" }, "list" },
	{ { "ps" }, "list" },
	{ { "link", "attach" }, "attach PROGRAM [TARGET]" },
	{ { "link", "list" }, "list links" },
	{ { "link", "show" }, "list links, or show link ID" },
	{ { "link", "detach" }, "detach LINK" },
	{ { "prog", "attach" }, "attach PROGRAM [TARGET]" },
	{ { "prog", "detach" }, "detach PROGRAM [TARGET]" },
	{ { "net", "attach" }, "attach PROGRAM INTERFACE" },
	{ { "exit" }, "quit" },
	{ { "version" }, "bpfman --version" },
};

static const struct {
	const char *option, *ours;
} option_dialects[] = {
	{ "--path", "the file is the first argument: load FILE" },
	{ "-p", "the file is the first argument: load FILE" },
	{ "--programs", "name a program with --program NAME; its type follows from its section, "
			"or from --type NAME=TYPE" },
	{ "--pin", "--pin-path PATH" },
	{ "--metadata", "--label KEY=VALUE" },
};

/* What we call what another tool calls so; NULL: nothing. */
static const char *dialect(const char *first, const char *second)
{
	for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
		const char *known = dialects[i].typed[1];

		if (!strcmp(dialects[i].typed[0], first) &&
		    (!known || (second && !strcmp(known, second))))
			return dialects[i].ours;
	}
	return NULL;
}

static int unknown_command(const struct statement *st, const char *candidates, struct error *e)
{
	const char *names[64];
	const char *word = st->words[0].text, *near, *ours;
	size_t n = 0;

	if (candidates) {
		error_set_class(e, ERROR_USAGE, EINVAL, "\"%s\" is ambiguous: %s", word,
				candidates);
		return -EINVAL;
	}
	error_set_class(e, ERROR_USAGE, EINVAL, "unknown command \"%s\"", word);
	ours = dialect(word, st->count > 1 ? st->words[1].text : NULL);
	if (ours)
		return error_hint(e, "here it is: %s", ours);
	for (const struct command *c; n < 64 && (c = command_at(n)); n++)
		names[n] = c->name;
	near = text_nearest(word, names, n);
	if (near)
		return error_hint(e, "did you mean \"%s\"?", near);
	return error_hint(e, "help lists the commands");
}

/* "map" alone, or with a second word that it has not. */
static int unknown_second(const struct statement *st, struct error *e)
{
	const char *first = st->words[0].text, *second = st->count > 1 ? st->words[1].text : NULL;
	const char *names[16], *near, *ours;
	struct buf list = { 0 };
	const struct command *c;
	size_t n = 0;

	for (size_t i = 0; n < 16 && (c = command_at(i)); i++)
		if ((names[n] = command_second(c, first)))
			n++;
	for (size_t i = 0; i < n; i++)
		buf_printf(&list, "%s%s", !i ? "" : i + 1 < n ? ", " : " or ", names[i]);
	if (second)
		error_set_class(e, ERROR_USAGE, EINVAL, "\"%s %s\" is no command: it is %s %s",
				first, second, first, buf_text(&list));
	else
		error_set_class(e, ERROR_USAGE, EINVAL, "a second word is missing: %s %s", first,
				buf_text(&list));
	buf_free(&list);
	ours = second ? dialect(first, second) : NULL;
	near = second ? text_nearest(second, names, n) : NULL;
	if (ours)
		return error_hint(e, "here it is: %s", ours);
	if (near)
		return error_hint(e, "did you mean \"%s %s\"?", first, near);
	return error_hint(e, "help %s tells of them", first);
}

/* *used: how many of the words are the command's name. */
static int find_command(const struct statement *st, bool prefixes, const struct command **out,
			size_t *used, struct error *e)
{
	const char *word = st->words[0].text;
	struct buf candidates = { 0 };
	const struct command *c, *match = NULL;
	size_t n = 0;
	int r = 0;

	*out = command_match(word, st->count > 1 ? st->words[1].text : NULL, used);
	if (*out)
		return 0;
	if (*used)
		return unknown_second(st, e);
	*used = 1;
	for (size_t i = 0; prefixes && (c = command_at(i)); i++) {
		if (strncmp(c->name, word, strlen(word)) || (c->flags & COMMAND_MUTATES) ||
		    strchr(c->name, ' '))
			continue;
		buf_str(&candidates, n++ ? ", " : "");
		buf_str(&candidates, c->name);
		match = c;
	}
	if (n == 1)
		*out = match;
	else
		r = unknown_command(st, n ? buf_text(&candidates) : NULL, e);
	buf_free(&candidates);
	return r;
}

static bool is_option(const struct arg *a)
{
	return a->name[0] == '-';
}

static int add_value(struct arg_values *v, const char *value, struct error *e)
{
	const char **grown = grow(v->values, v->count, sizeof(*grown));

	if (!grown)
		return error_nomem(e);
	v->values = grown;
	v->values[v->count++] = value;
	return 0;
}

static int check_choice(const struct arg *a, const char *value, struct error *e)
{
	const char *near;
	size_t n = 0;

	for (; a->choices[n]; n++)
		if (!strcmp(a->choices[n], value))
			return 0;
	error_set_class(e, ERROR_USAGE, EINVAL, "%s is one of %s, not \"%s\"", a->name, a->value,
			value);
	near = text_nearest(value, a->choices, n);
	return near ? error_hint(e, "did you mean \"%s\"?", near) : -EINVAL;
}

static int check_value(const struct arg *a, const char *value, struct error *e)
{
	const char *equals;
	uint64_t number;
	char *end;

	switch (a->type) {
	case ARG_CHOICE:
		return check_choice(a, value, e);
	case ARG_COUNT:
		if (!parse_u64(value, &number) || !number)
			return error_set_class(e, ERROR_USAGE, EINVAL,
					       "%s is a whole number from 1, not \"%s\"", a->name,
					       value);
		return 0;
	case ARG_NUMBER:
		if (!parse_u64(value, &number))
			return error_set_class(e, ERROR_USAGE, EINVAL,
					       "%s is a whole number, not \"%s\"", a->name, value);
		return 0;
	case ARG_SECONDS:
		errno = 0;
		if (!isdigit((unsigned char)value[0]) || strtod(value, &end) > 1e6 || *end ||
		    strtod(value, NULL) < 0.05)
			return error_set_class(e, ERROR_USAGE, EINVAL,
					       "%s is a number of seconds from 0.05, not \"%s\"",
					       a->name, value);
		return 0;
	case ARG_LABEL:
	case ARG_GLOBAL:
	case ARG_ATTACH:
	case ARG_REUSE:
		equals = strchr(value, '=');
		if (!equals || equals == value)
			return error_set_class(e, ERROR_USAGE, EINVAL, "%s is %s, not \"%s\"",
					       a->name, a->value, value);
		return 0;
	default:
		if (!*value && a->type != ARG_TEXT && a->type != ARG_MAP_KEY)
			return error_set_class(e, ERROR_USAGE, EINVAL, "%s is empty", a->name);
		return 0;
	}
}

static int unknown_option(const struct command *c, const char *word, size_t len, struct error *e)
{
	const char *names[32], *near;
	size_t n = 0, dashes = strspn(word, "-");
	char *copy = strndup(word, len);

	if (!copy)
		return error_nomem(e);
	error_set_class(e, ERROR_USAGE, EINVAL, "unknown option \"%s\"", copy);
	for (size_t i = 0; i < c->arg_count && n < 32; i++)
		if (is_option(&c->args[i]))
			names[n++] = c->args[i].name;
	for (size_t i = 0; i < sizeof(option_dialects) / sizeof(option_dialects[0]); i++)
		if (!strcmp(option_dialects[i].option, copy))
			error_hint(e, "%s", option_dialects[i].ours);
	near = text_nearest(copy, names, n);
	if (!e->hint && near)
		error_hint(e, "did you mean \"%s\"?", near);
	else if (!e->hint && (option_find(copy + dashes, len - dashes) ||
			      (len == 2 && option_by_letter(copy[1]))))
		error_hint(e, "that is an option of bpfman itself: give it on the shell's command "
			      "line, or with `set`");
	else if (!e->hint)
		error_hint(e, "help %s lists its options", c->name);
	free(copy);
	return -EINVAL;
}

static int bind_option(struct invocation *in, size_t *at, struct error *e)
{
	const struct statement *st = in->statement;
	const struct command *c = in->command;
	const char *word = st->words[*at].text;
	const char *equals = word[1] == '-' ? strchr(word, '=') : NULL;
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct arg *a = NULL;
	const char *value;
	size_t i;
	int r;

	for (i = 0; i < c->arg_count; i++) {
		a = &c->args[i];
		if (is_option(a) && strlen(a->name) == len && !strncmp(a->name, word, len))
			break;
		if (is_option(a) && a->letter && word[1] == a->letter && !word[2])
			break;
	}
	if (i == c->arg_count)
		return unknown_option(c, word, len, e);
	if (in->args[i].count && !(a->flags & ARG_REPEAT))
		return error_set_class(e, ERROR_USAGE, EINVAL, "%s is given twice", a->name);
	if (a->type == ARG_FLAG) {
		if (equals)
			return error_set_class(e, ERROR_USAGE, EINVAL, "%s takes no value",
					       a->name);
		return add_value(&in->args[i], "", e);
	}
	if (equals) {
		value = equals + 1;
	} else if ((a->flags & ARG_BARE) &&
		   (*at + 1 == st->count || !strchr(st->words[*at + 1].text, '=') ||
		    (st->words[*at + 1].text[0] == '-' && !st->words[*at + 1].quoted))) {
		return add_value(&in->args[i], "", e);
	} else if (*at + 1 < st->count) {
		value = st->words[++*at].text;
	} else {
		error_set_class(e, ERROR_USAGE, EINVAL, "%s needs a value: %s %s", a->name, a->name,
				a->value);
		return -EINVAL;
	}
	r = check_value(a, value, e);
	return r ? r : add_value(&in->args[i], value, e);
}

/* The next positional that still takes a word, or -1. */
static int next_positional(const struct invocation *in)
{
	for (size_t i = 0; i < in->command->arg_count; i++) {
		const struct arg *a = &in->command->args[i];

		if (is_option(a))
			continue;
		if (!in->args[i].count || (a->flags & ARG_REPEAT))
			return (int)i;
	}
	return -1;
}

static int bind_positional(struct invocation *in, int i, size_t at, struct error *e)
{
	const char *word = in->statement->words[at].text;
	const struct arg *a;
	int r;

	if (i < 0) {
		error_set_class(e, ERROR_USAGE, EINVAL, "\"%s\" is one word too many", word);
		return error_hint(e, "help %s shows how it is used", in->command->name);
	}
	a = &in->command->args[i];
	r = check_value(a, word, e);
	return r ? r : add_value(&in->args[i], word, e);
}

static int check_required(const struct invocation *in, struct error *e)
{
	const struct command *c = in->command;
	struct buf usage = { 0 };

	for (size_t i = 0; i < c->arg_count; i++) {
		if (!(c->args[i].flags & ARG_REQUIRED) || in->args[i].count)
			continue;
		command_usage(c, &usage);
		error_set_class(e, ERROR_USAGE, EINVAL, "%s is missing", c->args[i].name);
		error_hint(e, "usage: %s", buf_text(&usage));
		buf_free(&usage);
		return -EINVAL;
	}
	return 0;
}

int invocation_bind(struct invocation *in, const struct statement *st, bool prefixes,
		    struct error *e)
{
	bool ended = false; /* "--" was seen */
	size_t used;
	int r;

	memset(in, 0, sizeof(*in));
	in->statement = st;
	r = find_command(st, prefixes, &in->command, &used, e);
	if (r)
		return r;
	in->args = calloc(in->command->arg_count + 1, sizeof(*in->args));
	if (!in->args)
		return error_nomem(e);
	for (size_t at = used; !r && at < st->count; at++) {
		const struct word *w = &st->words[at];
		int i = next_positional(in);
		/* Once its first word is there, a command line inside a command is not ours. */
		bool inner = i >= 0 && in->command->args[i].type == ARG_WORDS && in->args[i].count;

		/* No option is a digit: -5 is a number. */
		bool dash = w->text[0] == '-' && w->text[1] && !isdigit((unsigned char)w->text[1]);

		if (!ended && !inner && !w->quoted && dash) {
			if (!strcmp(w->text, "--"))
				ended = true;
			else
				r = bind_option(in, &at, e);
			continue;
		}
		r = bind_positional(in, i, at, e);
	}
	if (!r)
		r = check_required(in, e);
	if (!r && in->command->check)
		r = in->command->check(in, e);
	if (r)
		invocation_free(in);
	return r;
}

void invocation_free(struct invocation *in)
{
	if (in->args)
		for (size_t i = 0; i < in->command->arg_count; i++)
			free(in->args[i].values);
	free(in->args);
	in->args = NULL;
}

const struct arg_values *invocation_values(const struct invocation *in, const char *name)
{
	static const struct arg_values none;

	for (size_t i = 0; i < in->command->arg_count; i++)
		if (!strcmp(in->command->args[i].name, name))
			return &in->args[i];
	return &none;
}

const char *invocation_value(const struct invocation *in, const char *name)
{
	const struct arg_values *v = invocation_values(in, name);

	return v->count ? v->values[0] : NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Tab offers: a function of the text, over one provider per argument type. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/grow.h"
#include "base/text.h"
#include "command/complete.h"

void offer(struct gathering *g, const char *lead, const char *word, bool final)
{
	struct candidate *grown;
	struct buf whole = { 0 };

	buf_str(&whole, lead);
	buf_str(&whole, word);
	if (strncmp(buf_text(&whole), g->prefix, strlen(g->prefix)) || g->nomem) {
		buf_free(&whole);
		return;
	}
	grown = grow(g->found, g->count, sizeof(*grown));
	if (grown)
		g->found = grown;
	if (!grown || buf_error(&whole)) {
		g->nomem = true;
		buf_free(&whole);
		return;
	}
	grown[g->count++] = (struct candidate){ buf_take(&whole), final };
}

/* ---- providers ---- */

void offer_choices(struct gathering *g, const char *const *choices)
{
	for (size_t i = 0; choices && choices[i]; i++)
		offer(g, "", choices[i], true);
}

void offer_files(struct gathering *g)
{
	const char *slash = strrchr(g->prefix, '/');
	struct buf dir = { 0 };
	struct dirent *entry;
	DIR *d;

	if (slash)
		buf_add(&dir, g->prefix, (size_t)(slash - g->prefix) + 1);
	d = opendir(dir.len ? dir.data : ".");
	while (d && (entry = readdir(d))) {
		const char *typed = slash ? slash + 1 : g->prefix;
		struct buf name = { 0 };
		struct stat st;
		bool is_dir;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    (entry->d_name[0] == '.' && typed[0] != '.') ||
		    strncmp(entry->d_name, typed, strlen(typed)))
			continue;
		is_dir = !fstatat(dirfd(d), entry->d_name, &st, 0) && S_ISDIR(st.st_mode);
		buf_printf(&name, "%s%s", entry->d_name, is_dir ? "/" : "");
		if (!buf_error(&name))
			offer(g, buf_text(&dir), name.data, !is_dir);
		buf_free(&name);
	}
	if (d)
		closedir(d);
	buf_free(&dir);
}

const char *first_positional(const struct gathering *g)
{
	const struct partial *p = g->partial;

	for (size_t i = 1; i < p->count; i++) {
		const char *word = p->words[i].text;

		if (word[0] != '-')
			return word;
		for (size_t k = 0; k < g->command->arg_count; k++)
			if (!strcmp(g->command->args[k].name, word) &&
			    g->command->args[k].type != ARG_FLAG)
				i++;
	}
	return NULL;
}

static void offer_commands(struct gathering *g, unsigned without)
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)); i++) {
		char *word = strndup(c->name, strcspn(c->name, " "));

		if (!word)
			g->nomem = true;
		else if (!(c->flags & without))
			offer(g, "", word, true);
		free(word);
	}
}

static void offer_seconds(struct gathering *g, const char *first)
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)); i++)
		if (command_second(c, first))
			offer(g, "", command_second(c, first), true);
}

static void offer_settable(struct gathering *g)
{
	for (size_t i = 0; i < option_count; i++)
		if (option_rows[i].settable)
			offer(g, "", option_rows[i].name, true);
}

static void offer_option_values(struct gathering *g)
{
	static const char *const flags[] = { "on", "off", NULL };
	const struct option_row *row = NULL;

	if (g->partial->count > 1)
		row = option_find(g->partial->words[1].text, strlen(g->partial->words[1].text));
	if (!row)
		return;
	if (row->kind == OPTION_FLAG || row->choices)
		offer_choices(g, row->kind == OPTION_FLAG ? flags : row->choices);
	if (option_names_file(row, g->prefix))
		offer_files(g);
}

static void offer_type(struct gathering *g, const struct arg *a)
{
	switch (a->type) {
	case ARG_CHOICE:
		offer_choices(g, a->choices);
		break;
	case ARG_FILE:
	case ARG_PIN_PATH:
		offer_files(g);
		break;
	case ARG_FILE_PROGRAM:
		offer_of_file(g, "programs", "");
		break;
	case ARG_GLOBAL:
		offer_globals(g);
		break;
	case ARG_LABEL:
		offer_labels(g);
		break;
	case ARG_REUSE:
		offer_reuse(g);
		break;
	case ARG_PROGRAM_TYPE:
		offer_program_types(g);
		break;
	case ARG_PROGRAM:
		offer_named(g, WANT_PROGRAM);
		break;
	case ARG_OBJECT:
		offer_named(g, WANT_OBJECT);
		break;
	case ARG_PROGRAM_OR_OBJECT:
		offer_named(g, WANT_PROGRAM | WANT_OBJECT);
		break;
	case ARG_MAP:
		offer_named(g, WANT_MAP);
		break;
	case ARG_MAP_KEY:
		offer_map_keys(g);
		break;
	case ARG_OWN_MAP:
		offer_own_maps(g);
		break;
	case ARG_ANYTHING:
		if (g->partial->count == 2 && !strcmp(g->partial->words[1].text, "file")) {
			offer_files(g);
			break;
		}
		if (g->partial->count == 1)
			offer_choices(g, (const char *const[]){ "program", "map", "link", "object",
								"file", NULL });
		offer_named(g, WANT_ANY);
		break;
	case ARG_LINK:
		offer_named(g, WANT_LINK);
		break;
	case ARG_PROGRAM_OR_LINK:
		offer_named(g, WANT_PROGRAM | WANT_LINK);
		break;
	case ARG_TARGET:
		offer_targets(g);
		break;
	case ARG_ATTACH_TYPE:
		offer_attach_types(g);
		break;
	case ARG_NETNS:
		offer_netns(g);
		break;
	case ARG_ATTACH:
		if (!strchr(g->prefix, '='))
			offer_of_file(g, "programs", "=");
		break;
	case ARG_COMMAND:
		if (g->partial->count > 1)
			offer_seconds(g, g->partial->words[1].text);
		else
			offer_commands(g, 0);
		break;
	case ARG_WORDS:
		offer_commands(g, COMMAND_MUTATES | COMMAND_DOCUMENTS);
		break;
	case ARG_OPTION:
		offer_settable(g);
		break;
	case ARG_OPTION_VALUE:
		offer_option_values(g);
		break;
	case ARG_FLAG:
	case ARG_TEXT:
	case ARG_NAME:
	case ARG_SECONDS:
	case ARG_COUNT:
	case ARG_NUMBER:
		break;
	}
}

/* ---- what is being typed ---- */

static const struct arg *option_named(const struct command *c, const char *word, size_t len)
{
	for (size_t i = 0; i < c->arg_count; i++)
		if (c->args[i].name[0] == '-' && strlen(c->args[i].name) == len &&
		    !strncmp(c->args[i].name, word, len))
			return &c->args[i];
	return NULL;
}

static const struct arg *option_lettered(const struct command *c, char letter)
{
	for (size_t i = 0; i < c->arg_count; i++)
		if (letter && c->args[i].letter == letter)
			return &c->args[i];
	return NULL;
}

/* The positional that the word under the cursor is for. */
static const struct arg *positional_at(const struct command *c, const struct partial *p)
{
	size_t position = 0;

	for (size_t i = 1; i < p->count; i++) {
		const char *word = p->words[i].text;
		const struct arg *a;

		if (word[0] != '-') {
			position++;
			continue;
		}
		a = option_named(c, word, strlen(word));
		if (a && a->type != ARG_FLAG)
			i++;
	}
	for (size_t i = 0; i < c->arg_count; i++) {
		if (c->args[i].name[0] == '-')
			continue;
		if (!position || (c->args[i].flags & ARG_REPEAT))
			return &c->args[i];
		position--;
	}
	return NULL;
}

/* Where the command line behind `watch` begins, or the count of words when it has not begun. */
static size_t inner_start(const struct command *c, const struct partial *p)
{
	const struct arg *last = c->arg_count ? &c->args[c->arg_count - 1] : NULL;
	size_t i = 1;

	if (!last || last->type != ARG_WORDS)
		return p->count;
	while (i < p->count && p->words[i].text[0] == '-') {
		const struct arg *a = option_named(c, p->words[i].text, strlen(p->words[i].text));

		if (!a)
			a = option_lettered(c, p->words[i].text[1]);
		i += a && a->type != ARG_FLAG ? 2 : 1;
	}
	return i;
}

static void gather(struct gathering *g, const char **lead)
{
	const struct partial *p = g->partial;
	size_t start, used;
	const char *current = p->current, *equals;
	const struct command *c;
	const struct arg *a;

	if (!p->count) {
		offer_commands(g, 0);
		return;
	}
	g->command = c =
		command_match(p->words[0].text, p->count > 1 ? p->words[1].text : NULL, &used);
	if (!c && used && p->count == 1)
		offer_seconds(g, p->words[0].text);
	if (!c)
		return;
	if (used == 2) { /* as if its name were one word */
		g->inner = *p;
		g->inner.words++;
		g->inner.count--;
		g->partial = p = &g->inner;
	}
	start = inner_start(c, p);
	if (start < p->count) {
		g->inner = *p;
		g->inner.words += start;
		g->inner.count -= start;
		g->partial = &g->inner;
		gather(g, lead);
		return;
	}
	a = p->count > 1 ? option_named(c, p->words[p->count - 1].text,
					strlen(p->words[p->count - 1].text))
			 : NULL;
	if (a && a->type != ARG_FLAG) {
		offer_type(g, a);
		return;
	}
	equals = current[0] == '-' && !p->quote ? strchr(current, '=') : NULL;
	if (equals) {
		a = option_named(c, current, (size_t)(equals - current));
		if (a && a->type != ARG_FLAG) {
			*lead = current;
			g->prefix = equals + 1;
			offer_type(g, a);
		}
		return;
	}
	if (current[0] == '-' && !p->quote) {
		for (size_t i = 0; i < c->arg_count; i++)
			if (c->args[i].name[0] == '-')
				offer(g, "", c->args[i].name, true);
		return;
	}
	a = positional_at(c, p);
	if (a)
		offer_type(g, a);
}

static int compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return strcmp(x->word, y->word);
}

int session_complete(struct session *s, const char *text, size_t len, complete_fn fn, void *data,
		     struct error *e)
{
	struct gathering g = { .s = s };
	const char *lead = NULL;
	struct partial p;
	int r;

	r = partial_parse(&p, text, len, e);
	if (r)
		return r;
	g.partial = &p;
	g.prefix = p.current;
	gather(&g, &lead);
	if (g.count)
		qsort(g.found, g.count, sizeof(*g.found), compare);
	if (g.nomem)
		r = error_nomem(e);
	for (size_t i = 0; i < g.count; i++) {
		struct buf word = { 0 }, whole = { 0 };

		if (!r && (!i || strcmp(g.found[i].word, g.found[i - 1].word))) {
			if (lead) /* "--option=" stays in front of its value */
				buf_add(&whole, lead, (size_t)(strchr(lead, '=') + 1 - lead));
			buf_str(&whole, g.found[i].word);
			lang_quote(&word, buf_text(&whole));
			r = buf_error(&word) || buf_error(&whole)
				    ? error_nomem(e)
				    : fn(data, buf_text(&word), p.current_start, g.found[i].final);
		}
		buf_free(&word);
		buf_free(&whole);
	}
	for (size_t i = 0; i < g.count; i++)
		free(g.found[i].word);
	free(g.found);
	partial_free(&p);
	return r;
}

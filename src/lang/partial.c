/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lang/lang.h"

#include <stdlib.h>
#include <string.h>

#include "lang/arena.h"
#include "lang/lexer.h"

/* Where the last command begins, and how many words it has, the one under the cursor included. */
static const char *last_command(const char *text, size_t len, size_t *words)
{
	const char *start;
	struct lexer lx;
	struct token t;

	lexer_init(&lx, text, len, true);
	start = lx.p;
	*words = 0;
	for (lexer_next(&lx, &t); t.kind != TOKEN_TEXT_END; lexer_next(&lx, &t)) {
		if (t.kind == TOKEN_COMMAND_END) {
			start = t.end;
			*words = 0;
		} else if (t.kind == TOKEN_WORD) {
			++*words;
		} else {
			break;
		}
	}
	return start;
}

/*
 * Fills the words of the command that begins at start in text, which was copied to the arena's
 * source. The word that the text's end cuts off becomes the current one instead. False without
 * memory.
 */
static bool fill_command(struct partial *p, const char *text, const char *start, size_t len)
{
	struct lang_arena *a = p->script.arena;
	struct place place = { .line = 1, .column = 1 };
	const char *counted = a->source;
	struct lexer lx;
	struct token t;

	place_advance(&place, text, start);
	lexer_init(&lx, a->source, len, true);
	/* A mark was skipped already, with all that stands before the command. */
	lx.p = a->source;
	lx.out = a->text;
	a->statements[0] = (struct statement){ .words = a->words };
	for (lexer_next(&lx, &t); t.kind != TOKEN_TEXT_END; lexer_next(&lx, &t)) {
		struct statement *s = &a->statements[0];

		if (lx.p == lx.end) {
			p->current = t.kind == TOKEN_WORD
					     ? strndup(t.text, t.len)
					     : strndup(t.start, (size_t)(t.end - t.start));
			p->current_start = (size_t)(start - text) + (size_t)(t.start - a->source);
			p->quote = t.open_quote;
			return p->current;
		}
		place_advance(&place, counted, t.start);
		counted = t.start;
		if (s->count == 0)
			s->source = t.start;
		s->source_len = (size_t)(t.end - s->source);
		a->words[s->count++] = (struct word){
			.text = t.text, .len = t.len, .place = place, .quoted = t.quoted
		};
	}
	p->current = strdup("");
	return p->current;
}

int partial_parse(struct partial *p, const char *text, size_t len, struct error *e)
{
	const char *start;
	size_t words, rest;

	if (!text)
		text = "";
	*p = (struct partial){ .current_start = len };
	start = last_command(text, len, &words);
	rest = (size_t)(text + len - start);
	p->script.name = strdup("");
	p->script.arena = arena_new(1, words, rest, rest + 1);
	if (!p->script.name || !p->script.arena)
		goto nomem;
	memcpy(p->script.arena->source, start, rest);
	if (!fill_command(p, text, start, rest))
		goto nomem;
	p->script.statements = p->script.arena->statements;
	p->count = p->script.statements[0].count;
	p->script.count = p->count ? 1 : 0;
	p->words = p->script.statements[0].words;
	return 0;
nomem:
	partial_free(p);
	return error_nomem(e);
}

void partial_free(struct partial *p)
{
	script_free(&p->script);
	free(p->current);
	*p = (struct partial){ 0 };
}

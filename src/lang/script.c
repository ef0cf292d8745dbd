/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lang/lang.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lang/arena.h"
#include "lang/lexer.h"

struct lang_arena *arena_new(size_t statements, size_t words, size_t source_len, size_t text_len)
{
	struct lang_arena *a;
	size_t size = sizeof(*a);

	if (__builtin_add_overflow(size, statements * sizeof(*a->statements), &size) ||
	    __builtin_add_overflow(size, words * sizeof(*a->words), &size) ||
	    __builtin_add_overflow(size, source_len + 1, &size) ||
	    __builtin_add_overflow(size, text_len, &size))
		return NULL;
	a = malloc(size);
	if (!a)
		return NULL;
	a->statements = (struct statement *)(a + 1);
	a->words = (struct word *)(a->statements + statements);
	a->source = (char *)(a->words + words);
	a->source[source_len] = '\0';
	a->text = a->source + source_len + 1;
	return a;
}

/* Fills e with the lexer's fault, which lies somewhere behind start. */
static int tell_fault(struct lexer *lx, const char *name, const char *start, struct error *e)
{
	struct place place = { .line = 1, .column = 1 };
	int ret;

	if (buf_error(&lx->fault)) {
		ret = error_nomem(e);
	} else {
		place_advance(&place, start, lx->fault_at);
		ret = error_set_class(e, ERROR_USAGE, EINVAL, "%s", buf_text(&lx->fault));
		error_where(e, "%s:%u:%u", name, place.line, place.column);
	}
	buf_free(&lx->fault);
	return ret;
}

/* The first pass: checks everything and counts. */
static int count_tokens(const char *name, const char *text, size_t len, size_t *statements,
			size_t *words, struct error *e)
{
	struct lexer lx;
	struct token t;
	const char *start;
	bool open = false;

	*statements = 0;
	*words = 0;
	lexer_init(&lx, text, len, false);
	start = lx.p;
	for (;;) {
		lexer_next(&lx, &t);
		if (t.kind == TOKEN_FAULT)
			return tell_fault(&lx, name, start, e);
		if (t.kind == TOKEN_TEXT_END)
			return 0;
		if (t.kind == TOKEN_WORD) {
			++*words;
			*statements += !open;
		}
		open = t.kind == TOKEN_WORD;
	}
}

/* The second pass, over the arena's own copy, with the same answers as the first. */
static void fill_statements(struct lang_arena *a, size_t len)
{
	struct place place = { .line = 1, .column = 1 };
	struct statement *next = a->statements;
	struct statement *open = NULL;
	struct word *word = a->words;
	const char *counted;
	struct lexer lx;
	struct token t;

	lexer_init(&lx, a->source, len, false);
	lx.out = a->text;
	counted = lx.p;
	for (lexer_next(&lx, &t); t.kind != TOKEN_TEXT_END; lexer_next(&lx, &t)) {
		if (t.kind != TOKEN_WORD) {
			open = NULL;
			continue;
		}
		place_advance(&place, counted, t.start);
		counted = t.start;
		if (!open) {
			open = next++;
			*open = (struct statement){ .words = word, .source = t.start };
		}
		*word++ = (struct word){
			.text = t.text, .len = t.len, .place = place, .quoted = t.quoted
		};
		open->count++;
		open->source_len = (size_t)(t.end - open->source);
	}
}

int script_parse(struct script *s, const char *name, const char *text, size_t len, struct error *e)
{
	size_t words;
	int ret;

	*s = (struct script){ 0 };
	if (!text)
		text = "";
	ret = count_tokens(name, text, len, &s->count, &words, e);
	if (ret)
		goto out;
	s->name = strdup(name);
	s->arena = arena_new(s->count, words, len, len + 1);
	if (!s->name || !s->arena) {
		ret = error_nomem(e);
		goto out;
	}
	s->statements = s->arena->statements;
	memcpy(s->arena->source, text, len);
	fill_statements(s->arena, len);
out:
	if (ret)
		script_free(s);
	return ret;
}

/* The words' texts and their places in source, which is their quoted forms with blanks between. */
static int fill_from_words(struct lang_arena *a, const char *const *words, size_t count)
{
	struct place place = { .line = 1, .column = 1 };
	struct buf quoted = { 0 };
	char *text = a->text;
	size_t i;
	int ret;

	for (i = 0; i < count; i++) {
		size_t len = strlen(words[i]);

		memcpy(text, words[i], len + 1);
		a->words[i] = (struct word){ .text = text, .len = len, .place = place };
		text += len + 1;
		lang_quote(&quoted, words[i]);
		buf_char(&quoted, ' ');
		if (buf_error(&quoted))
			break;
		place_advance(&place, quoted.data, quoted.data + quoted.len);
		buf_reset(&quoted);
	}
	ret = buf_error(&quoted);
	buf_free(&quoted);
	return ret;
}

int script_from_words(struct script *s, const char *name, const char *const *words, size_t count,
		      struct error *e)
{
	struct buf source = { 0 };
	size_t text_len = 0;
	size_t i;
	int ret = 0;

	*s = (struct script){ .count = count ? 1 : 0, .words = true };
	for (i = 0; i < count; i++) {
		if (i)
			buf_char(&source, ' ');
		lang_quote(&source, words[i]);
		text_len += strlen(words[i]) + 1;
	}
	s->name = strdup(name);
	s->arena = arena_new(s->count, count, source.len, text_len);
	if (!s->name || !s->arena || buf_error(&source) ||
	    fill_from_words(s->arena, words, count)) {
		ret = error_nomem(e);
		goto out;
	}
	s->statements = s->arena->statements;
	if (count) {
		memcpy(s->arena->source, source.data, source.len);
		s->statements[0] = (struct statement){ .words = s->arena->words,
						       .count = count,
						       .source = s->arena->source,
						       .source_len = source.len };
	}
out:
	buf_free(&source);
	if (ret)
		script_free(s);
	return ret;
}

void script_free(struct script *s)
{
	free(s->name);
	free(s->arena);
	*s = (struct script){ 0 };
}

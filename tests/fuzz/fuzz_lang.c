/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a script and as a line before the cursor. What parses must survive being quoted and
 * being parsed again from its source, word by word.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lang/lang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

static void check_same(const struct statement *a, const struct statement *b)
{
	size_t i;

	CHECK(a->count == b->count);
	for (i = 0; i < a->count; i++) {
		CHECK(a->words[i].len == b->words[i].len);
		CHECK(strlen(a->words[i].text) == a->words[i].len);
		CHECK(memcmp(a->words[i].text, b->words[i].text, a->words[i].len) == 0);
	}
}

/* The statement, written as text, must be exactly this statement. */
static void check_reparse(const struct statement *st, const char *text, size_t len)
{
	struct error e = ERROR_INIT;
	struct script again;

	CHECK(script_parse(&again, "again", text, len, &e) == 0);
	CHECK(again.count == 1);
	check_same(st, &again.statements[0]);
	script_free(&again);
}

/*
 * Whether a source means the same as a text of its own: a byte order mark would be skipped at a
 * text's start, and an escaped CR would be part of the line end at its end.
 */
static bool stands_alone(const char *source, size_t len)
{
	return (len < 3 || memcmp(source, "\xef\xbb\xbf", 3) != 0) && source[len - 1] != '\r';
}

static void check_statement(const struct statement *st)
{
	const char **words = calloc(st->count, sizeof(*words));
	struct error e = ERROR_INIT;
	struct buf quoted = { 0 };
	struct script same;
	size_t i;

	CHECK(st->count > 0 && words);
	for (i = 0; i < st->count; i++) {
		if (i)
			buf_char(&quoted, ' ');
		lang_quote(&quoted, st->words[i].text);
		words[i] = st->words[i].text;
	}
	CHECK(utf8_valid(buf_text(&quoted), quoted.len));
	check_reparse(st, quoted.data, quoted.len);
	if (stands_alone(st->source, st->source_len))
		check_reparse(st, st->source, st->source_len);

	CHECK(script_from_words(&same, "words", words, st->count, &e) == 0);
	check_same(st, &same.statements[0]);
	CHECK(same.statements[0].source_len == quoted.len);
	CHECK(memcmp(same.statements[0].source, quoted.data, quoted.len) == 0);
	script_free(&same);
	free(words);
	buf_free(&quoted);
}

static void check_partial(const char *text, size_t len)
{
	struct error e = ERROR_INIT;
	struct partial p;
	size_t i;

	CHECK(partial_parse(&p, text, len, &e) == 0);
	CHECK(p.current && p.current_start <= len);
	CHECK(p.quote == 0 || p.quote == '\'' || p.quote == '"');
	CHECK(strlen(p.current) <= len - p.current_start);
	for (i = 0; i < p.count; i++)
		CHECK(strlen(p.words[i].text) == p.words[i].len);
	partial_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of exactly this size: what reads behind the end is caught. */
	char *text = malloc(size ? size : 1);
	struct error e = ERROR_INIT;
	struct script s;
	size_t i;

	CHECK(text);
	if (size)
		memcpy(text, data, size);
	if (script_parse(&s, "fuzz", text, size, &e)) {
		CHECK(e.message && e.class == ERROR_USAGE);
		CHECK(e.where && strncmp(e.where, "fuzz:", 5) == 0);
		CHECK(s.count == 0 && !s.statements);
	} else {
		for (i = 0; i < s.count; i++)
			check_statement(&s.statements[i]);
	}
	script_free(&s);
	error_clear(&e);
	check_partial(text, size);
	if (size)
		check_partial(text, (size_t)(uint8_t)text[0] % size);
	free(text);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lang/lexer.h"

#include <string.h>

#include "base/text.h"

/* What a byte may begin outside quotes; every other byte is part of a word as it is. */
enum byte_class { ORDINARY, BLANK, COMMAND_END, QUOTE, BACKSLASH, ZERO, HIGH };

static const unsigned char byte_classes[256] = {
	['\0'] = ZERO,	[' '] = BLANK,		[';'] = COMMAND_END, ['\n'] = COMMAND_END,
	['\''] = QUOTE, ['\t'] = BLANK,		['\\'] = BACKSLASH,  ['\r'] = BLANK,
	['"'] = QUOTE,	[0x80 ... 0xff] = HIGH,
};

static enum byte_class class_of(char c)
{
	return byte_classes[(unsigned char)c];
}

void lexer_init(struct lexer *lx, const char *text, size_t len, bool lenient)
{
	static const char mark[] = "\xef\xbb\xbf";

	*lx = (struct lexer){ .p = text, .end = text + len, .lenient = lenient };
	if (len >= 3 && memcmp(text, mark, 3) == 0)
		lx->p += 3;
}

void place_advance(struct place *place, const char *from, const char *to)
{
	/* In a copy: written through place, each byte read could have changed it. */
	struct place here = *place;

	for (; from < to; from++) {
		here.column += ((unsigned char)*from & 0xc0) != 0x80;
		if (*from == '\n') {
			here.line++;
			here.column = 1;
		}
	}
	*place = here;
}

/* Returns false, as whoever meets a fault does. */
static bool fault(struct lexer *lx, const char *at, const char *what)
{
	lx->fault_at = at;
	buf_str(&lx->fault, what);
	return false;
}

static void emit(struct lexer *lx, const char *bytes, size_t len)
{
	if (lx->out && len) {
		memcpy(lx->out, bytes, len);
		lx->out += len;
	}
}

/*
 * Whether what may stand anywhere is wrong at p: a NUL or a byte that is no UTF-8. Otherwise n is
 * the length of the character.
 */
static bool check_char(struct lexer *lx, const char *p, size_t *n)
{
	uint32_t code;

	*n = 1;
	if (*p == '\0')
		return lx->lenient || fault(lx, p, "NUL byte");
	*n = utf8_decode(p, (size_t)(lx->end - p), &code);
	if (*n)
		return true;
	*n = 1;
	if (lx->lenient)
		return true;
	lx->fault_at = p;
	buf_printf(&lx->fault, "invalid UTF-8 (byte 0x%02x)", (unsigned char)*p);
	return false;
}

/* Takes the bytes up to stop as they are. A word has no NUL inside: lenient leaves it out. */
static bool take_plain(struct lexer *lx, const char *stop)
{
	while (lx->p < stop) {
		const char *run = lx->p;
		size_t n;

		while (lx->p < stop && *lx->p != '\0' && !((unsigned char)*lx->p & 0x80))
			lx->p++;
		emit(lx, run, (size_t)(lx->p - run));
		if (lx->p == stop)
			break;
		if (!check_char(lx, lx->p, &n))
			return false;
		if (*lx->p)
			emit(lx, lx->p, n);
		lx->p += n;
	}
	return true;
}

/* Bytes of a backslash and the line end behind it, 0 when p does not begin such a pair. */
static size_t continuation(const struct lexer *lx, const char *p)
{
	const char *q = p + 1;

	if (*p != '\\')
		return 0;
	if (q < lx->end && *q == '\r')
		q++;
	/* A missing last newline is fine, also here; but completion wants the next character. */
	if (q == lx->end)
		return lx->lenient ? 0 : (size_t)(q - p);
	return *q == '\n' ? (size_t)(q + 1 - p) : 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What is wrong with the escape at p; lenient takes the backslash as it is. */
static bool bad_escape(struct lexer *lx, const char *what)
{
	const char *p = lx->p;
	size_t n;

	if (lx->lenient) {
		emit(lx, p, 1);
		lx->p++;
		return true;
	}
	if (what)
		return fault(lx, p, what);
	if (!check_char(lx, p + 1, &n))
		return false;
	lx->fault_at = p;
	if (p[1] == '\n' || p[1] == '\r') {
		buf_str(&lx->fault, "backslash at the end of a line inside double quotes");
	} else {
		buf_str(&lx->fault, "unknown escape \\");
		escape_add(&lx->fault, p + 1, n, ESCAPE_LINE);
		buf_str(&lx->fault, " inside double quotes");
	}
	return false;
}

/* At a backslash inside double quotes, with at least one byte behind it. */
static bool take_escape(struct lexer *lx)
{
	static const char known[][2] = {
		{ '"', '"' }, { '\\', '\\' }, { 'n', '\n' }, { 't', '\t' }
	};
	const char *p = lx->p;
	size_t i;
	int high, low;
	char c;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (p[1] == known[i][0]) {
			emit(lx, &known[i][1], 1);
			lx->p += 2;
			return true;
		}
	}
	if (p[1] != 'x')
		return bad_escape(lx, NULL);
	high = lx->end - p > 2 ? hex_value(p[2]) : -1;
	low = lx->end - p > 3 ? hex_value(p[3]) : -1;
	if (high < 0 || low < 0)
		return bad_escape(lx, "\\x needs two hexadecimal digits");
	c = (char)(high << 4 | low);
	if (c == '\0')
		return bad_escape(lx, "\\x00: a word cannot hold a NUL byte");
	emit(lx, &c, 1);
	lx->p += 4;
	return true;
}

/* At an opening quote. */
static bool take_quoted(struct lexer *lx, struct token *t)
{
	const char *open = lx->p++;
	const char quote = *open;

	t->quoted = true;
	while (lx->p < lx->end) {
		const char *stop = lx->p;

		while (stop < lx->end && *stop != quote && (*stop != '\\' || quote == '\''))
			stop++;
		if (!take_plain(lx, stop))
			return false;
		if (stop == lx->end)
			break;
		if (*stop == quote) {
			lx->p++;
			return true;
		}
		if (lx->end - stop == 1) {
			lx->p++;
			break;
		}
		if (!take_escape(lx))
			return false;
	}
	if (!lx->lenient)
		return fault(lx, open, "unterminated quote");
	t->open_quote = quote;
	return true;
}

/* At a backslash outside quotes that continues no line. */
static bool take_backslash(struct lexer *lx, struct token *t)
{
	size_t n;

	t->quoted = true;
	lx->p++;
	if (lx->p == lx->end)
		return true;
	return check_char(lx, lx->p, &n) && take_plain(lx, lx->p + n);
}

/* At a word's first byte. */
static bool take_word(struct lexer *lx, struct token *t)
{
	t->kind = TOKEN_WORD;
	t->text = lx->out;
	while (lx->p < lx->end) {
		const char *stop = lx->p;
		enum byte_class class;
		bool ok;
		size_t n;

		while (stop < lx->end && class_of(*stop) == ORDINARY)
			stop++;
		if (stop > lx->p) {
			emit(lx, lx->p, (size_t)(stop - lx->p));
			lx->p = stop;
			t->end = stop;
			continue;
		}
		class = class_of(*stop);
		if (class == BLANK || class == COMMAND_END)
			break;
		n = continuation(lx, stop);
		if (n) {
			/* Not a part of the word yet: it may end right behind. */
			lx->p += n;
			continue;
		}
		if (class == QUOTE)
			ok = take_quoted(lx, t);
		else if (class == BACKSLASH)
			ok = take_backslash(lx, t);
		else
			ok = check_char(lx, stop, &n) && take_plain(lx, stop + n);
		if (!ok)
			return false;
		t->end = lx->p;
	}
	if (lx->out) {
		t->len = (size_t)(lx->out - t->text);
		*lx->out++ = '\0';
	}
	return true;
}

/* At a #. Moves to the newline that ends the comment; what it says must still be text. */
static bool skip_comment(struct lexer *lx, struct token *t)
{
	const char *stop = memchr(lx->p, '\n', (size_t)(lx->end - lx->p));
	char *out = lx->out;
	bool ok;

	if (!stop && lx->lenient)
		t->kind = TOKEN_COMMENT;
	lx->out = NULL;
	ok = take_plain(lx, stop ? stop : lx->end);
	lx->out = out;
	t->end = lx->p;
	return ok;
}

void lexer_next(struct lexer *lx, struct token *t)
{
	*t = (struct token){ .kind = TOKEN_TEXT_END };
	while (lx->p < lx->end) {
		enum byte_class class = class_of(*lx->p);
		size_t n = class == BLANK ? 1 : continuation(lx, lx->p);

		if (n) {
			lx->p += n;
			continue;
		}
		t->start = t->end = lx->p;
		if (class == COMMAND_END) {
			t->kind = TOKEN_COMMAND_END;
			t->end = ++lx->p;
			return;
		}
		if (*lx->p != '#') {
			if (!take_word(lx, t))
				t->kind = TOKEN_FAULT;
			return;
		}
		if (!skip_comment(lx, t)) {
			t->kind = TOKEN_FAULT;
			return;
		}
		if (t->kind == TOKEN_COMMENT)
			return;
	}
	t->start = t->end = lx->p;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "kernel/worker/log.h"

struct line {
	const char *text;
	size_t len;
};

static bool begins(struct line line, const char *with)
{
	size_t n = strlen(with);

	return line.len >= n && memcmp(line.text, with, n) == 0;
}

/* "12: (b7) r0 = 1", "12: R0=..." and the like: what the verifier walked through. */
static bool is_numbered(struct line line)
{
	size_t i = 0;

	while (i < line.len && line.text[i] >= '0' && line.text[i] <= '9')
		i++;
	return i > 0 && i < line.len && line.text[i] == ':';
}

/* "R1=ctx(off=0,imm=0) R10=fp0", " R0_w=...", "fp-8=...": a state. */
static bool is_state(struct line line)
{
	size_t i = 0;

	while (i < line.len && line.text[i] == ' ')
		i++;
	if (i + 2 < line.len && memcmp(line.text + i, "fp-", 3) == 0)
		return true;
	if (i + 1 >= line.len || line.text[i] != 'R')
		return false;
	for (i++; i < line.len && line.text[i] >= '0' && line.text[i] <= '9'; i++)
		;
	return i < line.len && (line.text[i] == '=' || line.text[i] == '_');
}

/* What belongs to the walk and not to the verdict. */
static bool is_walk(struct line line)
{
	static const char *const beginnings[] = {
		";",	       "from ",	      "mark_precise:",	"last_idx",  "regs=", "parent ",
		"caller",      "callee:",     "returning from", "to caller", "func#", "Live regs",
		"propagating", "Validating ", "Func#",		"reg_type ", "frame",
	};
	size_t i;

	if (is_numbered(line) || is_state(line))
		return true;
	for (i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (begins(line, beginnings[i]))
			return true;
	return false;
}

/* Figures that follow the verdict, and text that libbpf or the kernel put beside it. */
static bool is_beside(struct line line)
{
	static const char *const beginnings[] = { "processed ",	  "verification time ",
						  "stack depth ", "cur state:",
						  "old state:",	  "<invalid " };
	const char *aside = "reference type('UNKNOWN";
	size_t i;

	if (line.len == 0 || memmem(line.text, line.len, aside, strlen(aside)))
		return true;
	for (i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (begins(line, beginnings[i]))
			return true;
	return false;
}

/* The line that ends at *end (exclusive); moves *end before it. False at the text's beginning. */
static bool line_before(const char *text, size_t *end, struct line *line)
{
	size_t start;

	if (*end == 0)
		return false;
	start = *end;
	while (start > 0 && text[start - 1] != '\n')
		start--;
	line->text = text + start;
	line->len = *end - start;
	*end = start > 0 ? start - 1 : 0;
	return start > 0 || line->len > 0;
}

void verifier_reason(const char *text, size_t len, struct buf *reason)
{
	enum { LINES = 3, LOOK_BACK = 64 };
	struct line found[LINES];
	struct line line;
	size_t count = 0;
	int looked = 0;

	/* The verdict stands below the walk: read upwards, keep the uppermost lines of it. */
	while (looked++ < LOOK_BACK && line_before(text, &len, &line)) {
		if (is_beside(line))
			continue;
		if (is_walk(line)) {
			if (count)
				break;
			continue;
		}
		memmove(found + 1, found, sizeof(found) - sizeof(found[0]));
		found[0] = line;
		if (count < LINES)
			count++;
	}
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_str(reason, "; ");
		buf_add(reason, found[i].text, found[i].len);
	}
}

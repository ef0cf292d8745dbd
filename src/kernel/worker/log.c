/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/protocol/protocol.h"
#include "kernel/protocol/wire.h"
#include "kernel/worker/log.h"

enum {
	SAID_LIMIT = 16 * 1024, /* bytes of warnings kept to find the reason in */
	MESSAGE_LIMIT = 64 * 1024,
};

static struct log *current;

void log_add(struct log *l, const char *text, size_t len)
{
	size_t room = PROTOCOL_LOG_HEAD - l->head.len;

	l->bytes += len;
	if (room > len)
		room = len;
	buf_add(&l->head, text, room);
	text += room;
	len -= room;
	if (len > PROTOCOL_LOG_TAIL) {
		buf_reset(&l->tail);
		text += len - PROTOCOL_LOG_TAIL;
		len = PROTOCOL_LOG_TAIL;
	}
	if (l->tail.len + len > 2 * PROTOCOL_LOG_TAIL)
		buf_drop(&l->tail, l->tail.len + len - PROTOCOL_LOG_TAIL);
	buf_add(&l->tail, text, len);
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Guesses of libbpf that send people the wrong way: they are true for kernels before 5.11 only. */
static bool is_misleading(const char *message)
{
	return strstr(message, "ulimit -l") || strstr(message, "RLIMIT_MEMLOCK");
}

static void note_warning(struct log *l, const char *message)
{
	if (begins(message, "libbpf: "))
		message += strlen("libbpf: ");
	if (l->said.len + strlen(message) < SAID_LIMIT)
		buf_str(&l->said, message);
}

static int print(enum libbpf_print_level level, const char *format, va_list args)
{
	struct log *l = current;
	char fixed[512];
	char *message = fixed;
	va_list again;
	int len;

	if (!l || (level == LIBBPF_DEBUG && !l->verbose && !l->list))
		return 0;
	va_copy(again, args);
	len = vsnprintf(fixed, sizeof(fixed), format, args);
	if (len >= (int)sizeof(fixed)) {
		size_t size = len < MESSAGE_LIMIT ? (size_t)len + 1 : MESSAGE_LIMIT;

		message = malloc(size);
		if (message)
			len = vsnprintf(message, size, format, again);
		else
			message = fixed;
		if (len >= (int)size)
			len = (int)size - 1;
	}
	va_end(again);
	if (len < 0)
		return 0;
	if (l->list) {
		if (strstr(message, "section(type) names are:"))
			buf_str(&l->listed, strchr(message, ':') + 1);
	} else {
		if (level == LIBBPF_WARN)
			note_warning(l, message);
		if (!is_misleading(message))
			log_add(l, message, strlen(message));
	}
	if (message != fixed)
		free(message);
	return 0;
}

void log_begin(struct log *l, bool verbose)
{
	memset(l, 0, sizeof(*l));
	l->verbose = verbose;
	current = l;
	libbpf_set_print(print);
}

void log_end(struct log *l)
{
	current = NULL;
	buf_free(&l->head);
	buf_free(&l->tail);
	buf_free(&l->said);
	buf_free(&l->listed);
}

static char *line_at(const char *start)
{
	return strndup(start, strcspn(start, "\n"));
}

char *log_said(const struct log *l, const char *text)
{
	const char *said = buf_text(&l->said);
	const char *found = strstr(said, text);

	if (!found)
		return NULL;
	while (found > said && found[-1] != '\n')
		found--;
	return line_at(found);
}

/* Warnings about what libbpf works around, and its closing words that only say that it failed. */
static bool is_aside(const char *line, size_t len)
{
	static const char *const asides[] = {
		"gnor", /* "Ignored and continue", "ignoring" */
		"Retrying without BTF",
		"BTF is optional",
		"skipping optional step",
		"Failed to bump RLIMIT_MEMLOCK",
		"failed to load object '",
		"ulimit -l",
	};
	size_t i;

	for (i = 0; i < sizeof(asides) / sizeof(asides[0]); i++)
		if (memmem(line, len, asides[i], strlen(asides[i])))
			return true;
	return false;
}

char *log_first(const struct log *l)
{
	const char *line = buf_text(&l->said);

	while (*line) {
		size_t len = strcspn(line, "\n");

		if (len && !is_aside(line, len))
			return strndup(line, len);
		line += len + (line[len] == '\n');
	}
	return NULL;
}

static char *whole_text(const struct log *l, bool *truncated)
{
	struct buf text = { 0 };
	size_t left = l->tail.len > PROTOCOL_LOG_TAIL ? l->tail.len - PROTOCOL_LOG_TAIL : 0;
	size_t kept = l->head.len + l->tail.len - left;
	char *encoded = NULL;

	*truncated = l->bytes > kept;
	buf_add(&text, l->head.data, l->head.len);
	if (*truncated)
		buf_printf(&text, "\n[... %llu bytes left out ...]\n",
			   (unsigned long long)(l->bytes - kept));
	if (l->tail.len)
		buf_add(&text, l->tail.data + left, l->tail.len - left);
	if (!buf_error(&text) && !buf_error(&l->head) && !buf_error(&l->tail))
		encoded = wire_encode_text(buf_text(&text), text.len);
	buf_free(&text);
	return encoded;
}

int log_answer(const struct log *l, json_t *answer)
{
	bool truncated;
	char *text = whole_text(l, &truncated);
	int err = 0;

	err |= json_object_set_new_nocheck(answer, "log", text ? json_string_nocheck(text) : NULL);
	err |= json_object_set_new_nocheck(answer, "log_bytes", json_integer((json_int_t)l->bytes));
	err |= json_object_set_new_nocheck(answer, "log_truncated", json_boolean(truncated));
	free(text);
	return err ? -ENOMEM : 0;
}

int verifier_log_map(struct verifier_log *v)
{
	/* The kernel's limit for log_size is UINT_MAX >> 2 (kernel/bpf/log.c). */
	size_t size = ((size_t)1 << 30) - 4096;
	const size_t least = (size_t)1 << 20;

	for (; size >= least; size /= 2) {
		v->text = mmap(NULL, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (v->text != MAP_FAILED) {
			v->size = size;
			return 0;
		}
	}
	v->text = NULL;
	return -ENOMEM;
}

void verifier_log_unmap(struct verifier_log *v)
{
	if (v->text)
		munmap(v->text, v->size);
	v->text = NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allocations, of which some fail. Linked with --wrap around them, so that they are those of bpfman
 * and of all libraries that are linked in; FAILING says whose, "front" or "worker".
 */
#include "failing.h"

#include <errno.h>
#include <stddef.h>

/* The body of each: what is asked for, or nothing. */
#define FAILS_OR(result)               \
	{                              \
		if (!failing(FAILING)) \
			return result; \
		errno = ENOMEM;        \
		return NULL;           \
	}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) FAILS_OR(__real_malloc(size))

	void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size) FAILS_OR(__real_calloc(count, size))

	void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size) FAILS_OR(__real_realloc(old, size))

	void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size)
	FAILS_OR(__real_reallocarray(old, count, size))

		char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text) FAILS_OR(__real_strdup(text))

	char *__real_strndup(const char *text, size_t size);
char *__wrap_strndup(const char *text, size_t size);
char *__wrap_strndup(const char *text, size_t size) FAILS_OR(__real_strndup(text, size))

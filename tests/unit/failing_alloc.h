/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_TESTS_FAILING_ALLOC_H
#define BPFMAN_TESTS_FAILING_ALLOC_H

/*
 * Memory that runs out on demand. A test includes this and then the .c files that it wants to see
 * without memory, so that their allocations come here; the library's copies of those files are
 * not linked then.
 *
 *	for (n = 1; ; n++) { alloc_fail_from(n); act(); if (!alloc_failed()) break; }
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct {
	unsigned long count;
	unsigned long from;  /* 0: none fails */
	unsigned long until; /* the last one that fails */
	bool failed;
} allocs;

/* The n-th allocation from now and all after it fail; 0: none. */
static inline void alloc_fail_from(unsigned long n)
{
	allocs.count = 0;
	allocs.from = n;
	allocs.until = -1ul;
	allocs.failed = false;
}

/* Only the n-th fails. */
static inline void alloc_fail_one(unsigned long n)
{
	alloc_fail_from(n);
	allocs.until = n;
}

/* Whether one failed; all work again. */
static inline bool alloc_failed(void)
{
	bool failed = allocs.failed;

	alloc_fail_from(0);
	return failed;
}

static inline bool alloc_fails(void)
{
	allocs.count++;
	if (allocs.from == 0 || allocs.count < allocs.from || allocs.count > allocs.until)
		return false;
	allocs.failed = true;
	return true;
}

static inline void *failing_malloc(size_t size)
{
	return alloc_fails() ? NULL : malloc(size);
}

static inline void *failing_calloc(size_t count, size_t size)
{
	return alloc_fails() ? NULL : calloc(count, size);
}

static inline void *failing_realloc(void *old, size_t size)
{
	return alloc_fails() ? NULL : realloc(old, size);
}

static inline char *failing_strdup(const char *s)
{
	return alloc_fails() ? NULL : strdup(s);
}

static inline char *failing_strndup(const char *s, size_t n)
{
	return alloc_fails() ? NULL : strndup(s, n);
}

#undef strdup
#undef strndup
#define malloc	failing_malloc
#define calloc	failing_calloc
#define realloc failing_realloc
#define strdup	failing_strdup
#define strndup failing_strndup

#endif

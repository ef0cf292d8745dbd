/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts what may fail, and says what does. Allocates nothing: it is called by who allocates. */
#include "failing.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
	const char *kind; /* NULL: nothing fails */
	size_t kind_len;
	unsigned long first, count;
	struct failing_count *counted;
} fault;

/* Behind all other libraries': what they allocate before main() is none of bpfman's. */
static void __attribute__((constructor)) begin(void)
{
	const char *text = getenv("BPFMAN_FAULT");
	char *at;
	void *map;
	int fd;

	if (!text)
		return;
	fault.kind_len = strcspn(text, " ");
	fault.first = strtoul(text + fault.kind_len, &at, 10);
	fault.count = strtoul(at, &at, 10);
	fd = open(at + 1, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	map = mmap(NULL, sizeof(*fault.counted), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return;
	fault.counted = map;
	fault.kind = text;
}

bool failing(const char *kind)
{
	unsigned long n;

	if (!fault.kind || strlen(kind) != fault.kind_len ||
	    strncmp(kind, fault.kind, fault.kind_len))
		return false;
	n = ++fault.counted->seen;
	if (!fault.first || n < fault.first || (fault.count && n >= fault.first + fault.count))
		return false;
	fault.counted->failed++;
	return true;
}

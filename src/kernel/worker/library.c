/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "kernel/worker/attach.h"
#include "kernel/worker/library.h"
#include "kernel/worker/names.h"

/*
 * /etc/ld.so.cache as glibc writes it since 2.2 ("new format"; since 2.32 nothing else): a header,
 * the entries, then the strings, whose offsets count from the header. It is sorted so that of
 * several versions the highest comes first.
 */
static const char cache_path[] = "/etc/ld.so.cache";
static const char cache_magic[] = "glibc-ld.so.cache1.1";

struct cache_header {
	char magic[20];
	uint32_t count;
	uint32_t unused[6];
};

struct cache_entry {
	int32_t flags;
	uint32_t name;
	uint32_t path;
	uint32_t os_version;
	uint64_t hardware;
};

enum { CACHE_LIMIT = 16 * 1024 * 1024 };

/* Class and machine of an ELF file; 0 for anything else. */
static unsigned machine_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	Elf64_Ehdr header;
	ssize_t n;

	if (fd < 0)
		return 0;
	n = pread(fd, &header, sizeof(header), 0);
	close(fd);
	/* The machine stands at the same place in 32-bit files. */
	if (n < (ssize_t)sizeof(Elf32_Ehdr) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return 0;
	return (unsigned)header.e_ident[EI_CLASS] << 16 | header.e_machine;
}

/* Whether it is a file for this machine: of the class and machine that we are. */
static bool is_native(const char *path)
{
	unsigned own = machine_of("/proc/self/exe");

	return own && machine_of(path) == own;
}

/* Whether a file name is the one wanted: itself, or with ".so" and a version behind. */
static bool matches(const char *file, const char *wanted)
{
	size_t len = strlen(wanted);

	if (strncmp(file, wanted, len) != 0)
		return false;
	file += len;
	return *file == '\0' || strcmp(file, ".so") == 0 || strncmp(file, ".so.", 4) == 0;
}

/* The text at an offset of the cache; NULL when it does not lie within. */
static const char *cache_text(const struct buf *cache, size_t start, uint32_t offset)
{
	size_t at = start + offset;

	return at < cache->len && memchr(cache->data + at, 0, cache->len - at) ? cache->data + at
									       : NULL;
}

/* What the search is for: a path, or all names for a hint. */
struct search {
	const char *wanted;
	char *found;
	struct names *names;
};

/* Takes an entry of the cache; false ends the walk. */
typedef bool cache_step(struct search *s, const char *name, const char *path);

static bool take_match(struct search *s, const char *name, const char *path)
{
	if (!matches(name, s->wanted) || !is_native(path))
		return true;
	s->found = strdup(path);
	return false;
}

static bool take_name(struct search *s, const char *name, const char *path)
{
	(void)path;
	names_add(s->names, name);
	return true;
}

static void walk_entries(const struct buf *cache, size_t at, cache_step *step, struct search *s)
{
	const char *start = cache->data + at;
	struct cache_header header;
	uint32_t i;

	if (cache->len - at < sizeof(header))
		return;
	memcpy(&header, start, sizeof(header));
	if (header.count > (cache->len - at - sizeof(header)) / sizeof(struct cache_entry))
		return;
	for (i = 0; i < header.count; i++) {
		struct cache_entry entry;
		const char *name, *path;

		memcpy(&entry, start + sizeof(header) + i * sizeof(entry), sizeof(entry));
		name = cache_text(cache, at, entry.name);
		path = cache_text(cache, at, entry.path);
		if (name && path && !step(s, name, path))
			return;
	}
}

static void walk_cache(cache_step *step, struct search *s)
{
	struct error ignored = ERROR_INIT;
	struct buf cache = { 0 };

	if (file_read(cache_path, CACHE_LIMIT, &cache, &ignored) == 0) {
		const char *start =
			memmem(cache.data, cache.len, cache_magic, sizeof(cache_magic) - 1);

		if (start)
			walk_entries(&cache, (size_t)(start - cache.data), step, s);
	}
	buf_free(&cache);
	error_clear(&ignored);
}

static char *search_directories(const char *wanted)
{
	static const char *const libraries[] = { "/lib", "/lib64", "/usr/lib", "/usr/lib64",
						 "/usr/local/lib" };
	static const char *const programs[] = { "/usr/local/bin",  "/usr/bin",	"/bin",
						"/usr/local/sbin", "/usr/sbin", "/sbin" };
	char *found = NULL;
	size_t i, j;

	for (i = 0; !found && i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		struct names files = { 0 };

		names_of_directory(&files, libraries[i]);
		for (j = 0; !found && j < files.count; j++)
			if (matches(files.name[j], wanted) &&
			    asprintf(&found, "%s/%s", libraries[i], files.name[j]) < 0)
				found = NULL;
		names_free(&files);
		if (found && !is_native(found)) {
			free(found);
			found = NULL;
		}
	}
	for (i = 0; !found && i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (asprintf(&found, "%s/%s", programs[i], wanted) < 0)
			found = NULL;
		if (found && access(found, X_OK)) {
			free(found);
			found = NULL;
		}
	}
	return found;
}

static int not_found(const char *name, struct failure *f)
{
	struct names names = { 0 };
	struct search s = { .names = &names };
	const char *nearest;

	walk_cache(take_name, &s);
	nearest = names_nearest(&names, name);
	attach_no_target(f, ENOENT, nearest, "there is no library or program '%s'", name);
	if (!nearest)
		error_hint(&f->error, "name it by its path");
	names_free(&names);
	return -ENOENT;
}

static int cannot_use(const char *path, int err, struct failure *f)
{
	struct names names = { 0 };
	char *parent = strdup(path);
	char *slash = parent ? strrchr(parent, '/') : NULL;

	if (err != ENOENT || !slash) {
		free(parent);
		return fail(f, STAGE_ATTACH, err == ENOENT ? REASON_NO_TARGET : REASON_OTHER, err,
			    "%s: %s", path, strerror(err));
	}
	*slash = '\0';
	names_of_directory(&names, *parent ? parent : "/");
	attach_no_target(f, err, names_nearest(&names, slash + 1), "%s does not exist", path);
	names_free(&names);
	free(parent);
	return -err;
}

static int use(const char *path, char **real, struct failure *f)
{
	struct stat st;

	*real = realpath(path, NULL);
	if (!*real)
		return cannot_use(path, errno, f);
	if (stat(*real, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	free(*real);
	*real = NULL;
	return fail(f, STAGE_ATTACH, REASON_BAD_TARGET, EINVAL, "%s is not a file", path);
}

int library_find(const char *name, char **path, struct failure *f)
{
	struct search s = { .wanted = name };
	int err;

	if (strchr(name, '/'))
		return use(name, path, f);
	walk_cache(take_match, &s);
	if (!s.found)
		s.found = search_directories(name);
	if (!s.found)
		return not_found(name, f);
	err = use(s.found, path, f);
	free(s.found);
	return err;
}

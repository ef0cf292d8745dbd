/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories that were made for --pin-path, and go again when the last pin in them went. */
#include "manager/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/protocol/protocol.h"

int parents_remember(struct manager *m, const char *path, struct error *e)
{
	char *copy = strdup(path);
	char *slash;
	struct stat st;
	int r = 0;

	if (!copy)
		return error_nomem(e);
	while (!r && (slash = strrchr(copy, '/')) && slash != copy) {
		*slash = '\0';
		if (!stat(copy, &st))
			break;
		if (errno == ENOENT)
			r = db_directory_add(m->db, copy, e);
		else if (errno == ENOTDIR || errno == EACCES || errno == ELOOP ||
			 errno == ENAMETOOLONG)
			break; /* nothing can be made there: the worker says so */
		else	       /* not known to be there, and it may be made */
			r = error_set(e, errno, "cannot look at %s: %s", copy, strerror(errno));
	}
	free(copy);
	return r;
}

static void free_paths(char **paths, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
}

int parents_leading_to(struct manager *m, const char *path, json_t *list, struct error *e)
{
	char **paths;
	size_t count;
	int r;

	r = db_directories(m->db, &paths, &count, e);
	if (r)
		return r;
	for (size_t i = 0; !r && i < count; i++) {
		size_t len = strlen(paths[i]);

		if (!strncmp(path, paths[i], len) && path[len] == '/' &&
		    json_array_append_new(list, wire_json(paths[i])))
			r = error_nomem(e);
	}
	free_paths(paths, count);
	return r;
}

int parents_forget(struct manager *m, struct error *e)
{
	char **paths;
	size_t count;
	struct stat st;
	int r;

	r = db_directories(m->db, &paths, &count, e);
	if (r)
		return r;
	for (size_t i = 0; !r && i < count; i++)
		if (stat(paths[i], &st) && errno == ENOENT)
			r = db_directory_delete(m->db, paths[i], e);
	free_paths(paths, count);
	return r;
}

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
			 errno == ENAMETOOLONG || errno == EPERM)
			break; /* nothing can be made there (EPERM: a dot in bpffs): the worker says
				  so */
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

struct disowning {
	char **paths; /* NULL: one of ours is in it */
	size_t count;
};

static int still_ours(void *data, struct db_program *p)
{
	struct disowning *k = data;

	for (size_t i = 0; p->outside_path && i < k->count; i++) {
		size_t len = k->paths[i] ? strlen(k->paths[i]) : 0;

		if (len && !strncmp(p->outside_path, k->paths[i], len) &&
		    p->outside_path[len] == '/') {
			free(k->paths[i]);
			k->paths[i] = NULL;
		}
	}
	return 0;
}

int parents_disown(struct manager *m, struct error *e)
{
	struct disowning k = { 0 };
	int r = db_directories(m->db, &k.paths, &k.count, e);

	if (r)
		return r;
	if (k.count)
		r = db_programs(m->db, 0, still_ours, &k, e);
	for (size_t i = 0; !r && i < k.count; i++)
		if (k.paths[i])
			r = db_directory_delete(m->db, k.paths[i], e);
	free_paths(k.paths, k.count);
	return r;
}

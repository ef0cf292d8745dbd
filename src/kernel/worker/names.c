/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/text.h"
#include "kernel/worker/names.h"

void names_add(struct names *n, const char *name)
{
	char **grown = grow(n->name, n->count, sizeof(*grown));
	char *copy;

	if (!grown)
		return;
	n->name = grown;
	copy = strdup(name);
	if (copy)
		n->name[n->count++] = copy;
}

void names_of_directory(struct names *n, const char *path)
{
	DIR *listing = opendir(path);
	struct dirent *entry;

	while (listing && (entry = readdir(listing)))
		if (entry->d_name[0] != '.')
			names_add(n, entry->d_name);
	if (listing)
		closedir(listing);
}

const char *names_nearest(const struct names *n, const char *word)
{
	return text_nearest(word, (const char *const *)n->name, n->count);
}

void names_free(struct names *n)
{
	while (n->count)
		free(n->name[--n->count]);
	free(n->name);
	n->name = NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/grow.h"
#include "kernel/worker/attach.h"
#include "kernel/worker/functions.h"
#include "kernel/worker/tracefs.h"

enum { LINE = 1024 };

/* Takes a line of a list of functions: its address (0: none told) and name; false ends the walk. */
typedef bool line_step(void *data, unsigned long address, const char *name);

/* Walks "ADDRESS [TYPE] NAME [MODULE]" or "NAME [MODULE]". A negative errno when there is no list.
 */
static int walk(const char *path, bool addresses, bool types, line_step *step, void *data)
{
	FILE *list = fopen(path, "re");
	char line[LINE];
	bool on = true;

	if (!list)
		return -errno;
	while (on && fgets(line, sizeof(line), list)) {
		unsigned long address = 0;
		char *at = line;
		char type = 't';

		if (addresses)
			address = strtoul(at, &at, 16);
		at += strspn(at, " ");
		if (types && *at) {
			type = *at++;
			at += strspn(at, " ");
		}
		at[strcspn(at, " \t\n")] = '\0';
		if (*at && strchr("tTwW", type))
			on = step(data, address, at);
	}
	fclose(list);
	return 0;
}

struct wanted {
	const char *name;
	bool found;
};

static bool is_wanted(void *data, unsigned long address, const char *name)
{
	struct wanted *w = data;

	(void)address;
	w->found = strcmp(name, w->name) == 0;
	return !w->found;
}

bool functions_has(const char *name)
{
	struct wanted w = { .name = name };

	return walk("/proc/kallsyms", true, true, is_wanted, &w) != 0 || w.found;
}

/* The kernel's list of what can be traced, with addresses since Linux 6.5. */
static int walk_traceable(line_step *step, void *data, bool *addresses)
{
	const char *top = tracefs_path();
	struct buf path = { 0 };
	int err;

	if (!top)
		return -ENOENT;
	buf_printf(&path, "%s/available_filter_functions_addrs", top);
	*addresses = true;
	err = buf_error(&path) ? -ENOMEM : walk(buf_text(&path), true, false, step, data);
	if (err == -ENOENT) {
		path.len -= strlen("_addrs");
		path.data[path.len] = '\0';
		*addresses = false;
		err = walk(buf_text(&path), false, false, step, data);
	}
	buf_free(&path);
	return err;
}

static bool add_name(void *data, unsigned long address, const char *name)
{
	(void)address;
	names_add(data, name);
	return true;
}

int functions_missing(const char *name, struct failure *f)
{
	struct names names = { 0 };
	bool addresses;

	if (walk_traceable(add_name, &names, &addresses))
		walk("/proc/kallsyms", true, true, add_name, &names);
	attach_no_target(f, ENOENT, names_nearest(&names, name),
			 "this kernel has no function '%s' that can be traced", name);
	names_free(&names);
	return -ENOENT;
}

struct matching {
	const char *pattern;
	struct functions *found;
	bool lost;
};

static bool add_match(void *data, unsigned long address, const char *name)
{
	struct matching *m = data;
	struct functions *found = m->found;
	unsigned long *grown;

	if (fnmatch(m->pattern, name, 0) != 0)
		return true;
	grown = grow(found->addresses, found->count, sizeof(*grown));
	if (!grown)
		m->lost = true;
	else
		found->addresses = grown;
	names_add(&found->names, name);
	m->lost |= found->names.count != found->count + 1;
	if (!m->lost)
		found->addresses[found->count++] = address;
	return !m->lost;
}

static int cannot_list(int err, struct failure *f)
{
	if (err == -ENOMEM)
		return fail_nomem(f);
	fail(f, STAGE_ATTACH, err == -ENOENT ? REASON_NO_TRACEFS : REASON_OTHER, -err,
	     "the kernel's list of functions for patterns cannot be read: %s", strerror(-err));
	return error_hint(&f->error,
			  "tracefs has it, at /sys/kernel/tracing: it must be mounted, in "
			  "a kernel built with CONFIG_DYNAMIC_FTRACE");
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* By name each may come once only, whereas there are several static functions of a name. */
static void drop_doubles(struct functions *found)
{
	struct names *n = &found->names;
	size_t kept = 0;
	size_t i;

	free(found->addresses);
	found->addresses = NULL;
	qsort(n->name, n->count, sizeof(*n->name), by_text);
	for (i = 0; i < n->count; i++) {
		if (kept && strcmp(n->name[kept - 1], n->name[i]) == 0)
			free(n->name[i]);
		else
			n->name[kept++] = n->name[i];
	}
	n->count = found->count = kept;
}

int functions_match(const char *pattern, bool is_pattern, struct functions *found,
		    struct failure *f)
{
	struct matching m = { .pattern = pattern, .found = found };
	bool addresses = false;
	int err;

	if (!is_pattern) {
		names_add(&found->names, pattern);
		found->count = found->names.count;
		return found->count ? 0 : fail_nomem(f);
	}
	err = walk_traceable(add_match, &m, &addresses);
	if (err)
		return cannot_list(err, f);
	if (m.lost)
		return fail_nomem(f);
	if (!found->count)
		return fail(f, STAGE_ATTACH, REASON_NO_TARGET, ENOENT,
			    "no function of this kernel that can be traced matches '%s'", pattern);
	if (!addresses)
		drop_doubles(found);
	return 0;
}

void functions_free(struct functions *found)
{
	names_free(&found->names);
	free(found->addresses);
	free(found->cookies);
}

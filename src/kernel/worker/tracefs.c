/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "kernel/worker/attach.h"
#include "kernel/worker/env.h"
#include "kernel/worker/names.h"
#include "kernel/worker/tracefs.h"

const char *tracefs_path(void)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (env_is_tracefs(places[i]))
			return places[i];
	return NULL;
}

static int no_tracefs(struct failure *f)
{
	fail(f, STAGE_ATTACH, REASON_NO_TRACEFS, ENOENT,
	     "tracefs is not mounted, and tracepoints are looked up in it");
	return error_hint(&f->error, "mount it: mount -t tracefs tracefs /sys/kernel/tracing");
}

/* "CATEGORY:NAME", owned by the caller; NULL without a name or memory. */
static char *joined(const char *category, const char *name)
{
	char *text;

	return name && asprintf(&text, "%s:%s", category, name) >= 0 ? text : NULL;
}

/* The nearest event of a category. */
static char *nearest_in(const char *top, const char *category, const char *name)
{
	struct names events = { 0 };
	struct buf path = { 0 };
	char *found;

	buf_printf(&path, "%s/events/%s", top, category);
	names_of_directory(&events, buf_text(&path));
	found = joined(category, names_nearest(&events, name));
	names_free(&events);
	buf_free(&path);
	return found;
}

/* The event of that very name in any category. */
static char *same_name(const struct names *categories, const char *top, const char *name)
{
	char *found = NULL;
	size_t i;

	for (i = 0; !found && i < categories->count; i++) {
		struct buf path = { 0 };

		buf_printf(&path, "%s/events/%s/%s/id", top, categories->name[i], name);
		if (!buf_error(&path) && access(buf_text(&path), F_OK) == 0)
			found = joined(categories->name[i], name);
		buf_free(&path);
	}
	return found;
}

bool tracefs_has(const char *name)
{
	const char *top = tracefs_path();
	struct names categories = { 0 };
	struct buf path = { 0 };
	char *found;
	bool has;

	if (!top || strchr(name, '/') || name[0] == '.')
		return false;
	buf_printf(&path, "%s/events", top);
	names_of_directory(&categories, buf_text(&path));
	found = same_name(&categories, top, name);
	names_free(&categories);
	buf_free(&path);
	has = found != NULL;
	free(found);
	return has;
}

static char *nearest_event(const char *top, const char *category, const char *name)
{
	struct names categories = { 0 };
	struct buf path = { 0 };
	const char *near;
	char *found;

	buf_printf(&path, "%s/events", top);
	names_of_directory(&categories, buf_text(&path));
	near = names_nearest(&categories, category);
	/* A category that exists is its own nearest. */
	found = near && strcmp(near, category) == 0 ? nearest_in(top, category, name) : NULL;
	if (!found)
		found = same_name(&categories, top, name);
	if (!found && near)
		found = nearest_in(top, near, name);
	names_free(&categories);
	buf_free(&path);
	return found;
}

static int no_such_event(const char *top, const char *category, const char *name, struct failure *f)
{
	char *nearest = nearest_event(top, category, name);

	attach_no_target(f, ENOENT, nearest, "there is no tracepoint '%s:%s'", category, name);
	free(nearest);
	return -ENOENT;
}

int tracefs_event(const char *category, const char *name, uint64_t *id, struct failure *f)
{
	const char *top = tracefs_path();
	struct buf path = { 0 };
	char digits[32];
	int err;

	if (!top)
		return no_tracefs(f);
	/* "..", or a slash: no names of events. */
	if (!*category || !*name || category[0] == '.' || name[0] == '.' || strchr(name, '/'))
		return no_such_event(top, category, name, f);
	buf_printf(&path, "%s/events/%s/%s/id", top, category, name);
	err = buf_error(&path) ? -ENOMEM : env_read(buf_text(&path), digits, sizeof(digits));
	buf_free(&path);
	if (err == -ENOENT || err == -ENAMETOOLONG)
		return no_such_event(top, category, name, f);
	if (err == -ENOMEM)
		return fail_nomem(f);
	if (err == -EACCES || err == -EPERM) {
		fail(f, STAGE_ATTACH, REASON_CAPABILITY, -err,
		     "tracepoint %s:%s: %s may not be read, which needs CAP_DAC_READ_SEARCH",
		     category, name, top);
		return error_hint(&f->error, "run as root, or give the worker CAP_DAC_READ_SEARCH");
	}
	if (err || !parse_u64(digits, id))
		return fail(f, STAGE_ATTACH, REASON_OTHER, err ? -err : EIO,
			    "tracepoint %s:%s: its id cannot be read", category, name);
	return 0;
}

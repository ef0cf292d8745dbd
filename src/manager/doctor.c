/* SPDX-License-Identifier: GPL-3.0-or-later */
/* doctor: its rules, and the order of looking and mending. */
#include "manager/exam.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/grow.h"

/* Words and their meaning are part of the interface (doc/doctor.md). */
static const struct rule {
	const char *name, *meaning;
	check_fn *check;
	fix_fn *fix; /* NULL: what is fixable is mended by the recovery that comes first */
} rules[] = {
	{ "integrity", "the database itself is damaged", check_integrity, NULL },
	{ "owner", "the pin root belongs to another database", check_owner, NULL },
	{ "unsettled", "a change was begun and not finished", check_unsettled, NULL },
	{ "stale_boot", "an object of an earlier boot: the kernel has nothing of it", check_stale,
	  NULL },
	{ "another_bpffs", "pinned on a bpffs that is not mounted at the pin root", check_bpffs,
	  NULL },
	{ "unreachable", "it cannot be looked at, so nothing is known of it", check_unreachable,
	  NULL },
	{ "gone", "its pin is gone, and it is gone from the kernel", check_gone, NULL },
	{ "pin_missing", "its pin is gone, though the kernel may have it still", check_unpinned,
	  NULL },
	{ "pin_foreign", "something else is pinned in its place", check_foreign, NULL },
	{ "pin_identity", "it is pinned in its place, but not by the pin that is known",
	  check_repinned, fix_identity },
	{ "second_name", "the --pin-path name of a program is gone or names another",
	  check_second_name, fix_second_name },
	{ "target_gone", "a link: what it was attached to is gone", check_target, NULL },
	{ "detached", "a link: somebody else detached it", check_detached, NULL },
	{ "redirected", "a link: somebody else had it run another program", check_redirected,
	  NULL },
	{ "bytes", "the stored bytes of an object are not what was loaded", check_bytes,
	  fix_bytes },
	{ "orphan_pin", "a pin below the root that nothing in the database knows",
	  check_orphan_pins, fix_orphan_pin },
	{ "taken", "a pin of the database that had this root before", check_taken, fix_orphan_pin },
	{ "orphan_directory", "a directory below the root that nothing needs",
	  check_orphan_directories, fix_directory },
	{ "directory", "a directory made for --pin-path that is gone or not needed",
	  check_directories, fix_parents },
	{ "incomplete", "not all that the kernel has could be seen", check_incomplete, NULL },
	{ "other_bpfman", "another program of this name manages BPF here", check_other_bpfman,
	  NULL },
};
static const size_t rule_count = sizeof(rules) / sizeof(rules[0]);

const char *doctor_rule(size_t i, const char **meaning)
{
	if (i >= rule_count)
		return NULL;
	*meaning = rules[i].meaning;
	return rules[i].name;
}

/* ---- findings ---- */

static void finding_clear(struct finding *f)
{
	free(f->name);
	free(f->path);
	free(f->message);
	free(f->mends);
	memset(f, 0, sizeof(*f));
}

void findings_free(struct findings *f)
{
	for (size_t i = 0; i < f->count; i++)
		finding_clear(&f->items[i]);
	free(f->items);
	memset(f, 0, sizeof(*f));
}

/* Room for one more, all zero. */
static struct finding *more(struct findings *list)
{
	struct finding *grown = grow(list->items, list->count, sizeof(*grown));

	if (!grown)
		return NULL;
	list->items = grown;
	memset(&grown[list->count], 0, sizeof(*grown));
	return &grown[list->count++];
}

static char *copy(struct exam *x, const char *text)
{
	char *copied = text ? strdup(text) : NULL;

	x->nomem |= text && !copied;
	return copied;
}

static char *format_text(struct exam *x, const char *format, va_list args)
{
	struct buf text = { 0 };
	char *made;

	buf_vprintf(&text, format, args);
	made = buf_take(&text);
	x->nomem |= !made;
	buf_free(&text);
	return made;
}

struct finding *finding_add(struct exam *x, enum db_kind kind, int64_t id, const char *name,
			    const char *path, const char *format, ...)
{
	struct finding *f = more(x->found);
	va_list args;

	if (!f) {
		x->nomem = true;
		return NULL;
	}
	f->rule = x->rule;
	f->kind = id ? db_kind_name(kind) : NULL;
	f->id = id;
	f->name = copy(x, name);
	f->path = copy(x, path);
	va_start(args, format);
	f->message = format_text(x, format, args);
	va_end(args);
	return f;
}

void finding_mends(struct exam *x, struct finding *f, const char *format, ...)
{
	va_list args;

	if (!f)
		return;
	va_start(args, format);
	free(f->mends);
	f->mends = format_text(x, format, args);
	va_end(args);
}

void finding_fixable(struct exam *x, struct finding *f)
{
	if (!f)
		return;
	f->fixable = true;
	finding_mends(x, f, "doctor --fix");
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static struct finding *find_again(const struct findings *list, const struct finding *f)
{
	for (size_t i = 0; i < list->count; i++) {
		struct finding *other = &list->items[i];

		if (!strcmp(other->rule, f->rule) && other->id == f->id &&
		    same_text(other->kind, f->kind) && same_text(other->path, f->path))
			return other;
	}
	return NULL;
}

/* ---- looking and mending ---- */

static int examine(struct manager *m, const struct manager_doctor *d, struct findings *found,
		   struct exam *x, struct error *e)
{
	int r;

	*x = (struct exam){ .m = m, .d = d, .e = e, .found = found };
	r = exam_read(x);
	for (size_t i = 0; !r && i < rule_count; i++) {
		x->rule = rules[i].name;
		r = rules[i].check(x);
	}
	return r || !x->nomem ? r : error_nomem(e);
}

static int look(struct manager *m, const struct manager_doctor *d, struct findings *found,
		struct error *e)
{
	struct exam x;
	int r = examine(m, d, found, &x, e);

	exam_free(&x);
	return r;
}

static bool is_named(const struct manager_doctor *d, const struct finding *f)
{
	for (size_t i = 0; i < d->path_count; i++)
		if (f->path && !strcmp(f->path, d->paths[i]))
			return true;
	return !d->path_count;
}

static const struct rule *rule_of(const struct finding *f)
{
	for (size_t i = 0; i < rule_count; i++)
		if (!strcmp(rules[i].name, f->rule))
			return &rules[i];
	return NULL;
}

static bool is_to_mend(const struct manager_doctor *d, const struct finding *f)
{
	if (!is_named(d, f))
		return false;
	return f->fixable || (d->path_count && rule_of(f)->fix);
}

/* What has been found by now is mended: the locks are held, and unsettled rows are settled. */
static int mend_found(struct manager *m, const struct manager_doctor *d, struct error *e)
{
	struct findings found = { 0 };
	struct exam x;
	int r = examine(m, d, &found, &x, e);

	for (size_t i = 0; !r && i < found.count; i++) {
		const struct finding *f = &found.items[i];

		if (is_to_mend(d, f) && rule_of(f)->fix)
			r = rule_of(f)->fix(&x, f);
	}
	exam_free(&x);
	findings_free(&found);
	return r;
}

/* Those that are found no more are fixed; what came up meanwhile joins them. */
static int compare(const struct manager_doctor *d, struct findings *found, struct findings *left,
		   struct error *e)
{
	for (size_t i = 0; i < found->count; i++)
		found->items[i].fixed = !find_again(left, &found->items[i]);
	for (size_t i = 0; i < left->count; i++) {
		struct finding *f = &left->items[i], *joined;

		if (!is_named(d, f) || find_again(found, f))
			continue;
		joined = more(found);
		if (!joined)
			return error_nomem(e);
		*joined = *f;
		memset(f, 0, sizeof(*f));
		f->rule = "";
	}
	return 0;
}

static int mend(struct manager *m, const struct manager_doctor *d, struct findings *found,
		struct error *e)
{
	struct findings left = { 0 };
	int r = manager_lock(m, e);

	if (r)
		return r;
	r = mend_found(m, d, e);
	if (!r)
		r = look(m, d, &left, e);
	manager_unlock(m);
	if (!r)
		r = compare(d, found, &left, e);
	findings_free(&left);
	return r;
}

/* Only what is at the paths that were named, and something at each of them. */
static int keep_named(const struct manager_doctor *d, struct findings *found, struct error *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->path_count; i++) {
		struct manager_doctor one = { .paths = &d->paths[i], .path_count = 1 };
		bool any = false;

		for (size_t k = 0; k < found->count; k++)
			any |= is_named(&one, &found->items[k]);
		if (any)
			continue;
		error_set(e, ENOENT, "doctor finds nothing wrong at %s", d->paths[i]);
		return error_hint(e, "doctor alone shows all that it finds");
	}
	for (size_t i = 0; i < found->count; i++) {
		if (is_named(d, &found->items[i]))
			found->items[kept++] = found->items[i];
		else
			finding_clear(&found->items[i]);
	}
	found->count = kept;
	return 0;
}

static int take_root(struct manager *m, struct error *e)
{
	int r = manager_lock_taking(m, e);

	if (!r)
		manager_unlock(m);
	return r;
}

int manager_doctor(struct manager *m, const struct manager_doctor *d, struct findings *found,
		   struct error *e)
{
	bool any = false, damaged = false;
	int fd = -1;
	int r;

	memset(found, 0, sizeof(*found));
	r = d->take_root ? take_root(m, e) : 0;
	if (!r)
		r = lock_shared(m, &fd, e);
	if (!r)
		r = look(m, d, found, e);
	if (fd >= 0)
		close(fd);
	if (!r)
		r = keep_named(d, found, e);
	for (size_t i = 0; !r && i < found->count; i++) {
		damaged |= rule_of(&found->items[i])->check == check_integrity;
		any |= is_to_mend(d, &found->items[i]);
	}
	if (!r && d->fix && any && !damaged && !m->config.dry_run)
		r = mend(m, d, found, e);
	else if (!r && !d->take_root)
		manager_nothing_changed(m);
	return r;
}

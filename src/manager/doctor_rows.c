/* SPDX-License-Identifier: GPL-3.0-or-later */
/* doctor's rules about rows: what became of their pins, and of what links are attached to. */
#include "manager/exam.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

/* ---- what was begun and not finished ---- */

/* undecided: it is part of a run that is all or nothing. */
static const char *begun(enum db_state state, bool undecided)
{
	if (undecided)
		return "is of a run that is not decided: unless that goes on it is taken back";
	return state == DB_PENDING ? "was begun and not finished: it is taken back"
				   : "was begun and not finished: it is carried to its end";
}

/* Recovery settles it, unless it is pinned where nobody can look now. */
static void unsettled(struct exam *x, struct finding *f, const char *boot_id, uint64_t root_dev)
{
	if (!strcmp(boot_id, x->m->boot_id) && root_dev != look_at_root(x->m)->dev)
		return;
	finding_fixable(x, f);
}

static bool is_object_told(const struct exam *x, int64_t id)
{
	const struct db_object *o = id ? exam_object(x, id) : NULL;

	return o && o->state != DB_LOADED;
}

int check_unsettled(struct exam *x)
{
	int64_t now = clock_now();
	struct db_atomic run = { 0 };
	int r = db_atomic_get(x->db, &run, x->e);
	bool undecided = !r;

	db_atomic_clear(&run);
	if (r && r != -ENOENT)
		return r;
	for (size_t i = 0; i < x->object_count; i++) {
		const struct db_object *o = &x->objects[i];

		if (o->state != DB_LOADED)
			unsettled(x,
				  finding_add(x, DB_OBJECT, o->id, o->name, o->pin_dir, "its %s %s",
					      o->state == DB_PENDING ? "load" : "unload",
					      begun(o->state, undecided)),
				  o->boot_id, o->root_dev);
	}
	for (size_t i = 0; i < x->upgrade_count; i++) {
		const struct db_upgrade *u = &x->upgrades[i];
		const struct db_object *o = exam_object(x, u->object_id);

		unsettled(x,
			  finding_add(x, DB_OBJECT, u->object_id, o ? o->name : NULL, NULL,
				      "its %s %s %s", u->restore ? "restore from" : "upgrade to",
				      u->path, begun(u->done ? DB_UNLOADING : DB_PENDING, false)),
			  u->boot_id, u->root_dev);
	}
	for (size_t i = 0; i < x->thing_count; i++) {
		const struct thing *t = &x->things[i];

		if (t->ailment != AILS_UNSETTLED || is_object_told(x, t->object_id))
			continue;
		unsettled(x,
			  finding_add(x, t->kind, t->id, t->name, t->pin, "its %s %s",
				      t->kind != DB_LINK       ? "unload"
				      : t->state == DB_PENDING ? "attachment"
							       : "detachment",
				      begun(t->state, undecided)),
			  t->boot_id, t->root_dev);
	}
	for (size_t i = 0; i < x->link_count; i++) {
		const struct db_link *l = &x->links[i];

		if (l->state == DB_LOADED && l->expires_at && l->expires_at <= now)
			finding_fixable(x, finding_add(x, DB_LINK, l->id, l->program_name, l->pin,
						       "its trial is over, and nobody kept it"));
	}
	return 0;
}

/* ---- what cannot be seen now ---- */

int check_stale(struct exam *x)
{
	for (size_t i = 0; i < x->object_count; i++) {
		const struct db_object *o = &x->objects[i];
		struct finding *f;

		if (o->state != DB_LOADED || !strcmp(o->boot_id, x->m->boot_id))
			continue;
		f = finding_add(x, DB_OBJECT, o->id, o->name, NULL,
				"it was loaded before the last boot, and went with it");
		finding_mends(x, f, "%s %lld", o->sha256[0] ? "restore" : "unload",
			      (long long)o->id);
	}
	return 0;
}

/* One finding an object: the reason is the same for all of it. */
static int check_unseen(struct exam *x, enum ailment ailment)
{
	int64_t told = 0;

	for (size_t i = 0; i < x->thing_count; i++) {
		const struct thing *t = &x->things[i];
		const struct db_object *o = t->object_id ? exam_object(x, t->object_id) : NULL;

		if (t->ailment != ailment)
			continue;
		if (t->kind == DB_LINK)
			finding_add(x, DB_LINK, t->id, t->name, t->pin,
				    "whether it is attached still cannot be told: %s", t->reason);
		else if (!o)
			finding_add(x, t->kind, t->id, t->name, t->pin,
				    "whether it is there still cannot be told: %s", t->reason);
		else if (o->id != told)
			finding_add(x, DB_OBJECT, o->id, o->name, o->pin_dir,
				    "whether it is there still cannot be told: %s", t->reason);
		told = o ? o->id : told;
	}
	return 0;
}

int check_bpffs(struct exam *x)
{
	return check_unseen(x, AILS_BPFFS);
}

int check_unreachable(struct exam *x)
{
	return check_unseen(x, AILS_UNREACHABLE);
}

/* ---- what is not what it was ---- */

/* The row of a link goes by detach; all else goes with the object that it belongs to. */
static void mend_by_forgetting(struct exam *x, const struct thing *t, struct finding *f)
{
	int64_t *users = NULL;
	size_t count = 0;

	if (t->kind == DB_LINK) {
		finding_mends(x, f, "detach %lld", (long long)t->id);
	} else if (t->object_id) {
		finding_mends(x, f, "unload %lld", (long long)t->object_id);
	} else if (!db_map_programs(x->db, t->id, &users, &count, NULL) && count) {
		finding_mends(x, f, "unload %lld", (long long)users[0]);
	}
	free(users);
}

typedef void tell_fn(struct exam *x, const struct thing *t);

static int each(struct exam *x, enum ailment ailment, tell_fn *tell)
{
	for (size_t i = 0; i < x->thing_count; i++)
		if (x->things[i].ailment == ailment)
			tell(x, &x->things[i]);
	return 0;
}

/* What was loaded from a file that we have comes back; else the row can only be forgotten. */
static void tell_gone(struct exam *x, const struct thing *t)
{
	const struct db_object *o = t->object_id ? exam_object(x, t->object_id) : NULL;
	struct finding *f =
		finding_add(x, t->kind, t->id, t->name, t->pin,
			    "its pin is gone, and the kernel has no %s k:%" PRIu32 " any more",
			    db_kind_name(t->kind), t->identity.kernel_id);

	if (o && o->sha256[0])
		finding_mends(x, f, "restore %lld", (long long)o->id);
	else
		mend_by_forgetting(x, t, f);
}

static void tell_unpinned(struct exam *x, const struct thing *t)
{
	mend_by_forgetting(x, t,
			   finding_add(x, t->kind, t->id, t->name, t->pin,
				       "its pin is gone; %s%s k:%" PRIu32 " lives on%s",
				       t->kernel ? "" : "whether ", db_kind_name(t->kind),
				       t->identity.kernel_id,
				       t->kernel ? " in other hands" : " cannot be told"));
}

static void tell_foreign(struct exam *x, const struct thing *t)
{
	mend_by_forgetting(x, t,
			   finding_add(x, t->kind, t->id, t->name, t->pin,
				       "%s is pinned in its place: forgetting the row leaves that",
				       t->there));
}

static void tell_repinned(struct exam *x, const struct thing *t)
{
	finding_fixable(x,
			finding_add(x, t->kind, t->id, t->name, t->pin,
				    "somebody pinned %s anew: it is what the row means", t->there));
}

static void tell_target(struct exam *x, const struct thing *t)
{
	mend_by_forgetting(x, t,
			   finding_add(x, t->kind, t->id, t->name, t->pin,
				       "the %s that it was attached to is gone (%s)", t->reason,
				       t->link->target_text ? t->link->target_text : "?"));
}

static void tell_detached(struct exam *x, const struct thing *t)
{
	mend_by_forgetting(x, t,
			   finding_add(x, t->kind, t->id, t->name, t->pin,
				       "somebody else detached it; to have it back: detach %lld, "
				       "then attach %lld %s",
				       (long long)t->id, (long long)t->program->id,
				       t->link->target_text ? t->link->target_text : ""));
}

static void tell_redirected(struct exam *x, const struct thing *t)
{
	mend_by_forgetting(x, t,
			   finding_add(x, t->kind, t->id, t->name, t->pin,
				       "somebody else had it run program k:%" PRIu32
				       " instead of k:%" PRIu32,
				       t->kernel->program_id, t->program->identity.kernel_id));
}

int check_gone(struct exam *x)
{
	return each(x, AILS_GONE, tell_gone);
}

int check_unpinned(struct exam *x)
{
	return each(x, AILS_UNPINNED, tell_unpinned);
}

int check_foreign(struct exam *x)
{
	return each(x, AILS_FOREIGN, tell_foreign);
}

int check_repinned(struct exam *x)
{
	return each(x, AILS_REPINNED, tell_repinned);
}

int check_target(struct exam *x)
{
	return each(x, AILS_TARGET, tell_target);
}

int check_detached(struct exam *x)
{
	return each(x, AILS_DETACHED, tell_detached);
}

int check_redirected(struct exam *x)
{
	return each(x, AILS_REDIRECTED, tell_redirected);
}

static int note_identity(struct exam *x, const struct finding *f, const struct stat *st)
{
	struct db_program p = { 0 };
	struct db_map map = { 0 };
	struct db_link l = { 0 };
	int r = 0;

	if (!strcmp(f->kind, db_kind_name(DB_PROGRAM))) {
		r = db_program_get(x->db, f->id, &p, x->e);
		p.identity.ino = st->st_ino;
		if (!r)
			r = db_program_update(x->db, &p, x->e);
	} else if (!strcmp(f->kind, db_kind_name(DB_MAP))) {
		r = db_map_get(x->db, f->id, &map, x->e);
		map.identity.ino = st->st_ino;
		if (!r)
			r = db_map_update(x->db, &map, x->e);
	} else {
		r = db_link_get(x->db, f->id, &l, x->e);
		l.identity.ino = st->st_ino;
		if (!r)
			r = db_link_settle(x->db, &l, x->e);
	}
	db_program_clear(&p);
	db_map_clear(&map);
	db_link_clear(&l);
	return r;
}

/* The row takes the new pin over. */
int fix_identity(struct exam *x, const struct finding *f)
{
	struct stat st;
	int r;

	if (lstat(f->path, &st))
		return 0; /* it will be found gone */
	r = db_begin(x->db, x->e);
	if (!r)
		r = note_identity(x, f, &st);
	if (!r)
		r = db_commit(x->db, x->e);
	if (r)
		db_rollback(x->db);
	return r;
}

/* ---- second names ---- */

int check_second_name(struct exam *x)
{
	for (size_t i = 0; i < x->thing_count; i++) {
		const struct thing *t = &x->things[i];
		const char *path = t->kind == DB_PROGRAM ? t->program->outside_path : NULL;
		struct stat st;

		if (!path || t->ailment != AILS_NOTHING)
			continue;
		if (!lstat(path, &st)) {
			if (st.st_dev != t->identity.dev || st.st_ino != t->identity.ino)
				finding_add(x, t->kind, t->id, t->name, path,
					    "the name that --pin-path gave it is another object's "
					    "by now, which is left alone");
		} else if (errno == ENOENT) {
			finding_fixable(x, finding_add(x, t->kind, t->id, t->name, path,
						       "the name that --pin-path gave it is gone"));
		}
	}
	return 0;
}

/* The row has known the name all the time: one step, and it is there again. */
int fix_second_name(struct exam *x, const struct finding *f)
{
	struct db_program p = { 0 };
	char *slash, *parent = strdup(f->path);
	int r = parent ? db_program_get(x->db, f->id, &p, x->e) : error_nomem(x->e);

	slash = r ? NULL : strrchr(parent, '/');
	if (slash && slash != parent) {
		*slash = '\0';
		r = file_make_directories(parent, 0755, x->e);
	}
	if (!r && manager_look_program(x->m, &p).sight == SIGHT_LOADED &&
	    linkat(AT_FDCWD, p.pin, AT_FDCWD, f->path, 0) && errno != EEXIST)
		r = error_set(x->e, errno, "cannot link %s to %s: %s", p.pin, f->path,
			      strerror(errno));
	db_program_clear(&p);
	free(parent);
	return r;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* doctor's rules about the database, about what cannot be seen, and about who else is here. */
#include "manager/exam.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

int check_integrity(struct exam *x)
{
	char *problem = NULL;
	int r = db_check(x->db, &problem, x->e);

	if (!r && problem)
		finding_add(x, 0, 0, NULL, x->m->db_path,
			    "the database is damaged, and is not touched: %s", problem);
	free(problem);
	return r;
}

/* ---- the bytes of objects ---- */

/* 1: they are what their hash says; 0: not, or there are none. */
static int is_sound(struct exam *x, const char *sha256)
{
	char hash[65];
	void *bytes = NULL;
	size_t len = 0;
	int r = db_file_bytes(x->db, sha256, &bytes, &len, x->e);

	if (r == -ENOENT)
		return 0;
	if (!r) {
		input_hash(bytes, len, hash);
		r = !strcmp(hash, sha256);
	}
	free(bytes);
	return r;
}

static bool file_has(const char *path, const char *sha256)
{
	struct input in;
	bool same;

	if (!path || input_read(&in, path, NULL))
		return false;
	same = !strcmp(in.sha256, sha256);
	input_free(&in);
	return same;
}

static int tell_bytes(struct exam *x, const struct db_object *o, const char *sha256,
		      const char *path, bool previous)
{
	struct finding *f;
	int r = *sha256 ? is_sound(x, sha256) : 1;

	if (r)
		return r < 0 ? r : 0;
	f = finding_add(x, DB_OBJECT, o->id, o->name, path,
			"the stored bytes of %s are not those that were loaded, so it cannot be "
			"%s again",
			previous ? "its build before the last upgrade" : "its file",
			previous ? "put in place" : "loaded");
	if (file_has(path, sha256))
		finding_fixable(x, f);
	else if (!previous)
		finding_mends(x, f, "unload %lld", (long long)o->id);
	return 0;
}

int check_bytes(struct exam *x)
{
	int r = 0;

	for (size_t i = 0; !r && i < x->object_count; i++) {
		const struct db_object *o = &x->objects[i];

		r = tell_bytes(x, o, o->sha256, o->path, false);
		if (!r)
			r = tell_bytes(x, o, o->previous_sha256, o->previous_path, true);
	}
	return r;
}

/* The file that it was loaded from has them still. */
int fix_bytes(struct exam *x, const struct finding *f)
{
	const struct db_object *o = exam_object(x, f->id);
	struct input in;
	int r;

	if (!o || input_read(&in, f->path, NULL))
		return 0;
	r = 0;
	if (!strcmp(in.sha256, o->sha256) || !strcmp(in.sha256, o->previous_sha256)) {
		r = db_begin(x->db, x->e);
		if (!r)
			r = db_file_replace(x->db, in.sha256, in.bytes, in.len, x->e);
		if (!r)
			r = db_commit(x->db, x->e);
		if (r)
			db_rollback(x->db);
	}
	input_free(&in);
	return r;
}

/* ---- what cannot be seen, and who else is here ---- */

int check_incomplete(struct exam *x)
{
	if (x->blind)
		finding_add(x, 0, 0, NULL, NULL,
			    "not all that the kernel has could be seen, so some of the above may "
			    "be unsaid: %s",
			    x->blind);
	if (x->root_err)
		finding_add(x, 0, 0, NULL, x->m->pin_root,
			    "the pin root cannot be read, so orphans may be there: %s",
			    strerror(x->root_err));
	return 0;
}

int check_other_bpfman(struct exam *x)
{
	/* Where the daemon of that name keeps its state, and what starts it. */
	static const char *const places[] = {
		"/run/bpfman",
		"/etc/bpfman",
		"/etc/systemd/system/bpfman.service",
		"/etc/systemd/system/bpfman.socket",
		"/usr/lib/systemd/system/bpfman.service",
		"/usr/lib/systemd/system/bpfman.socket",
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!access(places[i], F_OK))
			finding_add(x, 0, 0, NULL, places[i],
				    "it is of another bpfman, a daemon: what that one loads is "
				    "shown by list --all and left alone, and it knows nothing of "
				    "ours");
	return 0;
}

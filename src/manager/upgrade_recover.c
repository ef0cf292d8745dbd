/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The two ways out of an upgrade: back to the build before, or on to the end. Both are taken by
 * whoever comes next after a kill as well, so each step can be done again.
 */
#include "manager/restore.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/grow.h"
#include "base/text.h"
#include "kernel/protocol/protocol.h"

/* ---- steps ---- */

static char *join(const char *dir, const char *name)
{
	struct buf path = { 0 };

	buf_printf(&path, "%s/%s", dir, name);
	return buf_take(&path);
}

static bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static bool is_in(const char *dir, const char *pin)
{
	char *path = join(dir, path_base(pin));
	bool there = path && exists(path);

	free(path);
	return there;
}

/* The --pin-path names, with the pins they are second names of: those whose program is in dir. */
static json_t *second_names(const struct upgrade_rows *rows, const char *dir)
{
	json_t *names = json_object();

	for (size_t i = 0; names && i < rows->program_count; i++) {
		const struct db_program *p = &rows->programs[i];
		char *key;

		/* What is lost has no pin there. */
		if (!p->outside_path || !p->pin || !is_in(dir, p->pin))
			continue;
		key = wire_encode(p->outside_path, strlen(p->outside_path));
		if (!key || json_object_set_new(names, key, wire_json(path_base(p->pin)))) {
			json_decref(names);
			names = NULL;
		}
		free(key);
	}
	return names;
}

int upgrade_retarget(struct manager *m, const struct upgrade_rows *rows, const char *dir,
		     const char *other, const json_t *links, json_t **answer, struct error *e)
{
	json_t *names = second_names(rows, dir);
	int r;

	if (!names)
		return error_nomem(e);
	r = manager_do(m, "the links",
		       json_pack("{ss so so sO so}", "op", "retarget", "dir", wire_json(dir),
				 "other", wire_json(other), "links", links, "names", names),
		       answer, e);
	return r;
}

int upgrade_exchange(struct manager *m, const char *a, const char *b, struct error *e)
{
	return manager_do(
		m, "the pins",
		json_pack("{ss so so}", "op", "exchange", "a", wire_json(a), "b", wire_json(b)),
		NULL, e);
}

/*
 * The links pinned in dir under a name whose link in current is another one, or none: they are
 * detached. What has the same name and inode there is a second name only.
 */
static int replaced_links(const char *dir, const char *current, json_t *links, struct error *e)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	int r = 0;

	if (!d)
		return errno == ENOENT
			       ? 0
			       : error_set(e, errno, "cannot read %s: %s", dir, strerror(errno));
	while (!r && (entry = readdir(d))) {
		char *mine, *theirs;
		struct stat a, b;

		if (entry->d_name[0] != 'l')
			continue;
		mine = join(dir, entry->d_name);
		theirs = join(current, entry->d_name);
		if (!mine || !theirs)
			r = error_nomem(e);
		else if (!lstat(mine, &a) &&
			 (lstat(theirs, &b) || a.st_dev != b.st_dev || a.st_ino != b.st_ino))
			r = request_pin(links, mine,
					&(struct db_identity){ .dev = a.st_dev, .ino = a.st_ino },
					e);
		free(mine);
		free(theirs);
	}
	closedir(d);
	return r;
}

/* What is to be removed: ROOT/u<id> with what is only there, and whatever else the lists hold. */
struct discarded {
	const char *dir, *current;
	const char *staging; /* beside dir, or NULL: what lives has second names there too */
	json_t *dirs, *links, *pins;
	json_t *names, *parents; /* NULL: none */
	manager_kept_fn kept;	 /* what could not be removed, or lives on; may be NULL */
	void *kept_data;
};

static int discard_once(struct manager *m, const struct discarded *d, struct error *e)
{
	json_t *answer = NULL;
	int r = replaced_links(d->dir, d->current, d->links, e);

	if (r)
		return r;
	r = manager_do(m, "what was replaced",
		       json_pack("{ss sO sO s[oo*] sO sO* sO*}", "op", "unpin", "links", d->links,
				 "pins", d->pins, "copies", wire_json(d->dir),
				 d->staging ? wire_json(d->staging) : NULL, "dirs", d->dirs,
				 "names", d->names, "parents", d->parents),
		       &answer, e);
	if (!r)
		unload_tell_kept(answer, d->kept, d->kept_data);
	json_decref(answer);
	return r;
}

/* Where the worker dies over it, it is carried on with a new one. */
static int discard(struct manager *m, const struct discarded *d, struct error *e)
{
	int r = discard_once(m, d, e);

	if (r != -EPIPE && r != -EPROTO)
		return r;
	error_clear(e);
	return discard_once(m, d, e);
}

/* ---- back ---- */

/* Whether the directories have changed places: no rename changes what they are. */
static bool is_exchanged(const struct db_upgrade *u, const char *next)
{
	struct stat st;

	return u->dir_ino && !lstat(next, &st) && st.st_ino == u->dir_ino;
}

/* All links that have a pin in dir too: those that were to move. */
static int moved_links(struct manager *m, const struct upgrade_rows *rows, const char *dir,
		       json_t **links, struct error *e)
{
	int r = 0;

	*links = json_object();
	if (!*links)
		return error_nomem(e);
	for (size_t i = 0; !r && i < rows->link_count; i++) {
		const struct db_link *l = &rows->links[i];
		const struct db_program *p = upgrade_program(rows, l->program_id);
		char *there = l->pin ? join(dir, path_base(l->pin)) : NULL;
		struct stat st;

		if (p && p->pin && there && !strcmp(l->boot_id, m->boot_id) && !lstat(there, &st) &&
		    st.st_dev == l->identity.dev && st.st_ino == l->identity.ino &&
		    json_object_set_new(*links, path_base(l->pin), wire_json(path_base(p->pin))))
			r = error_nomem(e);
		free(there);
	}
	return r;
}

/* The pins of links that were being attached anew when it ended. */
static int staged_links(struct manager *m, const struct upgrade_rows *rows, json_t *links,
			struct error *e)
{
	int r = 0;

	for (size_t i = 0; !r && i < rows->link_count; i++) {
		char *staging = root_link_staging(m, rows->links[i].id);

		if (!staging)
			r = error_nomem(e);
		else if (exists(staging))
			r = request_pin(links, staging, NULL, e);
		free(staging);
	}
	return r;
}

static int undo_pins(struct manager *m, const struct db_upgrade *u, const struct upgrade_rows *rows,
		     struct error *e)
{
	char *dir = root_object_dir(m, u->object_id), *next = root_upgrade_dir(m, u->object_id);
	char *staging = root_staging_dir(m, u->object_id);
	json_t *moved = NULL;
	struct discarded d = {
		.dir = next,
		.current = dir,
		.staging = staging,
		.dirs = json_array(),
		.links = json_array(),
		.pins = json_array(),
		.names = json_array(),
		.parents = json_array(),
	};
	int r = 0;

	if (!dir || !next || !staging || !d.dirs || !d.links || !d.pins || !d.names || !d.parents ||
	    (u->restore && !u->dir_ino && json_array_append_new(d.dirs, wire_json(dir)))) {
		r = error_nomem(e);
		goto out;
	}
	if (is_exchanged(u, next))
		r = upgrade_exchange(m, dir, next, e);
	if (!r && exists(next)) {
		r = moved_links(m, rows, next, &moved, e);
		if (!r)
			r = upgrade_retarget(m, rows, dir, next, moved, NULL, e);
	}
	if (!r)
		r = staged_links(m, rows, d.links, e);
	if (!r)
		r = recover_unknown_by_name(m, d.pins, e);
	if (!r && u->restore)
		r = restore_undo(m, rows,
				 &(struct restore_undone){ d.links, d.pins, d.names, d.parents },
				 e);
	if (!r)
		r = discard(m, &d, e);
out:
	json_decref(d.dirs);
	json_decref(d.links);
	json_decref(d.pins);
	json_decref(d.names);
	json_decref(d.parents);
	json_decref(moved);
	free(dir);
	free(next);
	free(staging);
	return r;
}

/* Its event, where a session recovers, tells whether the rows tell it too. */
static int forget(struct manager *m, const struct db_upgrade *u, struct error *e)
{
	static const char *const messages[2][2] = {
		{ "an unfinished upgrade was taken back", "an upgrade was finished" },
		{ "an unfinished restore was taken back", "a restore was finished" },
	};
	int r = db_begin(m->db, e);

	if (!r)
		r = db_upgrade_delete(m->db, u->object_id, e);
	if (!r && !u->done)
		r = parents_forget(m, e);
	if (!r && m->recovering)
		r = event_add(m, DB_OBJECT, u->object_id, NULL, messages[u->restore][u->done], e);
	if (!r)
		r = db_commit(m->db, e);
	if (r)
		db_rollback(m->db);
	return r;
}

int upgrade_take_back(struct manager *m, const struct db_upgrade *u, struct error *e)
{
	struct upgrade_rows rows = { 0 };
	int r = 0;

	/* After a reboot nothing of it exists; on another bpffs it is out of reach, and waits. */
	if (!strcmp(u->boot_id, m->boot_id)) {
		if (u->root_dev != m->root_dev)
			return 0;
		r = upgrade_rows_read(m, u->object_id, &rows, e);
		if (!r)
			r = undo_pins(m, u, &rows, e);
		upgrade_rows_free(&rows);
	}
	return r ? r : forget(m, u, e);
}

/* ---- on, or back: whatever a session left ---- */

int upgrade_finish(struct manager *m, const struct db_upgrade *u, manager_kept_fn kept, void *data,
		   struct error *e)
{
	char *dir = root_object_dir(m, u->object_id), *next = root_upgrade_dir(m, u->object_id);
	json_t *none = json_array(), *links = json_array();
	int r = dir && next && none && links ? 0 : error_nomem(e);

	if (!r && exists(next))
		r = discard(m,
			    &(struct discarded){
				    .dir = next,
				    .current = dir,
				    .dirs = none,
				    .links = links,
				    .pins = none,
				    .kept = kept,
				    .kept_data = data,
			    },
			    e);
	if (!r)
		r = forget(m, u, e);
	json_decref(none);
	json_decref(links);
	free(dir);
	free(next);
	return r;
}

struct left {
	struct db_upgrade *upgrades;
	size_t count;
};

static int take_upgrade(void *data, struct db_upgrade *u)
{
	struct left *left = data;
	struct db_upgrade *grown = grow(left->upgrades, left->count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	left->upgrades = grown;
	grown[left->count++] = *u;
	memset(u, 0, sizeof(*u));
	return 0;
}

static int settle(struct manager *m, const struct db_upgrade *u, struct error *e)
{
	if (!u->done)
		return upgrade_take_back(m, u, e);
	if (strcmp(u->boot_id, m->boot_id))
		return forget(m, u, e);
	return u->root_dev == m->root_dev ? upgrade_finish(m, u, NULL, NULL, e) : 0;
}

int upgrade_recover(struct manager *m, struct error *e)
{
	struct left left = { 0 };
	int r = db_upgrades(m->db, take_upgrade, &left, e);

	if (r == -ENOMEM && !e->err)
		r = error_nomem(e);
	for (size_t i = 0; i < left.count; i++) {
		if (!r)
			r = settle(m, &left.upgrades[i], e);
		db_upgrade_clear(&left.upgrades[i]);
	}
	free(left.upgrades);
	return r;
}

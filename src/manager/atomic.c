/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs that are all or nothing. The locks are held from its first change to its end. What it makes
 * is recorded as pending, what it unloads or detaches only marked; one durable commit decides.
 * Until then whoever comes next takes all of it back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/grow.h"
#include "manager/internal.h"

int manager_atomic_begin(struct manager *m, bool now, struct error *e)
{
	m->atomic.wanted = true;
	return now && !m->config.dry_run ? manager_lock(m, e) : 0;
}

bool manager_atomic(const struct manager *m)
{
	return m->atomic.wanted;
}

static struct db_atomic this_run(struct manager *m)
{
	return (struct db_atomic){
		.run_id = m->run_id,
		.first_id = m->atomic.first_id,
		.boot_id = m->boot_id,
		.root_dev = m->root_dev,
		.created_at = clock_now(),
	};
}

int atomic_open(struct manager *m, struct error *e)
{
	struct db_atomic a;
	int r = db_next_id(m->db, &m->atomic.first_id, e);

	if (r)
		return r;
	a = this_run(m);
	r = db_begin(m->db, e);
	if (!r)
		r = db_atomic_begin(m->db, &a, e);
	if (!r)
		r = db_commit(m->db, e);
	if (r) {
		db_rollback(m->db);
		return r;
	}
	db_set_undecided(m->db, true);
	m->atomic.open = true;
	return 0;
}

/* ---- events wait for the decision ---- */

static char *copy(const char *text, bool *lost)
{
	char *copied = text ? strdup(text) : NULL;

	*lost |= text && !copied;
	return copied;
}

int atomic_keep_event(struct manager *m, const struct db_event *event, struct error *e)
{
	struct db_event *grown = grow(m->atomic.events, m->atomic.event_count, sizeof(*grown));
	struct db_event kept = *event;
	bool lost = false;

	if (!grown)
		return error_nomem(e);
	m->atomic.events = grown;
	kept.action = copy(event->action, &lost);
	kept.command = copy(event->command, &lost);
	kept.kind = copy(event->kind, &lost);
	kept.name = copy(event->name, &lost);
	kept.message = copy(event->message, &lost);
	grown[m->atomic.event_count++] = kept;
	return lost ? error_nomem(e) : 0;
}

static int write_events(struct manager *m, struct error *e)
{
	int r = 0;

	for (size_t i = 0; !r && i < m->atomic.event_count; i++)
		r = db_event_add(m->db, &m->atomic.events[i], e);
	return r;
}

static void close_run(struct manager *m)
{
	for (size_t i = 0; i < m->atomic.event_count; i++)
		db_event_clear(&m->atomic.events[i]);
	free(m->atomic.events);
	memset(&m->atomic, 0, sizeof(m->atomic));
	if (m->db)
		db_set_undecided(m->db, false);
}

/* ---- forward ---- */

static void tell_kept(void *data, const char *path, const char *why)
{
	manager_notice(data, "%s: %s", path, why);
}

int manager_atomic_decide(struct manager *m, struct error *e)
{
	struct db_atomic a = this_run(m);
	struct error later = ERROR_INIT;
	int r;

	if (!m->atomic.open) {
		m->atomic.wanted = false;
		return 0;
	}
	r = db_begin_durable(m->db, e);
	if (!r)
		r = db_atomic_decide(m->db, &a, e);
	if (!r)
		r = write_events(m, e);
	if (!r)
		r = db_commit(m->db, e);
	if (r) {
		db_rollback(m->db);
		return r;
	}
	/* From here it is done, whatever becomes of what was unloaded: it is carried on. */
	close_run(m);
	m->sight.known = false;
	m->atomic.told = true;
	if (unload_finish_surely(m, tell_kept, m, &later))
		manager_notice(m, "what was unloaded goes with the next command: %s",
			       later.message ? later.message : "failed");
	m->atomic.told = false;
	error_clear(&later);
	manager_unlock(m);
	return 0;
}

/* ---- back ---- */

static int undo(struct manager *m, const struct db_atomic *a, struct error *e)
{
	int r = db_begin(m->db, e);

	if (!r)
		r = db_atomic_undo(m->db, a, e);
	if (!r)
		r = db_commit(m->db, e);
	if (r)
		db_rollback(m->db);
	return r;
}

int manager_atomic_undo(struct manager *m, struct error *e)
{
	struct db_atomic a = this_run(m);
	bool open = m->atomic.open;
	int r;

	close_run(m);
	if (!open)
		return 0;
	r = undo(m, &a, e);
	if (!r)
		r = recover_pending_all(m, e);
	if (r == -EPIPE || r == -EPROTO) {
		/* The worker died over it: a new one carries on. */
		error_clear(e);
		r = recover_pending_all(m, e);
	}
	manager_unlock(m);
	return r;
}

int atomic_recover(struct manager *m, struct error *e)
{
	struct db_atomic a = { 0 };
	int r = db_atomic_get(m->db, &a, e);

	if (!r)
		r = undo(m, &a, e);
	db_atomic_clear(&a);
	return r == -ENOENT ? 0 : r;
}

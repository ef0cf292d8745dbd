/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Detaching, the end of trials, and what a link has to say. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "kernel/protocol/protocol.h"
#include "manager/internal.h"

enum { LOOK_EVERY_MS = 1000, NS_PER_MS = 1000000, READ_LIMIT = 1024 * 1024 };

static int mark(struct manager *m, int64_t id, struct error *e)
{
	struct db_link l = { 0 };
	int r = db_link_get(m->db, id, &l, e);

	/* A trial may have ended just now, and its link is gone with the recovery. */
	if (r == -ENOENT)
		return 0;
	if (!r)
		event_about(m, DB_LINK, id, l.program_name);
	if (!r)
		r = check_reachable(m, "link", id, l.program_name, look_at_link_pin(m, &l), e);
	if (!r)
		r = db_link_set_state(m->db, id, DB_UNLOADING, unload_run_id(m), e);
	/* Otherwise told when it is done. */
	if (!r && m->atomic.open)
		r = event_add(m, DB_LINK, id, l.program_name, NULL, e);
	db_link_clear(&l);
	return r;
}

int manager_detach(struct manager *m, const int64_t *ids, size_t count, manager_kept_fn kept,
		   void *data, struct error *e)
{
	int r = manager_lock(m, e);

	if (r)
		return r;
	m->sight.known = false;
	r = db_begin(m->db, e);
	for (size_t i = 0; !r && i < count; i++)
		r = mark(m, ids[i], e);
	if (!r)
		r = db_commit(m->db, e);
	if (r)
		db_rollback(m->db);
	else if (!m->atomic.open)
		r = unload_finish_surely(m, kept, data, e);
	manager_unlock(m);
	return r;
}

static int keep(struct manager *m, int64_t id, bool *changed, struct error *e)
{
	struct db_link l = { 0 };
	int r = db_link_get(m->db, id, &l, e);

	if (r == -ENOENT) {
		error_set(e, ENOENT, "link %lld is no longer there", (long long)id);
		return error_hint(e, "when its trial is over a link is detached; attach it again");
	}
	if (!r && l.expires_at) {
		r = db_link_keep(m->db, id, e);
		if (!r)
			r = event_add(m, DB_LINK, id, l.program_name, NULL, e);
		*changed = true;
	}
	db_link_clear(&l);
	return r;
}

int manager_keep(struct manager *m, const int64_t *ids, size_t count, bool *changed,
		 struct error *e)
{
	int r = manager_lock(m, e);

	*changed = false;
	if (r)
		return r;
	r = db_begin(m->db, e);
	for (size_t i = 0; !r && i < count; i++)
		r = keep(m, ids[i], changed, e);
	if (!r)
		r = db_commit(m->db, e);
	if (r)
		db_rollback(m->db);
	else if (!*changed)
		manager_nothing_changed(m);
	manager_unlock(m);
	return r;
}

int manager_read_link(struct manager *m, const struct db_link *l, json_t **result, struct error *e)
{
	json_t *answer = NULL;
	int r = manager_ask(m, l->program_name,
			    json_pack("{ss so sI}", "op", "read_iter", "pin", wire_json(l->pin),
				      "limit", (json_int_t)READ_LIMIT),
			    &answer, e);

	*result = r ? NULL : json_incref(json_object_get(answer, "result"));
	json_decref(answer);
	return r;
}

/* 0: *left ns are left of its trial, 0 or less when it is over. -ENOENT: it is on none. */
static int time_left(struct manager *m, int64_t id, int64_t *left, struct error *e)
{
	struct db_link l = { 0 };
	struct db *db;
	int r;

	r = manager_db(m, &db, e);
	if (!r)
		r = db_link_get(db, id, &l, e);
	if (!r && !l.expires_at)
		r = -ENOENT;
	*left = l.expires_at - clock_now();
	db_link_clear(&l);
	return r;
}

/* With the locks: the wall clock may say that there is time left, but it was set back meanwhile. */
static int end_trial(struct manager *m, int64_t id, struct error *e)
{
	struct db_link l = { 0 };
	int64_t expires_at;
	int r = db_link_get(m->db, id, &l, e);

	expires_at = l.expires_at;
	db_link_clear(&l);
	if (r || !expires_at)
		return r == -ENOENT ? 0 : r;
	r = db_begin(m->db, e);
	if (!r)
		r = db_link_set_state(m->db, id, DB_UNLOADING, m->run_id, e);
	if (!r)
		r = db_commit(m->db, e);
	if (r)
		db_rollback(m->db);
	return r ? r : recover(m, e);
}

int manager_see_trial_out(struct manager *m, int64_t id, struct error *e)
{
	int64_t left, end = INT64_MAX;
	int r;

	/* What happens to the link is told by the recovery that does it. */
	manager_nothing_changed(m);
	while (!(r = time_left(m, id, &left, e)) && left > 0) {
		int64_t now = clock_monotonic();
		int ms;

		/* The wall clock may be set while it runs: back must not make it longer. */
		if (end == INT64_MAX)
			end = now + left;
		if (end - now < left)
			left = end - now;
		if (left <= 0)
			break;
		ms = (int)(left / NS_PER_MS + 1);
		/* In between it may be kept or detached, and then there is no reason to stay. */
		if (left / NS_PER_MS >= LOOK_EVERY_MS)
			ms = LOOK_EVERY_MS;
		if (!m->config.turn)
			poll(NULL, 0, ms);
		else if (m->config.turn->wait(m->config.turn->data, -1, 0, ms))
			return error_set_class(e, ERROR_INTERRUPTED, EINTR, "interrupted");
	}
	if (r)
		return r == -ENOENT ? 0 : r;
	/* Taking the locks recovers, and recovery detaches what is over. */
	r = manager_lock(m, e);
	if (r)
		return r;
	r = end_trial(m, id, e);
	manager_unlock(m);
	return r;
}

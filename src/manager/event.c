/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Events: who did what. What a command changed is told inside the transaction that settles the
 * change, so an event and its change are both there or neither; a failure is told afterwards.
 */
#include "manager/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

/* Of the login that we descend from, whoever we have become since (sudo); -1: none, or unknown. */
static int64_t login_uid(struct manager *m)
{
	const uint64_t none = UINT32_MAX;
	struct buf text = { 0 };
	uint64_t uid;
	int fd;

	if (m->login_known)
		return m->login_uid;
	m->login_known = true;
	m->login_uid = -1;
	fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (!file_read_fd(fd, "loginuid", 64, &text, NULL) && parse_u64(buf_text(&text), &uid) &&
	    uid < none)
		m->login_uid = (int64_t)uid;
	close(fd);
	buf_free(&text);
	return m->login_uid;
}

static int add(struct manager *m, struct db *db, struct db_event *event, struct error *e)
{
	char *command = NULL;
	int r;

	if (!m->recovering && m->command.text) {
		command = strndup(m->command.text, m->command.len);
		if (!command)
			return error_nomem(e);
	}
	event->created_at = clock_now();
	event->uid = geteuid();
	event->login_uid = login_uid(m);
	event->action = (char *)(m->recovering ? "recover" : m->command.name);
	event->command = command;
	/* What succeeds in a run that is all or nothing has happened once that is decided. */
	r = m->atomic.open && event->ok ? atomic_keep_event(m, event, e)
					: db_event_add(db, event, e);
	free(command);
	return r;
}

int event_add(struct manager *m, enum db_kind kind, int64_t id, const char *name,
	      const char *message, struct error *e)
{
	struct db_event event = {
		.kind = (char *)db_kind_name(kind),
		.thing_id = id,
		.name = (char *)name,
		.ok = true,
		.message = (char *)message,
	};
	int r;

	if (m->config.dry_run || m->atomic.told || (!m->command.name && !m->recovering))
		return 0;
	r = add(m, m->db, &event, e);
	if (!r && !m->recovering)
		m->command.told = true;
	return r;
}

void event_about(struct manager *m, enum db_kind kind, int64_t id, const char *name)
{
	if (!m->command.name)
		return; /* an ephemeral session's end, say: nobody will be told */
	free(m->command.about);
	m->command.about = name ? strdup(name) : NULL;
	m->command.about_kind = kind;
	m->command.about_id = id;
}

void manager_nothing_changed(struct manager *m)
{
	m->command.told = true;
}

static void add_alone(struct manager *m, struct db *db, struct db_event *event)
{
	if (db_begin(db, NULL))
		return;
	if (add(m, db, event, NULL) || db_commit(db, NULL))
		db_rollback(db);
}

void event_add_failure(struct manager *m, enum db_kind kind, int64_t id, const char *name,
		       const struct error *failure)
{
	struct db_event event = {
		.kind = (char *)db_kind_name(kind),
		.thing_id = id,
		.name = (char *)name,
		.message = failure->message,
	};

	if (m->config.dry_run || !m->command.name)
		return;
	add_alone(m, m->db, &event);
	m->command.told = true;
}

/*
 * A command that failed before it came to open the database for writing, with locks and pin root,
 * does not do so for its event; and where there is no database, none is made for it.
 */
static void add_beside(struct manager *m, struct db_event *event)
{
	struct db *db, *beside;

	if (manager_db(m, &db, NULL) || !*db_uuid(db))
		return;
	if (!db_open(&beside, m->db_path, DB_WRITE, NULL))
		add_alone(m, beside, event);
	db_close(beside);
	/* It may have been a copy of an older schema. */
	db_close(m->db);
	m->db = NULL;
}

void manager_end_command(struct manager *m, const struct error *failure)
{
	struct db_event event = {
		.kind = (char *)(m->command.about ? db_kind_name(m->command.about_kind) : NULL),
		.thing_id = m->command.about ? m->command.about_id : 0,
		.name = m->command.about,
		.ok = !failure,
		.message = failure ? failure->message : NULL,
	};

	if (!m->config.dry_run && m->command.name && (failure || !m->command.told)) {
		if (m->db && m->db_writes)
			add_alone(m, m->db, &event);
		else
			add_beside(m, &event);
	}
	event_forget(m);
}

void event_forget(struct manager *m)
{
	free(m->command.about);
	memset(&m->command, 0, sizeof(m->command));
}

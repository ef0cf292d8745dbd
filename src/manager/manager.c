/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/internal.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

static int read_boot_id(struct manager *m, struct error *e)
{
	struct buf text = { 0 };
	int r = -1;
	int fd = -1;

	/* Not a regular file's size: read it as a stream. proc(5), random(4). */
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f) {
		fd = fileno(f);
		r = file_read_fd(fd, "boot_id", 4096, &text, NULL);
		fclose(f);
	}
	if (!r && text.len >= BOOT_ID_TEXT - 1) {
		memcpy(m->boot_id, text.data, BOOT_ID_TEXT - 1);
		m->boot_id[BOOT_ID_TEXT - 1] = '\0';
	} else {
		r = error_set_class(e, ERROR_ENVIRONMENT, ENOENT,
				    "cannot read this boot's id from /proc");
	}
	buf_free(&text);
	return r;
}

static int make_run_id(struct manager *m, struct error *e)
{
	unsigned char random[(RUN_ID_TEXT - 1) / 2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return error_set_class(e, ERROR_ENVIRONMENT, errno, "no random numbers: %s",
				       strerror(errno));
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(m->run_id + 2 * i, 3, "%02x", random[i]);
	return 0;
}

int manager_new(struct manager **out, const struct manager_config *config, struct error *e)
{
	struct manager *m = calloc(1, sizeof(*m));
	int r;

	*out = NULL;
	if (!m)
		return error_nomem(e);
	m->config = *config;
	m->lock_fd = m->root_fd = m->look_fd = -1;
	m->db_path = strdup(config->db_path);
	m->pin_root = strdup(config->pin_root);
	if (!m->db_path || !m->pin_root) {
		r = error_nomem(e);
		goto out;
	}
	r = read_boot_id(m, e);
	if (!r)
		r = make_run_id(m, e);
	if (!r && config->ephemeral)
		r = ephemeral_begin(m, e);
out:
	if (r)
		manager_free(m);
	else
		*out = m;
	return r;
}

void manager_free(struct manager *m)
{
	struct error e = ERROR_INIT;

	if (!m)
		return;
	event_forget(m);
	manager_atomic_undo(m, &e); /* else the next command does it */
	error_clear(&e);
	if (m->ephemeral_dir)
		ephemeral_end(m);
	manager_close_write(m);
	client_free(m->reader);
	netns_forget(m);
	free(m->ephemeral_dir);
	free(m->db_path);
	free(m->pin_root);
	free(m);
}

void manager_set_lock_timeout(struct manager *m, int seconds)
{
	m->config.lock_timeout = seconds;
}

bool manager_dry_run(const struct manager *m)
{
	return m->config.dry_run;
}

struct manager_places manager_places(const struct manager *m)
{
	return (struct manager_places){ m->db_path, m->pin_root, m->config.worker };
}

void manager_notice(struct manager *m, const char *format, ...)
{
	struct buf line = { 0 };
	va_list args;

	if (!m->config.notice)
		return;
	va_start(args, format);
	buf_vprintf(&line, format, args);
	va_end(args);
	m->config.notice(m->config.notice_data, buf_text(&line));
	buf_free(&line);
}

static int client_of(struct manager *m, struct client **place, struct client **client,
		     struct error *e)
{
	if (!*place) {
		*place = client_new(m->config.worker, m->config.turn);
		if (!*place)
			return error_nomem(e);
	}
	*client = *place;
	return 0;
}

int manager_client(struct manager *m, struct client **client, struct error *e)
{
	return client_of(m, &m->client, client, e);
}

static int ask(struct manager *m, struct client **place, const char *subject, json_t *request,
	       struct buf *entries, json_t **answer, struct error *e)
{
	struct client *client = NULL;
	int r;

	if (answer)
		*answer = NULL;
	if (!request)
		return error_nomem(e);
	r = client_of(m, place, &client, e);
	if (r) {
		json_decref(request);
		return r;
	}
	return client_do_entries(client, subject, request, entries, answer, e);
}

int manager_do(struct manager *m, const char *subject, json_t *request, json_t **answer,
	       struct error *e)
{
	return ask(m, &m->client, subject, request, NULL, answer, e);
}

int manager_ask(struct manager *m, const char *subject, json_t *request, json_t **answer,
		struct error *e)
{
	return ask(m, &m->reader, subject, request, NULL, answer, e);
}

int manager_do_entries(struct manager *m, const char *subject, json_t *request, struct buf *entries,
		       json_t **answer, struct error *e)
{
	return ask(m, &m->client, subject, request, entries, answer, e);
}

int manager_ask_entries(struct manager *m, const char *subject, json_t *request,
			struct buf *entries, json_t **answer, struct error *e)
{
	return ask(m, &m->reader, subject, request, entries, answer, e);
}

int manager_post(struct manager *m, json_t *request, struct error *e)
{
	struct client *client = NULL;
	int r = client_of(m, &m->reader, &client, e);

	if (!r)
		return client_post(client, request, e);
	json_decref(request);
	return r;
}

int manager_collect(struct manager *m, json_t **answer, struct error *e)
{
	*answer = NULL;
	return m->reader ? client_collect(m->reader, "reading", answer, e) : -ENOENT;
}

void manager_poll(const struct manager *m, struct pollfd *p)
{
	*p = (struct pollfd){ .fd = -1 };
	if (m->reader)
		client_poll(m->reader, p);
}

void manager_new_command(struct manager *m, const char *name, const char *text, size_t len)
{
	event_forget(m);
	m->command.name = name;
	m->command.text = text;
	m->command.len = len;
	manager_look_again(m);
	if (m->db && !m->db_writes && !*db_uuid(m->db)) {
		/* There was none yet; another session may have made it since. */
		db_close(m->db);
		m->db = NULL;
	}
}

int manager_db(struct manager *m, struct db **db, struct error *e)
{
	int r;

	if (!m->db) {
		r = db_open(&m->db, m->db_path, m->config.dry_run ? DB_SCRATCH : DB_READ, e);
		if (r)
			return r;
		m->db_writes = m->config.dry_run;
	}
	*db = m->db;
	return 0;
}

int manager_db_open(struct manager *m, struct db **db, struct error *e)
{
	return db_open(db, m->db_path, DB_READ, e);
}

const char *manager_db_path(const struct manager *m)
{
	return m->db_path;
}

int manager_open_write(struct manager *m, struct error *e)
{
	struct client *client = NULL;
	int r;

	if (m->db && m->db_writes)
		return 0;
	if (m->config.dry_run) {
		struct db *db;

		return manager_db(m, &db, e);
	}
	r = lock_open(m, e);
	if (!r)
		r = root_open(m, e);
	if (r)
		return r;
	/*
	 * The worker holds the locks too: were we to die, nobody recovers before it has finished.
	 * It starts while the database opens.
	 */
	client_free(m->client); /* one that only read files has no locks */
	m->client = NULL;
	r = manager_client(m, &client, e);
	if (!r)
		r = client_inherit(client, m->lock_fd);
	if (!r)
		r = client_inherit(client, m->root_fd);
	if (!r)
		r = client_start(client, e);
	if (r)
		return r;
	db_close(m->db);
	m->db = NULL;
	r = db_open(&m->db, m->db_path, DB_WRITE, e);
	m->db_writes = !r;
	return r;
}

void manager_close_write(struct manager *m)
{
	client_free(m->client);
	m->client = NULL;
	db_close(m->db);
	m->db = NULL;
	m->db_writes = false;
	if (m->lock_fd >= 0)
		close(m->lock_fd);
	if (m->root_fd >= 0)
		close(m->root_fd);
	m->lock_fd = m->root_fd = -1;
}

int manager_make_durable(struct manager *m, bool last, struct error *e)
{
	/* An ephemeral session still has to unload. */
	if (last && m->client && !m->ephemeral_dir)
		client_finish(m->client);
	if (!m->db || !m->db_writes || m->config.dry_run)
		return 0;
	return db_make_durable(m->db, e);
}

int manager_hello(struct manager *m, json_t **result, struct error *e)
{
	json_t *answer;
	int r = manager_do(m, "hello", json_pack("{ss}", "op", "hello"), &answer, e);

	*result = r ? NULL : json_incref(json_object_get(answer, "result"));
	json_decref(answer);
	return r;
}

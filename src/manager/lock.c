/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two locks, always in this order: a file beside the database, then the pin root itself. Both are
 * flock(2) locks on open files that the acting worker shares, so they last until nobody can change
 * anything any more, however we die.
 */
#include "manager/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"

enum { RETRY_MS = 20, NS_PER_S = 1000000000 };

int lock_open(struct manager *m, struct error *e)
{
	struct buf path = { 0 };
	char *slash;
	int r = 0;

	if (m->lock_fd >= 0)
		return 0;
	buf_str(&path, m->db_path);
	slash = path.data ? strrchr(path.data, '/') : NULL;
	if (slash && slash != path.data) {
		*slash = '\0';
		r = file_make_directories(path.data, 0700, e);
		*slash = '/';
	}
	buf_str(&path, ".lock");
	if (!r && buf_error(&path))
		r = error_nomem(e);
	if (r)
		goto out;
	m->lock_fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (m->lock_fd < 0)
		r = error_set(e, errno, "cannot open the lock file %s: %s", path.data,
			      strerror(errno));
out:
	if (r && e) {
		e->class = ERROR_ENVIRONMENT;
		if (e->err == EACCES || e->err == EPERM || e->err == EROFS)
			error_hint(e, "run it as root, or name a database with --db FILE");
	}
	buf_free(&path);
	return r;
}

static int pause_a_little(struct manager *m)
{
	if (m->config.turn)
		return m->config.turn->wait(m->config.turn->data, -1, 0, RETRY_MS);
	poll(NULL, 0, RETRY_MS);
	return 0;
}

static int take(struct manager *m, int fd, int how, int64_t begun, bool *told, struct error *e)
{
	for (;;) {
		int64_t waited = clock_monotonic() - begun;

		if (!flock(fd, how | LOCK_NB))
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return error_set_class(e, ERROR_ENVIRONMENT, errno, "cannot lock: %s",
					       strerror(errno));
		if (waited >= (int64_t)m->config.lock_timeout * NS_PER_S) {
			error_set(e, EAGAIN, "another session has been changing things for %d s",
				  m->config.lock_timeout);
			return error_hint(e, "--lock-timeout SECONDS waits longer");
		}
		if (waited >= NS_PER_S && !*told) {
			manager_notice(m,
				       "waiting for another bpfman session to finish its change");
			*told = true;
		}
		if (pause_a_little(m))
			return error_set_class(e, ERROR_INTERRUPTED, EINTR, "interrupted");
	}
}

/* Whether what we hold open is still what the names mean: somebody may have removed them. */
static bool still_there(struct manager *m)
{
	struct stat held, named;

	return !fstat(m->root_fd, &held) && !stat(m->pin_root, &named) &&
	       held.st_ino == named.st_ino && held.st_dev == named.st_dev &&
	       !fstat(m->lock_fd, &held) && held.st_nlink > 0;
}

static int take_both(struct manager *m, struct error *e)
{
	int64_t begun = clock_monotonic();
	bool told = false;
	int r;

	r = take(m, m->lock_fd, LOCK_EX, begun, &told, e);
	if (r)
		return r;
	r = take(m, m->root_fd, LOCK_EX, begun, &told, e);
	if (r)
		flock(m->lock_fd, LOCK_UN);
	else
		m->locked = true;
	return r;
}

typedef int claim_fn(struct manager *m, struct error *e);

static int lock_and_claim(struct manager *m, claim_fn *claim, struct error *e)
{
	int r;

	/* A run that is all or nothing has them until its end. */
	if (m->atomic.open)
		return 0;
	r = manager_open_write(m, e);
	if (r || m->config.dry_run)
		return r;
	r = take_both(m, e);
	if (!r && !still_there(m)) {
		manager_unlock(m);
		manager_close_write(m);
		r = manager_open_write(m, e);
		if (!r)
			r = take_both(m, e);
	}
	if (r)
		return r;
	r = claim(m, e);
	if (!r)
		r = recover(m, e);
	if (!r && m->atomic.wanted)
		r = atomic_open(m, e);
	if (r)
		manager_unlock(m);
	return r;
}

int manager_lock(struct manager *m, struct error *e)
{
	return lock_and_claim(m, root_claim, e);
}

int manager_lock_taking(struct manager *m, struct error *e)
{
	return lock_and_claim(m, root_take, e);
}

void manager_unlock(struct manager *m)
{
	if (!m->locked || m->atomic.open)
		return;
	/* An ephemeral root's lock tells others that its session lives (ephemeral.c). */
	if (!m->ephemeral_dir)
		flock(m->root_fd, LOCK_UN);
	flock(m->lock_fd, LOCK_UN);
	m->locked = false;
}

int lock_shared(struct manager *m, int *fd, struct error *e)
{
	struct buf path = { 0 };
	bool told = false;
	int r = 0;

	*fd = -1;
	if (m->locked)
		return 0;
	buf_printf(&path, "%s.lock", m->db_path);
	if (buf_error(&path))
		r = error_nomem(e);
	else
		*fd = open(path.data, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	buf_free(&path);
	/* Nobody has changed anything yet, or we may not have it: then we look as we can. */
	if (!r && *fd >= 0)
		r = take(m, *fd, LOCK_SH, clock_monotonic(), &told, e);
	if (r && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return r;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * restore --boot, and its brakes: a program that locked its owner out must not come back. A restore
 * that did not come to its end is not tried again at the next boot, and bpfman.restore=0 on the
 * kernel's command line switches it off.
 */
#include "manager/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

enum { COMMAND_LINE_MAX = 64 * 1024 };

static bool is_switched_off(void)
{
	static const char word[] = "bpfman.restore=0";
	struct buf line = { 0 };
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	bool off = false;

	if (fd < 0)
		return false;
	if (!file_read_fd(fd, "/proc/cmdline", COMMAND_LINE_MAX, &line, NULL)) {
		const char *at = buf_text(&line);

		while (*at) {
			size_t len = strcspn(at, " \n");

			off |= len == sizeof(word) - 1 && !strncmp(at, word, len);
			at += len;
			at += strspn(at, " \n");
		}
	}
	close(fd);
	buf_free(&line);
	return off;
}

/* From here it was begun, whatever comes: also a power cut. */
static int begin(struct manager *m, struct error *e)
{
	int r = db_begin(m->db, e);

	if (!r)
		r = db_boot_begin(m->db, m->boot_id, e);
	if (!r)
		r = db_commit(m->db, e);
	if (r)
		db_rollback(m->db);
	return r ? r : db_make_durable(m->db, e);
}

int restore_boot_begin(struct manager *m, enum restore_brake *brake, struct error *e)
{
	bool begun = false;
	int r;

	*brake = is_switched_off() ? RESTORE_SWITCHED_OFF : RESTORE_GOES;
	if (*brake)
		return 0;
	r = manager_lock(m, e);
	if (r)
		return r;
	r = db_boot_begun(m->db, &begun, e);
	if (!r && begun)
		*brake = RESTORE_BEGUN_BEFORE;
	else if (!r && !m->config.dry_run)
		r = begin(m, e);
	manager_unlock(m);
	return r;
}

int restore_boot_end(struct manager *m, struct error *e)
{
	bool begun = false;
	int r = manager_lock(m, e);

	if (r)
		return r;
	r = db_boot_begun(m->db, &begun, e);
	if (!r && begun) {
		r = db_begin(m->db, e);
		if (!r)
			r = db_boot_end(m->db, e);
		if (!r)
			r = db_commit(m->db, e);
		if (r)
			db_rollback(m->db);
	}
	manager_unlock(m);
	return r;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pin root: bpffs below it, the directory, and whose it is. */
#include "manager/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

#define BPFFS_DEFAULT "/sys/fs/bpf"

enum { PIN_NAME_MAX = 64 };

static bool is_bpffs(const char *path, unsigned long *type)
{
	struct statfs fs;

	if (statfs(path, &fs))
		return false;
	*type = (unsigned long)fs.f_type;
	return fs.f_type == BPF_FS_MAGIC;
}

/* The only mount bpfman ever makes, as systemd does: bpffs where sysfs offers the place for it. */
static int mount_default(struct manager *m, struct error *e)
{
	unsigned long type = 0;

	if (is_bpffs(BPFFS_DEFAULT, &type) || type != SYSFS_MAGIC)
		return 0;
	if (mount("bpf", BPFFS_DEFAULT, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME,
		  "mode=700")) {
		error_set_class(e, ERROR_ENVIRONMENT, errno, "no bpffs at %s: mounting it: %s",
				BPFFS_DEFAULT, strerror(errno));
		return error_hint(e, "as root: mount -t bpf bpf %s", BPFFS_DEFAULT);
	}
	manager_notice(m, "mounted bpffs at %s", BPFFS_DEFAULT);
	return 0;
}

/* The nearest ancestor of path that exists; caller frees. */
static char *existing_ancestor(const char *path)
{
	char *copy = strdup(path);
	struct stat st;

	while (copy && stat(copy, &st) && errno == ENOENT) {
		char *slash = strrchr(copy, '/');

		if (!slash || slash == copy) {
			strcpy(copy, "/");
			break;
		}
		*slash = '\0';
	}
	return copy;
}

int root_open(struct manager *m, struct error *e)
{
	unsigned long type = 0;
	struct stat st;
	char *ancestor, *real;
	int r;

	if (m->root_fd >= 0)
		return 0;
	if (m->config.default_root) {
		r = mount_default(m, e);
		if (r)
			return r;
	}
	ancestor = existing_ancestor(m->pin_root);
	if (!ancestor)
		return error_nomem(e);
	if (stat(ancestor, &st)) {
		error_set_class(e, ERROR_ENVIRONMENT, errno, "the pin root %s: %s", m->pin_root,
				strerror(errno));
		r = errno == EPERM ? error_hint(e, "bpffs takes no name with a '.' in it")
				   : -e->err;
		goto out;
	}
	if (!is_bpffs(ancestor, &type)) {
		error_set_class(e, ERROR_ENVIRONMENT, EINVAL, "the pin root %s is not on bpffs",
				m->pin_root);
		r = error_hint(e, "name a directory on bpffs with --pin-root DIR; bpffs is mounted "
				  "with: mount -t bpf bpf DIR");
		goto out;
	}
	r = file_make_directories(m->pin_root, 0700, e);
	if (r) {
		e->class = ERROR_ENVIRONMENT;
		goto out;
	}
	/* The worker follows no symbolic link, and rows keep paths that mean the same tomorrow. */
	real = realpath(m->pin_root, NULL);
	if (!real) {
		r = error_set_class(e, ERROR_ENVIRONMENT, errno,
				    "cannot resolve the pin root %s: %s", m->pin_root,
				    strerror(errno));
		goto out;
	}
	free(m->pin_root);
	m->pin_root = real;
	m->root_fd = open(m->pin_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (m->root_fd < 0 || fstat(m->root_fd, &st)) {
		r = error_set_class(e, ERROR_ENVIRONMENT, errno, "cannot open the pin root %s: %s",
				    m->pin_root, strerror(errno));
		goto out;
	}
	m->root_dev = st.st_dev;
out:
	free(ancestor);
	return r;
}

/* Finds another database's claim: its uuid in other, or "" there. */
static int other_owner(struct manager *m, struct buf *other, struct error *e)
{
	int fd = openat(m->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return error_set_class(e, ERROR_ENVIRONMENT, errno,
				       "cannot read the pin root %s: %s", m->pin_root,
				       strerror(errno));
	}
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, ROOT_OWNER, strlen(ROOT_OWNER)))
			buf_str(other, entry->d_name + strlen(ROOT_OWNER));
	closedir(dir);
	return buf_error(other) ? error_nomem(e) : 0;
}

/*
 * A database has one root on a bpffs: an unsettled load is taken back there, and maps pinned by
 * name are found there.
 */
static int check_only_root(struct manager *m, struct error *e)
{
	char *dir, *slash;
	int r = db_newest_pin_dir(m->db, m->boot_id, m->root_dev, &dir, e);

	slash = dir ? strrchr(dir, '/') : NULL;
	if (slash)
		*slash = '\0';
	if (slash && strcmp(dir, m->pin_root)) {
		error_set_class(e, ERROR_ENVIRONMENT, EBUSY,
				"what this database manages is pinned under %s, not under %s", dir,
				m->pin_root);
		r = error_hint(e, "use --pin-root %s, or another database with --db FILE", dir);
	}
	free(dir);
	return r;
}

int root_claim(struct manager *m, struct error *e)
{
	struct buf name = { 0 }, other = { 0 };
	struct stat st;
	int r = check_only_root(m, e);

	if (r)
		return r;
	buf_printf(&name, "%s%s", ROOT_OWNER, db_uuid(m->db));
	if (buf_error(&name)) {
		r = error_nomem(e);
		goto out;
	}
	/* Ours there: nobody else's can be, since a claim is made only where none is. */
	if (!fstatat(m->root_fd, name.data, &st, AT_SYMLINK_NOFOLLOW))
		goto out;
	r = other_owner(m, &other, e);
	if (r)
		goto out;
	if (other.len) {
		error_set_class(e, ERROR_ENVIRONMENT, EBUSY,
				"the pin root %s belongs to another database (%s)", m->pin_root,
				other.data);
		r = error_hint(e, "use that database with --db FILE, or another pin root with "
				  "--pin-root DIR; where that database is lost, `doctor` shows "
				  "what the root holds, and `doctor --take-root` takes it over");
		goto out;
	}
	if (mkdirat(m->root_fd, name.data, 0700))
		r = error_set_class(e, ERROR_ENVIRONMENT, errno, "cannot claim the pin root %s: %s",
				    m->pin_root, strerror(errno));
out:
	buf_free(&name);
	buf_free(&other);
	return r;
}

static int cannot_take(struct manager *m, const char *name, struct error *e)
{
	return error_set_class(e, ERROR_ENVIRONMENT, errno,
			       "cannot take the pin root %s over: %s: %s", m->pin_root, name,
			       strerror(errno));
}

/* Moves what is in the root into a directory in it, but for that and who owns it. */
static int move_all(struct manager *m, const char *into, struct error *e)
{
	int fd = openat(m->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int to = openat(m->root_fd, into, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 || to < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int r = dir ? 0 : cannot_take(m, into, e);

	while (!r && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (name[0] == '.' || !strncmp(name, ROOT_OWNER, strlen(ROOT_OWNER)) ||
		    !strncmp(name, ROOT_TAKEN, strlen(ROOT_TAKEN)))
			continue;
		if (renameat2(m->root_fd, name, to, name, RENAME_NOREPLACE))
			r = cannot_take(m, name, e);
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	if (to >= 0)
		close(to);
	return r;
}

int root_take(struct manager *m, struct error *e)
{
	struct buf theirs = { 0 }, ours = { 0 }, into = { 0 }, other = { 0 };
	int r = check_only_root(m, e);

	if (!r)
		r = other_owner(m, &other, e);
	if (r || !other.len)
		goto out;
	buf_printf(&theirs, "%s%s", ROOT_OWNER, other.data);
	buf_printf(&ours, "%s%s", ROOT_OWNER, db_uuid(m->db));
	buf_printf(&into, "%s%s", ROOT_TAKEN, other.data);
	if (buf_error(&theirs) || buf_error(&ours) || buf_error(&into))
		r = error_nomem(e);
	else if (!strcmp(theirs.data, ours.data))
		goto out;
	else if (mkdirat(m->root_fd, into.data, 0700) && errno != EEXIST)
		r = cannot_take(m, into.data, e);
	if (!r)
		r = move_all(m, into.data, e);
	/* The last step: until then the root is theirs, and all of this is done again. */
	if (!r && renameat2(m->root_fd, theirs.data, m->root_fd, ours.data, RENAME_NOREPLACE))
		r = cannot_take(m, theirs.data, e);
out:
	buf_free(&theirs);
	buf_free(&ours);
	buf_free(&into);
	buf_free(&other);
	return r ? r : root_claim(m, e);
}

static char *below(struct manager *m, const char *format, long long id)
{
	struct buf path = { 0 };

	buf_str(&path, m->pin_root);
	buf_char(&path, '/');
	if (id)
		buf_printf(&path, "%s%lld", format, id);
	else
		buf_str(&path, format);
	return buf_take(&path);
}

char *root_object_dir(struct manager *m, int64_t object_id)
{
	return below(m, "", object_id);
}

char *root_staging_dir(struct manager *m, int64_t object_id)
{
	return below(m, "s", object_id);
}

char *root_upgrade_dir(struct manager *m, int64_t object_id)
{
	return below(m, "u", object_id);
}

char *root_by_name_dir(struct manager *m)
{
	return below(m, "by_name", 0);
}

char *root_link_staging(struct manager *m, int64_t link_id)
{
	return below(m, "s", link_id);
}

char *root_link_waiting(struct manager *m, int64_t object_id, int64_t link_id)
{
	struct buf path = { 0 };

	buf_printf(&path, "%s/%lld/s%lld", m->pin_root, (long long)object_id, (long long)link_id);
	return buf_take(&path);
}

/* As the worker names the pins of programs and maps: nothing of an ELF name but its letters. */
static void add_reduced(struct buf *path, const char *name)
{
	size_t len = strnlen(name, PIN_NAME_MAX);

	for (size_t i = 0; i < len; i++)
		buf_char(path, strchr(ROOT_PIN_NAME_BYTES, name[i]) ? name[i] : '_');
}

char *root_released_dir(struct manager *m, int64_t id, const char *name)
{
	struct buf path = { 0 };

	buf_printf(&path, "%s/%s/%lld_", m->pin_root, ROOT_RELEASED, (long long)id);
	add_reduced(&path, name ? name : "");
	return buf_take(&path);
}

char *root_link_pin(struct manager *m, int64_t object_id, int64_t link_id, const char *program)
{
	struct buf path = { 0 };

	buf_printf(&path, "%s/%lld/l%lld_", m->pin_root, (long long)object_id, (long long)link_id);
	add_reduced(&path, program);
	return buf_take(&path);
}

bool root_contains(struct manager *m, const char *path)
{
	size_t len = strlen(m->pin_root);

	return !strncmp(path, m->pin_root, len) && (path[len] == '/' || path[len] == '\0');
}

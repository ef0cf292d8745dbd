/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a row's pin looks like right now, by stat(2) alone: no worker, no lock, no capability but
 * search permission on the way. Of a link, what it is attached to as well. Ids and tags prove
 * nothing (ids are reused across boots, tags are content hashes); a pin's boot, device and inode
 * do.
 */
#include "manager/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

const char *sight_name(enum sight sight)
{
	static const char *const names[] = {
		[SIGHT_LOADED] = "loaded",   [SIGHT_ATTACHED] = "attached",
		[SIGHT_LOST] = "lost",	     [SIGHT_TARGET_GONE] = "target_gone",
		[SIGHT_UNKNOWN] = "unknown", [SIGHT_PENDING] = "pending",
	};

	return names[sight];
}

const struct root_sight *look_at_root(struct manager *m)
{
	struct root_sight *s = &m->sight;
	char *path, *slash;
	struct statfs fs;
	struct stat st;

	if (s->known)
		return s;
	memset(s, 0, sizeof(*s));
	s->known = true;
	path = strdup(m->pin_root);
	while (path && stat(path, &st)) {
		slash = strrchr(path, '/');
		if (errno != ENOENT || !slash) {
			s->err = errno;
			break;
		}
		slash[slash == path] = '\0';
	}
	if (!path) {
		s->err = ENOMEM;
	} else if (!s->err) {
		s->dev = st.st_dev;
		s->bpffs = !statfs(path, &fs) && fs.f_type == BPF_FS_MAGIC;
	}
	free(path);
	return s;
}

void manager_look_begin(struct manager *m)
{
	m->sight.known = false;
	if (m->look_fd < 0)
		m->look_fd = open(m->pin_root, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void manager_look_end(struct manager *m)
{
	if (m->look_fd >= 0)
		close(m->look_fd);
	m->look_fd = -1;
}

static int stat_pin(struct manager *m, const char *pin, struct stat *st)
{
	size_t len = strlen(m->pin_root);

	if (m->look_fd >= 0 && !strncmp(pin, m->pin_root, len) && pin[len] == '/' &&
	    pin[len + 1] != '/')
		return fstatat(m->look_fd, pin + len + 1, st, AT_SYMLINK_NOFOLLOW);
	return lstat(pin, st);
}

static struct look missing(struct manager *m, uint64_t root_dev)
{
	const struct root_sight *s = look_at_root(m);

	if (s->err)
		return (struct look){ SIGHT_UNKNOWN, "the pin root cannot be looked into" };
	if (!s->bpffs)
		return (struct look){ SIGHT_UNKNOWN, "no bpffs is mounted at the pin root" };
	if (s->dev != root_dev)
		return (struct look){ SIGHT_UNKNOWN, "another bpffs is mounted at the pin root" };
	return (struct look){ SIGHT_LOST, "unpinned" };
}

struct look manager_look(struct manager *m, const char *boot_id, uint64_t root_dev, const char *pin,
			 const struct db_identity *identity, enum db_state state)
{
	struct stat st;

	if (state != DB_LOADED)
		return (struct look){ SIGHT_PENDING, NULL };
	if (strcmp(boot_id, m->boot_id))
		return (struct look){ SIGHT_LOST, "reboot" };
	if (!pin) /* only planned: a dry run */
		return (struct look){ SIGHT_LOADED, NULL };
	if (stat_pin(m, pin, &st)) {
		if (errno == ENOENT)
			return missing(m, root_dev);
		if (errno == EACCES || errno == EPERM)
			return (struct look){ SIGHT_UNKNOWN, "no permission to look at its pin" };
		return (struct look){ SIGHT_UNKNOWN, "its pin cannot be looked at" };
	}
	if (st.st_dev != identity->dev)
		return (struct look){ SIGHT_UNKNOWN, "another bpffs is mounted at the pin root" };
	if (st.st_ino != identity->ino)
		return (struct look){ SIGHT_LOST, "replaced" };
	return (struct look){ SIGHT_LOADED, NULL };
}

struct look manager_look_program(struct manager *m, const struct db_program *p)
{
	return manager_look(m, p->boot_id, p->root_dev, p->pin, &p->identity, p->state);
}

struct look manager_look_map(struct manager *m, const struct db_map *map)
{
	return manager_look(m, map->boot_id, map->root_dev, map->pin, &map->identity, map->state);
}

struct look look_at_link_pin(struct manager *m, const struct db_link *l)
{
	return manager_look(m, l->boot_id, l->root_dev, l->pin, &l->identity, l->state);
}

static struct look look_at_cgroup(const json_t *target)
{
	char *path = answer_bytes(target, "path");
	struct look look = { SIGHT_ATTACHED, NULL };
	struct stat st;

	if (!path || stat(path, &st))
		look = path && (errno == ENOENT || errno == ENOTDIR)
			       ? (struct look){ SIGHT_TARGET_GONE, "cgroup" }
			       : (struct look){ SIGHT_UNKNOWN, "its cgroup cannot be looked at" };
	else if (st.st_ino != answer_u64(target, "cgroup_id"))
		look = (struct look){ SIGHT_TARGET_GONE, "cgroup" };
	free(path);
	return look;
}

static struct look look_at_netns(struct manager *m, const json_t *target)
{
	char *path = answer_bytes(target, "netns");
	struct look look = netns_look(
		m, answer_u64(target, "netns_dev"), answer_u64(target, "netns_ino"),
		answer_u64(target, "netns_cookie"), path, (uint32_t)answer_int(target, "ifindex"));

	free(path);
	return look;
}

/* What a target has tells what it is. */
static struct look look_at_target(struct manager *m, const json_t *target)
{
	json_int_t pid = answer_int(target, "pid");

	if (json_object_get(target, "cgroup_id"))
		return look_at_cgroup(target);
	if (json_is_string(json_object_get(target, "netns_ino")))
		return look_at_netns(m, target);
	if (pid > 0 && kill((pid_t)pid, 0) && errno == ESRCH)
		return (struct look){ SIGHT_TARGET_GONE, "process" };
	return (struct look){ SIGHT_ATTACHED, NULL };
}

struct look manager_look_link(struct manager *m, const struct db_link *l)
{
	struct look look = look_at_link_pin(m, l);
	json_t *target;

	if (look.sight != SIGHT_LOADED)
		return look;
	target = l->target ? json_loads(l->target, 0, NULL) : NULL;
	look = look_at_target(m, target);
	json_decref(target);
	return look;
}

void manager_look_again(struct manager *m)
{
	m->sight.known = false;
	netns_forget(m);
}

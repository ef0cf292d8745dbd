/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether network namespaces and the interfaces in them are still there. Another namespace is
 * looked into by a child, because who cannot go back would be stranded in it; once for all the
 * links of a list.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/grow.h"
#include "base/netns.h"
#include "manager/internal.h"

#define OWN_NETNS "/proc/self/ns/net"

enum { INTERFACES_MAX = 16 * 1024 * 1024 };

/* A namespace, and what is in it. */
struct netns_sight {
	uint64_t dev, ino;
	uint64_t cookie;  /* tells it from an earlier one with the same inode; 0: not known */
	struct look look; /* attached: it is there, and what follows is known */
	uint32_t *ifindex;
	size_t count;
};

void netns_forget(struct manager *m)
{
	for (size_t i = 0; i < m->netns_count; i++)
		free(m->netns[i].ifindex);
	free(m->netns);
	m->netns = NULL;
	m->netns_count = 0;
}

/* Opens path if it leads to this very namespace; otherwise -1, with errno ESTALE or open's. */
static int open_same(const struct netns_sight *ns, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && st.st_dev == ns->dev && st.st_ino == ns->ino)
		return fd;
	close(fd);
	errno = ESTALE;
	return -1;
}

/* Looks for it in DIR/NAME/below of each name; *hidden: some could not be looked at. */
static int open_below(const struct netns_sight *ns, const char *dir, const char *below,
		      bool *hidden)
{
	const struct dirent *entry;
	DIR *d = opendir(dir);
	int fd = -1;

	if (!d) {
		*hidden |= errno != ENOENT;
		return -1;
	}
	while (fd < 0 && (entry = readdir(d))) {
		struct buf path = { 0 };

		if (entry->d_name[0] == '.' ||
		    (*below && strspn(entry->d_name, "0123456789") != strlen(entry->d_name)))
			continue;
		buf_printf(&path, "%s/%s%s", dir, entry->d_name, below);
		if (buf_error(&path)) {
			*hidden = true;
		} else {
			fd = open_same(ns, path.data);
			*hidden |= fd < 0 && (errno == EACCES || errno == EPERM);
		}
		buf_free(&path);
	}
	closedir(d);
	return fd;
}

/*
 * Opens the namespace: by the path it was named by, by another name, or by a process that lives in
 * it. Otherwise -1, and ns->look says why: one whose name is gone is taken for gone, although a
 * process that may not be looked at could hold it still.
 */
static int open_netns(struct netns_sight *ns, const char *path)
{
	int fd = path ? open_same(ns, path) : -1;
	bool hidden = false, named_no_more = fd < 0 && (errno == ENOENT || errno == ESTALE);

	if (fd < 0)
		fd = open_below(ns, "/run/netns", "", &hidden);
	if (fd < 0)
		fd = open_below(ns, "/proc", "/ns/net", &hidden);
	if (fd < 0 && hidden && (!path || !named_no_more))
		ns->look = (struct look){ SIGHT_UNKNOWN,
					  "no permission to look for its network namespace" };
	else if (fd < 0)
		ns->look = (struct look){ SIGHT_TARGET_GONE, "netns" };
	return fd;
}

/*
 * The cookie of the namespace we are in, then the indices of its interfaces. Returns 0 or a
 * negative errno.
 */
static int look_around(struct buf *seen)
{
	struct if_nameindex *list = if_nameindex();
	uint64_t cookie = netns_cookie_here();

	if (!list)
		return -errno;
	buf_add(seen, &cookie, sizeof(cookie));
	for (size_t i = 0; list[i].if_index; i++)
		buf_add(seen, &list[i].if_index, sizeof(uint32_t));
	if_freenameindex(list);
	return buf_error(seen);
}

/* Ends the child: its status is the errno of what failed, or 0. */
static void tell_from_inside(int netns, int to)
{
	struct buf indices = { 0 };
	int r = setns(netns, CLONE_NEWNET) ? -errno : look_around(&indices);

	if (!r)
		r = file_write_all(to, indices.data, indices.len);
	_exit(-r);
}

/* The same of another namespace. */
static int look_into(int netns, struct buf *indices)
{
	int ends[2], status = 0, r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		tell_from_inside(netns, ends[1]);
	r = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (!r)
		r = file_read_fd(ends[0], "interfaces", INTERFACES_MAX, indices, NULL);
	close(ends[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!r)
		r = WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
	return r;
}

static void see_netns(struct netns_sight *ns, const char *path)
{
	struct buf indices = { 0 };
	struct stat own;
	int fd = -1, r;

	if (!stat(OWN_NETNS, &own) && own.st_dev == ns->dev && own.st_ino == ns->ino) {
		r = look_around(&indices);
	} else {
		fd = open_netns(ns, path);
		if (fd < 0)
			return;
		r = look_into(fd, &indices);
		close(fd);
	}
	if (r == -EPERM)
		ns->look = (struct look){ SIGHT_UNKNOWN,
					  "no permission to look into its network namespace" };
	else if (r)
		ns->look = (struct look){ SIGHT_UNKNOWN,
					  "its network namespace cannot be looked into" };
	else
		ns->look = (struct look){ SIGHT_ATTACHED, NULL };
	if (indices.len >= sizeof(ns->cookie)) {
		memcpy(&ns->cookie, indices.data, sizeof(ns->cookie));
		buf_drop(&indices, sizeof(ns->cookie));
	}
	ns->count = indices.len / sizeof(uint32_t);
	ns->ifindex = (uint32_t *)buf_take(&indices);
	buf_free(&indices);
}

static const struct netns_sight *netns_of(struct manager *m, uint64_t dev, uint64_t ino,
					  const char *path)
{
	struct netns_sight *grown;

	for (size_t i = 0; i < m->netns_count; i++)
		if (m->netns[i].dev == dev && m->netns[i].ino == ino)
			return &m->netns[i];
	grown = grow(m->netns, m->netns_count, sizeof(*grown));
	if (!grown)
		return NULL;
	m->netns = grown;
	grown = &grown[m->netns_count++];
	*grown = (struct netns_sight){ .dev = dev, .ino = ino };
	see_netns(grown, path);
	return grown;
}

struct look netns_look(struct manager *m, uint64_t dev, uint64_t ino, uint64_t cookie,
		       const char *path, uint32_t ifindex)
{
	const struct netns_sight *ns = netns_of(m, dev, ino, path);

	if (!ns)
		return (struct look){ SIGHT_UNKNOWN, "not enough memory to look" };
	if (ns->look.sight == SIGHT_ATTACHED && cookie && ns->cookie && cookie != ns->cookie)
		return (struct look){ SIGHT_TARGET_GONE, "netns" };
	if (ns->look.sight != SIGHT_ATTACHED || !ifindex)
		return ns->look;
	for (size_t i = 0; i < ns->count; i++)
		if (ns->ifindex[i] == ifindex)
			return ns->look;
	return (struct look){ SIGHT_TARGET_GONE, "interface" };
}

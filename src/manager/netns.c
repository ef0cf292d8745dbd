/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether network namespaces and the interfaces in them are still there. A list looks into each
 * once for all its links and asks for all interfaces; otherwise only the one is asked for.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/grow.h"
#include "base/netns.h"
#include "manager/internal.h"

#define OWN_NETNS "/proc/self/ns/net"

/* A namespace, and what is in it. */
struct netns_sight {
	uint64_t dev, ino;
	uint64_t cookie;  /* tells it from an earlier one with the same inode; 0: not known */
	struct look look; /* attached: it is there, and what follows is known */
	bool all;	  /* interfaces; otherwise at most wanted is among them */
	uint32_t wanted;
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

static int add_interface(struct netns_sight *ns, uint32_t ifindex)
{
	uint32_t *grown = grow(ns->ifindex, ns->count, sizeof(*grown));

	if (!grown) {
		ns->look = (struct look){ SIGHT_UNKNOWN, "not enough memory to look" };
		return -ENOMEM;
	}
	ns->ifindex = grown;
	ns->ifindex[ns->count++] = ifindex;
	return 0;
}

static bool read_all(struct netns_sight *ns)
{
	struct if_nameindex *list = if_nameindex();

	if (!list)
		return false;
	for (size_t i = 0; list[i].if_index; i++)
		if (add_interface(ns, list[i].if_index))
			break;
	if_freenameindex(list);
	return true;
}

static bool read_wanted(struct netns_sight *ns)
{
	char name[IF_NAMESIZE];

	if (!ns->wanted)
		return true;
	if (!if_indextoname(ns->wanted, name))
		return errno == ENXIO;
	add_interface(ns, ns->wanted);
	return true;
}

/* Reads the cookie and the interfaces of the namespace we are in. */
static void look_around(void *data)
{
	struct netns_sight *ns = data;
	struct look before = ns->look;

	ns->cookie = netns_cookie_here();
	ns->look = (struct look){ SIGHT_ATTACHED, NULL };
	if (!(ns->all ? read_all(ns) : read_wanted(ns)))
		ns->look = before;
}

static void see_netns(struct netns_sight *ns, const char *path)
{
	const struct look unseen = { SIGHT_UNKNOWN, "its network namespace cannot be looked into" };
	struct stat own;
	int fd;

	if (!stat(OWN_NETNS, &own) && own.st_dev == ns->dev && own.st_ino == ns->ino) {
		ns->look = unseen;
		look_around(ns);
		return;
	}
	fd = open_netns(ns, path);
	if (fd < 0)
		return;
	ns->look = unseen;
	if (netns_do(fd, look_around, ns) == -EPERM)
		ns->look.reason = "no permission to look into its network namespace";
	close(fd);
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
	*grown = (struct netns_sight){ .dev = dev, .ino = ino, .all = true };
	see_netns(grown, path);
	return grown;
}

static struct look look_for(const struct netns_sight *ns, uint64_t cookie, uint32_t ifindex)
{
	if (ns->look.sight == SIGHT_ATTACHED && cookie && ns->cookie && cookie != ns->cookie)
		return (struct look){ SIGHT_TARGET_GONE, "netns" };
	if (ns->look.sight != SIGHT_ATTACHED || !ifindex)
		return ns->look;
	for (size_t i = 0; i < ns->count; i++)
		if (ns->ifindex[i] == ifindex)
			return ns->look;
	return (struct look){ SIGHT_TARGET_GONE, "interface" };
}

struct look netns_look(struct manager *m, uint64_t dev, uint64_t ino, uint64_t cookie,
		       const char *path, uint32_t ifindex)
{
	struct netns_sight once = { .dev = dev, .ino = ino, .wanted = ifindex };
	const struct netns_sight *ns = &once;
	struct look look = { SIGHT_UNKNOWN, "not enough memory to look" };

	if (m->look_fd >= 0)
		ns = netns_of(m, dev, ino, path);
	else
		see_netns(&once, path);
	if (ns)
		look = look_for(ns, cookie, ifindex);
	free(once.ifindex);
	return look;
}

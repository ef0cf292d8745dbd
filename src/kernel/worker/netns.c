/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/netns.h"
#include "base/text.h"
#include "kernel/worker/names.h"
#include "kernel/worker/netns.h"

static const char own[] = "/proc/self/ns/net";
static const char named[] = "/run/netns";

static int path_of(const char *option, struct netns *ns, struct failure *f)
{
	uint64_t pid;
	int n;

	if (strncmp(option, "pid:", 4) == 0) {
		if (!parse_u64(option + 4, &pid) || pid == 0 || pid > INT32_MAX)
			return fail(f, STAGE_REQUEST, REASON_UNFIT, EINVAL,
				    "netns '%s': pid: wants the number of a process", option);
		n = asprintf(&ns->path, "/proc/%u/ns/net", (unsigned)pid);
	} else if (strchr(option, '/')) {
		n = asprintf(&ns->path, "%s", option);
	} else {
		n = asprintf(&ns->path, "%s/%s", named, option);
	}
	if (n >= 0)
		return 0;
	ns->path = NULL;
	return fail_nomem(f);
}

static int cannot_open(const struct netns *ns, int err, struct failure *f)
{
	struct names names = { 0 };

	if (err != ENOENT || !ns->option)
		return fail(f, STAGE_ATTACH, err == ENOENT ? REASON_NO_TARGET : REASON_OTHER, err,
			    "network namespace '%s': cannot open %s: %s",
			    ns->option ? ns->option : "of the worker", ns->path, strerror(err));
	if (strncmp(ns->option, "pid:", 4) == 0)
		return fail(f, STAGE_ATTACH, REASON_NO_TARGET, ESRCH,
			    "network namespace '%s': there is no such process", ns->option);
	if (!strchr(ns->option, '/'))
		names_of_directory(&names, named);
	attach_no_target(f, ENOENT, names_nearest(&names, ns->option),
			 "network namespace '%s': %s does not exist", ns->option, ns->path);
	names_free(&names);
	return -ENOENT;
}

/* Whether fd stands for a network namespace: a file of nsfs, and of that kind. */
static bool is_netns(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (unsigned int)fs.f_type == NSFS_MAGIC &&
	       ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET;
}

int netns_open(const struct attach *a, struct netns *ns, struct failure *f)
{
	struct stat st;
	int err = 0;

	ns->option = a->option[OPTION_NETNS];
	if (ns->option)
		err = path_of(ns->option, ns, f);
	else if (!(ns->path = strdup(own)))
		err = fail_nomem(f);
	if (err)
		return err;
	/* A FIFO or a device is not to be waited for. */
	ns->fd = open(ns->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (ns->fd < 0)
		return cannot_open(ns, errno, f);
	if (!is_netns(ns->fd) || fstat(ns->fd, &st)) {
		fail(f, STAGE_ATTACH, REASON_BAD_TARGET, EINVAL, "%s is no network namespace",
		     ns->path);
		return error_hint(&f->error, "name one that 'ip netns list' shows, the path of its "
					     "file, or pid:N");
	}
	ns->dev = st.st_dev;
	ns->ino = st.st_ino;
	return 0;
}

void netns_close(struct netns *ns)
{
	if (ns->fd >= 0)
		close(ns->fd);
	free(ns->path);
	ns->fd = -1;
	ns->path = NULL;
}

int netns_identity(const struct netns *ns, uint64_t cookie, json_t *identity)
{
	const char *name =
		ns->option && strncmp(ns->option, "pid:", 4) == 0 ? ns->option : ns->path;
	int err = 0;

	err |= json_object_set_new(identity, "netns", wire_json(ns->option ? name : NULL));
	err |= json_object_set_new(identity, "netns_dev", json_u64(ns->dev));
	err |= json_object_set_new(identity, "netns_ino", json_u64(ns->ino));
	err |= json_object_set_new(identity, "netns_cookie",
				   cookie ? json_u64(cookie) : json_null());
	return err;
}

static void no_work(struct netns_job *job)
{
	(void)job;
}

int netns_cookie(const struct netns *ns, uint64_t *cookie, struct failure *f)
{
	struct netns_job job = { 0 };
	int err = netns_run(ns, no_work, &job, f);

	*cookie = job.cookie;
	return err;
}

void netns_text(struct attach *a, const struct netns *ns)
{
	size_t head = sizeof(named) - 1;
	const char *name = ns->option;

	if (!name)
		return;
	if (strncmp(name, named, head) == 0 && name[head] == '/' && !strchr(name + head + 1, '/'))
		name += head + 1;
	attach_option_text(a, OPTION_NETNS, name);
}

/* ---- inside ---- */

static int not_entered(const struct netns *ns, int err, struct failure *f)
{
	fail(f, STAGE_ATTACH, err == EPERM ? REASON_CAPABILITY : REASON_OTHER, err,
	     "network namespace '%s': cannot enter it: %s", ns->option,
	     err == EPERM ? "CAP_SYS_ADMIN is missing" : strerror(err));
	return err == EPERM ? error_hint(&f->error, "run as root, or give the worker CAP_SYS_ADMIN")
			    : -err;
}

struct visit {
	void (*work)(struct netns_job *job);
	struct netns_job *job;
};

static void visit(void *data)
{
	struct visit *v = data;

	v->job->cookie = netns_cookie_here();
	v->work(v->job);
}

int netns_run(const struct netns *ns, void (*work)(struct netns_job *job), struct netns_job *job,
	      struct failure *f)
{
	struct visit v = { work, job };
	int err = 0;

	job->fd = -1;
	job->err = 0;
	if (ns->option)
		err = netns_do(ns->fd, visit, &v);
	else
		visit(&v);
	return err ? not_entered(ns, -err, f) : 0;
}

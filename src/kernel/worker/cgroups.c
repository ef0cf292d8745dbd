/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kernel/worker/attach.h"
#include "kernel/worker/cgroups.h"
#include "kernel/worker/names.h"

static int no_such_cgroup(const char *path, int err, struct failure *f)
{
	struct names names = { 0 };
	char *parent = strdup(path);
	char *slash = parent ? strrchr(parent, '/') : NULL;
	const char *nearest = NULL;

	if (err != ENOENT) {
		free(parent);
		return fail(f, STAGE_ATTACH, err == ENOTDIR ? REASON_BAD_TARGET : REASON_OTHER, err,
			    "control group %s: %s", path, strerror(err));
	}
	if (slash && slash != parent) {
		*slash = '\0';
		names_of_directory(&names, parent);
		nearest = names_nearest(&names, slash + 1);
	}
	attach_no_target(f, err, nearest, "control group %s does not exist", path);
	names_free(&names);
	free(parent);
	return -err;
}

static int check(const char *path, struct cgroup *group, struct failure *f)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(group->fd, &fs) || (unsigned int)fs.f_type != CGROUP2_SUPER_MAGIC) {
		fail(f, STAGE_ATTACH, REASON_BAD_TARGET, EINVAL,
		     "%s is not a directory of a cgroup2 file system", path);
		return error_hint(&f->error, "control groups are below the mount point of cgroup2, "
					     "often /sys/fs/cgroup");
	}
	group->path = realpath(path, NULL);
	if (!group->path || fstat(group->fd, &st))
		return fail(f, STAGE_ATTACH, REASON_OTHER, errno, "control group %s: %s", path,
			    strerror(errno));
	/* In the kernel's own file systems the inode number is the group's id. */
	group->id = st.st_ino;
	return 0;
}

int cgroup_open(const char *path, struct cgroup *group, struct failure *f)
{
	int err;

	group->path = NULL;
	group->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group->fd < 0)
		return no_such_cgroup(path, errno, f);
	err = check(path, group, f);
	if (err) {
		close(group->fd);
		free(group->path);
	}
	return err;
}

int cgroup_identity(const struct cgroup *group, json_t *identity)
{
	int err = 0;

	err |= json_object_set_new(identity, "path", wire_json(group->path));
	err |= json_object_set_new(identity, "cgroup_id", json_u64(group->id));
	return err;
}

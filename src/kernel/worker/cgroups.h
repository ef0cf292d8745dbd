/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_CGROUPS_H
#define BPFMAN_WORKER_CGROUPS_H

#include <jansson.h>
#include <stdint.h>

#include "kernel/worker/failure.h"

/* A directory of a cgroup2 file system. Its user closes fd and frees path. */
struct cgroup {
	int fd;
	char *path; /* without symbolic links */
	uint64_t id;
};

/* Refuses (no_target with the nearest name, bad_target) what is none; nothing is open then. */
int cgroup_open(const char *path, struct cgroup *group, struct failure *f);
/* Sets path and cgroup_id. An error means lost memory. */
int cgroup_identity(const struct cgroup *group, json_t *identity);

#endif

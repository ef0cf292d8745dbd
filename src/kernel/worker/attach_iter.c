/* SPDX-License-Identifier: GPL-3.0-or-later */
/* iter: a link that is read, with the program as the one who writes the text */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/worker/attach.h"
#include "kernel/worker/cgroups.h"

/* What an iterator is about beside its name; fd is what info refers to, or -1. */
struct subject {
	union bpf_iter_link_info info;
	int fd;
};

int attach_map(struct attach *a, const char *target, int *fd, struct bpf_map_info *map,
	       struct failure *f)
{
	struct place place = PLACE_INIT;
	__u32 len = sizeof(*map);
	struct stat st;
	int err = pin_open("target", target, &place, &st, fd, f);

	memset(map, 0, sizeof(*map));
	if (!err && pin_kind(*fd) != PIN_MAP)
		err = fail(f, STAGE_ATTACH, REASON_BAD_TARGET, EINVAL, "%s is not a map",
			   place.path);
	if (!err && bpf_obj_get_info_by_fd(*fd, map, &len))
		err = fail(f, STAGE_ATTACH, REASON_OTHER, errno, "%s: %s", place.path,
			   strerror(errno));
	if (err)
		goto out;
	attach_word(a, place.path);
	if (json_object_set_new(a->identity, "map", wire_json(place.path)) ||
	    json_object_set_new(a->identity, "map_id", json_integer(map->id)))
		err = fail_nomem(f);
out:
	place_free(&place);
	return err;
}

static int map_subject(struct attach *a, const char *target, struct subject *s, struct failure *f)
{
	struct bpf_map_info map;
	int err = attach_map(a, target, &s->fd, &map, f);

	s->info.map.map_fd = (__u32)s->fd;
	return err;
}

/* The groups from this one downwards. */
static int cgroup_subject(struct attach *a, const char *target, struct subject *s,
			  struct failure *f)
{
	struct cgroup group;
	int err = cgroup_open(target, &group, f);

	if (err)
		return err;
	s->fd = group.fd;
	s->info.cgroup.order = BPF_CGROUP_ITER_DESCENDANTS_PRE;
	s->info.cgroup.cgroup_fd = (__u32)group.fd;
	attach_word(a, group.path);
	if (cgroup_identity(&group, a->identity))
		err = fail_nomem(f);
	free(group.path);
	return err;
}

static int task_subject(struct attach *a, struct subject *s, struct failure *f)
{
	int pid;
	int err = attach_pid(a, &pid, f);

	if (err)
		return err;
	s->info.task.pid = (__u32)pid;
	err = json_object_set_new(a->identity, "pid", json_integer(pid));
	return err ? fail_nomem(f) : 0;
}

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(name, *names) != 0)
		names++;
	return *names;
}

static int find_subject(struct attach *a, const char *name, struct subject *s, struct failure *f)
{
	static const char *const of_maps[] = { "bpf_map_elem", "bpf_sk_storage_map", NULL };
	static const char *const of_groups[] = { "cgroup", NULL };
	static const char *const of_tasks[] = { "task", "task_file", "task_vma", NULL };
	const char *target;
	int err;

	if (attach_has(a, OPTION_PID) && !is_one_of(name, of_tasks))
		return attach_unfit(f, a, "iterator %s is not about processes", name);
	if (attach_has(a, OPTION_PID))
		return task_subject(a, s, f);
	if (!is_one_of(name, of_maps) && !is_one_of(name, of_groups))
		return a->target ? attach_unfit(f, a,
						"iterator %s takes no target, but '%s' was "
						"given",
						name, a->target)
				 : 0;
	err = attach_target(a, NULL, &target, f);
	if (err)
		return err;
	return is_one_of(name, of_groups) ? cgroup_subject(a, target, s, f)
					  : map_subject(a, target, s, f);
}

static int iter_refused(struct failure *f, const struct attach *a, const char *name, int err)
{
	if (err == EACCES && a->target)
		return attach_unfit(f, a, "it reads more than keys or values of %s have",
				    a->target);
	return attach_refused(f, a, name, err, NULL);
}

int attach_iter(struct attach *a, struct failure *f)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	struct subject s = { .fd = -1 };
	const char *name = attach_section_target(a);
	int err;

	a->attach_type = BPF_TRACE_ITER;
	if (!name)
		return attach_unfit(f, a, "its section '%s' does not say over what it iterates",
				    a->section);
	a->identity = json_pack("{s:o}", "name", wire_json(name));
	if (!a->identity)
		return fail_nomem(f);
	err = find_subject(a, name, &s, f);
	if (err || a->resolve_only)
		goto out;
	if (s.fd >= 0 || attach_has(a, OPTION_PID)) {
		opts.iter_info = &s.info;
		opts.iter_info_len = sizeof(s.info);
	}
	a->link_fd = bpf_link_create(a->program_fd, 0, BPF_TRACE_ITER, &opts);
	if (a->link_fd < 0)
		err = iter_refused(f, a, name, -a->link_fd);
out:
	if (s.fd >= 0)
		close(s.fd);
	return err;
}

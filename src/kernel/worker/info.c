/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/worker/env.h"
#include "kernel/worker/facts.h"
#include "kernel/worker/object.h"
#include "kernel/worker/pins.h"

static json_t *name_json(const char *name)
{
	return wire_json(*name ? name : NULL);
}

static int set(json_t *row, const char *key, json_t *value)
{
	return json_object_set_new(row, key, value);
}

static int program_info(int fd, json_t *row, struct failure *f)
{
	struct program_facts facts;
	int err = program_facts_read(fd, &facts, f);
	int lost = 0;

	if (err)
		return err;
	lost |= set(row, "name", name_json(facts.info.name));
	lost |= set(row, "type", json_string(object_program_type(facts.info.type)));
	lost |= program_facts_row(row, &facts);
	program_facts_free(&facts);
	return lost ? fail_nomem(f) : 0;
}

static int map_info(int fd, json_t *row, struct failure *f)
{
	struct map_facts facts;
	int err = map_facts_read(fd, &facts, f);
	int lost = 0;

	if (err)
		return err;
	lost |= set(row, "name", name_json(facts.info.name));
	lost |= set(row, "type", json_string(object_map_type(facts.info.type)));
	lost |= set(row, "load_time_ns", json_null());
	lost |= set(row, "btf_id", json_integer(facts.info.btf_id));
	lost |= map_facts_row(row, &facts);
	return lost ? fail_nomem(f) : 0;
}

static int link_info(int fd, json_t *row, struct failure *f)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	const char *type;
	int lost = 0;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return fail(f, STAGE_PIN, REASON_OTHER, errno,
			    "the kernel tells nothing about the link: %s", strerror(errno));
	type = libbpf_bpf_link_type_str(info.type);
	lost |= set(row, "kernel_id", json_integer(info.id));
	lost |= set(row, "name", json_null());
	lost |= set(row, "type", json_string(type ? type : "unknown"));
	lost |= set(row, "load_time_ns", json_null());
	lost |= set(row, "program_id", json_integer(info.prog_id));
	return lost ? fail_nomem(f) : 0;
}

static const struct {
	const char *file; /* what /proc/self/fd shows for it (kernel/bpf/syscall.c) */
	const char *kind;
	int (*info)(int fd, json_t *row, struct failure *f);
} kinds[] = {
	{ "anon_inode:bpf-prog", "program", program_info },
	{ "anon_inode:bpf-map", "map", map_info },
	{ "anon_inode:bpf_link", "link", link_info },
};

static int tell(int fd, const char *path, const struct stat *st, json_t *row, struct failure *f)
{
	char boot_id[ENV_BOOT_ID];
	char proc[64];
	char file[64];
	int lost = 0;
	ssize_t n;
	size_t i;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, file, sizeof(file) - 1);
	if (n < 0)
		return fail(f, STAGE_PIN, REASON_OTHER, errno, "%s: %s", path, strerror(errno));
	file[n] = '\0';
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(file, kinds[i].file) == 0)
			break;
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		return fail(f, STAGE_PIN, REASON_OTHER, EINVAL,
			    "%s is neither a program nor a map nor a link but %s", path, file);
	env_boot_id(boot_id);
	lost |= set(row, "kind", json_string(kinds[i].kind));
	lost |= set(row, "boot_id", json_string(boot_id));
	lost |= pin_identity_row(row, st);
	f->stage = STAGE_PIN;
	return lost ? fail_nomem(f) : kinds[i].info(fd, row, f);
}

/* The pin itself: no link is followed, and nothing but bpffs is opened. */
static int find(const struct place *p, struct stat *st, struct failure *f)
{
	if (p->rest != p->base || fstatat(place_fd(p), p->base, st, AT_SYMLINK_NOFOLLOW))
		return fail(f, STAGE_PIN, REASON_OTHER, ENOENT, "%s does not exist", p->path);
	if (S_ISLNK(st->st_mode))
		return fail(f, STAGE_PIN, REASON_BAD_NAME, ELOOP,
			    "%s is a symbolic link, and none is followed", p->path);
	if (S_ISDIR(st->st_mode))
		return fail(f, STAGE_PIN, REASON_BAD_PATH, EISDIR, "%s is a directory, not a pin",
			    p->path);
	return 0;
}

int handle_INFO(const struct request *request, json_t **result, struct failure *f)
{
	struct place place = PLACE_INIT;
	json_t *row = json_object();
	char *clean = NULL;
	char *path = NULL;
	struct stat st;
	int fd = -1;
	int err;

	err = row ? request_string(request, "pin_path", &path, f) : fail_nomem(f);
	if (!err)
		err = path_clean(path, "pin_path", &clean, f);
	if (!err)
		err = place_find(&place, clean, f);
	if (!err)
		err = find(&place, &st, f);
	if (err)
		goto out;
	fd = pin_get(place_fd(&place), place.base);
	if (fd < 0)
		err = fail(f, STAGE_PIN, REASON_OTHER, -fd, "cannot open %s: %s", place.path,
			   strerror(-fd));
	else
		err = tell(fd, place.path, &st, row, f);
out:
	if (!err)
		*result = json_incref(row);
	json_decref(row);
	if (fd >= 0)
		close(fd);
	place_free(&place);
	free(path);
	return err;
}

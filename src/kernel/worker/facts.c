/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/worker/facts.h"
#include "kernel/worker/request.h"

enum { FDINFO = 4096 };

/* What /proc tells of an open descriptor; "" when nothing. */
static void read_fdinfo(int fd, char text[FDINFO])
{
	char path[64];
	ssize_t n = 0;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info >= 0) {
		n = read(info, text, FDINFO - 1);
		close(info);
	}
	text[n > 0 ? n : 0] = '\0';
}

/* "memlock:\t4096", "frozen:\t1": only fdinfo tells these. */
static uint64_t fdinfo_number(const char *text, const char *name)
{
	const char *found = strstr(text, name);

	return found ? strtoull(found + strlen(name), NULL, 10) : 0;
}

uint64_t facts_memlock(int fd)
{
	char text[FDINFO];

	read_fdinfo(fd, text);
	return fdinfo_number(text, "memlock:");
}

static int no_facts(struct failure *f, const char *what)
{
	int err = errno;

	return fail(f, f->stage, REASON_OTHER, err, "the kernel tells nothing about the %s: %s",
		    what, strerror(err));
}

int program_facts_read(int fd, struct program_facts *facts, struct failure *f)
{
	__u32 capacity = 64;

	facts->map_ids = NULL;
	for (;;) {
		__u32 len = sizeof(facts->info);
		__u32 *grown = realloc(facts->map_ids, capacity * sizeof(*grown));

		if (!grown) {
			program_facts_free(facts);
			return fail_nomem(f);
		}
		facts->map_ids = grown;
		memset(&facts->info, 0, sizeof(facts->info));
		facts->info.nr_map_ids = capacity;
		facts->info.map_ids = (uintptr_t)grown;
		if (bpf_obj_get_info_by_fd(fd, &facts->info, &len)) {
			no_facts(f, "program");
			program_facts_free(facts);
			return -f->error.err;
		}
		if (facts->info.nr_map_ids <= capacity)
			break;
		capacity = facts->info.nr_map_ids;
	}
	facts->memlock = facts_memlock(fd);
	return 0;
}

void program_facts_free(struct program_facts *facts)
{
	free(facts->map_ids);
	facts->map_ids = NULL;
}

bool program_uses_map(const struct program_facts *facts, __u32 map_id)
{
	__u32 i;

	for (i = 0; i < facts->info.nr_map_ids; i++)
		if (facts->map_ids[i] == map_id)
			return true;
	return false;
}

int map_facts_read(int fd, struct map_facts *facts, struct failure *f)
{
	__u32 len = sizeof(facts->info);
	char text[FDINFO];

	memset(&facts->info, 0, sizeof(facts->info));
	if (bpf_obj_get_info_by_fd(fd, &facts->info, &len))
		return no_facts(f, "map");
	read_fdinfo(fd, text);
	facts->memlock = fdinfo_number(text, "memlock:");
	facts->frozen = fdinfo_number(text, "frozen:");
	return 0;
}

static int set(json_t *row, const char *key, json_t *value)
{
	return json_object_set_new(row, key, value);
}

int program_facts_row(json_t *row, const struct program_facts *facts)
{
	const struct bpf_prog_info *info = &facts->info;
	char tag[2 * BPF_TAG_SIZE + 1];
	json_t *ids = json_array();
	int err = 0;
	__u32 i;

	for (i = 0; i < BPF_TAG_SIZE; i++)
		snprintf(tag + 2 * i, 3, "%02x", info->tag[i]);
	for (i = 0; i < info->nr_map_ids; i++)
		err |= json_array_append_new(ids, json_integer(facts->map_ids[i]));
	err |= set(row, "kernel_id", json_integer(info->id));
	err |= set(row, "tag", json_string(tag));
	err |= set(row, "load_time_ns", json_u64(info->load_time));
	err |= set(row, "map_ids", ids);
	err |= set(row, "verified_insns", json_integer(info->verified_insns));
	err |= set(row, "xlated_bytes", json_integer(info->xlated_prog_len));
	err |= set(row, "jited_bytes", json_integer(info->jited_prog_len));
	err |= set(row, "memlock_bytes", json_u64(facts->memlock));
	err |= set(row, "btf_id", json_integer(info->btf_id));
	return err;
}

int map_facts_row(json_t *row, const struct map_facts *facts)
{
	const struct bpf_map_info *info = &facts->info;
	int err = 0;

	err |= set(row, "kernel_id", json_integer(info->id));
	err |= set(row, "key_size", json_integer(info->key_size));
	err |= set(row, "value_size", json_integer(info->value_size));
	err |= set(row, "max_entries", json_integer(info->max_entries));
	err |= set(row, "map_flags", json_integer(info->map_flags));
	err |= set(row, "memlock_bytes", json_u64(facts->memlock));
	return err;
}

int pin_identity_row(json_t *row, const struct stat *st)
{
	int err = 0;

	err |= set(row, "pin_dev", st ? json_u64(st->st_dev) : json_null());
	err |= set(row, "pin_ino", st ? json_u64(st->st_ino) : json_null());
	return err;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/worker/env.h"
#include "kernel/worker/facts.h"
#include "kernel/worker/link.h"
#include "kernel/worker/object.h"
#include "kernel/worker/pins.h"
#include "kernel/worker/whole_name.h"

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
	char *name;

	if (err)
		return err;
	name = program_whole_name(fd, &facts.info);
	lost |= !name;
	lost |= set(row, "name", name_json(name ? name : ""));
	lost |= set(row, "type", json_string(object_program_type(facts.info.type)));
	lost |= program_facts_row(row, &facts);
	program_facts_free(&facts);
	free(name);
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
	struct abi_link_info info;
	char name[LINK_NAME];
	int err = link_read(fd, &info, name, f);
	int lost = 0;

	if (err)
		return err;
	lost |= set(row, "kernel_id", json_integer(info.id));
	lost |= set(row, "name", json_null());
	lost |= set(row, "type", json_string(link_type_word(info.type)));
	lost |= set(row, "load_time_ns", json_null());
	lost |= set(row, "program_id", json_integer(info.prog_id));
	lost |= set(row, "update", json_string(link_update_word(info.type)));
	lost |= link_target_row(row, &info, name);
	return lost ? fail_nomem(f) : 0;
}

static const struct {
	const char *kind;
	int (*info)(int fd, json_t *row, struct failure *f);
} kinds[] = {
	[PIN_PROGRAM] = { "program", program_info },
	[PIN_MAP] = { "map", map_info },
	[PIN_LINK] = { "link", link_info },
};

static int tell(int fd, const char *path, const struct stat *st, json_t *row, struct failure *f)
{
	enum pin_kind kind = pin_kind(fd);
	char boot_id[ENV_BOOT_ID];
	int lost = 0;

	if (kind == PIN_OTHER)
		return fail(f, STAGE_PIN, REASON_OTHER, EINVAL,
			    "%s is neither a program nor a map nor a link", path);
	env_boot_id(boot_id);
	lost |= set(row, "kind", json_string(kinds[kind].kind));
	lost |= set(row, "boot_id", json_string(boot_id));
	lost |= pin_identity_row(row, st);
	f->stage = STAGE_PIN;
	return lost ? fail_nomem(f) : kinds[kind].info(fd, row, f);
}

int handle_INFO(const struct request *request, json_t **result, struct failure *f)
{
	struct place place = PLACE_INIT;
	json_t *row = json_object();
	char *path = NULL;
	struct stat st;
	int fd = -1;
	int err;

	err = row ? request_string(request, "pin_path", &path, f) : fail_nomem(f);
	if (!err)
		err = pin_open("pin_path", path, &place, &st, &fd, f);
	if (!err)
		err = tell(fd, place.path, &st, row, f);
	if (!err)
		*result = json_incref(row);
	json_decref(row);
	if (fd >= 0)
		close(fd);
	place_free(&place);
	free(path);
	return err;
}

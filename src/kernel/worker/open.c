/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "kernel/worker/elf.h"
#include "kernel/worker/globals.h"
#include "kernel/worker/load.h"
#include "kernel/worker/object.h"
#include "kernel/worker/open.h"

/* "fentry.s/vfs_read": the part before the slash ends in .s where libbpf makes it sleepable. */
static bool is_sleepable(const char *section)
{
	size_t len = strcspn(section, "/");

	return (len > 2 && memcmp(section + len - 2, ".s", 2) == 0) ||
	       strcmp(section, "syscall") == 0;
}

static json_t *program_row(const struct bpf_program *program)
{
	enum bpf_prog_type type = bpf_program__type(program);
	const char *section = bpf_program__section_name(program);
	const char *type_word = type == BPF_PROG_TYPE_UNSPEC ? NULL : object_program_type(type);

	return json_pack("{s:o, s:o, s:o, s:o, s:b, s:b, s:I}", "name",
			 wire_json(bpf_program__name(program)), "section", wire_json(section),
			 "type", wire_json(type_word), "attach_type",
			 wire_json(object_attach_type(program)), "sleepable", is_sleepable(section),
			 "autoload", bpf_program__autoload(program), "insns",
			 (json_int_t)bpf_program__insn_cnt(program));
}

static json_t *map_row(const struct bpf_map *map)
{
	return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:b, s:b}", "name",
			 wire_json(object_map_name(map)), "type",
			 wire_json(object_map_type(bpf_map__type(map))), "key_size",
			 (json_int_t)bpf_map__key_size(map), "value_size",
			 (json_int_t)bpf_map__value_size(map), "max_entries",
			 (json_int_t)bpf_map__max_entries(map), "map_flags",
			 (json_int_t)bpf_map__map_flags(map), "pin_by_name",
			 bpf_map__pin_path(map) != NULL, "internal", bpf_map__is_internal(map));
}

static json_t *programs_json(const struct bpf_object *bpf)
{
	struct bpf_program *program;
	json_t *list = json_array();

	bpf_object__for_each_program (program, bpf) {
		if (json_array_append_new(list, program_row(program))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *maps_json(const struct bpf_object *bpf)
{
	const struct bpf_map *map;
	json_t *list = json_array();

	bpf_object__for_each_map (map, bpf) {
		if (json_array_append_new(list, map_row(map))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *open_result(const struct object *o)
{
	char *license = elf_license(o->bytes.data, o->bytes.len);
	json_t *result;

	result = json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "name", wire_json(o->name), "programs",
			   programs_json(o->bpf), "maps", maps_json(o->bpf), "globals",
			   globals_json(o->bpf), "license", wire_json(license), "btf",
			   bpf_object__btf(o->bpf) != NULL);
	free(license);
	return result;
}

int handle_OPEN(const struct request *request, json_t **result, struct failure *f)
{
	struct object o = OBJECT_INIT;
	int err = object_open(request, &o, f);

	if (!err)
		err = globals_set(request, &o, f);
	if (!err) {
		*result = open_result(&o);
		if (!*result)
			err = fail_nomem(f);
	}
	/* Last: what is reused looks different afterwards. */
	if (!err)
		err = load_check_given(request, &o, f);
	if (err) {
		json_decref(*result);
		*result = NULL;
	}
	object_close(&o);
	return err;
}

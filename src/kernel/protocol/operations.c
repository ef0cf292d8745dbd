/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "kernel/protocol/protocol.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Which object file: one of path and object. The operations that read one begin with these. */
#define FIELD_PATH                                     \
	{                                              \
		"path", FIELD_STRING, false, path_help \
	}
#define FIELD_OBJECT                                       \
	{                                                  \
		"object", FIELD_STRING, false, object_help \
	}
#define FIELD_NAME                                                   \
	{                                                            \
		"object_name", FIELD_STRING, false, object_name_help \
	}
#define FIELD_TYPES                                       \
	{                                                 \
		"types", FIELD_MAPPING, false, types_help \
	}
#define FIELD_TYPE                                     \
	{                                              \
		"type", FIELD_STRING, false, type_help \
	}

static const char path_help[] = "the object file; beside `object` only what messages call it";
static const char object_help[] = "the object file's bytes in base64; needs `object_name`";
static const char object_name_help[] =
	"what the object is called: kernel names of global data begin with it. Without it the "
	"file's base name without `.bpf.o` or `.o`";
static const char types_help[] =
	"program name to program type (`xdp`, `sched_cls`) or section name (`tc`, `cgroup/dev`), "
	"where the section does not say it or says it wrongly";
static const char type_help[] = "the same for all programs that `types` does not name";

static const struct field open_fields[] = {
	FIELD_PATH,
	FIELD_OBJECT,
	FIELD_NAME,
};

static const struct field load_fields[] = {
	FIELD_PATH,
	FIELD_OBJECT,
	FIELD_NAME,
	{ "program", FIELD_STRING, false, "the one program to load" },
	{ "programs", FIELD_STRINGS, false,
	  "the programs to load; without it and `program` all that the object loads by itself" },
	FIELD_TYPES,
	FIELD_TYPE,
	{ "pin_path", FIELD_STRING, false,
	  "absolute path of a pin for the one program; missing parents are made" },
	{ "staging", FIELD_STRING, false,
	  "absolute path of a directory that is made, filled with pins and renamed to `final`" },
	{ "final", FIELD_STRING, false,
	  "its name in the end: same parent as `staging`; neither may exist" },
	{ "by_name_dir", FIELD_STRING, false,
	  "directory where maps declared with LIBBPF_PIN_BY_NAME are shared; made when missing" },
	{ "next_id", FIELD_NUMBER, false,
	  "first id of what is pinned in `staging`, which needs it: programs first, then maps, in "
	  "the object's order" },
	{ "verbose", FIELD_BOOL, false,
	  "keep the verifier's text of programs that load, and libbpf's debug messages" },
};

static const struct field verify_fields[] = {
	FIELD_PATH,
	FIELD_OBJECT,
	FIELD_NAME,
	{ "program", FIELD_STRING, false, "which program; not needed when there is one only" },
	FIELD_TYPES,
	FIELD_TYPE,
};

static const struct field info_fields[] = {
	{ "pin_path", FIELD_STRING, true, "absolute path of a pin" },
};

static const struct field unpin_fields[] = {
	{ "dirs", FIELD_STRINGS, false,
	  "directories to remove with the pins in them; one that does not exist is fine" },
	{ "pins", FIELD_PINS, false,
	  "single pins to remove; kept when another object is there. Empty pin_dev and pin_ino: "
	  "whatever is there" },
	{ "names", FIELD_STRINGS, false,
	  "second names, removed when they name the same pin as one in `dirs` or `pins`" },
	{ "parents", FIELD_STRINGS, false, "directories to remove when they are empty in the end" },
};

static const char hello_result[] =
	"`protocol` (1), `version`, `libbpf`, `kernel` (release), `capabilities` (list of the "
	"effective ones, `CAP_BPF`), `boot_id`, `btf` (the kernel has BTF), `bpffs` (/sys/fs/bpf "
	"is a BPF file system), `tracefs` (it is mounted), `unprivileged_bpf_disabled` (number, "
	"null when the kernel has no such setting).";
static const char open_result[] =
	"`name`; `programs`: list of `name`, `section`, `type` (null: the section does not say), "
	"`attach_type` (or null), `sleepable`, `autoload` (false: only loaded when named), "
	"`insns`; "
	"`maps`: list of `name`, `type`, `key_size`, `value_size`, `max_entries`, `map_flags`, "
	"`pin_by_name`, `internal`; `globals`: list of `name`, `map`, `type` (C text, null without "
	"BTF), `size`, `value` (C text; hexadecimal bytes without BTF; null when unknown before "
	"loading or over 4096 bytes); `license` (or null); `btf`. No capability is needed.";
static const char load_result[] =
	"`program_id` (kernel id of the first program), `map_ids` (kernel ids), `root_dev` "
	"(st_dev of `final`, null without), `programs`, `maps`.\n\n"
	"A program row: `id` (null without staging), `kernel_id`, `name`, `type`, `attach_type` "
	"(or "
	"null), `section`, `tag`, `load_time_ns`, `pinned_path` (what to show: `pin_path`, else "
	"the one in `final`), `pin` (the one in `final`, without staging `pin_path`), `pin_dev`, "
	"`pin_ino`, `map_ids`, `verified_insns`, `xlated_bytes`, `jited_bytes`, `memlock_bytes`, "
	"`btf_id`.\n\n"
	"A map row: `id` (null when nothing new was staged), `kernel_id`, `name`, `type`, "
	"`key_size`, `value_size`, `max_entries`, `map_flags`, `pinned_path`, `pin`, `pin_dev`, "
	"`pin_ino`, `memlock_bytes`, `shared` (it lives in `by_name_dir`), `created` (false: one "
	"that existed is used).\n\n"
	"Pins in `final` are called `p<id>_<name>` and `m<id>_<name>`, names reduced to "
	"`[A-Za-z0-9_]` and 64 bytes. What cannot be pinned has null. When programs were chosen, "
	"maps that none of them uses are neither pinned nor told. Order of what others can see: "
	"`staging` is filled, `pin_path` becomes a link to it, shared maps are pinned, `staging` "
	"becomes "
	"`final`. An error leaves nothing of it.";
static const char verify_result[] =
	"`program`, `type`, `section`, `verdict` (`ok`), `insns` (instructions processed), "
	"`verified_insns`, `max_states_per_insn`, `total_states`, `peak_states`, `time_us`, "
	"`stack` (the verifier's words, `0+8`, or null), `xlated_bytes`, `jited_bytes`. Nothing is "
	"kept.";
static const char info_result[] =
	"`kind` (`program`, `map` or `link`), `kernel_id`, `name`, `type`, `pin_dev`, `pin_ino`, "
	"`boot_id`; programs: `tag`, `load_time_ns`, `map_ids`, `verified_insns`, `xlated_bytes`, "
	"`jited_bytes`, `memlock_bytes`, `btf_id`; maps: `key_size`, `value_size`, `max_entries`, "
	"`map_flags`, `memlock_bytes`, `btf_id`; links: `program_id`, the kernel id of their "
	"program. `name` and `load_time_ns` are null where the kernel has none.";
static const char unpin_result[] =
	"`removed`: list of paths; `kept`: list of `path` and `why`. The order makes a repetition "
	"after a kill anywhere safe: identities of what is in `dirs` and `pins` are read, then "
	"`names`, then `pins`, then `dirs`, then `parents` (the deepest "
	"first) are removed. No symbolic link is followed and nothing outside of a BPF file system "
	"is touched.";

static const struct field no_fields[1];

/* The fields and the result text that belong to each operation of PROTOCOL_OPERATIONS. */
#define FIELDS_HELLO  no_fields, 0, hello_result
#define FIELDS_OPEN   open_fields, COUNT(open_fields), open_result
#define FIELDS_LOAD   load_fields, COUNT(load_fields), load_result
#define FIELDS_VERIFY verify_fields, COUNT(verify_fields), verify_result
#define FIELDS_INFO   info_fields, COUNT(info_fields), info_result
#define FIELDS_UNPIN  unpin_fields, COUNT(unpin_fields), unpin_result

static const struct operation_spec operations[OP_COUNT] = {
#define X(id, name, summary) [OP_##id] = { OP_##id, name, summary, FIELDS_##id },
	PROTOCOL_OPERATIONS(X)
#undef X
};

const struct operation_spec *protocol_operation(enum operation op)
{
	return &operations[op];
}

const struct operation_spec *protocol_find(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < OP_COUNT; i++)
		if (strlen(operations[i].name) == len && memcmp(operations[i].name, name, len) == 0)
			return &operations[i];
	return NULL;
}

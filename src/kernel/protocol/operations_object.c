/* SPDX-License-Identifier: GPL-3.0-or-later */
/* open, load, verify: operations on object files */
#include "kernel/protocol/specs.h"

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

#define FIELD_GLOBALS                                         \
	{                                                     \
		"globals", FIELD_MAPPING, false, globals_help \
	}

#define FIELD_REUSE                                            \
	{                                                      \
		"reuse_maps", FIELD_MAPPING, false, reuse_help \
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

static const char globals_help[] =
	"what global variables are when the object is loaded: name, or a part's (`cfg.limit`, "
	"`table[3]`), to a value as C text; without BTF a section's name to `hex:` and all its "
	"bytes. A variable's value is set before those of its parts";

static const char reuse_help[] = "map name to the absolute path of a map's pin: that map is used "
				 "in place of a new one; it must "
				 "agree in type, sizes, flags and BTF types";

static const struct field open_fields[] = {
	FIELD_PATH, FIELD_OBJECT, FIELD_NAME, FIELD_GLOBALS, FIELD_REUSE,
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
	FIELD_GLOBALS,
	FIELD_REUSE,
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
	{ "program_ids", FIELD_MAPPING, false,
	  "program name to the id of its pin (digits), instead of the next one" },
	{ "map_ids", FIELD_MAPPING, false, "the same for maps" },
	{ "keep_maps", FIELD_MAPPING, false,
	  "map name to the absolute path of a map's pin: that map is used, and its pin gets a "
	  "second name, the same, in `staging`" },
	{ "fill_maps", FIELD_MAPPING, false,
	  "map name to the absolute path of a former program array's pin: the slots that the "
	  "object "
	  "file leaves empty are filled from it" },
	{ "former_programs", FIELD_MAPPING, false,
	  "kernel id (digits) of a program in `fill_maps` to the name of the one in this object "
	  "that "
	  "takes its place; an error where there is none of that name. Programs not named here "
	  "stay" },
	{ "former_maps", FIELD_MAPPING, false,
	  "kernel id (digits) to name of maps that are not kept: no map in `keep_maps` may hold "
	  "them" },
	{ "carry", FIELD_STRINGS, false,
	  "absolute paths of other pins that get a second name, the same, in `staging`" },
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
	FIELD_GLOBALS,
	FIELD_REUSE,
};

static const char open_result[] =
	"`name`; `programs`: list of `name`, `section`, `type` (null: the section does not say), "
	"`attach_type` (or null), `sleepable`, `autoload` (false: only loaded when named), "
	"`insns`; "
	"`maps`: list of `name`, `type`, `key_size`, `value_size`, `max_entries`, `map_flags`, "
	"`pin_by_name`, `internal`; `globals`: list of `name`, `map`, `type` (C text, null without "
	"BTF), `size`, `value` (C text; `hex:` and the bytes without BTF; null when unknown before "
	"loading or over 4096 bytes); `license` (or null); `btf`. No capability is needed, but for "
	"`reuse_maps`.";
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
SHAPE(OPEN, open_fields, open_result);
SHAPE(LOAD, load_fields, load_result);
SHAPE(VERIFY, verify_fields, verify_result);

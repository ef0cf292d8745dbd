/* SPDX-License-Identifier: GPL-3.0-or-later */
/* map_dump, map_get, map_set, map_delete: the contents of maps */
#include "kernel/protocol/specs.h"

/* Which map. All operations of the family begin with these. */
#define FIELDS_MAP                                                                              \
	{ "pin_path", FIELD_STRING, false, "absolute path of the map's pin" },                  \
		{ "pin_dev", FIELD_STRING, false, identity_help },                              \
		{ "pin_ino", FIELD_STRING, false, identity_help },                              \
		{ "kernel_id", FIELD_NUMBER, false,                                             \
		  "its kernel id: what the pin must be, or without `pin_path` which map" },     \
	{                                                                                       \
		"name", FIELD_STRING, false, "what messages call it (default: its kernel name)" \
	}
#define FIELDS_FORMAT                                      \
	{ "format", FIELD_STRING, false, format_help },    \
	{                                                  \
		"per_cpu", FIELD_BOOL, false, per_cpu_help \
	}
#define FIELD_KEY                                    \
	{                                            \
		"key", FIELD_STRING, false, key_help \
	}
#define FIELD_CHECK                                                                            \
	{                                                                                      \
		"check", FIELD_BOOL, false, "only check that it could be done; change nothing" \
	}

static const char identity_help[] = "what the pin is; an error when another object is there by now";
static const char format_help[] = "`json` (default) or `text`";
static const char per_cpu_help[] = "in `text`: each CPU's value too";
static const char key_help[] =
	"the key as text: C by its BTF type (`7`, `{.a = 1, .b = 2}`, `\"eth0\"`), an index, "
	"`ADDRESS/LENGTH` of an LPM trie, a variable or a part of one (`cfg.limit`) of .data, "
	".bss, "
	".rodata, or `hex:` and its bytes; none for a queue or stack";

static const struct field map_dump_fields[] = {
	FIELDS_MAP,
	FIELDS_FORMAT,
	{ "cursor", FIELD_STRING, false, "of the answer before: where to go on" },
	{ "limit", FIELD_NUMBER, false,
	  "entries at most; an answer ends after about 256 KiB anyway" },
};

static const struct field map_get_fields[] = { FIELDS_MAP, FIELDS_FORMAT, FIELD_KEY };

static const struct field map_set_fields[] = {
	FIELDS_MAP,
	FIELD_KEY,
	{ "values", FIELD_STRINGS, true,
	  "the value as text, or one for each possible CPU where each has its own. One value for "
	  "all of them: numbers go to the first CPU and are 0 on the others, so that the sum is "
	  "the value; anything else is the same on all" },
	{ "held_pin", FIELD_STRING, false,
	  "pin of the program (prog_array) or map (map of maps) that the value is, or of the "
	  "program "
	  "behind `INTERFACE:` (devmap) and `LENGTH:` (cpumap); `values` only calls it by a name" },
	{ "held_dev", FIELD_STRING, false, identity_help },
	{ "held_ino", FIELD_STRING, false, identity_help },
	{ "mode", FIELD_STRING, false,
	  "`create`: the key must not be there; `existing`: it must; else either" },
	FIELD_CHECK,
};

static const struct field map_delete_fields[] = { FIELDS_MAP, FIELDS_FORMAT, FIELD_KEY,
						  FIELD_CHECK };

static const char map_dump_result[] =
	"the map: `kernel_id`, `name`, `type`, `key_size`, `value_size`, `max_entries`, "
	"`map_flags`, `memlock_bytes`, `key_type` and `value_type` (C text; null without BTF), "
	"`frozen`, `cpus` (values that each entry has; null when just one); `entries`, `count` "
	"(how many these are), `cursor` (null: the end), `clipped` (entries beyond `limit`, which "
	"the cursor leaves behind, "
	"were not told), `partial` (what keeps `entries` from "
	"being all there is, or null).\n\n"
	"In `json` an entry is `{\"key\":...,\"value\":...}` with values as `bpfman -o json` shows "
	"them: integers of 64 bits are strings of digits, structs objects, enums names, char "
	"arrays "
	"strings (a byte that is not UTF-8 is `\\xNN`), what has no type `hex:` and its bytes. "
	"Where "
	"each CPU has its own value, `value` is the sum (null when there is none) and `values` "
	"lists all. Of a map of maps or programs the value is a kernel id (in `text` `kernel:ID`), "
	"of a devmap or cpumap a number, or where it has room for a program "
	"`{\"ifindex\":...,\"program\":...}` and `{\"qsize\":...,\"program\":...}` with a kernel "
	"id "
	"or null (in `text` `NUMBER:kernel:ID`). In `text` an entry is a list of strings: key, "
	"value and, when asked for, each "
	"CPU's value, as `map_set` takes them (`-` for no sum).\n\n"
	"Entries that come or go meanwhile may or may not be told; others are told, and a hash "
	"tells them once.";
static const char map_get_result[] =
	"the map and its one entry, as for `map_dump`. An LPM trie answers with the longest prefix "
	"that matches, under the key asked for; a queue or stack with its next entry, key null.";
static const char map_set_result[] = "`changed`. Of a variable only its own bytes are written, "
				     "where the map can be mapped to memory.";
static const char map_delete_result[] =
	"`changed`, and `entries`: what a queue or stack gave away.";

SHAPE(MAP_DUMP, map_dump_fields, map_dump_result);
SHAPE(MAP_GET, map_get_fields, map_get_result);
SHAPE(MAP_SET, map_set_fields, map_set_result);
SHAPE(MAP_DELETE, map_delete_fields, map_delete_result);

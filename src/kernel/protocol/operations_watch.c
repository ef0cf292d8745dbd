/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stats, kernel_list */
#include "kernel/protocol/specs.h"

static const struct field stats_fields[] = {
	{ "pins", FIELD_PINS, false,
	  "programs to read, by their pins; what is not what pin_dev and pin_ino say is not read, "
	  "and said so" },
	{ "kernel_ids", FIELD_IDS, false,
	  "programs to read that have no pin here; needs CAP_SYS_ADMIN" },
	{ "all", FIELD_BOOL, false, "every program that the kernel has; needs CAP_SYS_ADMIN" },
	{ "enable", FIELD_BOOL, false,
	  "have the kernel count runs while this is held (BPF_ENABLE_STATS); that it may not is no "
	  "failure" },
	{ "hold_ms", FIELD_NUMBER, false,
	  "how long after the answer the counting goes on and descriptors stay open, unless "
	  "another `stats` comes first; 0: not at all" },
};

static const char stats_result[] =
	"`now_ns` (CLOCK_MONOTONIC when the figures were read), `counting` (whether the kernel "
	"counts: `sysctl`, where kernel.bpf_stats_enabled is set, `held`, because `enable` asked "
	"for it, or null), `not_enabled` (why `enable` had no effect, or null), `incomplete` (why "
	"`all` does not tell all, or null), `programs`.\n\n"
	"A row: `path` (of its pin; null of others), `why` (why it cannot be read: then all else "
	"is null; or null), `kernel_id`, `name`, `type`, `load_time_ns`, `memlock_bytes`, "
	"`run_time_ns`, `run_cnt`, `recursion_misses`. Those of `pins` come first, in their "
	"order, then those of `kernel_ids`. Figures are totals of the time in which the kernel "
	"counted.";

static const struct field kernel_list_fields[] = {
	{ "kinds", FIELD_STRINGS, false, "of `program`, `map`, `link`; without it all" },
	{ "kernel_id", FIELD_NUMBER, false, "only what has this id" },
	{ "known", FIELD_IDS, false,
	  "of one kind: these get no row, and those that the kernel has no longer are told" },
	{ "brief", FIELD_BOOL, false,
	  "rows of programs have only `kernel_id`, `name`, `type` and `holders`" },
	{ "holders", FIELD_BOOL, false,
	  "tell which processes have a descriptor of it, or of a link of the program" },
};

static const char kernel_list_result[] =
	"`programs`, `maps`, `links` (empty for other kinds), in order of their ids, `gone` (those "
	"of `known` that there are no more), and `incomplete` (why that is not all, or null).\n\n"
	"Each row: `kernel_id`, `type`, `holders` (list of `pid` and `comm`; empty unless asked "
	"for). Programs: `name` (whole where the kernel cut it and the program's BTF has it; or "
	"null), `tag`, `load_time_ns`, `loaded_by` (uid), `map_ids`, `verified_insns`, "
	"`xlated_bytes`, `jited_bytes`, `memlock_bytes`, `btf_id`. Maps: `name` (or null), "
	"`key_size`, `value_size`, `max_entries`, `map_flags`, `memlock_bytes`. Links: "
	"`program_id` (the kernel id of their program), `attach_type`, `target`, `target_gone`, as "
	"`info` tells them.";

SHAPE(STATS, stats_fields, stats_result);
SHAPE(KERNEL_LIST, kernel_list_fields, kernel_list_result);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hello, info, unpin */
#include "kernel/protocol/specs.h"

static const char hello_result[] =
	"`protocol` (1), `version`, `libbpf`, `kernel` (release), `capabilities` (list of the "
	"effective ones, `CAP_BPF`), `boot_id`, `btf` (the kernel has BTF), `bpffs` (/sys/fs/bpf "
	"is a BPF file system), `tracefs` (it is mounted), `unprivileged_bpf_disabled` (number, "
	"null when the kernel has no such setting).";
static const struct field info_fields[] = {
	{ "pin_path", FIELD_STRING, true, "absolute path of a pin" },
};

static const struct field unpin_fields[] = {
	{ "links", FIELD_PINS, false,
	  "links to detach and remove before anything else; kept when another object is there, as "
	  "in `pins`" },
	{ "dirs", FIELD_STRINGS, false,
	  "directories to remove with the pins in them; one that does not exist is fine" },
	{ "copies", FIELD_STRINGS, false,
	  "the same for directories whose pins have other names elsewhere: their links stay "
	  "attached" },
	{ "pins", FIELD_PINS, false,
	  "single pins to remove; kept when another object is there. Empty pin_dev and pin_ino: "
	  "whatever is there" },
	{ "names", FIELD_STRINGS, false,
	  "second names, removed when they name the same pin as one in `dirs`, `copies` or "
	  "`pins`" },
	{ "parents", FIELD_STRINGS, false, "directories to remove when they are empty in the end" },
};

static const char info_result[] =
	"`kind` (`program`, `map` or `link`), `kernel_id`, `name`, `type`, `pin_dev`, `pin_ino`, "
	"`boot_id`; programs: `tag`, `load_time_ns`, `map_ids`, `verified_insns`, `xlated_bytes`, "
	"`jited_bytes`, `memlock_bytes`, `btf_id`; maps: `key_size`, `value_size`, `max_entries`, "
	"`map_flags`, `memlock_bytes`, `btf_id`; links: `program_id`, the kernel id of their "
	"program, `update` (how it comes to run another one: `replace`, by BPF_LINK_UPDATE; "
	"`anew`, "
	"by another link beside it; `none`), `attach_type`, `target` (what the kernel tells of "
	"what it is attached to: "
	"`ifindex`, `cgroup_id`, `netns_ino`, `name`, `binary` and `file_offset`, `family`, "
	"...) and `target_gone` (true: the "
	"interface, control group or network namespace does not exist any more; null: the kernel "
	"does not tell). `name`, `load_time_ns`, `attach_type` and `target` are null where the "
	"kernel has none.";
static const char unpin_result[] =
	"`removed`: list of paths; `kept`: list of `path` and `why`; `held`: those of `removed` "
	"whose link is attached still, because another pin or process has it. The order makes a "
	"repetition "
	"after a kill anywhere safe: `links` are removed, identities of what is in `dirs`, "
	"`copies` and `pins` are read, then "
	"`names`, then `pins`, then `copies` and `dirs`, then `parents` (the deepest "
	"first) are removed. A link, in `links` or found in `dirs`, is detached where its type can "
	"be, and for one that cannot the answer waits up to a second until the kernel has let go "
	"of it: what it was attached to can be used again at once. No symbolic link is followed "
	"and nothing outside of a BPF file system is touched.";

const struct operation_shape shape_HELLO = { .result = hello_result };
SHAPE(INFO, info_fields, info_result);
SHAPE(UNPIN, unpin_fields, unpin_result);

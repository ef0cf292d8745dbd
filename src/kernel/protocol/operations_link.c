/* SPDX-License-Identifier: GPL-3.0-or-later */
/* attach, read_iter */
#include "kernel/protocol/specs.h"

static const struct field attach_fields[] = {
	{ "program_pin", FIELD_STRING, false, "absolute path of the program's pin" },
	{ "program_type", FIELD_STRING, false,
	  "instead of it, with `resolve_only`: the type of a program that is not loaded yet" },
	{ "section", FIELD_STRING, false,
	  "the program's ELF section, which says the target of some types "
	  "(`tracepoint/sched/sched_switch`) and which of several attach types is meant" },
	{ "attach_type", FIELD_STRING, false,
	  "the program's `attach_type` as `load` told it, where the section does not say it" },
	{ "type", FIELD_STRING, false,
	  "what to attach to; without it what program type and section say" },
	{ "target", FIELD_STRING, false,
	  "where: an interface, `CATEGORY:EVENT`, `FUNCTION[+OFFSET]` of the kernel or "
	  "`LIBRARY:FUNCTION[+OFFSET]`, a pattern of functions, the path of a control group, a "
	  "map's pin, the name of an event; not needed where the section says it" },
	{ "options", FIELD_MAPPING, false,
	  "`netns` (a name in /run/netns, a path, or `pid:N`), `ingress`, `egress`, `first`, "
	  "`last`, `before` and `after` (`pin:PATH`, `link:KERNEL_ID` or `prog:KERNEL_ID`), `mode` "
	  "(`native`, `generic`), `pid`, `cpu`, `frequency`, `period`, `family`, `hook`, "
	  "`priority`, `cookie`; each type takes some of them. Those without a value are \"\"" },
	{ "staging", FIELD_STRING, false,
	  "absolute path where the link is pinned first; not needed with `resolve_only`" },
	{ "final", FIELD_STRING, false, "where `staging` is renamed to; neither may exist" },
	{ "resolve_only", FIELD_BOOL, false,
	  "check program, target and options and answer the row, but attach nothing" },
};

static const struct field read_iter_fields[] = {
	{ "pin", FIELD_STRING, true, "absolute path of the link's pin" },
	{ "limit", FIELD_NUMBER, false, "bytes to read at most; 1 MiB without it" },
};

static const char attach_result[] =
	"the link's row: `kernel_id`, `type` (as in the field), `link_type` (the kernel's word), "
	"`attach_type` (or null), `program_id`, `target` (an object: what it is attached to, in "
	"the form that tells two targets apart), `target_text` (the words for `attach PROGRAM "
	"...` that mean the same), `pinned_path`, `pin_dev`, `pin_ino`, `order` (what is attached "
	"there, in the order in which it runs: list of `link_id`, `program_id` and `name`, each "
	"null where the kernel does not tell it; null for types without order). With "
	"`resolve_only` `kernel_id`, `link_type`, `order` and the pin's are null. An error leaves "
	"nothing attached and no pin. What concerns another network namespace is done by a "
	"thread that enters it and ends.";
static const char read_iter_result[] =
	"`text` (as in `log`: newline and tab stay), `truncated` (there was more than `limit`).";
SHAPE(ATTACH, attach_fields, attach_result);
SHAPE(READ_ITER, read_iter_fields, read_iter_result);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* retarget, move_link and exchange: one program takes another's place */
#include "kernel/protocol/specs.h"

static const struct field retarget_fields[] = {
	{ "dir", FIELD_STRING, true,
	  "absolute path of the directory whose programs are to be the ones that run" },
	{ "other", FIELD_STRING, true, "the directory with the programs that run until now" },
	{ "links", FIELD_MAPPING, false,
	  "name of a link's pin in `dir` to the name of its program's pin, the same in both "
	  "directories" },
	{ "names", FIELD_MAPPING, false,
	  "absolute path of a second name of a program's pin in `other` to that pin's name" },
};

static const struct field move_link_fields[] = {
	{ "link", FIELD_STRING, true, "absolute path of the link's pin" },
	{ "program", FIELD_STRING, true, "that of the program that is to be the one that runs" },
	{ "from", FIELD_STRING, true, "that of the program that runs until now" },
	{ "second", FIELD_STRING, false,
	  "absolute path where the link's pin gets a second name, before it moves" },
};

static const struct field exchange_fields[] = {
	{ "a", FIELD_STRING, true, "absolute path of a directory on bpffs" },
	{ "b", FIELD_STRING, true, "absolute path of another one, in the same directory" },
};

static const char retarget_result[] =
	"`moved`: list of the links' and second names that changed; `kept`: list of `path`, "
	"`why` and `foreign`: a link whose target is gone or (foreign) that runs a program of "
	"neither directory, a second name that is missing or is another object. "
	"What points to `dir` already is left as it is, so a repetition is safe. A link moves by "
	"BPF_LINK_UPDATE and only from the program in `other` (compare and swap); where one cannot "
	"move, those that had moved go back, and it is an error.";
static const char move_link_result[] =
	"`moved`; `why`: null, or what keeps it from moving: its target is gone, or it runs a "
	"program that is neither; then it has no second name either. A link that runs `program` "
	"already is left as it is. It moves by BPF_LINK_UPDATE and only from the program at `from` "
	"(compare and swap).";
static const char exchange_result[] = "`exchanged`: true. It is one step (RENAME_EXCHANGE).";

SHAPE(RETARGET, retarget_fields, retarget_result);
SHAPE(MOVE_LINK, move_link_fields, move_link_result);
SHAPE(EXCHANGE, exchange_fields, exchange_result);

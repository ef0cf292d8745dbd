/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run */
#include "kernel/protocol/specs.h"

static const char identity_help[] = "what the pin is; an error when another object is there by now";
static const struct field run_fields[] = {
	{ "pin_path", FIELD_STRING, false, "absolute path of the program's pin" },
	{ "pin_dev", FIELD_STRING, false, identity_help },
	{ "pin_ino", FIELD_STRING, false, identity_help },
	{ "kernel_id", FIELD_NUMBER, false,
	  "its kernel id: what the pin must be, or without `pin_path` which program" },
	{ "name", FIELD_STRING, false, "what messages call it (default: its kernel name)" },
	{ "data", FIELD_STRING, false, "what it runs on, a packet for most types; base64" },
	{ "ctx", FIELD_STRING, false, "its context, as its type has it; base64" },
	{ "repeat", FIELD_NUMBER, false, "how often it runs on the same; once without" },
	{ "cpu", FIELD_NUMBER, false, "on which CPU; only for `raw_tracepoint`" },
	{ "data_out", FIELD_BOOL, false, "answer the data as it is afterwards" },
};

static const char run_result[] =
	"`type`, `retval` (what it returned last, 32 bits without sign), `duration_ns` (of one "
	"run, "
	"the mean), `data_out` (base64; null when not asked for, or none). The "
	"program really runs: what it writes to maps stays.";
SHAPE(RUN, run_fields, run_result);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* adopt and move_pins: pins that become ours, and that are ours no more */
#include "kernel/protocol/specs.h"

static const struct field adopt_fields[] = {
	{ "pin_path", FIELD_STRING, true, "absolute path of the program's pin, which stays" },
	{ "staging", FIELD_STRING, true,
	  "absolute path of a new directory for our pins, as for `load`" },
	{ "final", FIELD_STRING, true, "what `staging` is renamed to; neither may exist" },
	{ "next_id", FIELD_NUMBER, true, "the program's id; its maps' follow" },
	{ "known_maps", FIELD_MAPPING, false,
	  "kernel id of a map that is ours already to its pin: it gets no other" },
};

static const struct field move_pins_fields[] = {
	{ "pins", FIELD_PINS, true, "pins to move, under their own names" },
	{ "to", FIELD_STRING, true,
	  "absolute path of the directory where they go, on the same bpffs; made where it is "
	  "missing" },
};

static const char adopt_result[] =
	"`programs`, `maps` and `root_dev` as `load` tells them. On the bpffs of `staging` our pin "
	"is a second name of theirs (`pin_dev` and `pin_ino` are the same), elsewhere one of its "
	"own. An error leaves nothing of ours.";
static const char move_pins_result[] =
	"`moved`: list of the new paths; `kept`: list of `path` and `why`, of pins that are in "
	"neither place what pin_dev and pin_ino say. A pin that is there already has been moved, "
	"so a repetition is safe. Nothing is overwritten; after an error all is where it was.";

SHAPE(ADOPT, adopt_fields, adopt_result);
SHAPE(MOVE_PINS, move_pins_fields, move_pins_result);

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_COMMAND_COMPLETE_H
#define BPFMAN_COMMAND_COMPLETE_H

#include "command/command.h"

/* Candidates are gathered, then told in order and once each. */
struct gathering {
	struct session *s;
	const struct command *command;
	const struct partial *partial;
	struct partial inner; /* of a command line inside the command line; owns nothing */
	const char *prefix;   /* what they must begin with */
	struct candidate {
		char *word;
		bool final;
	} * found;
	size_t count;
	bool nomem;
};

/* Offers LEADWORD where it begins with what was typed. final: nothing more belongs to it. */
void offer(struct gathering *g, const char *lead, const char *word, bool final);
void offer_choices(struct gathering *g, const char *const *choices);
/* Files and directories below what is typed. */
void offer_files(struct gathering *g);
/* The first word of the command line that is no option or its value, or NULL. */
const char *first_positional(const struct gathering *g);

/* ---- complete_file.c ---- */
/* Names of what the file has in one of its lists ("programs"), each with the suffix. */
void offer_of_file(struct gathering *g, const char *list, const char *suffix);
/* NAME=VALUE of its global variables. */
void offer_globals(struct gathering *g);
/* [PROGRAM=]TYPE */
void offer_program_types(struct gathering *g);

/* ---- complete_named.c ---- */
/* Names of what is managed, of these kinds; ids once a digit is typed. */
void offer_named(struct gathering *g, unsigned want);
/* Some of the keys of the MAP that the line names already. */
void offer_map_keys(struct gathering *g);
/* Names of the maps that belong to the OBJECT that the line names already. */
void offer_own_maps(struct gathering *g);
/* KEY=VALUE that objects have. */
void offer_labels(struct gathering *g);
/* NAME=MAP: what is before the equals sign is of the file, what follows is managed. */
void offer_reuse(struct gathering *g);

/* ---- complete_target.c ---- */
void offer_targets(struct gathering *g);
void offer_attach_types(struct gathering *g);
void offer_netns(struct gathering *g);

#endif

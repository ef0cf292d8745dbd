/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_ASK_H
#define BPFMAN_SCREEN_ASK_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/*
 * What panes want to know of the reading worker: one question at a time, none of them waited for.
 * After each refresh all askers get their turn.
 */
struct screen;

struct asker {
	/* The request, or NULL: nothing to ask this time. */
	json_t *(*request)(struct screen *s);
	/* Its result; NULL: it failed, and e says why. */
	void (*answer)(struct screen *s, const json_t *result, const struct error *e);
};
extern const struct asker rates_asker, entries_asker, others_asker;

struct asking {
	unsigned due; /* askers that are to be asked yet, a bit each */
	int current;  /* whose question is under way; -1: none */
	bool trim;    /* the answer was large, and its memory is not needed again soon */
};

/* All are due; begins with the first. */
void ask_all(struct screen *s);
/* This one is due again, before the next refresh. */
void ask_again(struct screen *s, const struct asker *asker);
/* Takes an answer that has come, and asks on; whether one had. */
bool ask_take(struct screen *s);

#endif

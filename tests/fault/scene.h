/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_TESTS_FAULT_SCENE_H
#define BPFMAN_TESTS_FAULT_SCENE_H

#include "sweep.h"

/* What all sweeps of one operation do: its clean state, the command after it, the checks. */

enum {
	SHORT_EVENLY = 24, /* points spread over a run in the short form */
};

struct scene {
	const struct sweep *s;
	const struct place *p;
	struct result *r;
	struct points points;
	struct suspects suspects;
	struct kernel_mark mark;
	size_t told, point;
	char what[96];	/* what is done at the point, "" a kill */
	size_t halfway; /* both were killed here before what is killed now; 0: they were not */
	size_t whole, nothing; /* points after which all of a run was done, and nothing of it */
	struct findings f;
};

/* The commands that come next: each changes something, so each recovers first. */
enum { PROBES = 2 };
extern const char *const *const probes[PROBES];
extern const char *const probe_names[PROBES];

struct command scene_command(const struct scene *c, const char *const *words);
/* Makes the state from which each try starts. */
void scene_make_state(struct scene *c);
/* Back to that state. */
void scene_prepare(struct scene *c);
/* The next command: it must do its work, whatever it finds. stopped: see trace_run(). */
void scene_probe(struct scene *c, size_t which, pid_t stopped);
/* Finds something lost where the row is not as said. */
void scene_check_row(struct scene *c, const char *table, const char *word, bool there,
		     const char *why);
/* What is lost is lost still, where the command was taken back: runs what makes it good. */
void scene_mend(struct scene *c);
/* Holds the stores against each other. */
void scene_check(struct scene *c);
/* What the command wrote first, to stderr. */
void scene_tell_output(const struct scene *c);
/* The findings of a point are counted, and forgotten. */
void scene_count(struct scene *c);
/* Nothing must have been found before any fault. False: there was. */
bool scene_is_well(struct scene *c);
/* What the kernel still holds though nobody knows it, after the time it takes to free it. */
void scene_settle(struct scene *c);
/* Whether the short form takes the i-th stop of points. */
bool scene_chosen(const struct scene *c, size_t i);

/* ---- kill.c, inject.c ---- */

void kill_sweep(struct scene *c);
void inject_sweep(struct scene *c);

#endif

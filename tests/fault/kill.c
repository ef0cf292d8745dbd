/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One operation, killed again and again. */
#include "scene.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

enum { STATES = 24 /* half-done states tried for a second kill */ };

/* The clean state, and front end and worker both killed at a point. */
static void kill_both(struct scene *c, size_t at)
{
	struct command k = scene_command(c, c->s->operation->command);

	scene_prepare(c);
	trace_kill(c->p, &k, VICTIM_BOTH, at, NULL, NULL);
	if (!trace_wait_all())
		errx(2, "%s: a process is left", c->s->operation->title);
}

/* What the kernel has from here on is the killed command's, or the next one's. */
static void prepare(struct scene *c)
{
	if (c->halfway)
		kill_both(c, c->halfway);
	else
		scene_prepare(c);
}

/* The command that is killed in this sweep. */
static struct command killed_command(const struct scene *c)
{
	return scene_command(c, c->s->twice ? probes[0] : c->s->operation->command);
}

/* All of it or nothing of it. */
static void check_parts(struct scene *c)
{
	size_t done = 0, count = 0;

	for (const struct part *part = c->s->operation->parts; part && part->table; part++) {
		char *name = place_word(c->p, part->name);

		done += check_row(c->p, part->table, name) == part->made;
		count++;
		free(name);
	}
	if (done && done != count)
		found(&c->f, FOUND_LOST, "%zu of %zu parts are done", done, count);
	c->whole += done && done == count;
	c->nothing += !done;
}

static void one_point(struct scene *c, size_t n)
{
	const struct operation *o = c->s->operation;
	struct command k = killed_command(c);
	bool killed, said;
	pid_t stopped;

	c->point = n;
	prepare(c);
	stopped = trace_kill(c->p, &k, c->s->victim, n, NULL, &killed);
	c->r->killed += killed;
	c->r->points++;
	if (c->s->victim == VICTIM_WORKER) {
		if (!trace_wait_all())
			found(&c->f, FOUND_STUCK, "the front end had to be ended");
		/* The front end takes a load back by itself; an unload is carried on next time. */
		if (!c->s->twice && !o->removes && !o->mends)
			scene_check(c);
	} else if (!stopped && n / 2 % 2 && !trace_wait_all()) {
		/* The other half of the points: the next command comes while the worker works. */
		found(&c->f, FOUND_STUCK, "the worker had to be ended");
	}
	/* Whole or not, it was written by now: only the front end writes it. */
	said = !o->parts && check_acknowledged(c->p);
	scene_probe(c, c->s->twice, stopped);
	if (said && !c->s->twice)
		scene_check_row(c, o->table, o->name, !o->removes, "its command said so");
	if (said && c->s->twice)
		scene_check_row(c, "objects", probe_names[0], true, "its load said so");
	if (o->stays)
		scene_check_row(c, "objects", o->stays, true, "it was loaded before");
	check_parts(c);
	scene_mend(c);
	scene_check(c);
	suspects_look(&c->suspects);
	scene_count(c);
}

static void sweep_points(struct scene *c)
{
	struct command k = killed_command(c);
	size_t count;

	/* First without a kill: the stops, and that all is well then. */
	c->points.count = 0;
	c->point = 0;
	prepare(c);
	trace_kill(c->p, &k, c->s->victim, 0, &c->points, NULL);
	if (!trace_wait_all())
		errx(2, "%s does not end", c->s->operation->title);
	if (!check_acknowledged(c->p)) {
		scene_tell_output(c);
		errx(2, "%s: it fails without a kill", c->s->operation->title);
	}
	if (c->s->twice)
		scene_mend(c);
	scene_check(c);
	c->r->broken = !scene_is_well(c);
	if (c->r->broken)
		return;
	count = c->points.count;
	c->r->stops += count;
	/* A run has some stops more or less each time: a little beyond is tried too. */
	for (size_t i = 0; i < count + (c->s->all ? count / 50 : 0); i++)
		if ((c->s->all && c->s->victim != VICTIM_SLOW) || scene_chosen(c, i))
			one_point(c, i + 1);
	scene_settle(c);
	/* A sweep that came only to one end has not tried what it is for. */
	if (c->s->operation->parts && !c->s->twice && !c->s->control && (!c->whole || !c->nothing))
		errx(2, "%s: all of it %zu times, nothing %zu times", c->s->operation->title,
		     c->whole, c->nothing);
}

/* ---- the recovery killed ---- */

struct tally {
	const struct place *p;
	size_t in_root, staged, outside;
};

static void count_entry(void *data, const char *path, bool directory)
{
	struct tally *t = data;
	size_t len = strlen(t->p->root);

	(void)directory;
	if (strncmp(path, t->p->root, len))
		t->outside++;
	else if (!strncmp(path + len, "/s", 2) || !strncmp(path + len, "/u", 2))
		t->staged++;
	else
		t->in_root++;
}

/* Points at which killing both leaves states that differ, with something to recover. */
static size_t find_states(struct scene *c, size_t first[STATES])
{
	struct command k = scene_command(c, c->s->operation->command);
	struct tally seen[STATES];
	struct points points = { 0 };
	size_t count = 0;

	scene_make_state(c);
	prepare(c);
	trace_kill(c->p, &k, VICTIM_WORKER, 0, &points, NULL);
	trace_wait_all();
	for (size_t i = 0; i < points.count && count < STATES; i++) {
		struct tally t = { .p = c->p };
		bool new = true;

		if (!points.at[i].exit || !trace_changes(&points.at[i]))
			continue;
		kill_both(c, i + 1);
		if (!check_unsettled(c->p))
			continue;
		place_walk(c->p, count_entry, &t);
		for (size_t j = 0; j < count; j++)
			new &= memcmp(&seen[j], &t, sizeof(t)) != 0;
		if (!new)
			continue;
		seen[count] = t;
		first[count++] = i + 1;
	}
	free(points.at);
	return count;
}

static void sweep_twice(struct scene *c)
{
	size_t first[STATES], count = find_states(c, first);
	size_t tried = c->s->all ? 3 : 1;

	if (count < tried)
		errx(2, "%s: only %zu half-done states found", c->s->operation->title, count);
	/* Spread over what was found. */
	for (size_t i = 0; i < tried; i++) {
		c->halfway = 0;
		scene_make_state(c);
		if (c->s->operation->moves) {
			c->halfway = first[count * (2 * i + 1) / (2 * tried)];
		} else {
			kill_both(c, first[count * (2 * i + 1) / (2 * tried)]);
			place_save(c->p);
			kernel_mark(&c->mark); /* what is there by now stays */
		}
		sweep_points(c);
	}
}

void kill_sweep(struct scene *c)
{
	if (c->s->twice) {
		sweep_twice(c);
	} else {
		scene_make_state(c);
		sweep_points(c);
	}
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One operation, tried again and again, each time from the same clean state. */
#include "scene.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const *const probes[PROBES] = {
	WORDS("load", "@xdp_pass", "--name", "=probe"),
	WORDS("load", "@xdp_pass", "--name", "=again"),
};
const char *const probe_names[PROBES] = { "=probe", "=again" };

enum {
	TOLD = 6,	      /* findings told for a row */
	KERNEL_PATIENCE = 50, /* tenths of a second until what the kernel holds counts */
};

struct command scene_command(const struct scene *c, const char *const *words)
{
	return (struct command){ .binary = c->s->binary, .words = words };
}

static void tell(void *data, enum kind kind, const char *what)
{
	static const char *const kinds[FOUND_KINDS] = { "orphan", "ghost", "lost", "stuck",
							"wrong" };
	static const char *const victims[] = { "front end", "worker", "both", "front, slow" };
	struct scene *c = data;
	bool named = c->point && c->point <= c->points.count;

	/* The control's are what is asked for. */
	if ((c->s->control || c->told++ >= TOLD) && !c->s->verbose)
		return;
	fprintf(stderr, "  %s%s, %s %s at %zu%s%s: %s: %s\n", c->s->operation->title,
		c->s->twice ? ", recovery" : "", victims[c->s->victim],
		*c->what ? c->what : "killed", c->point, named ? " " : "",
		named ? trace_name(&c->points.at[c->point - 1]) : "", kinds[kind], what);
}

void scene_tell_output(const struct scene *c)
{
	char line[512];
	FILE *f = fopen(c->p->out, "re");

	while (f && fgets(line, sizeof(line), f))
		fprintf(stderr, "    it said: %.400s%s", line, strchr(line, '\n') ? "" : "\n");
	if (f)
		fclose(f);
}

static void must_run(struct scene *c, const char *const *words)
{
	struct command k = scene_command(c, words);
	int status = trace_run(c->p, &k, 0);

	if (!status)
		return;
	scene_tell_output(c);
	errx(2, "%s: what comes before it ended with status %d", c->s->operation->title, status);
}

static void make_before(struct scene *c)
{
	const struct operation *o = c->s->operation;

	place_detach(c->p); /* of the state before: it may attach the same again */
	place_clean(c->p);
	if (o->before)
		must_run(c, o->before);
	if (!trace_wait_all())
		errx(2, "%s: what comes before it does not end", o->title);
	if (o->lost)
		place_unpin(c->p, o->lost);
}

/* Makes the state from which each kill happens. */
void scene_make_state(struct scene *c)
{
	make_before(c);
	place_save(c->p);
	kernel_mark(&c->mark); /* what is there by now stays */
}

/* Until links whose pins went let go of what they are attached to: one at a time can be there. */
static void wait_for_links(struct scene *c)
{
	const struct ids none[THINGS] = { 0 };
	struct suspects links = { 0 };

	suspects_add(&links, &c->mark, c->p->token, none, 0);
	for (size_t i = 0; i < links.count;)
		if (links.at[i].thing == A_LINK)
			i++;
		else
			links.at[i] = links.at[--links.count];
	for (int i = 0; links.count && i < 10 * KERNEL_PATIENCE; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
		suspects_look(&links);
	}
	free(links.at);
}

void scene_prepare(struct scene *c)
{
	if (c->s->operation->moves) {
		make_before(c);
	} else {
		/* Then none lives, but those that came back. */
		if (c->s->operation->mends)
			place_detach(c->p);
		place_restore(c->p);
		wait_for_links(c);
	}
	kernel_mark(&c->mark);
}

void scene_check_row(struct scene *c, const char *table, const char *word, bool there,
		     const char *why)
{
	char *name = place_word(c->p, word);

	if (check_row(c->p, table, name) != there)
		found(&c->f, FOUND_LOST, "%s %s is %s, though %s", table, word,
		      there ? "not there" : "still there", why);
	free(name);
}

/* What is nobody's is still pinned where it was, or where it was released to. */
static void check_others(struct scene *c, const char *others)
{
	const struct operation *o = c->s->operation;
	char *name = place_word(c->p, o->name);
	size_t pins = check_count(c->p, others);

	if (pins < o->others_least && (!o->removes || !check_row(c->p, o->table, name)))
		found(&c->f, FOUND_LOST, "below %s are %zu pins, not %zu", others, pins,
		      o->others_least);
	free(name);
}

void scene_check(struct scene *c)
{
	const struct operation *o = c->s->operation;
	char *others = o->others ? place_word(c->p, o->others) : NULL;
	struct ids known[THINGS] = { 0 };

	check_stores(c->p, others, known, &c->f);
	if (others)
		check_others(c, others);
	free(others);
	suspects_add(&c->suspects, &c->mark, c->p->token, known, c->point);
	for (size_t i = 0; i < THINGS; i++)
		ids_free(&known[i]);
}

/* The next command: it must do its work, whatever it finds. */
void scene_probe(struct scene *c, size_t which, pid_t stopped)
{
	struct command k = scene_command(c, probes[which]);
	int status = trace_run(c->p, &k, stopped);

	if (!trace_wait_all())
		found(&c->f, FOUND_STUCK, "a process had to be ended");
	if (status) {
		found(&c->f, FOUND_STUCK, "the next command ended with status %d", status);
		if ((!c->s->control && c->told <= TOLD) || c->s->verbose)
			scene_tell_output(c);
	} else {
		scene_check_row(c, "objects", probe_names[which], true, "its load succeeded");
	}
}

void scene_mend(struct scene *c)
{
	struct command k;

	if (!c->s->operation->mends)
		return;
	k = scene_command(c, c->s->operation->mends);
	if (trace_run(c->p, &k, 0)) {
		found(&c->f, FOUND_STUCK, "what makes it good failed");
		if (!c->s->control && c->told <= TOLD)
			scene_tell_output(c);
	}
}

void scene_count(struct scene *c)
{
	for (size_t i = 0; i < FOUND_KINDS; i++)
		c->r->at[i] += c->f.found[i];
	memset(c->f.found, 0, sizeof(c->f.found));
}

bool scene_is_well(struct scene *c)
{
	bool well = true;

	for (size_t i = 0; i < FOUND_KINDS; i++)
		well &= !c->f.found[i];
	memset(c->f.found, 0, sizeof(c->f.found));
	return well;
}

/* What the kernel still holds though nobody knows it, after the time it takes to free it. */
void scene_settle(struct scene *c)
{
	size_t last = SIZE_MAX;

	/* Orphans with a pin were found by it. */
	place_clean(c->p);
	for (int i = 0; c->suspects.count && i < KERNEL_PATIENCE; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 100 * 1000 * 1000 }, NULL);
		suspects_look(&c->suspects);
	}
	for (size_t i = 0; i < c->suspects.count; i++) {
		const struct suspect *x = &c->suspects.at[i];

		c->point = x->point;
		found(&c->f, FOUND_ORPHAN, "%s %u \"%s\" is in the kernel", thing_names[x->thing],
		      x->id, x->name);
		if (x->point != last)
			scene_count(c);
		last = x->point;
		memset(c->f.found, 0, sizeof(c->f.found));
	}
	free(c->suspects.at);
	memset(&c->suspects, 0, sizeof(c->suspects));
}

/* ---- which points ---- */

static bool same_class(const struct point *a, const struct point *b)
{
	return a->nr == b->nr && a->detail == b->detail && a->exit == b->exit;
}

/*
 * The short form: after what changes something, evenly over the run, and for some operations at the
 * first of each kind of call. What a kill before a call finds is what the kill after the one before
 * it left.
 */
bool scene_chosen(const struct scene *c, size_t i)
{
	const struct point *list = c->points.at, *point = &list[i];
	size_t every = c->points.count / SHORT_EVENLY + 1;

	if (i % every == every / 2 || (point->exit && trace_changes(point)))
		return true;
	if (c->s->control || !(c->s->operation->in_short & IN_SHORT_EACH_KIND))
		return false;
	for (size_t k = 0; k < i; k++)
		if (same_class(&list[k], point))
			return false;
	return true;
}

void sweep_run(const struct sweep *s, const struct place *p, struct result *r)
{
	struct scene c = { .s = s, .p = p, .r = r, .f = { .tell = tell } };
	struct timespec begun, now;

	memset(r, 0, sizeof(*r));
	c.f.data = &c;
	clock_gettime(CLOCK_MONOTONIC, &begun);
	if (s->fault == FAULT_KILL)
		kill_sweep(&c);
	else
		inject_sweep(&c);
	clock_gettime(CLOCK_MONOTONIC, &now);
	r->seconds =
		(double)(now.tv_sec - begun.tv_sec) + (double)(now.tv_nsec - begun.tv_nsec) / 1e9;
	free(c.points.at);
}

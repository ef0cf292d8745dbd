/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One operation, killed again and again, each time from the same clean state. */
#include "sweep.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

#define MULTI	WORDS("load", "@multi")
#define ONE	WORDS("load", "@multi", "--program", "=xdp", "--pin-path", "^test/deep/prog")
#define BY_NAME WORDS("load", "@by_name")

#define SCRIPT(text) WORDS("-c", text)
#define KEEPER	     "load @xdp_pass --name =keeper"
#define OTHER	     "load @by_name --name =other"

/* The job's network namespace is its own, and so is its loopback interface. */
#define ATTACH	"attach =ingress lo --ingress"
#define AND_XDP "--attach", "=xdp=lo --mode generic"

#define LINK(n) .table = "links", .name = (n)
#define OWNER	"load @xdp_pass --name =owner"
/* The map by its id: that of an owner loaded first is 3. */
#define SECOND(map) "load @xdp_pass --name =second --reuse-map =rs=" map

#define OBJECT(n)  .table = "objects", .name = (n)
#define PROGRAM(n) .table = "programs", .name = (n)

static const struct part five[] = {
	{ "objects", "=first", true },	 { "links", "=xdp", false },   { "links", "=e", true },
	{ "objects", "=keeper", false }, { "objects", "=last", true }, { 0 },
};

const struct operation operations[] = {
	{ .title = "load into a new database",
	  .command = MULTI,
	  OBJECT("=multi"),
	  .control = true,
	  .in_short = IN_SHORT | IN_SHORT_EACH_KIND },
	{ .title = "load --pin-path",
	  .before = SCRIPT(KEEPER),
	  .command = ONE,
	  OBJECT("=multi"),
	  .stays = "=keeper",
	  .intricate = true,
	  .in_short = IN_SHORT | IN_SHORT_BOTH | IN_SHORT_TWICE },
	{ .title = "load, map pinned by name",
	  .before = SCRIPT(KEEPER),
	  .command = BY_NAME,
	  OBJECT("=by_name"),
	  .stays = "=keeper",
	  .intricate = true,
	  .in_short = IN_SHORT },
	{ .title = "load, map shared already",
	  .before = SCRIPT(OTHER),
	  .command = BY_NAME,
	  OBJECT("=by_name"),
	  .stays = "=other" },
	{ .title = "unload",
	  .before = SCRIPT(KEEPER "; load @multi"),
	  .command = WORDS("unload", "=multi"),
	  .removes = true,
	  OBJECT("=multi"),
	  .stays = "=keeper" },
	{ .title = "unload --pin-path",
	  .before = SCRIPT(KEEPER "; load @multi --program =xdp --pin-path ^test/deep/prog"),
	  .command = WORDS("unload", "=multi"),
	  .removes = true,
	  OBJECT("=multi"),
	  .stays = "=keeper",
	  .intricate = true,
	  .in_short = IN_SHORT | IN_SHORT_BOTH | IN_SHORT_TWICE },
	{ .title = "unload one program",
	  .before = SCRIPT("load @multi"),
	  .command = WORDS("unload", "=ingress"),
	  .removes = true,
	  PROGRAM("=ingress"),
	  .stays = "=multi" },
	{ .title = "unload, map pinned by name",
	  .before = SCRIPT(KEEPER "; load @by_name"),
	  .command = WORDS("unload", "=by_name"),
	  .removes = true,
	  OBJECT("=by_name"),
	  .stays = "=keeper",
	  .intricate = true,
	  .in_short = IN_SHORT },
	{ .title = "attach",
	  .before = SCRIPT("load @multi"),
	  .command = WORDS("attach", "=ingress", "lo", "--ingress"),
	  LINK("=ingress"),
	  .stays = "=multi",
	  .control = true,
	  .intricate = true,
	  .in_short = IN_SHORT | IN_SHORT_BOTH | IN_SHORT_TWICE },
	{ .title = "detach",
	  .before = SCRIPT("load @multi; " ATTACH),
	  .command = WORDS("detach", "=ingress"),
	  .removes = true,
	  LINK("=ingress"),
	  .stays = "=multi",
	  .in_short = IN_SHORT },
	{ .title = "load --attach",
	  .before = SCRIPT(KEEPER),
	  .command = WORDS("load", "@multi", AND_XDP, "--attach", "=egress=lo --egress"),
	  OBJECT("=multi"),
	  .stays = "=keeper",
	  .intricate = true,
	  .in_short = IN_SHORT },
	{ .title = "unload what is attached",
	  .before = SCRIPT("load @multi; " ATTACH),
	  .command = WORDS("unload", "=multi"),
	  .removes = true,
	  OBJECT("=multi"),
	  .in_short = IN_SHORT },
	{ .title = "upgrade, links move",
	  .before = SCRIPT("load @multi; " ATTACH "; attach =xdp lo --mode generic"),
	  .command = WORDS("upgrade", "=multi", "@new_multi"),
	  .table = "new",
	  .name = "=multi",
	  .stays = "=multi",
	  .moves = true,
	  .intricate = true,
	  .in_short = IN_SHORT | IN_SHORT_BOTH | IN_SHORT_TWICE },
	{ .title = "upgrade, link attached anew",
	  .before = SCRIPT(KEEPER "; load @profile; attach =e cpu-clock --frequency 1 --cpu 0"),
	  .command = WORDS("upgrade", "=profile", "@new_profile"),
	  .table = "new",
	  .name = "=profile",
	  .stays = "=keeper",
	  .moves = true,
	  .intricate = true,
	  .in_short = IN_SHORT },
	{ .title = "upgrade --pin-path",
	  .before = SCRIPT("load @multi --program =xdp --pin-path ^test/deep/prog"),
	  .command = WORDS("upgrade", "=multi", "@new_multi"),
	  .table = "new",
	  .name = "=multi",
	  .stays = "=multi",
	  .intricate = true,
	  .in_short = IN_SHORT },
	{ .title = "unload, map shared by others",
	  .before = SCRIPT(OTHER "; load @by_name"),
	  .command = WORDS("unload", "=other"),
	  .removes = true,
	  OBJECT("=other"),
	  .stays = "=by_name" },
	{ .title = "load, map reused",
	  .before = SCRIPT(OWNER),
	  .command = WORDS("load", "@xdp_pass", "--name", "=second", "--reuse-map", "=rs=3"),
	  OBJECT("=second"),
	  .stays = "=owner" },
	{ .title = "unload, map reused by others",
	  .before = SCRIPT(OWNER "; " SECOND("3")),
	  .command = WORDS("unload", "=owner"),
	  .removes = true,
	  OBJECT("=owner"),
	  .stays = "=second",
	  .in_short = IN_SHORT },
	{ .title = "unload, map that outlived its object",
	  .before = SCRIPT(OWNER "; " SECOND("3") "; " KEEPER "; unload =owner"),
	  .command = WORDS("unload", "=second"),
	  .removes = true,
	  OBJECT("=second"),
	  .stays = "=keeper",
	  .intricate = true,
	  .in_short = IN_SHORT },
	{ .title = "all or nothing of five",
	  .before = SCRIPT(KEEPER "; load @multi; attach =xdp lo --mode generic"),
	  .command = WORDS("-1", "-c",
			   "load @by_name --name =first; detach =xdp; attach =e lo --mode generic; "
			   "unload =keeper; load @xdp_pass --name =last"),
	  .parts = five,
	  .stays = "=multi",
	  .control = true,
	  .moves = true,
	  .intricate = true,
	  .in_short = IN_SHORT | IN_SHORT_BOTH | IN_SHORT_TWICE },
};
const size_t operation_count = sizeof(operations) / sizeof(operations[0]);

/* Commands that come next: each changes something, so each recovers first. */
static const char *const *const probes[] = {
	WORDS("load", "@xdp_pass", "--name", "=probe"),
	WORDS("load", "@xdp_pass", "--name", "=again"),
};
static const char *const probe_names[] = { "=probe", "=again" };

enum {
	TOLD = 6,	      /* findings told for a row */
	SHORT_EVENLY = 24,    /* points spread over a run in the short form */
	STATES = 24,	      /* half-done states tried for a second kill */
	KERNEL_PATIENCE = 50, /* tenths of a second until what the kernel holds counts */
};

struct scene {
	const struct sweep *s;
	const struct place *p;
	struct result *r;
	struct points points;
	struct suspects suspects;
	struct kernel_mark mark;
	size_t told, point;
	size_t halfway; /* both were killed here before what is killed now; 0: they were not */
	size_t whole, nothing; /* points after which all of a run was done, and nothing of it */
	struct findings f;
};

static struct command command(const struct scene *c, const char *const *words)
{
	return (struct command){ c->s->binary, words };
}

static void tell(void *data, enum kind kind, const char *what)
{
	static const char *const kinds[] = { "orphan", "ghost", "lost", "stuck" };
	struct scene *c = data;
	static const char *const victims[] = { "front end", "worker", "both", "front, slow" };

	/* The control's are what is asked for. */
	if ((c->s->control || c->told++ >= TOLD) && !c->s->verbose)
		return;
	fprintf(stderr, "  %s%s, %s killed at %zu%s%s: %s: %s\n", c->s->operation->title,
		c->s->twice ? ", recovery" : "", victims[c->s->victim], c->point,
		c->point && c->point <= c->points.count ? " " : "",
		c->point && c->point <= c->points.count ? trace_name(&c->points.at[c->point - 1])
							: "",
		kinds[kind], what);
}

static void tell_output(const struct scene *c)
{
	char line[512];
	FILE *f = fopen(c->p->out, "re");

	if (f && fgets(line, sizeof(line), f))
		fprintf(stderr, "    it said: %s\n", line);
	if (f)
		fclose(f);
}

static void must_run(struct scene *c, const char *const *words)
{
	struct command k = command(c, words);
	int status = trace_run(c->p, &k, 0);

	if (!status)
		return;
	tell_output(c);
	errx(2, "%s: what comes before it ended with status %d", c->s->operation->title, status);
}

/* Makes the state from which each kill happens. */
static void make_state(struct scene *c)
{
	const struct operation *o = c->s->operation;

	place_clean(c->p);
	if (o->before)
		must_run(c, o->before);
	if (!trace_wait_all())
		errx(2, "%s: what comes before it does not end", o->title);
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

static void prepare_clean(struct scene *c)
{
	if (c->s->operation->moves) {
		place_detach(c->p);
		place_clean(c->p);
		must_run(c, c->s->operation->before);
		if (!trace_wait_all())
			errx(2, "%s: what comes before it does not end", c->s->operation->title);
	} else {
		place_restore(c->p);
		wait_for_links(c);
	}
	kernel_mark(&c->mark);
}

/* The clean state, and front end and worker both killed at a point. */
static void kill_both(struct scene *c, size_t at)
{
	struct command k = command(c, c->s->operation->command);

	prepare_clean(c);
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
		prepare_clean(c);
}

/* The command that is killed in this sweep. */
static struct command killed_command(const struct scene *c)
{
	return command(c, c->s->twice ? probes[0] : c->s->operation->command);
}

static void check_row_is(struct scene *c, const char *table, const char *word, bool there,
			 const char *why)
{
	char *name = place_word(c->p, word);

	if (check_row(c->p, table, name) != there)
		found(&c->f, FOUND_LOST, "%s %s is %s, though %s", table, word,
		      there ? "not there" : "still there", why);
	free(name);
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

static void check_all(struct scene *c)
{
	struct ids known[THINGS] = { 0 };

	check_stores(c->p, known, &c->f);
	suspects_add(&c->suspects, &c->mark, c->p->token, known, c->point);
	for (size_t i = 0; i < THINGS; i++)
		ids_free(&known[i]);
}

/* The next command: it must do its work, whatever it finds. */
static void probe(struct scene *c, size_t which, pid_t stopped)
{
	struct command k = command(c, probes[which]);
	int status = trace_run(c->p, &k, stopped);

	if (!trace_wait_all())
		found(&c->f, FOUND_STUCK, "a process had to be ended");
	if (status) {
		found(&c->f, FOUND_STUCK, "the next command ended with status %d", status);
		if ((!c->s->control && c->told <= TOLD) || c->s->verbose)
			tell_output(c);
	} else {
		check_row_is(c, "objects", probe_names[which], true, "its load succeeded");
	}
}

static void count_findings(struct scene *c)
{
	for (size_t i = 0; i < FOUND_KINDS; i++)
		c->r->at[i] += c->f.found[i];
	memset(c->f.found, 0, sizeof(c->f.found));
}

static bool is_any_found(const struct scene *c)
{
	for (size_t i = 0; i < FOUND_KINDS; i++)
		if (c->f.found[i])
			return true;
	return false;
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
		if (!c->s->twice && !o->removes)
			check_all(c);
	} else if (!stopped && n / 2 % 2 && !trace_wait_all()) {
		/* The other half of the points: the next command comes while the worker works. */
		found(&c->f, FOUND_STUCK, "the worker had to be ended");
	}
	/* Whole or not, it was written by now: only the front end writes it. */
	said = !o->parts && check_acknowledged(c->p);
	probe(c, c->s->twice, stopped);
	if (said && !c->s->twice)
		check_row_is(c, o->table, o->name, !o->removes, "its command said so");
	if (said && c->s->twice)
		check_row_is(c, "objects", probe_names[0], true, "its load said so");
	if (o->stays)
		check_row_is(c, "objects", o->stays, true, "it was loaded before");
	check_parts(c);
	check_all(c);
	suspects_look(&c->suspects);
	count_findings(c);
}

/* What the kernel still holds though nobody knows it, after the time it takes to free it. */
static void settle_suspects(struct scene *c)
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
			count_findings(c);
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
static bool chosen(const struct scene *c, size_t i)
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
		tell_output(c);
		errx(2, "%s: it fails without a kill", c->s->operation->title);
	}
	check_all(c);
	c->r->broken = is_any_found(c);
	memset(c->f.found, 0, sizeof(c->f.found));
	if (c->r->broken)
		return;
	count = c->points.count;
	c->r->stops += count;
	/* A run has some stops more or less each time: a little beyond is tried too. */
	for (size_t i = 0; i < count + (c->s->all ? count / 50 : 0); i++)
		if ((c->s->all && c->s->victim != VICTIM_SLOW) || chosen(c, i))
			one_point(c, i + 1);
	settle_suspects(c);
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
	struct command k = command(c, c->s->operation->command);
	struct tally seen[STATES];
	struct points points = { 0 };
	size_t count = 0;

	make_state(c);
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
		make_state(c);
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

void sweep_run(const struct sweep *s, const struct place *p, struct result *r)
{
	struct scene c = { .s = s, .p = p, .r = r, .f = { .tell = tell } };
	struct timespec begun, now;

	memset(r, 0, sizeof(*r));
	c.f.data = &c;
	clock_gettime(CLOCK_MONOTONIC, &begun);
	if (s->twice) {
		sweep_twice(&c);
	} else {
		make_state(&c);
		sweep_points(&c);
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	r->seconds =
		(double)(now.tv_sec - begun.tv_sec) + (double)(now.tv_nsec - begun.tv_nsec) / 1e9;
	free(c.points.at);
}

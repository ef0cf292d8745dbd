/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One operation that is let fail again and again, instead of being killed. */
#include "failing.h"
#include "scene.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

/* What system calls return; each of them once, and from then on. */
static const struct {
	int error;
	const char *name;
} errors[] = {
	{ EIO, "EIO" },	      { ENOSPC, "ENOSPC" }, { EPERM, "EPERM" },
	{ ENOMEM, "ENOMEM" }, { EINTR, "EINTR" },   { EMFILE, "EMFILE" },
};
enum { ERRORS = sizeof(errors) / sizeof(errors[0]), WAYS = 2 * ERRORS };

enum {
	INTERRUPTED_OFTEN = 5, /* EINTR is answered by another try, so not for ever */
	EACH_POINT = 4,	       /* of the ways at one call, in turn; in the long form */
};

/* What a run without a fault says, and the stop from which on it is the program that runs. */
struct reference {
	char *text;
	size_t len;
	size_t begins;
};

static char *read_output(const struct place *p, size_t *len)
{
	FILE *f = fopen(p->out, "re");
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f)
		err(2, "%s", p->out);
	n = getdelim(&text, &cap, EOF, f);
	*len = n > 0 ? (size_t)n : 0;
	fclose(f);
	return text;
}

/* Or it says that it could not tell. */
static bool says_the_same(const struct place *p, const struct reference *r)
{
	size_t len;
	char *text = read_output(p, &len);
	bool same = len && (memmem(text, len, "\"unknown\"", 9) ||
			    (len == r->len && !memcmp(text, r->text, len)));

	free(text);
	return same;
}

/* The first call that is the program's own: its streams, or the first request, are looked at. */
static size_t find_begin(const struct scene *c)
{
	int nr = c->s->victim == VICTIM_FRONT ? SYS_fcntl : SYS_poll;

	for (size_t i = 0; i < c->points.count; i++)
		if (c->points.at[i].nr == nr)
			return i + 1;
	errx(2, "%s: it does not begin", c->s->operation->title);
}

/* What it said of itself: by its status, by its words, and by how it ended. */
static bool check_answer(struct scene *c, const struct outcome *o, const struct reference *r)
{
	const struct operation *op = c->s->operation;
	bool said = op->reads ? says_the_same(c->p, r) : check_acknowledged(c->p);
	/* Before that it is the loader's, which gives up with 127, or by a signal. */
	bool begun = c->s->fault != FAULT_ERROR || c->point >= r->begins;
	bool front = c->s->victim == VICTIM_FRONT;
	bool usual = (o->status >= 0 && o->status <= 3) || (front && !begun);

	char *refused = check_refused(c->p);

	/* Of a worker that nobody traces its front end tells. */
	if (refused && c->s->fault != FAULT_ERROR && strstr(refused, "killed by signal"))
		found(&c->f, FOUND_WRONG, "%s", refused);
	free(refused);
	if (o->hung)
		found(&c->f, FOUND_STUCK, "it had to be ended");
	else if (begun && o->signal && o->signal != SIGKILL)
		found(&c->f, FOUND_WRONG, "it was ended by signal %d (%s)", o->signal,
		      strsignal(o->signal));
	else if (!usual)
		found(&c->f, FOUND_WRONG, "the exit status is %d", o->status);
	if (!o->status && !said)
		found(&c->f, FOUND_WRONG, "it exits with 0, and does not say what it should");
	if (!o->status && o->unsynced)
		found(&c->f, FOUND_WRONG, "it exits with 0, and its last sync failed");
	return said;
}

static void check_after(struct scene *c, const struct outcome *o, const struct reference *r)
{
	const struct operation *op = c->s->operation;
	char *refused = check_refused(c->p);
	bool said = check_answer(c, o, r);

	if (c->f.found[FOUND_WRONG] && (c->s->verbose || !c->s->control))
		scene_tell_output(c);
	scene_probe(c, 0, 0);
	if (!op->reads && said)
		scene_check_row(c, op->table, op->name, !op->removes, "its command said so");
	else if (!op->reads && refused && !op->removes)
		scene_check_row(c, op->table, op->name, false, refused);
	if (op->stays)
		scene_check_row(c, "objects", op->stays, true, "it was loaded before");
	scene_check(c);
	suspects_look(&c->suspects);
	free(refused);
}

static void one_point(struct scene *c, size_t at, size_t way, const struct reference *r)
{
	struct command k = scene_command(c, c->s->operation->command);
	struct injection x = {
		.victim = c->s->victim,
		.at = at,
		.error = errors[way % ERRORS].error,
		.count = way < ERRORS			       ? 1
			 : errors[way % ERRORS].error == EINTR ? INTERRUPTED_OFTEN
							       : SIZE_MAX,
	};
	struct outcome o;

	c->point = at;
	snprintf(c->what, sizeof(c->what), "given %s%s", errors[way % ERRORS].name,
		 x.count == 1 ? "" : " and again");
	scene_prepare(c);
	trace_inject(c->p, &k, &x, c->points.count, &o);
	c->r->points++;
	c->r->killed += o.hit;
	check_after(c, &o, r);
	scene_count(c);
}

/* Without a fault: what it does and says, and that all is well then. */
static bool begin(struct scene *c, struct reference *r)
{
	struct command k = scene_command(c, c->s->operation->command);

	scene_make_state(c);
	scene_prepare(c);
	trace_kill(c->p, &k, c->s->victim, 0, &c->points, NULL);
	if (!trace_wait_all())
		errx(2, "%s does not end", c->s->operation->title);
	r->text = read_output(c->p, &r->len);
	r->begins = find_begin(c);
	if (c->s->operation->reads ? !r->len : !check_acknowledged(c->p)) {
		scene_tell_output(c);
		errx(2, "%s: it fails without a fault", c->s->operation->title);
	}
	scene_check(c);
	c->r->broken = !scene_is_well(c);
	c->r->stops = c->points.count;
	return !c->r->broken;
}

static void sweep_calls(struct scene *c, const struct reference *r)
{
	size_t turn = 0;

	for (size_t i = 0; i < c->points.count; i++) {
		/* What the short form takes of exits it takes of their calls. */
		bool chosen = c->s->all || scene_chosen(c, i) ||
			      (i + 1 < c->points.count && c->points.at[i + 1].exit &&
			       scene_chosen(c, i + 1));

		if (c->points.at[i].exit || !chosen)
			continue;
		for (size_t n = 0; n < (c->s->all ? EACH_POINT : 1); n++, turn++)
			one_point(c, i + 1, turn * 5 % WAYS, r);
	}
}

/* ---- allocations and files ---- */

enum { TRIES = 5 };

static const struct {
	unsigned long count; /* that fail; 0: all from the first on */
	const char *name;
} lasting[] = { { 1, "" }, { 0, " and all after it" } };

/* Runs it with the n-th and so many after it failing; *counted tells how many there were. */
static void run_failing(struct scene *c, unsigned long n, size_t way, struct outcome *o,
			struct failing_count *counted)
{
	const char *kind = c->s->fault == FAULT_IO	  ? "files"
			   : c->s->victim == VICTIM_FRONT ? "front"
							  : "worker";
	struct command k = scene_command(c, c->s->operation->command);
	char path[2 * PLACE_PATH], setting[3 * PLACE_PATH];
	FILE *f;

	snprintf(path, sizeof(path), "%s/count", c->p->dir);
	snprintf(setting, sizeof(setting), "BPFMAN_FAULT=%s %lu %lu %s", kind, n,
		 lasting[way].count, path);
	f = fopen(path, "w+e");
	memset(counted, 0, sizeof(*counted));
	if (!f || fwrite(counted, sizeof(*counted), 1, f) != 1 || fflush(f))
		err(2, "%s", path);
	k.setting = setting;
	*o = (struct outcome){ .status = trace_run(c->p, &k, 0) };
	o->hung = !trace_wait_all();
	rewind(f);
	if (fread(counted, sizeof(*counted), 1, f) != 1)
		err(2, "%s", path);
	fclose(f);
	o->hit = counted->failed > 0;
}

/* False: there are not so many. */
static bool one_failing(struct scene *c, unsigned long n, size_t way, const struct reference *r)
{
	struct failing_count counted;
	struct outcome o;

	c->point = n;
	snprintf(c->what, sizeof(c->what), "without %s%s",
		 c->s->fault == FAULT_IO ? "a file's operation" : "an allocation",
		 lasting[way].name);
	scene_prepare(c);
	run_failing(c, n, way, &o, &counted);
	c->r->points++;
	c->r->killed += o.hit;
	check_after(c, &o, r);
	scene_count(c);
	return o.hit;
}

/* The n-th, for every n, until a run has no fault; in the short form for some. */
static void sweep_failing(struct scene *c, const struct reference *r)
{
	size_t ways = sizeof(lasting) / sizeof(lasting[0]);
	struct failing_count usual;
	struct outcome o;
	unsigned long step;

	c->points.count = 0; /* they are not counted in system calls */
	/* What the run before attached may be there a little longer. */
	for (int tries = 0; !tries || (o.status && tries < TRIES); tries++) {
		scene_prepare(c);
		run_failing(c, 0, 0, &o, &usual);
	}
	if (o.status || !usual.seen)
		errx(2, "%s: status %d, and %lu are counted", c->s->operation->title, o.status,
		     usual.seen);
	c->r->stops = usual.seen;
	step = c->s->all ? 1 : usual.seen / SHORT_EVENLY + 1;
	for (size_t way = 0; way < ways; way++)
		for (unsigned long n = 1 + way * step / 2; one_failing(c, n, way, r); n += step)
			;
}

void inject_sweep(struct scene *c)
{
	struct reference r = { 0 };

	if (begin(c, &r) && c->s->fault == FAULT_ERROR)
		sweep_calls(c, &r);
	else if (!c->r->broken)
		sweep_failing(c, &r);
	scene_settle(c);
	free(r.text);
}

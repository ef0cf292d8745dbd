/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * usage: sweep [--short|--long] [--jobs N] [--only TEXT] [--verbose]
 * Runs all sweeps, prints a row for each and "N passed, N failed, N skipped". The environment says
 * what is tested: BPFMAN, BPFMAN_WORKER, BPFMAN_EXAMPLES. The controls are built beside this.
 */
#include "sweep.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 256 };

struct row {
	struct sweep sweep;
	char title[96];
	pid_t pid;
	int pipe;
	bool done, failed;
	struct result result;
};

struct plan {
	struct row rows[ROWS];
	size_t count;
	const char *examples, *worker;
};

static const char *required(const char *name)
{
	const char *value = getenv(name);

	if (!value || !*value)
		errx(2, "%s is not set", name);
	if (*value != '/' || access(value, F_OK))
		errx(2, "%s is %s, which is not an absolute path to a file", name, value);
	return value;
}

/* A program that is built beside this one. Lives as long as this one does. */
static const char *beside(const char *name)
{
	char path[PATH_MAX] = "";
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash = len > 0 ? strrchr(path, '/') : NULL, *full;

	if (!slash || asprintf(&full, "%.*s/%s", (int)(slash - path), path, name) < 0)
		err(2, "%s", name);
	if (access(full, X_OK))
		err(2, "%s", full);
	return full;
}

static void add(struct plan *plan, const char *only, const struct sweep *sweep)
{
	static const char *const faults[] = { "", "errors: ", "memory: ", "files: " };
	struct row *row = &plan->rows[plan->count];

	if (plan->count == ROWS)
		errx(2, "too many rows");
	row->sweep = *sweep;
	snprintf(row->title, sizeof(row->title), "%s%s%s%s", sweep->control ? "control: " : "",
		 faults[sweep->fault], sweep->operation->title, sweep->twice ? ", recovery" : "");
	if (!only || strstr(row->title, only))
		plan->count++;
}

static void plan_kills(struct plan *plan, const char *only, struct sweep s)
{
	const struct operation *end = operations + operation_count;

	for (s.operation = operations; s.operation < end; s.operation++)
		for (s.victim = VICTIM_FRONT; s.victim <= VICTIM_SLOW; s.victim++)
			if (!(s.operation->fails & NOT_KILLED) &&
			    (s.all || s.operation->in_short &
					      (s.victim >= VICTIM_BOTH ? IN_SHORT_BOTH : IN_SHORT)))
				add(plan, only, &s);
	s.twice = true;
	for (s.operation = operations; s.operation < end; s.operation++)
		for (s.victim = VICTIM_FRONT; s.victim <= VICTIM_WORKER; s.victim++)
			if (s.all ? s.operation->intricate : s.operation->in_short & IN_SHORT_TWICE)
				add(plan, only, &s);
	s.twice = false;
	s.control = true;
	s.victim = VICTIM_FRONT;
	s.binary = beside("wrong_order");
	for (s.operation = operations; s.operation < end; s.operation++)
		if (s.operation->control)
			add(plan, only, &s);
}

static void plan_errors(struct plan *plan, const char *only, struct sweep s)
{
	const struct operation *end = operations + operation_count;

	s.fault = FAULT_ERROR;
	for (s.operation = operations; s.operation < end; s.operation++)
		for (s.victim = VICTIM_FRONT; s.victim <= VICTIM_WORKER; s.victim++)
			if (s.operation->fails & FAILS_ERROR &&
			    !(s.operation->reads && s.victim == VICTIM_WORKER))
				add(plan, only, &s);
	s.control = true;
	s.victim = VICTIM_FRONT;
	s.binary = beside("blind");
	for (s.operation = operations; s.operation < end; s.operation++)
		if (s.operation->control && !s.operation->before)
			add(plan, only, &s);
}

static void plan_failing(struct plan *plan, const char *only, struct sweep s)
{
	const struct operation *end = operations + operation_count;

	s.binary = beside("failing_front");
	s.worker = beside("failing_worker");
	for (s.operation = operations; s.operation < end; s.operation++) {
		s.fault = FAULT_MEMORY;
		for (s.victim = VICTIM_FRONT; s.victim <= VICTIM_WORKER; s.victim++)
			if (s.operation->fails & FAILS_MEMORY &&
			    !(s.operation->reads && s.victim == VICTIM_WORKER))
				add(plan, only, &s);
		s.fault = FAULT_IO;
		s.victim = VICTIM_FRONT;
		if (s.operation->fails & FAILS_IO)
			add(plan, only, &s);
	}
	s.control = true;
	s.binary = beside("failing_blind");
	s.fault = FAULT_IO;
	s.victim = VICTIM_FRONT;
	for (s.operation = operations; s.operation < end; s.operation++)
		if (s.operation->control && !s.operation->before)
			add(plan, only, &s);
}

static void make_plan(struct plan *plan, const char *only, bool all, size_t verbose)
{
	struct sweep s = { .binary = required("BPFMAN"), .all = all, .verbose = verbose };

	plan->examples = required("BPFMAN_EXAMPLES");
	plan->worker = required("BPFMAN_WORKER");
	plan_kills(plan, only, s);
	if (!trace_inject_refused())
		plan_errors(plan, only, s);
	plan_failing(plan, only, s);
}

static void start(const struct plan *plan, struct row *row)
{
	struct place place;
	struct result result;
	int ends[2];

	if (pipe(ends))
		err(2, "pipe");
	row->pipe = ends[0];
	row->pid = fork();
	if (row->pid < 0)
		err(2, "fork");
	if (row->pid) {
		close(ends[1]);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(ends[0]);
	place_enter(&place, plan->examples, row->sweep.worker ? row->sweep.worker : plan->worker);
	sweep_run(&row->sweep, &place, &result);
	exit(write(ends[1], &result, sizeof(result)) == sizeof(result) ? 0 : 2);
}

static void finish(struct plan *plan)
{
	int status;
	pid_t pid = wait(&status);

	for (size_t i = 0; i < plan->count; i++) {
		struct row *row = &plan->rows[i];

		if (row->pid != pid)
			continue;
		row->done = true;
		row->failed =
			!WIFEXITED(status) || WEXITSTATUS(status) ||
			read(row->pipe, &row->result, sizeof(row->result)) != sizeof(row->result);
		close(row->pipe);
	}
}

/* Whether a control's fault was found. */
static bool controlled(const struct row *row)
{
	const size_t *at = row->result.at;

	if (row->sweep.fault != FAULT_KILL)
		return at[FOUND_LOST] || at[FOUND_WRONG];
	return at[row->sweep.operation->parts ? FOUND_LOST : FOUND_ORPHAN];
}

static bool passed(const struct row *row)
{
	const size_t *at = row->result.at;

	if (row->failed || row->result.broken || row->result.killed < row->result.points / 2 ||
	    !row->result.killed)
		return false;
	if (row->sweep.control)
		return controlled(row);
	for (size_t i = 0; i < FOUND_KINDS; i++)
		if (at[i])
			return false;
	return true;
}

static void print(const struct row *row)
{
	static const char *const victims[] = { "front end", "worker", "both", "front, slow" };
	const struct result *r = &row->result;

	printf("%-42s %-11s %5zu %6zu %6zu %7zu %6zu %5zu %5zu %5zu %7.1f  %s\n", row->title,
	       victims[row->sweep.victim], r->stops, r->points, r->killed, r->at[FOUND_ORPHAN],
	       r->at[FOUND_GHOST], r->at[FOUND_LOST], r->at[FOUND_STUCK], r->at[FOUND_WRONG],
	       r->seconds,
	       passed(row)	    ? "ok"
	       : row->sweep.control ? "FAILED: it must find something"
				    : "FAILED");
	fflush(stdout);
}

static int run(struct plan *plan, size_t jobs)
{
	size_t started = 0, running = 0, printed = 0, good = 0;

	printf("%-42s %-11s %5s %6s %6s %7s %6s %5s %5s %5s %7s\n", "operation", "victim", "stops",
	       "points", "hit", "orphans", "ghosts", "lost", "stuck", "wrong", "seconds");
	fflush(stdout);
	while (printed < plan->count) {
		while (running < jobs && started < plan->count) {
			start(plan, &plan->rows[started++]);
			running++;
		}
		finish(plan);
		running--;
		for (; printed < plan->count && plan->rows[printed].done; printed++) {
			print(&plan->rows[printed]);
			good += passed(&plan->rows[printed]);
		}
	}
	printf("%zu passed, %zu failed, 0 skipped\n", good, plan->count - good);
	return good == plan->count ? 0 : 1;
}

static int refuse(const char *why)
{
	const char *ci = getenv("CI");
	bool fail = ci && !strcmp(ci, "true");

	printf("%s: the fault sweep: %s\n", fail ? "FAILED" : "skipped", why);
	printf("0 passed, %d failed, %d skipped\n", fail, !fail);
	return fail;
}

int main(int argc, char **argv)
{
	static struct plan plan;
	const char *only = NULL, *why;
	long jobs = sysconf(_SC_NPROCESSORS_ONLN);
	bool all = false;
	size_t verbose = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--long"))
			all = true;
		else if (!strcmp(argv[i], "--short"))
			all = false;
		else if (!strcmp(argv[i], "--verbose"))
			verbose = 1;
		else if (!strcmp(argv[i], "--jobs") && i + 1 < argc)
			jobs = atol(argv[++i]);
		else if (!strcmp(argv[i], "--only") && i + 1 < argc)
			only = argv[++i];
		else
			errx(2,
			     "usage: sweep [--short|--long] [--jobs N] [--only TEXT] [--verbose]");
	}
	why = place_refused();
	if (why)
		return refuse(why);
	make_plan(&plan, only, all, verbose);
	return run(&plan, jobs > 0 ? (size_t)jobs : 1);
}

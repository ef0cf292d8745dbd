/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_TESTS_FAULT_TRACE_H
#define BPFMAN_TESTS_FAULT_TRACE_H

#include <sys/ptrace.h>

#include "sweep.h"

/* How bpfman is run, for who traces it too. */

/* Starts it; traced, it stops at execve(2). */
pid_t run_start(const struct place *p, const struct command *c, bool traced);
/* Whether a run that hangs is to be ended from now on. */
void run_alarm(bool on);
/* waitpid(-1) with an end: 0 when no process is left. */
pid_t run_wait_any(int *status, bool *hung);
/* Lets it go on. Where the process ended meanwhile, its end is reported next. */
void run_resume(enum __ptrace_request how, pid_t pid, int sig);
/* Ends all children. */
void run_kill_children(void);

#endif

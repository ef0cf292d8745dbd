/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starts bpfman, and waits for all that comes of it. */
#include "trace.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	WORDS_MAX = 24,
	/* A run takes milliseconds. */
	HANGS_AFTER = 60,
	/* Longer than a command takes to come to its recovery. */
	SLOW_NS = 150 * 1000 * 1000,
};

static volatile sig_atomic_t late;

static void on_alarm(int sig)
{
	(void)sig;
	late = 1;
}

void run_alarm(bool on)
{
	struct itimerval timer = { .it_value.tv_sec = on ? HANGS_AFTER : 0 };
	struct sigaction action = { .sa_handler = on_alarm };

	late = 0;
	sigaction(SIGALRM, &action, NULL);
	/* Again each second after the first: the signal may come just before the wait. */
	timer.it_interval.tv_sec = on;
	setitimer(ITIMER_REAL, &timer, NULL);
}

void run_kill_children(void)
{
	char path[64];
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "re");
	if (!f)
		err(2, "%s: a run hangs, and cannot be ended", path);
	while (fscanf(f, "%d", &pid) == 1)
		kill(pid, SIGKILL);
	fclose(f);
}

void run_resume(enum __ptrace_request how, pid_t pid, int sig)
{
	if (ptrace(how, pid, NULL, (void *)(long)sig) && errno != ESRCH)
		err(2, "ptrace");
}

pid_t run_wait_any(int *status, bool *hung)
{
	for (;;) {
		pid_t pid = waitpid(-1, status, __WALL);

		if (pid > 0)
			return pid;
		if (errno == ECHILD)
			return 0;
		if (errno != EINTR)
			err(2, "waitpid");
		if (late) {
			*hung = true;
			run_kill_children();
		}
	}
}

static void redirect(const char *path, int flags, int fd)
{
	int to = open(path, flags, 0600);

	if (to < 0 || dup2(to, fd) < 0)
		_exit(127);
	close(to);
}

/* By vfork(2): to copy page tables would take a good part of a sweep's time. */
static pid_t spawn(const struct place *p, char **argv, const char *setting, bool traced)
{
	char *const envp[] = { (char *)"PATH=/usr/bin:/bin", (char *)"LC_ALL=C.UTF-8",
			       (char *)"ASAN_OPTIONS=detect_leaks=0", (char *)setting, NULL };
	pid_t pid = vfork();

	if (pid < 0)
		err(2, "vfork");
	if (pid)
		return pid;
	redirect("/dev/null", O_RDONLY, STDIN_FILENO);
	redirect(p->out, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, STDOUT_FILENO);
	redirect(p->err, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, STDERR_FILENO);
	/* Then execve(2) stops it. */
	if (traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(127);
	execve(argv[0], argv, envp);
	_exit(127);
}

pid_t run_start(const struct place *p, const struct command *c, bool traced)
{
	char *argv[WORDS_MAX] = { (char *)c->binary,	(char *)"--db",	    (char *)p->db,
				  (char *)"--pin-root", (char *)p->root,    (char *)"--worker",
				  (char *)p->worker,	(char *)"--output", (char *)"json" };
	int n = 9, fixed = n;
	pid_t pid;

	/* Who loses its parent becomes a child of ours, and can be waited for. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		err(2, "PR_SET_CHILD_SUBREAPER");
	for (; c->words[n - fixed]; n++) {
		if (n == WORDS_MAX - 1)
			errx(2, "too many words");
		argv[n] = place_word(p, c->words[n - fixed]);
	}
	pid = spawn(p, argv, c->setting, traced);
	while (n > fixed)
		free(argv[--n]);
	return pid;
}

/* The end of a process that is not traced, or no longer to be. */
static pid_t wait_end(int *status, bool *hung)
{
	pid_t pid;

	while ((pid = run_wait_any(status, hung)) && WIFSTOPPED(*status))
		run_resume(PTRACE_DETACH, pid, 0);
	return pid;
}

int trace_run(const struct place *p, const struct command *c, pid_t stopped)
{
	pid_t pid = run_start(p, c, false);
	bool hung = false;
	int status;

	if (stopped) {
		nanosleep(&(struct timespec){ .tv_nsec = SLOW_NS }, NULL);
		if (kill(stopped, SIGCONT))
			err(2, "SIGCONT");
	}
	run_alarm(true);
	while (wait_end(&status, &hung) != pid)
		;
	run_alarm(false);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool trace_wait_all(void)
{
	bool hung = false;
	int status;

	run_alarm(true);
	while (wait_end(&status, &hung))
		;
	run_alarm(false);
	return !hung;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs bpfman under ptrace(2) and kills it, or its worker, at a stop. */
#include "sweep.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	WORDS = 24,
	/* A run takes milliseconds. */
	HANGS_AFTER = 60,
	/* Longer than a command takes to come to its recovery. */
	SLOW_NS = 150 * 1000 * 1000,
	OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		  PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL,
};

/* ---- starting and waiting ---- */

static volatile sig_atomic_t late;

static void on_alarm(int sig)
{
	(void)sig;
	late = 1;
}

static void set_alarm(int seconds)
{
	struct itimerval timer = { .it_value.tv_sec = seconds, .it_interval.tv_usec = 0 };
	struct sigaction action = { .sa_handler = on_alarm };

	late = 0;
	sigaction(SIGALRM, &action, NULL);
	/* Again each second after the first: the signal may come just before the wait. */
	timer.it_interval.tv_sec = seconds ? 1 : 0;
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void kill_children(void)
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

/* Where the process ended meanwhile, its end is reported next. */
static void resume(enum __ptrace_request how, pid_t pid, int sig)
{
	if (ptrace(how, pid, NULL, (void *)(long)sig) && errno != ESRCH)
		err(2, "ptrace");
}

/* waitpid(-1) with an end: 0 when no process is left. */
static pid_t wait_any(int *status, bool *hung)
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
			kill_children();
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
static pid_t spawn(const struct place *p, char **argv, bool traced)
{
	static char *const envp[] = { (char *)"PATH=/usr/bin:/bin", (char *)"LC_ALL=C.UTF-8",
				      (char *)"ASAN_OPTIONS=detect_leaks=0", NULL };
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

static pid_t start(const struct place *p, const struct command *c, bool traced)
{
	char *argv[WORDS] = { (char *)c->binary,    (char *)"--db",	(char *)p->db,
			      (char *)"--pin-root", (char *)p->root,	(char *)"--worker",
			      (char *)p->worker,    (char *)"--output", (char *)"json" };
	int n = 9, fixed = n;
	pid_t pid;

	/* Who loses its parent becomes a child of ours, and can be waited for. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		err(2, "PR_SET_CHILD_SUBREAPER");
	for (; c->words[n - fixed]; n++) {
		if (n == WORDS - 1)
			errx(2, "too many words");
		argv[n] = place_word(p, c->words[n - fixed]);
	}
	pid = spawn(p, argv, traced);
	while (n > fixed)
		free(argv[--n]);
	return pid;
}

/* The end of a process that is not traced, or no longer to be. */
static pid_t wait_end(int *status, bool *hung)
{
	pid_t pid;

	while ((pid = wait_any(status, hung)) && WIFSTOPPED(*status))
		resume(PTRACE_DETACH, pid, 0);
	return pid;
}

int trace_run(const struct place *p, const struct command *c, pid_t stopped)
{
	pid_t pid = start(p, c, false);
	bool hung = false;
	int status;

	if (stopped) {
		nanosleep(&(struct timespec){ .tv_nsec = SLOW_NS }, NULL);
		if (kill(stopped, SIGCONT))
			err(2, "SIGCONT");
	}
	set_alarm(HANGS_AFTER);
	while (wait_end(&status, &hung) != pid)
		;
	set_alarm(0);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool trace_wait_all(void)
{
	bool hung = false;
	int status;

	set_alarm(HANGS_AFTER);
	while (wait_end(&status, &hung))
		;
	set_alarm(0);
	return !hung;
}

/* ---- the traced run ---- */

struct trace {
	enum victim kind;
	size_t kill_at, seen;
	struct points *points;
	pid_t front;
	pid_t victim; /* 0: the worker is not there yet */
	struct point last;
	bool killed, gone, stopped;
};

static void note(struct trace *t)
{
	struct points *list = t->points;
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->victim, (void *)sizeof(info), &info) <= 0)
		err(2, "PTRACE_GET_SYSCALL_INFO");
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		t->last.nr = (int)info.entry.nr;
		t->last.detail = t->last.nr == SYS_bpf ? (int)info.entry.args[0] : 0;
	}
	t->last.exit = info.op == PTRACE_SYSCALL_INFO_EXIT;
	if (list->count == list->cap) {
		list->cap = list->cap ? 2 * list->cap : 1024;
		list->at = reallocarray(list->at, list->cap, sizeof(*list->at));
		if (!list->at)
			errx(2, "no memory");
	}
	list->at[list->count++] = t->last;
}

static void syscall_stop(struct trace *t)
{
	t->seen++;
	if (t->points)
		note(t);
	if (t->seen != t->kill_at) {
		resume(PTRACE_SYSCALL, t->victim, 0);
		return;
	}
	/* In an entry stop: the call is not made. In an exit stop: it has been. */
	t->killed = true;
	if (t->kind == VICTIM_BOTH || t->kind == VICTIM_SLOW)
		kill(t->front, SIGKILL);
	if (kill(t->victim, t->kind == VICTIM_SLOW ? SIGSTOP : SIGKILL))
		err(2, "kill");
	if (t->kind == VICTIM_SLOW) {
		resume(PTRACE_DETACH, t->victim, 0);
		t->stopped = true;
	}
}

static void other_stop(struct trace *t, pid_t pid, int sig, int event)
{
	bool forked = event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
		      event == PTRACE_EVENT_CLONE;
	bool first = pid != t->front && pid != t->victim;

	if (first && !t->victim) {
		/* From its first instruction, before it becomes the worker by execve(2). */
		t->victim = pid;
		resume(PTRACE_SYSCALL, pid, 0);
	} else if (first || (pid != t->victim && forked)) {
		/* What is not to be killed runs without us. */
		resume(PTRACE_DETACH, pid, 0);
	} else {
		resume(pid == t->victim ? PTRACE_SYSCALL : PTRACE_CONT, pid,
		       event || sig == SIGSTOP ? 0 : sig);
	}
}

pid_t trace_kill(const struct place *p, const struct command *c, enum victim victim, size_t n,
		 struct points *points, bool *killed)
{
	struct trace t = { .kind = victim, .kill_at = n, .points = points };
	bool hung = false;
	int status;

	t.front = start(p, c, true);
	set_alarm(HANGS_AFTER);
	if (waitpid(t.front, &status, 0) != t.front || !WIFSTOPPED(status))
		errx(2, "%s cannot be traced", c->binary);
	if (ptrace(PTRACE_SETOPTIONS, t.front, NULL, (void *)OPTIONS))
		err(2, "PTRACE_SETOPTIONS");
	if (victim == VICTIM_FRONT)
		t.victim = t.front;
	t.last.nr = -1;
	resume(t.victim ? PTRACE_SYSCALL : PTRACE_CONT, t.front, 0);
	while (!t.gone && !t.stopped) {
		pid_t pid = wait_any(&status, &hung);

		if (!pid)
			break;
		if (!WIFSTOPPED(status))
			t.gone = t.victim ? pid == t.victim : pid == t.front;
		else if (pid == t.victim && WSTOPSIG(status) == (SIGTRAP | 0x80))
			syscall_stop(&t);
		else
			other_stop(&t, pid, WSTOPSIG(status), status >> 16);
	}
	set_alarm(0);
	if (killed)
		*killed = t.killed;
	return t.stopped ? t.victim : 0;
}

/* ---- names ---- */

static const struct {
	int nr;
	bool changes;
	const char *name;
} names[] = {
	{ SYS_bpf, false, "bpf" },
	{ SYS_renameat2, true, "renameat2" },
	{ SYS_linkat, true, "linkat" },
	{ SYS_mkdirat, true, "mkdirat" },
	{ SYS_unlinkat, true, "unlinkat" },
	{ SYS_flock, true, "flock" },
	{ SYS_fsync, true, "fsync" },
	{ SYS_fdatasync, true, "fdatasync" },
	{ SYS_ftruncate, true, "ftruncate" },
	{ SYS_write, true, "write" },
	{ SYS_pwrite64, false, "pwrite64" },
	{ SYS_pread64, false, "pread64" },
	{ SYS_read, false, "read" },
	{ SYS_close, false, "close" },
	{ SYS_fcntl, false, "fcntl" },
	{ SYS_openat, false, "openat" },
	{ SYS_openat2, false, "openat2" },
	{ SYS_mmap, false, "mmap" },
	{ SYS_munmap, false, "munmap" },
	{ SYS_execve, false, "execve" },
	{ SYS_clone3, false, "clone3" },
	{ SYS_wait4, false, "wait4" },
	{ SYS_newfstatat, false, "newfstatat" },
	{ SYS_exit_group, false, "exit_group" },
#ifdef SYS_rename
	{ SYS_rename, true, "rename" },
	{ SYS_link, true, "link" },
	{ SYS_mkdir, true, "mkdir" },
	{ SYS_rmdir, true, "rmdir" },
	{ SYS_unlink, true, "unlink" },
	{ SYS_poll, false, "poll" },
	{ SYS_stat, false, "stat" },
#endif
};

static const struct {
	int command;
	const char *name;
} bpf_names[] = {
	{ BPF_MAP_CREATE, "MAP_CREATE" },
	{ BPF_PROG_LOAD, "PROG_LOAD" },
	{ BPF_OBJ_PIN, "OBJ_PIN" },
	{ BPF_OBJ_GET, "OBJ_GET" },
	{ BPF_OBJ_GET_INFO_BY_FD, "OBJ_GET_INFO_BY_FD" },
	{ BPF_BTF_LOAD, "BTF_LOAD" },
	{ BPF_MAP_UPDATE_ELEM, "MAP_UPDATE_ELEM" },
	{ BPF_MAP_FREEZE, "MAP_FREEZE" },
};

bool trace_changes(const struct point *point)
{
	if (point->nr == SYS_bpf)
		return point->detail == BPF_OBJ_PIN || point->detail == BPF_LINK_CREATE ||
		       point->detail == BPF_LINK_DETACH;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].nr == point->nr)
			return names[i].changes;
	return false;
}

const char *trace_name(const struct point *point)
{
	const char *name = NULL, *detail = NULL;
	static char text[96];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].nr == point->nr)
			name = names[i].name;
	for (size_t i = 0; i < sizeof(bpf_names) / sizeof(bpf_names[0]); i++)
		if (point->nr == SYS_bpf && bpf_names[i].command == point->detail)
			detail = bpf_names[i].name;
	if (name)
		snprintf(text, sizeof(text), "%s%s%s (%s)", name, detail ? " " : "",
			 detail ? detail : "", point->exit ? "exit" : "entry");
	else
		snprintf(text, sizeof(text), "system call %d (%s)", point->nr,
			 point->exit ? "exit" : "entry");
	return text;
}

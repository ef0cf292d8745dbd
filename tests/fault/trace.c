/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs bpfman under ptrace(2) and, at a stop, kills it or its worker, or lets a system call fail.
 */
#include "trace.h"

#include <err.h>
#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

enum {
	/* Stops after which it will not come to an end. */
	STEPS_MORE = 20,
	STEPS_EVEN = 20000,
	/*
	 * On x86-64 a uprobe of anybody's on a library that is traced here makes these itself. They
	 * are none of the program's calls, and one that is not made leaves it at a wrong address.
	 */
	CALL_URETPROBE = 335,
	CALL_UPROBE = 336,
	OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		  PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL,
};

struct trace {
	enum victim kind;
	size_t kill_at, seen;
	struct points *points;
	pid_t front;
	pid_t victim; /* 0: the worker is not there yet */
	struct point last;
	bool killed, gone, stopped;
	bool probe; /* the call that it is in is a uprobe's */
	/* Where errors are injected: */
	const struct injection *injection;
	struct outcome *outcome;
	size_t injected;
	bool failing; /* the call that it is in fails */
	bool syncs;   /* that is fsync(2) or fdatasync(2) */
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

/* ---- calls that fail ---- */

#ifdef __x86_64__
const char *trace_inject_refused(void)
{
	return NULL;
}

/* At an entry the call is not made; at an exit it returns this. */
static void set_number(pid_t pid, bool exit, long value)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
		err(2, "PTRACE_GETREGS");
	if (exit)
		regs.rax = (unsigned long)value;
	else
		regs.orig_rax = (unsigned long)value;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs))
		err(2, "PTRACE_SETREGS");
}

#else
const char *trace_inject_refused(void)
{
	return "errors are injected on x86-64 only";
}

static void set_number(pid_t pid, bool exit, long value)
{
	(void)pid;
	(void)exit;
	(void)value;
}
#endif

/*
 * Those that end a process or a signal's handler cannot fail. How the C library fares without
 * memory is its own affair; that an allocation fails is another sweep.
 */
static bool may_fail(long nr)
{
	static const long never[] = { SYS_exit,	    SYS_exit_group, SYS_rt_sigreturn, SYS_brk,
				      SYS_mprotect, SYS_munmap,	    SYS_mmap };

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (never[i] == nr)
			return false;
	return true;
}

/* That of a directory fails unheard: SQLite itself does not look. */
static bool is_directory(pid_t pid, int fd)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static void enter_call(struct trace *t, long nr, int fd)
{
	const struct injection *x = t->injection;

	t->syncs = (nr == SYS_fsync || nr == SYS_fdatasync) && !is_directory(t->victim, fd);
	t->failing = t->seen >= x->at && t->injected < x->count && may_fail(nr);
	if (!t->failing)
		return;
	t->injected++;
	t->outcome->hit = true;
	/* close(2) closes, whatever it returns. */
	if (nr != SYS_close)
		set_number(t->victim, false, -1);
}

static void leave_call(struct trace *t, bool failed)
{
	if (t->failing)
		set_number(t->victim, true, -t->injection->error);
	if (t->syncs)
		t->outcome->unsynced = t->failing || failed;
}

static void inject_stop(struct trace *t)
{
	struct __ptrace_syscall_info info;

	t->seen++;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->victim, (void *)sizeof(info), &info) <= 0) {
		if (errno == ESRCH)
			return; /* somebody killed it: its end comes next */
		err(2, "PTRACE_GET_SYSCALL_INFO");
	}
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		enter_call(t, (long)info.entry.nr, (int)info.entry.args[0]);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		leave_call(t, info.exit.is_error);
	run_resume(PTRACE_SYSCALL, t->victim, 0);
}

/* ---- both ---- */

static void kill_stop(struct trace *t)
{
	t->seen++;
	if (t->points)
		note(t);
	if (t->seen != t->kill_at) {
		run_resume(PTRACE_SYSCALL, t->victim, 0);
		return;
	}
	/* In an entry stop: the call is not made. In an exit stop: it has been. */
	t->killed = true;
	if (t->kind == VICTIM_BOTH || t->kind == VICTIM_SLOW)
		kill(t->front, SIGKILL);
	if (kill(t->victim, t->kind == VICTIM_SLOW ? SIGSTOP : SIGKILL))
		err(2, "kill");
	if (t->kind == VICTIM_SLOW) {
		run_resume(PTRACE_DETACH, t->victim, 0);
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
		run_resume(PTRACE_SYSCALL, pid, 0);
	} else if (first || (pid != t->victim && forked)) {
		/* What is not to be killed runs without us. */
		run_resume(PTRACE_DETACH, pid, 0);
	} else {
		run_resume(pid == t->victim ? PTRACE_SYSCALL : PTRACE_CONT, pid,
			   event || sig == SIGSTOP ? 0 : sig);
	}
}

static void begin(struct trace *t, const struct place *p, const struct command *c)
{
	int status;

	t->front = run_start(p, c, true);
	run_alarm(true);
	if (waitpid(t->front, &status, 0) != t->front || !WIFSTOPPED(status))
		errx(2, "%s cannot be traced", c->binary);
	if (ptrace(PTRACE_SETOPTIONS, t->front, NULL, (void *)OPTIONS))
		err(2, "PTRACE_SETOPTIONS");
	if (t->kind == VICTIM_FRONT)
		t->victim = t->front;
	t->last.nr = -1;
	run_resume(t->victim ? PTRACE_SYSCALL : PTRACE_CONT, t->front, 0);
}

static bool is_syscall_stop(const struct trace *t, pid_t pid, int status)
{
	return pid == t->victim && WSTOPSIG(status) == (SIGTRAP | 0x80);
}

/* Passes over a stop at a uprobe's call, and at the call's end. */
static bool pass_probe(struct trace *t)
{
#ifdef __x86_64__
	struct __ptrace_syscall_info info;
	bool ends;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->victim, (void *)sizeof(info), &info) <= 0)
		return false; /* somebody killed it */
	ends = t->probe && info.op == PTRACE_SYSCALL_INFO_EXIT;
	t->probe = info.op == PTRACE_SYSCALL_INFO_ENTRY &&
		   (info.entry.nr == CALL_URETPROBE || info.entry.nr == CALL_UPROBE);
	if (!t->probe && !ends)
		return false;
	run_resume(PTRACE_SYSCALL, t->victim, 0);
	return true;
#else
	(void)t;
	return false;
#endif
}

pid_t trace_kill(const struct place *p, const struct command *c, enum victim victim, size_t n,
		 struct points *points, bool *killed)
{
	struct trace t = { .kind = victim, .kill_at = n, .points = points };
	bool hung = false;
	int status;

	begin(&t, p, c);
	while (!t.gone && !t.stopped) {
		pid_t pid = run_wait_any(&status, &hung);

		if (!pid)
			break;
		if (!WIFSTOPPED(status))
			t.gone = t.victim ? pid == t.victim : pid == t.front;
		else if (!is_syscall_stop(&t, pid, status))
			other_stop(&t, pid, WSTOPSIG(status), status >> 16);
		else if (!pass_probe(&t))
			kill_stop(&t);
	}
	run_alarm(false);
	if (killed)
		*killed = t.killed;
	return t.stopped ? t.victim : 0;
}

static int status_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void trace_inject(const struct place *p, const struct command *c, const struct injection *i,
		  size_t usual, struct outcome *o)
{
	struct trace t = { .kind = i->victim, .injection = i, .outcome = o };
	int status;
	pid_t pid;

	memset(o, 0, sizeof(*o));
	o->status = -1;
	begin(&t, p, c);
	while ((pid = run_wait_any(&status, &o->hung))) {
		if (!WIFSTOPPED(status)) {
			if (pid == t.front)
				o->status = status_of(status);
			if (pid == t.victim && WIFSIGNALED(status))
				o->signal = WTERMSIG(status);
		} else if (!is_syscall_stop(&t, pid, status)) {
			other_stop(&t, pid, WSTOPSIG(status), status >> 16);
		} else if (pass_probe(&t)) {
			continue;
		} else if (t.seen < STEPS_MORE * usual + STEPS_EVEN) {
			inject_stop(&t);
		} else {
			o->hung = true;
			run_kill_children();
		}
	}
	run_alarm(false);
}

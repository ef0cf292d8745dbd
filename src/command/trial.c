/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who sees a trial out: a process of this same program, in a session of its own, so that neither
 * our end nor that of our terminal ends it. It runs `detach LINK --expired`.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/attachment.h"

#define OURSELVES "/proc/self/exe"

/* In the child of the child: becomes the waiting process, or returns with errno set. */
static void become(const char *const *argv)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null < 0 || chdir("/"))
		return;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return;
	if (null > STDERR_FILENO)
		close(null);
	execv(OURSELVES, (char *const *)argv);
}

/* Runs argv detached from everything of ours. Returns 0 or a negative errno. */
static int run_detached(const char *const *argv)
{
	int ends[2], err = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		/* The first child makes the session and ends; what it forks has no terminal ever.
		 */
		if (setsid() >= 0 && !(pid = fork()))
			become(argv);
		if (pid > 0)
			_exit(0);
		err = errno;
		_exit(write(ends[1], &err, sizeof(err)) < 0);
	}
	if (pid < 0)
		err = errno;
	close(ends[1]);
	/* The end comes when all of them ended or, for the one that waits, when it was started. */
	while (pid > 0 && read(ends[0], &err, sizeof(err)) < 0)
		if (errno != EINTR) {
			err = errno;
			break;
		}
	close(ends[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return -err;
}

int trial_guard(void *data, int64_t link_id, int64_t expires_at, struct error *e)
{
	const struct session *s = data;
	struct manager_places places = manager_places(s->manager);
	char id[24];
	const char *const argv[] = { "bpfman",	 "--quiet",	"--db",
				     places.db,	 "--pin-root",	places.pin_root,
				     "--worker", places.worker, "--lock-timeout",
				     "1000000",	 "detach",	"--expired",
				     id,	 NULL };
	int r;

	(void)expires_at; /* it reads it itself */
	snprintf(id, sizeof(id), "%lld", (long long)link_id);
	r = run_detached(argv);
	if (r)
		return error_set(e, -r,
				 "nobody would see the trial out: cannot start a process: %s",
				 strerror(-r));
	return 0;
}

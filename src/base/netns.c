/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/netns.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	NETNS_COOKIE = 71,   /* SO_NETNS_COOKIE, for headers before Linux 5.14 */
	STACK = 1024 * 1024, /* bytes; the usual 8 MiB are much where memory is limited */
};

uint64_t netns_cookie_here(void)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, NETNS_COOKIE, &cookie, &size))
		cookie = 0;
	close(fd);
	return cookie;
}

struct visit {
	int fd;
	void (*work)(void *data);
	void *data;
	int err;
};

static void *visit(void *argument)
{
	struct visit *v = argument;

	if (setns(v->fd, CLONE_NEWNET))
		v->err = -errno;
	else
		v->work(v->data);
	return NULL;
}

int netns_do(int fd, void (*work)(void *data), void *data)
{
	struct visit v = { .fd = fd, .work = work, .data = data };
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	err = pthread_attr_init(&attr);
	if (err)
		return -err;
	pthread_attr_setstacksize(&attr, STACK);
	/* Signals are for the thread that waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, &attr, visit, &v);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (err)
		return -err;
	pthread_join(thread, NULL);
	return v.err;
}

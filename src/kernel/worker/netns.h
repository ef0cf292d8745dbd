/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_NETNS_H
#define BPFMAN_WORKER_NETNS_H

#include "kernel/worker/attach.h"

/* The network namespace that a request is about. */
struct netns {
	const char *option; /* as the request names it, borrowed; NULL: the worker's own */
	char *path;	    /* of the file that stands for it */
	int fd;
	dev_t dev;
	ino_t ino;
};

#define NETNS_INIT       \
	{                \
		.fd = -1 \
	}

/* The namespace of option netns, or the worker's own. */
int netns_open(const struct attach *a, struct netns *ns, struct failure *f);
void netns_close(struct netns *ns);
/*
 * Sets netns, netns_dev, netns_ino and netns_cookie, which no later namespace has; the kernel uses
 * the inodes again. cookie 0: not known (Linux before 5.14). An error means lost memory.
 */
int netns_identity(const struct netns *ns, uint64_t cookie, json_t *identity);
/* The cookie, for those that do nothing else in the namespace. */
int netns_cookie(const struct netns *ns, uint64_t *cookie, struct failure *f);
/* Adds --netns NAME to the text. */
void netns_text(struct attach *a, const struct netns *ns);

/* What work in a namespace begins with. */
struct netns_job {
	int fd;		 /* a descriptor that it made; -1: none */
	int err;	 /* positive errno, 0: done */
	uint64_t cookie; /* the namespace's; 0: not known */
};

/*
 * Runs work(job) in the namespace: here when it is the worker's own, else in a thread that enters
 * it (base/netns.h). job->fd is the caller's to close. A negative errno, with f filled, means that
 * work did not run.
 */
int netns_run(const struct netns *ns, void (*work)(struct netns_job *job), struct netns_job *job,
	      struct failure *f);

#endif

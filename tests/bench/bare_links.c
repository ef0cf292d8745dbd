/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The least that attaching and detaching takes: bare_links PROGRAM DIRECTORY NETNS WORK TARGET...
 * Attaches a pinned program to each target by a link that is pinned in DIRECTORY, then detaches
 * them all; WORK is attach, detach, or both. Targets are interfaces, for tcx ingress, in a network
 * namespace that is entered once; or, with NETNS -, directories of control groups.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

/* BPF_TCX_INGRESS, which older headers do not have. */
enum { TCX_INGRESS = 46 };

static int failed(const char *what, const char *on)
{
	fprintf(stderr, "bare_links: %s: %s: %s\n", what, on, strerror(errno));
	return -1;
}

static int create(int program, const char *target)
{
	int where = -1, fd;

	if (target[0] != '/')
		return bpf_link_create(program, (int)if_nametoindex(target), TCX_INGRESS, NULL);
	where = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = where < 0 ? where : bpf_link_create(program, where, BPF_CGROUP_INET_INGRESS, NULL);
	close(where);
	return fd;
}

static int attach(int program, const char *target, const char *pin)
{
	int fd = create(program, target), r;

	if (fd < 0)
		return failed("BPF_LINK_CREATE", target);
	r = bpf_obj_pin(fd, pin) ? failed("BPF_OBJ_PIN", pin) : 0;
	close(fd);
	return r;
}

static int detach(const char *pin)
{
	int fd = bpf_obj_get(pin), r;

	if (fd < 0)
		return failed("BPF_OBJ_GET", pin);
	r = bpf_link_detach(fd) ? failed("BPF_LINK_DETACH", pin) : 0;
	close(fd);
	return unlink(pin) ? failed("unlink", pin) : r;
}

static int enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 || setns(fd, CLONE_NEWNET) ? failed("setns", netns) : 0;

	close(fd);
	return r;
}

/* Does one half of the work to all targets. */
static int each(int program, const char *directory, char **targets, int attaches)
{
	char pin[4096];
	int r = 0;

	for (int i = 0; !r && targets[i]; i++) {
		snprintf(pin, sizeof(pin), "%s/%d", directory, i);
		r = attaches ? attach(program, targets[i], pin) : detach(pin);
	}
	return r;
}

int main(int argc, char **argv)
{
	const char *work = argc < 6 ? "" : argv[4];
	int both = !strcmp(work, "both");
	int program, r;

	if (!both && strcmp(work, "attach") && strcmp(work, "detach")) {
		fprintf(stderr, "usage: bare_links PROGRAM DIRECTORY NETNS|- attach|detach|both "
				"TARGET...\n");
		return 2;
	}
	program = bpf_obj_get(argv[1]);
	r = program < 0 ? failed("BPF_OBJ_GET", argv[1]) : 0;
	if (!r && strcmp(argv[3], "-"))
		r = enter(argv[3]);
	if (!r && (both || !strcmp(work, "attach")))
		r = each(program, argv[2], argv + 5, 1);
	if (!r && (both || !strcmp(work, "detach")))
		r = each(program, argv[2], argv + 5, 0);
	return -r;
}

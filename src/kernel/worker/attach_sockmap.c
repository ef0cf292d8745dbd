/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sk_msg, sk_skb: what is attached to a sockmap, for the sockets that are put into it */
#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#include "kernel/worker/attach.h"

static int choose_attach_type(struct attach *a, struct failure *f)
{
	a->attach_type =
		a->program.type == BPF_PROG_TYPE_SK_MSG ? (int)BPF_SK_MSG_VERDICT : a->expected;
	switch (a->attach_type) {
	case BPF_SK_MSG_VERDICT:
	case BPF_SK_SKB_STREAM_PARSER:
	case BPF_SK_SKB_STREAM_VERDICT:
	case BPF_SK_SKB_VERDICT:
		return 0;
	default:
		attach_unfit(f, a, "its section '%s' does not say whether it parses or judges",
			     a->section);
		return error_hint(&f->error, "load it with type sk_skb/stream_parser, "
					     "sk_skb/stream_verdict or sk_skb/verdict");
	}
}

int attach_sockmap(struct attach *a, struct failure *f)
{
	struct bpf_map_info map;
	const char *target;
	int fd = -1;
	int err = attach_target(a, NULL, &target, f);

	if (!err)
		err = choose_attach_type(a, f);
	a->identity = json_object();
	if (!err && !a->identity)
		err = fail_nomem(f);
	if (!err)
		err = attach_map(a, target, &fd, &map, f);
	if (!err && map.type != BPF_MAP_TYPE_SOCKMAP && map.type != BPF_MAP_TYPE_SOCKHASH)
		err = fail(f, STAGE_ATTACH, REASON_BAD_TARGET, EINVAL,
			   "%s is not a map of type sockmap or sockhash", target);
	if (!err && !a->resolve_only) {
		a->link_fd = bpf_link_create(a->program_fd, fd, a->attach_type, NULL);
		if (a->link_fd == -EBUSY || a->link_fd == -EEXIST)
			err = fail(f, STAGE_ATTACH, REASON_HOOK_TAKEN, -a->link_fd,
				   "%s: another program of this kind is attached there", target);
		else if (a->link_fd < 0)
			err = attach_refused(f, a, target, -a->link_fd, "6.10");
	}
	if (fd >= 0)
		close(fd);
	return err;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernel/protocol/protocol.h"
#include "kernel/worker/link.h"
#include "kernel/worker/request.h"

const char *const abi_family_words[ABI_FAMILIES] = { "ipv4", "ipv6" };
const __u32 abi_families[ABI_FAMILIES] = { 2, 10 }; /* NFPROTO_IPV4, NFPROTO_IPV6 */
const char *const abi_hook_words[ABI_HOOKS] = {
	"prerouting", "input", "forward", "output", "postrouting", /* NF_INET_PRE_ROUTING ... */
};

static int read_info(int fd, struct abi_link_info *info)
{
	__u32 len = sizeof(*info);

	return bpf_obj_get_info_by_fd(fd, info, &len) ? -errno : 0;
}

/* Has the kernel write the name to the buffer, where links of this type have one. */
static void want_name(struct abi_link_info *info, const struct abi_link_info *known, char *name)
{
	memset(info, 0, sizeof(*info));
	if (known->type == BPF_LINK_TYPE_PERF_EVENT) {
		info->perf.name = (uintptr_t)name;
		info->perf.name_len = LINK_NAME;
	} else {
		info->iter.name = (uintptr_t)name;
		info->iter.name_len = LINK_NAME;
	}
}

/* A kernel that knows no name for this type refuses a buffer where it wants zeroes. */
static bool has_name(const struct abi_link_info *info)
{
	return info->type == BPF_LINK_TYPE_RAW_TRACEPOINT || info->type == BPF_LINK_TYPE_ITER ||
	       (info->type == BPF_LINK_TYPE_PERF_EVENT && info->perf.type >= ABI_PERF_UPROBE &&
		info->perf.type <= ABI_PERF_TRACEPOINT);
}

int link_read(int fd, struct abi_link_info *info, char name[LINK_NAME], struct failure *f)
{
	struct abi_link_info named;
	int err;

	memset(info, 0, sizeof(*info));
	err = read_info(fd, info);
	if (name)
		name[0] = '\0';
	if (!err && name && has_name(info)) {
		want_name(&named, info, name);
		if (read_info(fd, &named) == 0)
			*info = named;
		else
			name[0] = '\0';
	}
	if (err && f)
		return fail(f, f->stage, REASON_OTHER, -err,
			    "the kernel tells nothing about the link: %s", strerror(-err));
	return err;
}

const char *link_type_word(unsigned type)
{
	const char *known = libbpf_bpf_link_type_str(type);

	return known ? known : "unknown";
}

const char *link_update_word(unsigned type)
{
	switch (type) {
	/* Those with an update_prog operation (kernel: struct bpf_link_ops). */
	case BPF_LINK_TYPE_XDP:
	case BPF_LINK_TYPE_CGROUP:
	case BPF_LINK_TYPE_NETNS:
	case BPF_LINK_TYPE_ITER:
	case ABI_LINK_TCX:
	case ABI_LINK_NETKIT:
	case ABI_LINK_SOCKMAP:
		return "replace";
	case BPF_LINK_TYPE_TRACING:
	case BPF_LINK_TYPE_RAW_TRACEPOINT:
	case BPF_LINK_TYPE_PERF_EVENT:
	case BPF_LINK_TYPE_KPROBE_MULTI:
	case ABI_LINK_UPROBE_MULTI:
		return "anew";
	/* Also netfilter: a second one of the same hook and priority is refused with EBUSY. */
	default:
		return "none";
	}
}

/* What there is no target of is told as this. */
struct told {
	int attach_type; /* -1: none */
	int gone;	 /* -1: not known */
	json_t *target;
};

static json_t *netfilter_target(const struct abi_link_info *info)
{
	const char *hook = info->netfilter.hooknum < ABI_HOOKS
				   ? abi_hook_words[info->netfilter.hooknum]
				   : NULL;
	const char *family = NULL;
	size_t i;

	for (i = 0; i < ABI_FAMILIES; i++)
		if (abi_families[i] == info->netfilter.pf)
			family = abi_family_words[i];
	return json_pack("{s:s?, s:s?, s:i}", "family", family, "hook", hook, "priority",
			 info->netfilter.priority);
}

/* Told since Linux 6.6. */
static json_t *perf_target(const struct abi_link_info *info, const char *name)
{
	switch (info->perf.type) {
	case ABI_PERF_UPROBE:
	case ABI_PERF_URETPROBE:
		return json_pack("{s:o, s:I}", "binary", wire_json(name), "file_offset",
				 (json_int_t)info->perf.offset);
	case ABI_PERF_KPROBE:
	case ABI_PERF_KRETPROBE:
		return json_pack("{s:o, s:I}", "function", wire_json(name), "offset",
				 (json_int_t)info->perf.offset);
	case ABI_PERF_TRACEPOINT:
		return json_pack("{s:o}", "name", wire_json(name));
	case ABI_PERF_EVENT:
		return json_pack("{s:I, s:o}", "event_type", (json_int_t)info->perf.event.type,
				 "config", json_u64(info->perf.event.config));
	default:
		return NULL;
	}
}

static void tell_target(const struct abi_link_info *info, const char *name, struct told *t)
{
	switch (info->type) {
	case BPF_LINK_TYPE_XDP:
		t->attach_type = BPF_XDP;
		t->gone = info->xdp.ifindex == 0;
		t->target = json_pack("{s:I}", "ifindex", (json_int_t)info->xdp.ifindex);
		break;
	case ABI_LINK_TCX:
	case ABI_LINK_NETKIT: /* of the same layout */
		t->attach_type = (int)info->tcx.attach_type;
		t->gone = info->tcx.ifindex == 0;
		t->target = json_pack("{s:I}", "ifindex", (json_int_t)info->tcx.ifindex);
		break;
	case BPF_LINK_TYPE_CGROUP:
		t->attach_type = (int)info->cgroup.attach_type;
		t->gone = info->cgroup.cgroup_id == 0;
		t->target = json_pack("{s:o}", "cgroup_id", json_u64(info->cgroup.cgroup_id));
		break;
	case BPF_LINK_TYPE_NETNS:
		t->attach_type = (int)info->netns.attach_type;
		t->gone = info->netns.netns_ino == 0;
		t->target = json_pack("{s:o}", "netns_ino", json_u64(info->netns.netns_ino));
		break;
	case BPF_LINK_TYPE_TRACING:
		t->attach_type = (int)info->tracing.attach_type;
		break;
	case BPF_LINK_TYPE_RAW_TRACEPOINT:
		t->target = json_pack("{s:o}", "name", wire_json(name));
		break;
	case BPF_LINK_TYPE_ITER:
		t->attach_type = BPF_TRACE_ITER;
		t->target = json_pack("{s:o}", "name", wire_json(name));
		break;
	case BPF_LINK_TYPE_PERF_EVENT:
		t->attach_type = BPF_PERF_EVENT;
		t->target = perf_target(info, name);
		break;
	case ABI_LINK_NETFILTER:
		t->attach_type = ABI_ATTACH_NETFILTER;
		t->target = netfilter_target(info);
		break;
	default:
		break;
	}
}

bool link_target_gone(const struct abi_link_info *info)
{
	struct told t = { .attach_type = -1, .gone = -1 };

	tell_target(info, "", &t);
	json_decref(t.target);
	return t.gone > 0;
}

int link_target_row(json_t *row, const struct abi_link_info *info, const char *name)
{
	struct told t = { .attach_type = -1, .gone = -1 };
	const char *attach;
	int err = 0;

	tell_target(info, name, &t);
	attach = t.attach_type < 0 ? NULL : libbpf_bpf_attach_type_str(t.attach_type);
	err |= json_object_set_new(row, "attach_type", attach ? json_string(attach) : json_null());
	err |= json_object_set_new(row, "target", t.target ? t.target : json_null());
	err |= json_object_set_new(row, "target_gone",
				   t.gone < 0 ? json_null() : json_boolean(t.gone));
	return err;
}

int link_detach(int fd)
{
	return bpf_link_detach(fd) ? -errno : 0;
}

bool link_wait_gone(__u32 id)
{
	const long limit = 1000000000;
	long waited = 0;
	long step;

	for (step = 50000; waited < limit; waited += step, step += step / 2) {
		struct timespec pause = { .tv_nsec = step };
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			return errno != EAGAIN;
		/* This descriptor holds it too, so it must go before the next look. */
		close(fd);
		if (step > limit / 20)
			step = limit / 20;
		nanosleep(&pause, NULL);
	}
	return false;
}

void link_end(int fd)
{
	struct abi_link_info info;
	bool known = link_read(fd, &info, NULL, NULL) == 0;
	bool lives = link_detach(fd) != 0;

	close(fd);
	if (known && lives)
		link_wait_gone(info.id);
}

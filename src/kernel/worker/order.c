/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "kernel/worker/abi.h"
#include "kernel/worker/order.h"

/* "pin:PATH", "link:ID" or "prog:ID". */
static int read_reference(const struct attach *a, struct anchor *anchor, struct failure *f)
{
	const char *text = anchor->name;
	struct place place = PLACE_INIT;
	uint64_t id = 0;
	struct stat st;
	int err = 0;

	if (strncmp(text, "pin:", 4) == 0) {
		err = pin_open("pin:", text + 4, &place, &st, &anchor->fd, f);
		if (err && f->error.err == ENOENT)
			err = anchor_lost(anchor, a->type->word, f);
		else if (!err && pin_kind(anchor->fd) != PIN_LINK)
			err = attach_unfit(f, a, "%s is not a link, and order refers to links",
					   place.path);
		place_free(&place);
		anchor->flags |= ABI_F_LINK;
		anchor->relative = (__u32)anchor->fd;
		return err;
	}
	anchor->flags |= ABI_F_ID;
	if (strncmp(text, "link:", 5) == 0)
		anchor->flags |= ABI_F_LINK;
	else if (strncmp(text, "prog:", 5) != 0)
		return attach_unfit(f, a, "'%s': order refers to pin:PATH, link:ID or prog:ID",
				    text);
	if (!parse_u64(text + 5, &id) || id == 0 || id > UINT32_MAX)
		return attach_unfit(f, a, "'%s' has no kernel id", text);
	anchor->relative = (__u32)id;
	return 0;
}

int anchor_read(const struct attach *a, struct anchor *anchor, struct failure *f)
{
	if (attach_has(a, OPTION_FIRST) || attach_has(a, OPTION_BEFORE))
		anchor->flags = ABI_F_BEFORE;
	else if (attach_has(a, OPTION_LAST) || attach_has(a, OPTION_AFTER))
		anchor->flags = ABI_F_AFTER;
	anchor->name =
		attach_has(a, OPTION_BEFORE) ? a->option[OPTION_BEFORE] : a->option[OPTION_AFTER];
	return anchor->name ? read_reference(a, anchor, f) : 0;
}

void anchor_close(struct anchor *anchor)
{
	if (anchor->fd >= 0)
		close(anchor->fd);
	anchor->fd = -1;
}

int anchor_lost(const struct anchor *anchor, const char *what, struct failure *f)
{
	fail(f, STAGE_ATTACH, REASON_NO_ANCHOR, ENOENT,
	     "%s: %s, which the order refers to, is not attached there", what, anchor->name);
	return error_hint(&f->error, "choose first or last, or a link that is attached at the same "
				     "place");
}

int link_create_ordered(int program_fd, __u32 target, int attach_type, const struct anchor *anchor)
{
	struct abi_link_create create = {
		.prog_fd = (__u32)program_fd,
		.target = target,
		.attach_type = (__u32)attach_type,
		.flags = anchor->flags,
		.relative = anchor->relative,
	};
	/* bpf_link_create() of libbpf knows an order for tcx only. */
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &create, sizeof(create));

	return fd < 0 ? -errno : (int)fd;
}

int hook_order_read(struct hook_order *order, int target, int attach_type)
{
	LIBBPF_OPTS(bpf_prog_query_opts, query, .prog_ids = order->programs,
		    .link_ids = order->links, .count = ORDER_MAX);
	int err;

	memset(order, 0, sizeof(*order));
	err = bpf_prog_query_opts(target, attach_type, &query);
	if (err == -EINVAL) {
		/* Control groups have no link ids to tell. */
		query.link_ids = NULL;
		err = bpf_prog_query_opts(target, attach_type, &query);
	}
	/* Nothing is attached. */
	if (err == -ENOENT)
		return 0;
	if (err)
		return err;
	order->count = query.count;
	order->revision = query.revision;
	return 0;
}

bool hook_order_has(const struct hook_order *order, __u32 program_id)
{
	__u32 i;

	for (i = 0; i < order->count; i++)
		if (order->programs[i] == program_id)
			return true;
	return false;
}

void program_name(__u32 id, char name[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	name[0] = '\0';
	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0)
		memcpy(name, info.name, BPF_OBJ_NAME_LEN);
	close(fd);
}

static json_t *id_json(__u32 id)
{
	return id ? json_integer(id) : json_null();
}

json_t *hook_order_json(const struct hook_order *order)
{
	json_t *list = json_array();
	__u32 i;

	for (i = 0; list && i < order->count; i++) {
		char name[BPF_OBJ_NAME_LEN];

		program_name(order->programs[i], name);
		if (json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "link_id",
							  id_json(order->links[i]), "program_id",
							  id_json(order->programs[i]), "name",
							  wire_json(name[0] ? name : NULL)))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

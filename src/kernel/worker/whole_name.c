/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/worker/whole_name.h"

/* The type of the program's first function, which is the program itself; 0: not told. */
static __u32 first_function(int fd)
{
	struct bpf_func_info function = { 0 };
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	info.nr_func_info = 1;
	info.func_info_rec_size = sizeof(function);
	info.func_info = (uintptr_t)&function;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) || !info.nr_func_info)
		return 0;
	return function.type_id;
}

char *program_whole_name(int fd, const struct bpf_prog_info *info)
{
	struct btf *btf = NULL;
	const char *whole = NULL;
	char *name = NULL;
	size_t len = strnlen(info->name, sizeof(info->name));
	__u32 type = 0;

	if (len == BPF_OBJ_NAME_LEN - 1 && info->btf_id)
		type = first_function(fd);
	if (type)
		btf = btf__load_from_kernel_by_id(info->btf_id);
	if (btf) {
		const struct btf_type *t = btf__type_by_id(btf, type);

		whole = t ? btf__name_by_offset(btf, t->name_off) : NULL;
	}
	/* Nothing but a longer form of the same name will do. */
	if (whole && strncmp(whole, info->name, len) == 0)
		name = strdup(whole);
	else
		name = strndup(info->name, len);
	btf__free(btf);
	return name;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The types of a map, kept while one part of its contents after the other is asked for. */
#include <bpf/bpf.h>
#include <unistd.h>

#include "kernel/worker/map.h"

/* The open descriptor keeps the kernel from giving the id to another. */
static struct {
	__u32 id;
	int fd;
	struct btf *btf;
} kept = { .fd = -1 };

void map_btf_forget(void)
{
	btf__free(kept.btf);
	if (kept.fd >= 0)
		close(kept.fd);
	kept.btf = NULL;
	kept.fd = -1;
	kept.id = 0;
}

const struct btf *map_btf(__u32 id)
{
	if (id && id == kept.id)
		return kept.btf;
	map_btf_forget();
	if (!id)
		return NULL;
	kept.fd = bpf_btf_get_fd_by_id(id);
	if (kept.fd < 0)
		return NULL;
	kept.btf = btf__load_from_kernel_by_id(id);
	if (kept.btf)
		kept.id = id;
	else
		map_btf_forget();
	return kept.btf;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The least that asking the kernel takes: a loop over the ids of all programs that prints a line
 * for each.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

int main(void)
{
	__u32 id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		struct bpf_prog_info info = { 0 };
		__u32 len = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd < 0 && errno == ENOENT)
			continue; /* gone in between */
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len)) {
			fprintf(stderr, "bare_list: program %u: %s\n", id, strerror(errno));
			return 1;
		}
		close(fd);
		printf("%u %u %s %02x%02x%02x%02x%02x%02x%02x%02x\n", id, info.type, info.name,
		       info.tag[0], info.tag[1], info.tag[2], info.tag[3], info.tag[4], info.tag[5],
		       info.tag[6], info.tag[7]);
	}
	return errno == ENOENT ? 0 : 1;
}

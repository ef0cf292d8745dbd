/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls by name, and which of them matter. */
#include "sweep.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <sys/syscall.h>

static const struct {
	int nr;
	bool changes;
	const char *name;
} names[] = {
	{ SYS_bpf, false, "bpf" },
	{ SYS_renameat2, true, "renameat2" },
	{ SYS_linkat, true, "linkat" },
	{ SYS_mkdirat, true, "mkdirat" },
	{ SYS_unlinkat, true, "unlinkat" },
	{ SYS_flock, true, "flock" },
	{ SYS_fsync, true, "fsync" },
	{ SYS_fdatasync, true, "fdatasync" },
	{ SYS_ftruncate, true, "ftruncate" },
	{ SYS_write, true, "write" },
	{ SYS_pwrite64, false, "pwrite64" },
	{ SYS_pread64, false, "pread64" },
	{ SYS_read, false, "read" },
	{ SYS_close, false, "close" },
	{ SYS_fcntl, false, "fcntl" },
	{ SYS_openat, false, "openat" },
	{ SYS_openat2, false, "openat2" },
	{ SYS_mmap, false, "mmap" },
	{ SYS_munmap, false, "munmap" },
	{ SYS_execve, false, "execve" },
	{ SYS_clone3, false, "clone3" },
	{ SYS_wait4, false, "wait4" },
	{ SYS_newfstatat, false, "newfstatat" },
	{ SYS_exit_group, false, "exit_group" },
#ifdef SYS_rename
	{ SYS_rename, true, "rename" },
	{ SYS_link, true, "link" },
	{ SYS_mkdir, true, "mkdir" },
	{ SYS_rmdir, true, "rmdir" },
	{ SYS_unlink, true, "unlink" },
	{ SYS_poll, false, "poll" },
	{ SYS_stat, false, "stat" },
#endif
};

static const struct {
	int command;
	const char *name;
} bpf_names[] = {
	{ BPF_MAP_CREATE, "MAP_CREATE" },
	{ BPF_PROG_LOAD, "PROG_LOAD" },
	{ BPF_OBJ_PIN, "OBJ_PIN" },
	{ BPF_OBJ_GET, "OBJ_GET" },
	{ BPF_OBJ_GET_INFO_BY_FD, "OBJ_GET_INFO_BY_FD" },
	{ BPF_BTF_LOAD, "BTF_LOAD" },
	{ BPF_MAP_UPDATE_ELEM, "MAP_UPDATE_ELEM" },
	{ BPF_MAP_FREEZE, "MAP_FREEZE" },
	{ BPF_LINK_CREATE, "LINK_CREATE" },
	{ BPF_LINK_UPDATE, "LINK_UPDATE" },
	{ BPF_LINK_DETACH, "LINK_DETACH" },
};

bool trace_changes(const struct point *point)
{
	if (point->nr == SYS_bpf)
		return point->detail == BPF_OBJ_PIN || point->detail == BPF_LINK_CREATE ||
		       point->detail == BPF_LINK_DETACH;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].nr == point->nr)
			return names[i].changes;
	return false;
}

const char *trace_name(const struct point *point)
{
	const char *name = NULL, *detail = NULL;
	static char text[96];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].nr == point->nr)
			name = names[i].name;
	for (size_t i = 0; i < sizeof(bpf_names) / sizeof(bpf_names[0]); i++)
		if (point->nr == SYS_bpf && bpf_names[i].command == point->detail)
			detail = bpf_names[i].name;
	if (name)
		snprintf(text, sizeof(text), "%s%s%s (%s)", name, detail ? " " : "",
			 detail ? detail : "", point->exit ? "exit" : "entry");
	else
		snprintf(text, sizeof(text), "system call %d (%s)", point->nr,
			 point->exit ? "exit" : "entry");
	return text;
}

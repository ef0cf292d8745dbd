/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_LIBRARY_H
#define BPFMAN_WORKER_LIBRARY_H

#include "kernel/worker/failure.h"

/*
 * The file that a name means, without symbolic links, owned by the caller. A name with a slash is a
 * path; another is looked for in the dynamic linker's cache and directories, where "libc" also
 * means libc.so.6, and then as a program in the usual directories. Refuses (no_target, with the
 * nearest name) what is not found and (bad_target) what is no file.
 */
int library_find(const char *name, char **path, struct failure *f);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_REASONS_H
#define BPFMAN_WORKER_REASONS_H

#include <bpf/bpf.h>
#include <stdint.h>

#include "kernel/worker/object.h"

/*
 * From what libbpf and the kernel say to the true reason. err is a positive errno; all fill f and
 * return -errno.
 */
int explain_open(const struct object *o, const struct log *log, int err, struct failure *f);
int explain_load(const struct object *o, const struct log *log, int err, struct failure *f);

/* The kernel refused a map that was to be created or opened: EPERM and friends by its type. */
int explain_map(const char *name, enum bpf_map_type type, int err, struct failure *f);
/* The same for a program that was refused before the verifier looked at it. */
int explain_program(const struct bpf_program *program, int err, struct failure *f);
/* bpf(2) refuses the least there is. o says for which programs it is asked. */
int explain_denied(const struct object *o, int err, struct failure *f);

/*
 * what was refused with EPERM or EACCES: fills f when that is for lack of these capabilities or
 * because of a user namespace. thing is what needs them, "a program of type xdp". False: it is for
 * something else, and f is as it was.
 */
bool explain_privilege(struct failure *f, enum stage stage, const char *what, const char *thing,
		       uint64_t needed, int err);

/*
 * The capabilities that loading a program of the type needs, as bits; CAP_BPF is left out for the
 * types that may load without any while unprivileged_bpf_disabled is 0.
 */
uint64_t program_capabilities(enum bpf_prog_type type);

#endif

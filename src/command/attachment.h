/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_COMMAND_ATTACHMENT_H
#define BPFMAN_COMMAND_ATTACHMENT_H

#include "command/command.h"

/* What `attach` was asked for: by its own words, or by text that would follow `attach PROGRAM`. */
struct attachment {
	struct manager_attachment what; /* borrows from the invocation */
	struct manager_pair *options;
	struct script script;
	struct invocation in; /* of a text */
};

/* Of an invocation of attach, or of a command with arguments like its. */
int attachment_of(struct attachment *a, const struct invocation *in, struct error *e);
/* Of "eth0 --ingress", say; name tells in messages where the text stands. */
int attachment_parse(struct attachment *a, const char *name, const char *text, struct error *e);
void attachment_free(struct attachment *a);
/* The value of an option, NULL: not given. */
const char *attachment_option(const struct attachment *a, const char *key);

/* Starts a process that sees a link's trial out (see manager_attach). data is the session. */
int trial_guard(void *data, int64_t link_id, int64_t expires_at, struct error *e);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/worker/env.h"
#include "kernel/worker/reasons.h"

/*
 * What libbpf's warnings mean, for failures that are not the kernel's verdict on one program or
 * map. The first row whose words occur decides.
 */
static const struct {
	const char *words;
	enum stage stage;
	enum reason reason;
	const char *message; /* NULL: libbpf's line */
	const char *hint;
} meanings[] = {
	{ "BTF is required, but is missing", STAGE_OPEN, REASON_NO_BTF,
	  "the object has no BTF, which its maps or functions need",
	  "compile it with clang -g, and do not strip .BTF" },
	{ "legacy map definitions", STAGE_OPEN, REASON_BAD_ELF,
	  "the object has map definitions of the old kind (section 'maps')",
	  "declare its maps in section '.maps' with BTF" },
	{ "Error loading vmlinux BTF", STAGE_RELOCATE, REASON_NO_BTF,
	  "the kernel has no BTF (/sys/kernel/btf/vmlinux), which this object needs",
	  "use a kernel built with CONFIG_DEBUG_INFO_BTF" },
	{ "vmlinux BTF is not found", STAGE_RELOCATE, REASON_NO_BTF,
	  "the kernel has no BTF (/sys/kernel/btf/vmlinux), which this object needs",
	  "use a kernel built with CONFIG_DEBUG_INFO_BTF" },
	{ "failed to find kernel BTF type ID of", STAGE_RELOCATE, REASON_NO_TARGET, NULL,
	  "this kernel has no such function or tracepoint, or not under this name" },
	{ "is not found in vmlinux BTF", STAGE_RELOCATE, REASON_NO_TARGET, NULL,
	  "this kernel has no such function or tracepoint, or not under this name" },
	{ "not found in kernel", STAGE_RELOCATE, REASON_NO_TARGET, NULL,
	  "the program needs a kernel that has it" },
	{ "(strong): not resolved", STAGE_RELOCATE, REASON_NO_TARGET, NULL,
	  "the program needs a kernel that has it, or a weak declaration" },
	{ "no BTF-based attach target is specified", STAGE_RELOCATE, REASON_NO_TARGET, NULL,
	  "name the target in the section, for example fentry/vfs_read" },
	{ "attach program FD is not set", STAGE_RELOCATE, REASON_NO_TARGET, NULL,
	  "freplace needs the program to replace" },
	{ "missing BPF prog type", STAGE_OPEN, REASON_UNKNOWN_SECTION, NULL,
	  "give the program's type" },
	{ "isn't referenced anywhere", STAGE_OPEN, REASON_OTHER, NULL,
	  "a struct_ops program is loaded for a map of section .struct_ops.link that names it" },
	{ "failed to relocate", STAGE_RELOCATE, REASON_BAD_ELF, NULL, NULL },
	{ "relo", STAGE_RELOCATE, REASON_BAD_ELF, NULL, NULL },
	{ "struct_ops init_kern", STAGE_RELOCATE, REASON_NO_TARGET, NULL, NULL },
};

static int out_of_memory(struct failure *f, enum stage stage, const char *what)
{
	fail(f, stage, REASON_MEMORY, ENOMEM, "%s: out of memory", what);
	return error_hint(&f->error, "the kernel charges programs and maps to the memory limit of "
				     "this process's control group");
}

static int explain_said(const struct object *o, const struct log *log, enum stage stage,
			enum reason reason, int err, struct failure *f)
{
	char *line = log_first(log);
	size_t i;

	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		char *said = log_said(log, meanings[i].words);

		if (!said)
			continue;
		fail(f, meanings[i].stage, meanings[i].reason, err, "%s: %s", o->label,
		     meanings[i].message ? meanings[i].message : said);
		if (meanings[i].hint)
			error_hint(&f->error, "%s", meanings[i].hint);
		free(said);
		goto out;
	}
	if (err == ENOMEM)
		out_of_memory(f, stage, o->label);
	else
		fail(f, stage, reason, err, "%s: %s", o->label, line ? line : strerror(err));
out:
	free(line);
	return -f->error.err;
}

int explain_open(const struct object *o, const struct log *log, int err, struct failure *f)
{
	/* libbpf has numbers of its own for formats; they are no errno. */
	if (err >= __LIBBPF_ERRNO__START)
		err = ENOEXEC;
	return explain_said(o, log, STAGE_OPEN, REASON_BAD_ELF, err, f);
}

static bool begins(const char *line, const char *format, const char *name)
{
	char start[512];

	snprintf(start, sizeof(start), format, name);
	return strncmp(line, start, strlen(start)) == 0;
}

/* The selected program that the line is about; count when it is none. */
static size_t program_of(const struct object *o, const char *line, const char *format)
{
	size_t i;

	for (i = 0; i < o->count; i++)
		if (begins(line, format, bpf_program__name(o->programs[i])))
			break;
	return i;
}

/* Lockdown hides helpers: the verifier then finds them unknown or unusable. */
static bool lockdown_hides(const char *reason)
{
	return env_lockdown() && (strstr(reason, "probe_read") || strstr(reason, "probe_write")) &&
	       (strstr(reason, "unknown func") || strstr(reason, "cannot use helper"));
}

static void verifier_hint(const char *reason, struct failure *f)
{
	if (strstr(reason, "leaks addr") || strstr(reason, "pointer prohibited") ||
	    strstr(reason, "pointer comparison prohibited"))
		error_hint(&f->error, "without CAP_PERFMON programs may not show addresses");
	else if (strstr(reason, "GPL-"))
		error_hint(&f->error, "declare a license that is compatible with the GPL: "
				      "char LICENSE[] SEC(\"license\") = \"GPL\"");
	else if (strstr(reason, "CO-RE relocation"))
		error_hint(&f->error, "this kernel has no such field or type: test for it with "
				      "bpf_core_field_exists() or bpf_core_type_exists()");
}

static int explain_verdict(const struct bpf_program *program, const char *text, int err,
			   struct failure *f)
{
	struct buf reason = { 0 };

	verifier_reason(text, strlen(text), &reason);
	if (!reason.len)
		buf_str(&reason, strerror(err));
	if (lockdown_hides(buf_text(&reason)))
		fail(f, STAGE_VERIFY, REASON_LOCKDOWN, EPERM,
		     "%s: kernel lockdown (%s) forbids what it calls: %s",
		     bpf_program__name(program), env_lockdown(), buf_text(&reason));
	else
		fail(f, STAGE_VERIFY, REASON_VERIFIER, err, "%s: %s", bpf_program__name(program),
		     buf_text(&reason));
	verifier_hint(buf_text(&reason), f);
	buf_free(&reason);
	return -f->error.err;
}

static int explain_program_load(const struct object *o, const struct log *log, int err,
				struct failure *f)
{
	static const char words[] = "BPF program load failed";
	char *line = log_said(log, words);
	const struct bpf_program *program;
	const char *text;
	size_t i;

	if (!line)
		return 0;
	i = program_of(o, line, "prog '%s': BPF program load failed");
	free(line);
	if (i == o->count)
		return 0;
	program = o->programs[i];
	text = object_verifier_text(o, i);
	if (*text)
		explain_verdict(program, text, err, f);
	else
		explain_program(program, err, f);
	return 1;
}

static int explain_map_creation(const struct object *o, const struct log *log, int err,
				struct failure *f)
{
	struct bpf_map *map;
	char *line = log_said(log, "': failed to create: ");

	if (!line)
		return 0;
	bpf_object__for_each_map (map, o->bpf) {
		if (begins(line, "map '%s': failed to create", bpf_map__name(map))) {
			explain_map(object_map_name(map), bpf_map__type(map), err, f);
			free(line);
			return 1;
		}
	}
	free(line);
	return 0;
}

int explain_load(const struct object *o, const struct log *log, int err, struct failure *f)
{
	char *line = log_said(log, "Couldn't load trivial BPF program");

	if (err >= __LIBBPF_ERRNO__START)
		err = EINVAL;
	if (line) {
		free(line);
		return explain_denied(o, err, f);
	}
	if (!explain_program_load(o, log, err, f) && !explain_map_creation(o, log, err, f))
		explain_said(o, log, STAGE_RELOCATE, REASON_OTHER, err, f);
	return -f->error.err;
}

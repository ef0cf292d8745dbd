/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/worker/facts.h"
#include "kernel/worker/globals.h"
#include "kernel/worker/load.h"
#include "kernel/worker/object.h"

enum { LOG_WALK = 1, LOG_FIGURES = 4 }; /* BPF_LOG_LEVEL1, BPF_LOG_STATS of the kernel */

/* The number after words in the verifier's figures; 0 when they lack it. */
static json_t *figure(const char *text, const char *words)
{
	const char *found = strstr(text, words);

	return json_integer(found ? strtoll(found + strlen(words), NULL, 10) : 0);
}

/* "stack depth 0+8": the words after it. */
static json_t *stack_depth(const char *text)
{
	static const char words[] = "stack depth ";
	const char *found = strstr(text, words);

	if (!found)
		return json_null();
	found += strlen(words);
	return json_stringn(found, strcspn(found, " \n"));
}

static json_t *verdict(const struct object *o, struct failure *f)
{
	const struct bpf_program *program = o->programs[0];
	const char *text = object_verifier_text(o, 0);
	struct program_facts facts = { 0 };
	json_t *result;

	f->stage = STAGE_VERIFY;
	if (program_facts_read(bpf_program__fd(program), &facts, f))
		return NULL;
	result = json_pack(
		"{s:o, s:s, s:o, s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "program",
		wire_json(bpf_program__name(program)), "type",
		object_program_type(bpf_program__type(program)), "section",
		wire_json(bpf_program__section_name(program)), "verdict", "ok", "insns",
		figure(text, "processed "), "verified_insns", (json_int_t)facts.info.verified_insns,
		"max_states_per_insn", figure(text, "max_states_per_insn "), "total_states",
		figure(text, "total_states "), "peak_states", figure(text, "peak_states "),
		"time_us", figure(text, "verification time "), "stack", stack_depth(text),
		"xlated_bytes", (json_int_t)facts.info.xlated_prog_len, "jited_bytes",
		(json_int_t)facts.info.jited_prog_len);
	program_facts_free(&facts);
	if (!result)
		fail_nomem(f);
	return result;
}

static int open_one(const struct request *request, struct object *o, struct failure *f)
{
	struct bpf_map *map;
	int err = object_open(request, o, f);

	if (!err)
		err = object_select(request, o, f);
	if (!err)
		err = globals_set(request, o, f);
	if (!err)
		err = load_check_given(request, o, f);
	if (!err && o->count != 1)
		err = fail_request(f, "'program' is needed: %s has %zu programs", o->label,
				   o->count);
	if (err)
		return err;
	/* libbpf would pin maps that are shared by name. */
	bpf_object__for_each_map (map, o->bpf)
		bpf_map__set_pin_path(map, NULL);
	return 0;
}

int handle_VERIFY(const struct request *request, json_t **result, struct failure *f)
{
	struct object o = OBJECT_INIT;
	int err = open_one(request, &o, f);

	if (!err)
		err = object_load(request, &o, LOG_FIGURES, f);
	if (err && f->reason == REASON_VERIFIER) {
		/* The figures alone are quick; the walk is only worth its time when it is read. */
		object_close(&o);
		log_end(request->log);
		log_begin(request->log, false);
		err = open_one(request, &o, f);
		if (!err)
			err = object_load(request, &o, LOG_WALK | LOG_FIGURES, f);
	}
	if (!err) {
		*result = verdict(&o, f);
		err = *result ? 0 : -f->error.err;
	}
	object_close(&o);
	return err;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/worker/attach.h"
#include "kernel/worker/facts.h"
#include "kernel/worker/link.h"
#include "kernel/worker/object.h"

static int read_strings(struct attach *a, char **pin, char **word, char **expected,
			struct failure *f)
{
	int err = request_string(a->request, "program_pin", pin, f);

	if (!err)
		err = request_string(a->request, "section", &a->section, f);
	if (!err && !a->section && !(a->section = strdup("")))
		err = fail_nomem(f);
	/* "?": the program is only loaded when it is named. */
	if (!err && a->section[0] == '?')
		memmove(a->section, a->section + 1, strlen(a->section));
	if (!err)
		err = request_string(a->request, "target", &a->target, f);
	if (!err)
		err = request_string(a->request, "type", word, f);
	if (!err)
		err = request_string(a->request, "attach_type", expected, f);
	return err;
}

static int open_program(struct attach *a, const char *pin, struct failure *f)
{
	__u32 len = sizeof(a->program);
	struct stat st;
	int err = pin_open("program_pin", pin, &a->program_pin, &st, &a->program_fd, f);

	if (err)
		return err;
	if (pin_kind(a->program_fd) != PIN_PROGRAM)
		return fail(f, STAGE_PIN, REASON_BAD_PATH, EINVAL, "%s is not a program",
			    a->program_pin.path);
	if (bpf_obj_get_info_by_fd(a->program_fd, &a->program, &len))
		return fail(f, STAGE_PIN, REASON_OTHER, errno,
			    "the kernel tells nothing about the program: %s", strerror(errno));
	return 0;
}

/* A program that is only planned: what it would be attached to can be told by its type. */
static int plan_program(struct attach *a, struct failure *f)
{
	enum bpf_attach_type attach;
	enum bpf_prog_type type;
	char *word;
	int err = request_string(a->request, "program_type", &word, f);

	if (err)
		return err;
	if (!word || !a->resolve_only)
		err = fail_request(f, "'program_pin' is needed%s",
				   word ? ": 'program_type' is for 'resolve_only'" : "");
	else if (!object_type_of(word, &type, &attach))
		err = fail_request(f, "program type '%s' is unknown", word);
	else
		a->program.type = type;
	free(word);
	return err;
}

static bool is_attach_type(const char *word, int *number)
{
	const char *known;
	int i;

	for (i = 0; (known = libbpf_bpf_attach_type_str(i)); i++) {
		if (strcmp(known, word) == 0) {
			*number = i;
			return true;
		}
	}
	return false;
}

/* The kernel does not tell a program's expected attach type: the request and the section do. */
static int find_expected(struct attach *a, const char *word, struct failure *f)
{
	enum bpf_attach_type attach;
	enum bpf_prog_type type;

	a->expected = -1;
	if (word && !is_attach_type(word, &a->expected))
		return fail_request(f, "attach_type '%s' is unknown", word);
	if (!word && a->section[0] && libbpf_prog_type_by_name(a->section, &type, &attach) == 0 &&
	    type == a->program.type)
		a->expected = attach;
	return 0;
}

static int find(struct attach *a, struct failure *f)
{
	char *pin = NULL, *word = NULL, *expected = NULL;
	int err = read_strings(a, &pin, &word, &expected, f);

	if (!err)
		err = pin ? open_program(a, pin, f) : plan_program(a, f);
	if (!err)
		err = find_expected(a, expected, f);
	if (!err)
		err = attach_type_choose(a, word, f);
	if (!err)
		err = attach_options_read(a, f);
	if (!err && !a->resolve_only)
		err = attach_pin_find(a, f);
	free(pin);
	free(word);
	free(expected);
	return err;
}

static json_t *row_of(const struct attach *a, const struct abi_link_info *link,
		      const struct stat *st)
{
	const char *attach = a->attach_type < 0 ? NULL : libbpf_bpf_attach_type_str(a->attach_type);
	json_t *row;

	row = json_pack("{s:o, s:s, s:s?, s:s?, s:I, s:O, s:o, s:o, s:O?}", "kernel_id",
			link ? json_integer(link->id) : json_null(), "type", a->type->word,
			"link_type", link ? link_type_word(link->type) : NULL, "attach_type",
			attach, "program_id", (json_int_t)a->program.id, "target", a->identity,
			"target_text", wire_json(buf_text(&a->text)), "pinned_path",
			wire_json(link ? a->final.path : NULL), "order", a->order);
	if (row && pin_identity_row(row, st)) {
		json_decref(row);
		return NULL;
	}
	return row;
}

static int pin_and_tell(struct attach *a, json_t **result, struct failure *f)
{
	struct abi_link_info link;
	struct stat st;
	int err = link_read(a->link_fd, &link, NULL, f);

	if (!err)
		err = attach_pin_stage(a, &st, f);
	if (err)
		return err;
	/* Built before the point of no return: lost memory must not leave a link behind. */
	*result = row_of(a, &link, &st);
	return *result ? attach_pin_publish(a, f) : fail_nomem(f);
}

static int run(struct attach *a, json_t **result, struct failure *f)
{
	int err = find(a, f);

	if (err)
		return err;
	f->stage = STAGE_ATTACH;
	if (a->type->target == NULL && a->target)
		return attach_unfit(f, a, "attach type %s takes no target, but '%s' was given",
				    a->type->word, a->target);
	err = a->type->attach(a, f);
	if (!err && a->type_given)
		buf_printf(&a->text, "%s--type %s", a->text.len ? " " : "", a->type->word);
	if (!err && buf_error(&a->text))
		err = fail_nomem(f);
	if (err)
		return err;
	if (!a->resolve_only)
		return pin_and_tell(a, result, f);
	*result = row_of(a, NULL, NULL);
	return *result ? 0 : fail_nomem(f);
}

static void clean_up(struct attach *a)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++)
		free(a->option[i]);
	if (a->link_fd >= 0)
		close(a->link_fd);
	if (a->program_fd >= 0)
		close(a->program_fd);
	undo_free(&a->undo);
	place_free(&a->program_pin);
	place_free(&a->staging);
	place_free(&a->final);
	json_decref(a->identity);
	json_decref(a->order);
	buf_free(&a->text);
	free(a->section);
	free(a->target);
}

int handle_ATTACH(const struct request *request, json_t **result, struct failure *f)
{
	struct attach a = {
		.request = request,
		.resolve_only = request_flag(request, "resolve_only"),
		.program_fd = -1,
		.attach_type = -1,
		.link_fd = -1,
	};
	int err = run(&a, result, f);

	if (err) {
		undo_run(&a.undo, f);
		if (a.link_fd >= 0)
			link_end(a.link_fd);
		a.link_fd = -1;
		json_decref(*result);
		*result = NULL;
	}
	clean_up(&a);
	return err;
}

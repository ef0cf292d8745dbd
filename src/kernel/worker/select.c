/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernel/worker/object.h"

static size_t count_programs(const struct object *o)
{
	struct bpf_program *program;
	size_t n = 0;

	bpf_object__for_each_program (program, o->bpf)
		n++;
	return n;
}

static int no_such_program(const struct object *o, const char *name, struct failure *f)
{
	size_t count = count_programs(o);
	const char **names = calloc(count + 1, sizeof(*names));
	struct bpf_program *program;
	const char *nearest;
	size_t n = 0;

	if (!names)
		return fail_nomem(f);
	fail(f, STAGE_OPEN, REASON_NO_SUCH_PROGRAM, ENOENT, "%s has no program '%s'", o->label,
	     name);
	bpf_object__for_each_program (program, o->bpf) {
		names[n++] = bpf_program__name(program);
		error_detail(&f->error, "%s (%s)", bpf_program__name(program),
			     bpf_program__section_name(program));
	}
	nearest = text_nearest(name, names, count);
	if (nearest)
		error_hint(&f->error, "did you mean '%s'?", nearest);
	else if (count == 0)
		error_hint(&f->error, "the object has no programs at all");
	free(names);
	return -ENOENT;
}

static int find_program(const struct object *o, const json_t *name, struct bpf_program **found,
			struct failure *f)
{
	char *text;
	int err = request_decode(name, "program", &text, f);

	if (err)
		return err;
	*found = bpf_object__find_program_by_name(o->bpf, text);
	if (!*found)
		err = no_such_program(o, text, f);
	free(text);
	return err;
}

static int no_programs(const struct object *o, struct failure *f)
{
	size_t count = count_programs(o);

	if (count == 0)
		return fail(f, STAGE_OPEN, REASON_NO_PROGRAMS, ENOENT, "%s has no programs",
			    o->label);
	fail(f, STAGE_OPEN, REASON_NO_PROGRAMS, ENOENT,
	     "%s loads none of its %zu programs unless they are named", o->label, count);
	return error_hint(&f->error, "their sections begin with '?': name the programs to load");
}

/* Marks the programs to load with libbpf's autoload flag, which the object's own marks precede. */
static int mark_programs(const struct request *request, struct object *o, struct failure *f)
{
	const json_t *one = request_field(request, "program");
	const json_t *many = request_field(request, "programs");
	struct bpf_program *program;
	size_t i;
	int err;

	if (one && many)
		return fail_request(f, "the fields 'program' and 'programs' exclude each other");
	o->subset = one || many;
	if (!o->subset)
		return 0;
	bpf_object__for_each_program (program, o->bpf)
		bpf_program__set_autoload(program, false);
	for (i = 0; i < (one ? 1 : json_array_size(many)); i++) {
		err = find_program(o, one ? one : json_array_get(many, i), &program, f);
		if (err)
			return err;
		bpf_program__set_autoload(program, true);
	}
	return 0;
}

static int collect_programs(struct object *o, struct failure *f)
{
	struct bpf_program *program;

	o->programs = calloc(count_programs(o) + 1, sizeof(struct bpf_program *));
	if (!o->programs)
		return fail_nomem(f);
	bpf_object__for_each_program (program, o->bpf)
		if (bpf_program__autoload(program))
			o->programs[o->count++] = program;
	return o->count ? 0 : no_programs(o, f);
}

/* The section names that libbpf knows, as words. */
static int known_sections(struct log *log, char **text, const char ***words, size_t *count)
{
	enum bpf_attach_type attach;
	enum bpf_prog_type type;
	char *word, *rest;
	size_t n = 0;

	/* libbpf has no list to ask for, but tells it when it is asked for a name it lacks. */
	buf_reset(&log->listed);
	log->list = true;
	libbpf_prog_type_by_name("", &type, &attach);
	log->list = false;
	*text = strdup(buf_text(&log->listed));
	*words = *text ? calloc(strlen(*text) / 2 + 1, sizeof(**words)) : NULL;
	if (!*words) {
		free(*text);
		return -ENOMEM;
	}
	for (word = strtok_r(*text, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
		/* "kprobe+": something may follow. */
		word[strcspn(word, "+")] = '\0';
		(*words)[n++] = word;
	}
	*count = n;
	return 0;
}

/* The known section name nearest to one that is not; owned by the caller, NULL when none is. */
static char *nearest_section(struct log *log, const char *section)
{
	char *head = strndup(section, strcspn(section, "/"));
	const char *nearest;
	const char **words;
	char *found = NULL;
	char *text;
	size_t count;

	if (!head || known_sections(log, &text, &words, &count)) {
		free(head);
		return NULL;
	}
	nearest = text_nearest(section, words, count);
	if (!nearest)
		nearest = text_nearest(head, words, count);
	if (nearest)
		found = strdup(nearest);
	free(words);
	free(text);
	free(head);
	return found;
}

static int unknown_section(struct log *log, const struct bpf_program *program, struct failure *f)
{
	const char *section = bpf_program__section_name(program);
	char *nearest = nearest_section(log, section);

	fail(f, STAGE_OPEN, REASON_UNKNOWN_SECTION, EINVAL, "%s: section '%s' says no program type",
	     bpf_program__name(program), section);
	if (nearest)
		error_hint(&f->error, "the nearest known section is '%s'; or give the type",
			   nearest);
	else
		error_hint(&f->error, "give the program's type, for example xdp");
	free(nearest);
	return -EINVAL;
}

/* The known program type nearest to a word; borrowed, NULL when none is near. */
static const char *nearest_type(const char *word)
{
	const char *types[64];
	size_t n = 0;

	while (n < 64 && (types[n] = libbpf_bpf_prog_type_str((int)n + 1)))
		n++;
	return text_nearest(word, types, n);
}

static int unknown_type(struct log *log, const struct bpf_program *program, const char *word,
			struct failure *f)
{
	const char *type = nearest_type(word);
	char *nearest = type ? strdup(type) : nearest_section(log, word);

	fail(f, STAGE_OPEN, REASON_TYPE_UNKNOWN, EINVAL, "%s: program type '%s' is unknown",
	     bpf_program__name(program), word);
	if (nearest)
		error_hint(&f->error, "did you mean '%s'?", nearest);
	free(nearest);
	return -EINVAL;
}

static bool is_type(const char *word, enum bpf_prog_type *type)
{
	const char *known;
	int i;

	for (i = BPF_PROG_TYPE_UNSPEC + 1; (known = libbpf_bpf_prog_type_str(i)); i++) {
		if (strcmp(known, word) == 0) {
			*type = i;
			return true;
		}
	}
	return false;
}

bool object_type_of(const char *word, enum bpf_prog_type *type, enum bpf_attach_type *attach)
{
	*attach = 0;
	return is_type(word, type) || !libbpf_prog_type_by_name(word, type, attach);
}

static int set_type(struct log *log, struct bpf_program *program, const char *word,
		    struct failure *f)
{
	enum bpf_attach_type attach;
	enum bpf_prog_type type;

	if (!object_type_of(word, &type, &attach))
		return unknown_type(log, program, word, f);
	/* What the section says beside the same type stays. */
	if (is_type(word, &type) && type == bpf_program__type(program))
		return 0;
	bpf_program__set_type(program, type);
	bpf_program__set_expected_attach_type(program, attach);
	return 0;
}

/* The type the request gives the program, decoded; NULL when it gives none. */
static int requested_type(const struct request *request, const struct bpf_program *program,
			  char **word, struct failure *f)
{
	json_t *types = json_object_get(request->json, "types");
	const char *key;
	json_t *value;

	*word = NULL;
	json_object_foreach (types, key, value) {
		bool same;
		char *name;
		size_t len;
		int err = wire_decode(key, &name, &len);

		if (err == -ENOMEM)
			return fail_nomem(f);
		same = !err && strcmp(name, bpf_program__name(program)) == 0;
		if (!err)
			free(name);
		if (same)
			return request_decode(value, "types", word, f);
	}
	return request_string(request, "type", word, f);
}

static int check_types(const struct request *request, const struct object *o, struct failure *f)
{
	json_t *types = json_object_get(request->json, "types");
	struct bpf_program *program;
	const char *key;
	json_t *value;

	json_object_foreach (types, key, value) {
		json_t *name = json_string(key);
		int err = name ? find_program(o, name, &program, f) : fail_nomem(f);

		json_decref(name);
		if (err)
			return err;
	}
	return 0;
}

static int set_types(const struct request *request, struct object *o, struct failure *f)
{
	size_t i;
	int err;

	err = check_types(request, o, f);
	for (i = 0; !err && i < o->count; i++) {
		struct bpf_program *program = o->programs[i];
		char *word;

		err = requested_type(request, program, &word, f);
		if (!err && word)
			err = set_type(request->log, program, word, f);
		else if (!err && bpf_program__type(program) == BPF_PROG_TYPE_UNSPEC)
			err = unknown_section(request->log, program, f);
		free(word);
	}
	return err;
}

int object_select(const struct request *request, struct object *o, struct failure *f)
{
	int err = mark_programs(request, o, f);

	if (!err)
		err = collect_programs(o, f);
	if (!err)
		err = set_types(request, o, f);
	return err;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* load and verify */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/attachment.h"
#include "command/rows.h"

/* KEY=VALUE pairs apart from a plain VALUE. */
struct split {
	struct manager_pair *pairs;
	size_t count;
	const char *all;
	char *copies; /* what the pairs point into, one after the other */
};

static int split_pairs(const struct arg_values *v, struct manager_pair **pairs, size_t *count,
		       const char **plain, char **copies, struct error *e)
{
	size_t size = 1;
	char *at;

	for (size_t i = 0; i < v->count; i++)
		size += strlen(v->values[i]) + 1;
	*pairs = calloc(v->count + 1, sizeof(**pairs));
	*copies = at = malloc(size);
	if (!*pairs || !at)
		return error_nomem(e);
	for (size_t i = 0; i < v->count; i++) {
		char *equals;

		strcpy(at, v->values[i]);
		equals = strchr(at, '=');
		if (equals) {
			*equals = '\0';
			(*pairs)[(*count)++] = (struct manager_pair){ at, equals + 1 };
		} else {
			*plain = at;
		}
		at += strlen(v->values[i]) + 1;
	}
	return 0;
}

/* --attach, parsed. */
struct attachments {
	struct manager_load_attach *at;
	struct attachment *parsed;
	char **programs;
	size_t count;
	bool all;
};

static void attachments_free(struct attachments *a)
{
	for (size_t i = 0; i < a->count; i++) {
		attachment_free(&a->parsed[i]);
		free(a->programs[i]);
	}
	free(a->at);
	free(a->parsed);
	free(a->programs);
}

static int attachments_parse(struct attachments *a, const struct arg_values *v, struct error *e)
{
	int r = 0;

	memset(a, 0, sizeof(*a));
	a->at = calloc(v->count + 1, sizeof(*a->at));
	a->parsed = calloc(v->count + 1, sizeof(*a->parsed));
	a->programs = calloc(v->count + 1, sizeof(*a->programs));
	if (!a->at || !a->parsed || !a->programs)
		r = error_nomem(e);
	for (size_t i = 0; !r && i < v->count; i++) {
		const char *equals = strchr(v->values[i], '=');

		if (!equals) {
			a->all = true;
			continue;
		}
		a->programs[a->count] = strndup(v->values[i], (size_t)(equals - v->values[i]));
		if (!a->programs[a->count])
			r = error_nomem(e);
		else
			r = attachment_parse(&a->parsed[a->count], "--attach", equals + 1, e);
		if (r) {
			free(a->programs[a->count]);
			error_context(e, "--attach %s", v->values[i]);
			break;
		}
		a->at[a->count] = (struct manager_load_attach){
			.program = a->programs[a->count],
			.what = a->parsed[a->count].what,
		};
		a->count++;
	}
	if (r)
		attachments_free(a);
	return r;
}

struct loaded {
	bool there, changed;
};

static void note_loaded(struct session *s, const struct db_object *o, void *data)
{
	const struct loaded *l = data;

	if (l->there)
		sink_note(s->sink, "object %lld \"%s\" is loaded already%s", (long long)o->id,
			  o->name, l->changed ? ", and is attached again" : "");
	else if (manager_dry_run(s->manager))
		sink_note(s->sink, "would load object \"%s\" from %s", o->name, o->path);
	else
		sink_note(s->sink, "object %lld \"%s\" loaded from %s, pinned under %s",
			  (long long)o->id, o->name, o->path, o->pin_dir);
}

static int run_load(struct session *s, const struct invocation *in, struct error *e)
{
	const struct arg_values *programs = invocation_values(in, "--program");
	struct manager_pair *types = NULL, *labels = NULL, *globals = NULL, *reuse = NULL;
	char *type_copies = NULL, *label_copies = NULL, *global_copies = NULL, *reuse_copies = NULL;
	const char *none = NULL;
	struct manager_load l = {
		.path = invocation_value(in, "FILE"),
		.programs = programs->values,
		.program_count = programs->count,
		.pin_path = invocation_value(in, "--pin-path"),
		.name = invocation_value(in, "--name"),
		.on_boot = invocation_value(in, "--on-boot"),
		.base64 = invocation_value(in, "--bytes"),
		.ensure = invocation_value(in, "--ensure"),
		.verbose = invocation_value(in, "--verbose"),
	};
	struct attachments attach;
	struct loaded done = { 0 };
	int64_t id = 0;
	int r;

	r = attachments_parse(&attach, invocation_values(in, "--attach"), e);
	if (r)
		return r;
	l.attach = attach.at;
	l.attach_count = attach.count;
	l.attach_all = attach.all;
	r = split_pairs(invocation_values(in, "--type"), &types, &l.type_count, &l.type,
			&type_copies, e);
	if (!r)
		r = split_pairs(invocation_values(in, "--label"), &labels, &l.label_count, &none,
				&label_copies, e);
	if (!r)
		r = split_pairs(invocation_values(in, "--global"), &globals, &l.global_count, &none,
				&global_copies, e);
	if (!r)
		r = split_pairs(invocation_values(in, "--reuse-map"), &reuse, &l.reuse_count, &none,
				&reuse_copies, e);
	l.types = types;
	l.labels = labels;
	l.globals = globals;
	l.reuse = reuse;
	if (!r)
		r = manager_load(s->manager, &l, &id, &done.there, &done.changed, e);
	s->done = !r;
	if (!r)
		r = answer_object(s, id, done.changed, attach.count || attach.all, note_loaded,
				  &done, e);
	attachments_free(&attach);
	free(types);
	free(labels);
	free(globals);
	free(reuse);
	free(type_copies);
	free(label_copies);
	free(global_copies);
	free(reuse_copies);
	return r;
}

/* No key may have two values: which one would count? */
static int check_keys(const struct invocation *in, const char *option, struct error *e)
{
	const struct arg_values *v = invocation_values(in, option);

	for (size_t i = 0; i < v->count; i++) {
		size_t len = strcspn(v->values[i], "=");

		if (!v->values[i][len])
			continue;
		for (size_t k = 0; k < i; k++)
			if (!strncmp(v->values[k], v->values[i], len + 1))
				return error_set_class(e, ERROR_USAGE, EINVAL,
						       "%s %.*s is given twice", option, (int)len,
						       v->values[i]);
	}
	return 0;
}

static int check_load(const struct invocation *in, struct error *e)
{
	const struct arg_values *types = invocation_values(in, "--type");
	struct attachments attach;
	size_t for_all = 0;
	int r;

	/* What is wrong in there is found before anything runs. */
	r = attachments_parse(&attach, invocation_values(in, "--attach"), e);
	if (r)
		return r;
	attachments_free(&attach);
	if (invocation_value(in, "--pin-path") && invocation_values(in, "--program")->count > 1)
		return error_set_class(e, ERROR_USAGE, EINVAL,
				       "--pin-path is for a single program");
	for (size_t i = 0; i < types->count; i++)
		for_all += !strchr(types->values[i], '=');
	if (for_all > 1)
		return error_set_class(e, ERROR_USAGE, EINVAL,
				       "--type TYPE for all programs is given twice");
	return check_keys(in, "--type", e) || check_keys(in, "--label", e) ||
			       check_keys(in, "--global", e) || check_keys(in, "--reuse-map", e)
		       ? -EINVAL
		       : 0;
}

static const struct arg load_args[] = {
	{ .name = "FILE",
	  .type = ARG_FILE,
	  .flags = ARG_REQUIRED,
	  .help = "the object file (ELF, as clang -target bpf makes it)" },
	{ .name = "--program",
	  .type = ARG_FILE_PROGRAM,
	  .flags = ARG_REPEAT,
	  .value = "NAME",
	  .help = "load only this program (default: all of the file)" },
	{ .name = "--pin-path",
	  .type = ARG_PIN_PATH,
	  .value = "PATH",
	  .help = "a second name for the pin of a single program, on the same bpffs" },
	{ .name = "--name",
	  .type = ARG_NAME,
	  .value = "NAME",
	  .help = "name of the object (default: the file's name without .bpf.o or .o)" },
	{ .name = "--type",
	  .type = ARG_PROGRAM_TYPE,
	  .flags = ARG_REPEAT,
	  .value = "[PROGRAM=]TYPE",
	  .help = "program type where the section does not tell it" },
	{ .name = "--global",
	  .type = ARG_GLOBAL,
	  .flags = ARG_REPEAT,
	  .value = "NAME=VALUE",
	  .help = "value of a global variable, or of a part: limit=10, cfg.ports[1]=80" },
	{ .name = "--reuse-map",
	  .type = ARG_REUSE,
	  .flags = ARG_REPEAT,
	  .value = "NAME=MAP",
	  .help = "use a map that is there for the file's map NAME, instead of a new one" },
	{ .name = "--label",
	  .type = ARG_LABEL,
	  .flags = ARG_REPEAT,
	  .value = "KEY=VALUE",
	  .help = "a label, to find or unload things by" },
	{ .name = "--attach",
	  .type = ARG_ATTACH,
	  .flags = ARG_REPEAT | ARG_BARE,
	  .value = "PROGRAM=TARGET",
	  .help = "attach the program there, all or nothing with the load; TARGET may hold options "
		  "of attach. Alone: attach all other programs, whose sections say where" },
	{ .name = "--on-boot",
	  .type = ARG_FLAG,
	  .help = "`restore --boot`, which bpfman-restore.service runs, brings it back" },
	{ .name = "--bytes",
	  .type = ARG_TEXT,
	  .value = "BASE64",
	  .help = "what the file holds, instead of reading FILE: `export --embed` writes it" },
	{ .name = "--ensure",
	  .type = ARG_FLAG,
	  .help = "succeed where the same is loaded already; only what is no longer attached as "
		  "--attach says is attached again" },
	{ .name = "--verbose",
	  .type = ARG_FLAG,
	  .help = "keep the verifier's text of a successful load too, for `log`" },
};

/* ---- verify ---- */

static const struct sink_column verdict_columns[] = {
	{ .key = "program", .title = "PROGRAM" },
	{ .key = "type", .title = "TYPE" },
	{ .key = "verdict", .title = "VERDICT" },
	{ .key = "insns", .title = "INSNS", .align = SINK_RIGHT },
	{ .key = "total_states", .title = "STATES", .align = SINK_RIGHT },
	{ .key = "peak_states", .title = "PEAK", .align = SINK_RIGHT },
	{ .key = "time_us", .title = "TIME US", .align = SINK_RIGHT },
	{ .key = "stack", .title = "STACK" },
	{ .key = "reason", .title = "REASON", .optional = true },
};
static const struct sink_table verdicts_table = {
	verdict_columns, sizeof(verdict_columns) / sizeof(verdict_columns[0]), NULL
};

static void number_or_null(struct sink *s, const json_t *result, const char *key)
{
	if (json_is_integer(json_object_get(result, key)))
		sink_int(s, key, answer_int(result, key));
	else
		sink_null(s, key);
}

static void write_verdict(struct session *s, const char *program, const json_t *row,
			  const json_t *answer, const struct error *failure)
{
	const json_t *result = json_object_get(answer, "result");
	char *log = answer_bytes(answer, "log");
	char *section = answer_bytes(row, "section");

	sink_row(s->sink);
	sink_str(s->sink, "program", program);
	sink_str(s->sink, "type", answer_str(result, "type", answer_str(row, "type", NULL)));
	sink_str(s->sink, "section", section);
	sink_str(s->sink, "verdict", failure ? "rejected" : "ok");
	number_or_null(s->sink, result, "insns");
	number_or_null(s->sink, result, "total_states");
	number_or_null(s->sink, result, "peak_states");
	number_or_null(s->sink, result, "time_us");
	sink_str(s->sink, "stack", answer_str(result, "stack", NULL));
	number_or_null(s->sink, result, "xlated_bytes");
	number_or_null(s->sink, result, "jited_bytes");
	sink_str(s->sink, "reason", failure ? failure->message : NULL);
	sink_str(s->sink, "hint", failure ? failure->hint : NULL);
	sink_str(s->sink, "log", failure && log ? log : NULL);
	sink_row_end(s->sink);
	free(log);
	free(section);
}

static bool wanted(const struct arg_values *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (!strcmp(names->values[i], name))
			return true;
	return !names->count;
}

/* Which type is meant for a program: PROGRAM=TYPE before TYPE. */
static const char *type_of(const struct split *t, const char *program)
{
	for (size_t i = 0; i < t->count; i++)
		if (!strcmp(t->pairs[i].key, program))
			return t->pairs[i].value;
	return t->all;
}

static int verify_all(struct session *s, const struct invocation *in, const struct manager_load *l,
		      const struct split *types, const json_t *programs, size_t *rejected,
		      struct error *e)
{
	const struct arg_values *names = invocation_values(in, "--program");
	size_t i;
	const json_t *row;
	int r = 0;

	sink_rows(s->sink, "verdicts", &verdicts_table);
	json_array_foreach (programs, i, row) {
		char *name = answer_bytes(row, "name");
		struct error why = ERROR_INIT;
		json_t *answer = NULL;

		if (name && wanted(names, name)) {
			r = manager_verify(s->manager, l, name, type_of(types, name), &answer,
					   &why);
			/* Only what the worker itself says is a verdict. */
			if (!r || (answer && why.class == ERROR_FAILED)) {
				write_verdict(s, name, row, answer, r ? &why : NULL);
				*rejected += r != 0;
				r = 0;
			}
		}
		json_decref(answer);
		free(name);
		if (r) {
			error_move(e, &why);
			break;
		}
		error_clear(&why);
	}
	sink_rows_end(s->sink);
	sink_int(s->sink, "rejected", (int64_t)*rejected);
	return r;
}

static int run_verify(struct session *s, const struct invocation *in, struct error *e)
{
	struct split types = { 0 }, globals = { 0 }, reuse = { 0 };
	const struct arg_values *names = invocation_values(in, "--program");
	struct manager_load l = { .path = invocation_value(in, "FILE") };
	json_t *file = NULL;
	size_t rejected = 0;
	int r;

	r = split_pairs(invocation_values(in, "--type"), &types.pairs, &types.count, &types.all,
			&types.copies, e);
	if (!r)
		r = split_pairs(invocation_values(in, "--global"), &globals.pairs, &globals.count,
				&globals.all, &globals.copies, e);
	if (!r)
		r = split_pairs(invocation_values(in, "--reuse-map"), &reuse.pairs, &reuse.count,
				&reuse.all, &reuse.copies, e);
	l.globals = globals.pairs;
	l.global_count = globals.count;
	l.reuse = reuse.pairs;
	l.reuse_count = reuse.count;
	/* What is wrong with these is wrong with the whole file, and no verdict. */
	if (!r)
		r = manager_check_file(s->manager, &l, &file, e);
	if (!r)
		r = manager_has_programs(file, l.path, names->values, names->count, e);
	if (!r)
		r = verify_all(s, in, &l, &types, json_object_get(file, "programs"), &rejected, e);
	free(types.pairs);
	free(types.copies);
	free(globals.pairs);
	free(globals.copies);
	free(reuse.pairs);
	free(reuse.copies);
	json_decref(file);
	/* The verdicts are the answer; that there is a bad one is the status. */
	if (!r && rejected)
		s->verdict = ERROR_FAILED;
	return r;
}

static const struct arg verify_args[] = {
	{ .name = "FILE", .type = ARG_FILE, .flags = ARG_REQUIRED, .help = "the object file" },
	{ .name = "--program",
	  .type = ARG_FILE_PROGRAM,
	  .flags = ARG_REPEAT,
	  .value = "NAME",
	  .help = "verify only this program (default: all of the file)" },
	{ .name = "--type",
	  .type = ARG_PROGRAM_TYPE,
	  .flags = ARG_REPEAT,
	  .value = "[PROGRAM=]TYPE",
	  .help = "program type where the section does not tell it" },
	{ .name = "--global",
	  .type = ARG_GLOBAL,
	  .flags = ARG_REPEAT,
	  .value = "NAME=VALUE",
	  .help = "value of a global variable, or of a part: limit=10, cfg.ports[1]=80" },
	{ .name = "--reuse-map",
	  .type = ARG_REUSE,
	  .flags = ARG_REPEAT,
	  .value = "NAME=MAP",
	  .help = "with a map that is there for the file's map NAME" },
};

static int check_verify(const struct invocation *in, struct error *e)
{
	return check_keys(in, "--type", e) || check_keys(in, "--global", e) ||
			       check_keys(in, "--reuse-map", e)
		       ? -EINVAL
		       : 0;
}

#define ARGS(a) (a), sizeof(a) / sizeof((a)[0])

const struct command load_commands[] = {
	{ "load", "load an object file's programs with their maps, pin and remember them",
	  ARGS(load_args), COMMAND_MUTATES | COMMAND_UNDOABLE, run_load,
	  "One load is one object, all or nothing. It stays loaded when bpfman exits. Every "
	  "program, map and the object itself get an id that names them for ever.",
	  check_load },
	{ "verify", "load each program of a file without keeping it, and tell the verdict",
	  ARGS(verify_args), 0, run_verify,
	  "It goes on after a rejected program; the exit status is 1 when there was one.",
	  check_verify },
};
const size_t load_command_count = sizeof(load_commands) / sizeof(load_commands[0]);

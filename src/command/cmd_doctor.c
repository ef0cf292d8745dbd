/* SPDX-License-Identifier: GPL-3.0-or-later */
/* doctor */
#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "command/command.h"
#include "manager/doctor.h"

static const struct sink_column finding_columns[] = {
	{ .key = "rule", .title = "RULE" },
	{ .key = "kind", .title = "KIND" },
	{ .key = "id", .title = "ID", .align = SINK_RIGHT },
	{ .key = "name", .title = "NAME" },
	{ .key = "path", .title = "PATH" },
	{ .key = "message", .title = "WHAT IT MEANS" },
	{ .key = "mends", .title = "WHAT MENDS IT" },
	{ .key = "fixed", .title = "FIXED" },
};
#define AGREE "kernel, bpffs and database agree"
enum { FINDING_COLUMNS = sizeof(finding_columns) / sizeof(finding_columns[0]) };
/* Without --fix the last column would say the same in each row. */
static const struct sink_table findings_table = { finding_columns, FINDING_COLUMNS - 1, AGREE };
static const struct sink_table fixed_table = { finding_columns, FINDING_COLUMNS, AGREE };

static void write_finding(struct sink *s, const struct finding *f)
{
	sink_row(s);
	sink_str(s, "rule", f->rule);
	sink_str(s, "kind", f->kind);
	if (f->id)
		sink_int(s, "id", f->id);
	else
		sink_null(s, "id");
	sink_str(s, "name", f->name);
	sink_str(s, "path", f->path);
	sink_str(s, "message", f->message);
	sink_str(s, "mends", f->mends);
	sink_bool(s, "fixable", f->fixable);
	sink_bool(s, "fixed", f->fixed);
	sink_row_end(s);
}

static void write_findings(struct session *s, const struct findings *found, bool fix)
{
	size_t fixed = 0, fixable = 0;

	sink_rows(s->sink, "findings", fix ? &fixed_table : &findings_table);
	for (size_t i = 0; i < found->count; i++) {
		write_finding(s->sink, &found->items[i]);
		fixed += found->items[i].fixed;
		fixable += found->items[i].fixable;
	}
	sink_rows_end(s->sink);
	sink_bool(s->sink, "changed", fixed > 0);
	if (fix && manager_dry_run(s->manager))
		sink_note(s->sink, "dry run: %zu of %zu would be mended", fixable, found->count);
	else if (fix && found->count)
		sink_note(s->sink, "%zu of %zu mended", fixed, found->count);
	if (fixed < found->count)
		s->verdict = ERROR_FAILED;
}

static const struct sink_column rule_columns[] = {
	{ .key = "rule", .title = "RULE" },
	{ .key = "meaning", .title = "WHAT IT FINDS" },
};
static const struct sink_table rules_table = { rule_columns,
					       sizeof(rule_columns) / sizeof(rule_columns[0]),
					       NULL };

static void write_rules(struct session *s)
{
	const char *rule, *meaning;

	sink_rows(s->sink, "rules", &rules_table);
	for (size_t i = 0; (rule = doctor_rule(i, &meaning)); i++) {
		sink_row(s->sink);
		sink_str(s->sink, "rule", rule);
		sink_str(s->sink, "meaning", meaning);
		sink_row_end(s->sink);
	}
	sink_rows_end(s->sink);
	manager_nothing_changed(s->manager);
}

static int run_doctor(struct session *s, const struct invocation *in, struct error *e)
{
	const struct arg_values *words = invocation_values(in, "PATH");
	char **paths = calloc(words->count + 1, sizeof(*paths));
	struct manager_doctor d = {
		.fix = invocation_value(in, "--fix"),
		.take_root = invocation_value(in, "--take-root"),
		.paths = (const char *const *)paths,
	};
	struct findings found = { 0 };
	int r = paths ? 0 : error_nomem(e);

	if (!r && invocation_value(in, "--rules")) {
		write_rules(s);
		goto out;
	}
	for (size_t i = 0; !r && i < words->count; i++, d.path_count++) {
		paths[i] = file_absolute(words->values[i], e);
		if (!paths[i])
			r = -e->err;
	}
	if (!r)
		r = manager_doctor(s->manager, &d, &found, e);
	if (!r)
		write_findings(s, &found, d.fix);
	findings_free(&found);
out:
	while (d.path_count)
		free(paths[--d.path_count]);
	free(paths);
	return r;
}

static int check_doctor(const struct invocation *in, struct error *e)
{
	size_t given = 0;

	for (size_t i = 0; i < in->command->arg_count; i++)
		given += in->args[i].count;
	if (invocation_value(in, "--rules") && given > 1)
		return error_set_class(e, ERROR_USAGE, EINVAL, "--rules stands alone");
	if (invocation_value(in, "--fix") && invocation_value(in, "--take-root"))
		return error_set_class(e, ERROR_USAGE, EINVAL,
				       "--take-root first, to see what it holds; then --fix");
	if (!invocation_values(in, "PATH")->count || invocation_value(in, "--fix"))
		return 0;
	error_set_class(e, ERROR_USAGE, EINVAL, "paths are for --fix");
	return error_hint(e, "doctor alone shows all that it finds");
}

static const struct arg doctor_args[] = {
	{ .name = "--fix",
	  .type = ARG_FLAG,
	  .help = "mend what can be mended safely: what was begun and not finished, orphans that "
		  "are certainly bpfman's, empty directories, names and pins that are known" },
	{ .name = "--take-root",
	  .type = ARG_FLAG,
	  .help = "take the pin root over from the database that owns it: what it holds stays "
		  "pinned, and is shown as nobody's" },
	{ .name = "--rules",
	  .type = ARG_FLAG,
	  .help = "tell what is looked for, and nothing else" },
	{ .name = "PATH",
	  .type = ARG_PIN_PATH,
	  .flags = ARG_REPEAT,
	  .help = "with --fix: mend only what is found at this path; a pin that nothing knows is "
		  "removed then, whatever it is" },
};

const struct command doctor_commands[] = {
	{ "doctor", "hold kernel, bpffs and database against each other", doctor_args,
	  sizeof(doctor_args) / sizeof(doctor_args[0]), COMMAND_MUTATES, run_doctor,
	  "Each disagreement is a row: by which rule, about what, what it means, and the command "
	  "that mends it. The exit status is 1 where there is one, after --fix where one is left. "
	  "A change that is under way is waited for and is no disagreement. What others loaded is "
	  "never touched, nor is a damaged database.",
	  check_doctor },
};
const size_t doctor_command_count = sizeof(doctor_commands) / sizeof(doctor_commands[0]);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* show: everything known of one thing, or what an object file holds */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "command/rows.h"

#define TABLE(name, columns)                                                                   \
	static const struct sink_table name = { columns, sizeof(columns) / sizeof(columns[0]), \
						NULL }

static const struct sink_column program_lines[] = {
	{ .key = "id", .title = "Program" },
	{ .key = "name", .title = "Name" },
	{ .key = "type", .title = "Type" },
	{ .key = "attach_type", .title = "Attach type", .optional = true },
	{ .key = "section", .title = "Section" },
	{ .key = "state", .title = "State" },
	{ .key = "lost_reason", .title = "Reason", .optional = true },
	{ .key = "kernel_id", .title = "Kernel id" },
	{ .key = "tag", .title = "Tag" },
	{ .key = "pinned_path", .title = "Pinned at" },
	{ .key = "pin", .title = "Own pin" },
	{ .key = "maps", .title = "Maps" },
	{ .key = "links", .title = "Links" },
	{ .key = "object", .title = "Object" },
	{ .key = "path", .title = "File" },
	{ .key = "sha256", .title = "SHA-256" },
	{ .key = "loaded_by", .title = "Loaded by uid" },
	{ .key = "created_at", .title = "Loaded at" },
	{ .key = "verified_insns", .title = "Verified insns" },
	{ .key = "xlated_bytes", .title = "Translated", .bytes = true },
	{ .key = "jited_bytes", .title = "Compiled", .bytes = true },
	{ .key = "memlock_bytes", .title = "Memory", .bytes = true },
	{ .key = "btf_id", .title = "BTF id" },
	{ .key = "labels_text", .title = "Labels", .optional = true },
};
TABLE(program_table, program_lines);

static const struct sink_column map_lines[] = {
	{ .key = "id", .title = "Map" },
	{ .key = "name", .title = "Name" },
	{ .key = "type", .title = "Type" },
	{ .key = "state", .title = "State" },
	{ .key = "lost_reason", .title = "Reason", .optional = true },
	{ .key = "kernel_id", .title = "Kernel id" },
	{ .key = "key_size", .title = "Key bytes" },
	{ .key = "value_size", .title = "Value bytes" },
	{ .key = "max_entries", .title = "Entries" },
	{ .key = "map_flags", .title = "Flags" },
	{ .key = "memlock_bytes", .title = "Memory", .bytes = true },
	{ .key = "pinned_path", .title = "Pinned at" },
	{ .key = "programs", .title = "Used by" },
	{ .key = "object", .title = "Object" },
	{ .key = "created_at", .title = "Created at" },
};
TABLE(map_table, map_lines);

static const struct sink_column link_lines[] = {
	{ .key = "id", .title = "Link" },
	{ .key = "program", .title = "Program" },
	{ .key = "type", .title = "Type" },
	{ .key = "attach_type", .title = "Attach type" },
	{ .key = "target_text", .title = "Attached to" },
	{ .key = "state", .title = "State" },
	{ .key = "lost_reason", .title = "Reason", .optional = true },
	{ .key = "kernel_id", .title = "Kernel id" },
	{ .key = "pinned_path", .title = "Pinned at" },
	{ .key = "object", .title = "Object" },
	{ .key = "created_at", .title = "Attached at" },
	{ .key = "expires_at", .title = "On trial until", .optional = true },
};
TABLE(link_table, link_lines);

static const struct sink_column object_lines[] = {
	{ .key = "id", .title = "Object" },
	{ .key = "name", .title = "Name" },
	{ .key = "state", .title = "State" },
	{ .key = "lost_reason", .title = "Reason", .optional = true },
	{ .key = "path", .title = "File" },
	{ .key = "sha256", .title = "SHA-256" },
	{ .key = "adopted_from", .title = "Adopted from", .optional = true },
	{ .key = "pin_dir", .title = "Pinned under" },
	{ .key = "programs", .title = "Programs" },
	{ .key = "maps", .title = "Maps" },
	{ .key = "loaded_by", .title = "Loaded by uid" },
	{ .key = "created_at", .title = "Loaded at" },
	{ .key = "labels_text", .title = "Labels", .optional = true },
};
TABLE(object_table, object_lines);

/* For people: "team=net, tier=edge". JSON has the labels as an object. */
static int labels_text(struct rows_context *c, int64_t object_id, struct error *e)
{
	struct db_label *labels;
	struct buf text = { 0 };
	size_t count;
	int r;

	if (!for_people(c->s))
		return 0;
	r = db_labels(c->db, object_id, &labels, &count, e);
	if (r)
		return r;
	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%s%s=%s", i ? ", " : "", labels[i].key, labels[i].value);
	sink_str(c->s->sink, "labels_text", text.len ? text.data : NULL);
	buf_free(&text);
	db_labels_free(labels, count);
	return 0;
}

/* Passes one answer of the worker on, with its own types. */
static void pass_member(struct sink *s, const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);
	char *bytes;

	if (json_is_integer(value)) {
		sink_int(s, key, json_integer_value(value));
	} else if (json_is_boolean(value)) {
		sink_bool(s, key, json_is_true(value));
	} else {
		bytes = answer_bytes(row, key);
		sink_str(s, key, bytes);
		free(bytes);
	}
}

static void pass_rows(struct sink *s, const json_t *rows, const char *key,
		      const struct sink_table *table, const char *const *members)
{
	const json_t *row;
	size_t i;

	sink_rows(s, key, table);
	json_array_foreach (rows, i, row) {
		sink_row(s);
		for (size_t k = 0; members[k]; k++)
			pass_member(s, row, members[k]);
		sink_row_end(s);
	}
	sink_rows_end(s);
}

static const struct sink_column global_columns[] = {
	{ .key = "name", .title = "GLOBAL" }, { .key = "map", .title = "IN" },
	{ .key = "type", .title = "TYPE" },   { .key = "value", .title = "LOADED WITH" },
	{ .key = "present", .title = "NOW" },
};
static const struct sink_table globals_table = { global_columns,
						 sizeof(global_columns) / sizeof(global_columns[0]),
						 NULL };

/* Null, and why as a note, where the worker cannot tell: all else is known without it. */
static int write_globals(struct rows_context *c, int64_t object_id, int64_t program_id,
			 struct error *e)
{
	static const char *const members[] = { "name", "map",	"map_id",  "type",
					       "size", "value", "present", NULL };
	struct sink *s = c->s->sink;
	struct error why = ERROR_INIT;
	json_t *list = NULL;
	int r;

	r = manager_globals(c->s->manager, object_id, program_id, &list, &why);
	if (r == -ENOMEM || r == -EINTR) {
		error_move(e, &why);
		return r;
	}
	if (r) {
		sink_note(s, "its global variables cannot be told: %s", why.message);
		sink_null(s, "globals");
	} else {
		pass_rows(s, list, "globals", json_array_size(list) ? &globals_table : NULL,
			  members);
	}
	error_clear(&why);
	json_decref(list);
	return 0;
}

static int show_program(struct rows_context *c, int64_t id, struct error *e)
{
	struct sink *s = c->s->sink;
	struct db_program p = { 0 };
	struct db_object o = { 0 };
	struct look look;
	int r;

	r = db_program_get(c->db, id, &p, e);
	if (!r)
		r = db_object_get(c->db, p.object_id, &o, e);
	if (!r)
		r = program_look(c, &p, &look, e);
	if (r)
		goto out;
	sink_object(s, "program", &program_table);
	r = program_members(c, &p, look, e);
	sink_str(s, "attach_type", p.attach_type);
	sink_str(s, "pin", p.pin);
	sink_str(s, "path", o.path);
	sink_str(s, "sha256", o.sha256[0] ? o.sha256 : NULL);
	sink_int(s, "loaded_by", o.loaded_by);
	sink_str(s, "boot_id", p.boot_id);
	sink_u64(s, "load_time_ns", p.load_time);
	sink_int(s, "verified_insns", p.verified_insns);
	sink_int(s, "xlated_bytes", p.xlated_bytes);
	sink_int(s, "jited_bytes", p.jited_bytes);
	sink_u64(s, "memlock_bytes", p.memlock_bytes);
	sink_int(s, "btf_id", p.btf_id);
	if (!r)
		r = labels_text(c, p.object_id, e);
	sink_object_end(s);
	if (!r)
		r = write_globals(c, p.object_id, id, e);
out:
	db_program_clear(&p);
	db_object_clear(&o);
	return r;
}

static int show_map(struct rows_context *c, int64_t id, struct error *e)
{
	struct sink *s = c->s->sink;
	struct db_map m = { 0 };
	int r;

	r = db_map_get(c->db, id, &m, e);
	if (r)
		return r;
	sink_object(s, "map", &map_table);
	r = map_members(c, &m, e);
	sink_int(s, "map_flags", m.map_flags);
	sink_u64(s, "memlock_bytes", m.memlock_bytes);
	sink_str(s, "boot_id", m.boot_id);
	sink_object_end(s);
	db_map_clear(&m);
	return r;
}

/* What an iterator says, read now. */
static int write_output(struct rows_context *c, const struct db_link *l, struct error *e)
{
	json_t *result = NULL;
	char *text;
	int r;

	r = manager_read_link(c->s->manager, l, &result, e);
	if (r)
		return r;
	text = answer_bytes(result, "text");
	sink_text(c->s->sink, "text", text, text ? strlen(text) : 0);
	sink_bool(c->s->sink, "truncated", answer_bool(result, "truncated"));
	free(text);
	json_decref(result);
	return 0;
}

static int show_link(struct rows_context *c, int64_t id, struct error *e)
{
	struct sink *s = c->s->sink;
	struct db_link l = { 0 };
	struct look look;
	int r;

	r = db_link_get(c->db, id, &l, e);
	if (r)
		return r;
	look = manager_look_link(c->s->manager, &l);
	sink_object(s, "link", &link_table);
	link_members(c, &l, look);
	sink_str(s, "boot_id", l.boot_id);
	sink_object_end(s);
	if (l.type && !strcmp(l.type, "iter") && look.sight == SIGHT_ATTACHED)
		r = write_output(c, &l, e);
	db_link_clear(&l);
	return r;
}

static int show_object(struct rows_context *c, int64_t id, struct error *e)
{
	struct sink *s = c->s->sink;
	struct db_object o = { 0 };
	struct look look;
	char *from;
	int r;

	r = db_object_get(c->db, id, &o, e);
	if (r)
		return r;
	r = object_look(c, &o, &look, e);
	if (r)
		goto out;
	sink_object(s, "object", &object_table);
	r = object_members(c, &o, look, e);
	sink_str(s, "boot_id", o.boot_id);
	from = adopted_from(&o);
	sink_str(s, "adopted_from", from);
	free(from);
	if (!r)
		r = labels_text(c, id, e);
	sink_object_end(s);
	if (!r)
		r = write_programs(c, id, &programs_table, e);
	if (!r)
		r = write_maps(c, id, &maps_table, e);
	if (!r)
		r = write_links(c, id, &links_table, e);
	if (!r)
		r = write_globals(c, id, 0, e);
out:
	db_object_clear(&o);
	return r;
}

/* ---- files ---- */

static const struct sink_column file_lines[] = {
	{ .key = "path", .title = "File" },
	{ .key = "sha256", .title = "SHA-256" },
	{ .key = "size", .title = "Size", .bytes = true },
	{ .key = "license", .title = "License" },
	{ .key = "btf", .title = "BTF" },
};
TABLE(file_table, file_lines);

static const struct sink_column file_program_columns[] = {
	{ .key = "name", .title = "PROGRAM" },
	{ .key = "type", .title = "TYPE" },
	{ .key = "attach_type", .title = "ATTACH TYPE", .optional = true },
	{ .key = "section", .title = "SECTION" },
	{ .key = "insns", .title = "INSNS", .align = SINK_RIGHT },
};
static const struct sink_table file_programs = { file_program_columns,
						 sizeof(file_program_columns) /
							 sizeof(file_program_columns[0]),
						 "no programs" };

static const struct sink_column file_map_columns[] = {
	{ .key = "name", .title = "MAP" },
	{ .key = "type", .title = "TYPE" },
	{ .key = "key_size", .title = "KEY", .align = SINK_RIGHT },
	{ .key = "value_size", .title = "VALUE", .align = SINK_RIGHT },
	{ .key = "max_entries", .title = "ENTRIES", .align = SINK_RIGHT },
	{ .key = "map_flags", .title = "FLAGS", .align = SINK_RIGHT },
	{ .key = "pin_by_name", .title = "PIN BY NAME" },
};
static const struct sink_table file_maps = { file_map_columns,
					     sizeof(file_map_columns) / sizeof(file_map_columns[0]),
					     "no maps" };

static const struct sink_column file_global_columns[] = {
	{ .key = "name", .title = "GLOBAL" },
	{ .key = "map", .title = "IN" },
	{ .key = "type", .title = "TYPE" },
	{ .key = "value", .title = "VALUE" },
};
static const struct sink_table file_globals = { file_global_columns,
						sizeof(file_global_columns) /
							sizeof(file_global_columns[0]),
						"no globals" };

static int show_file(struct session *s, const char *path, struct error *e)
{
	static const char *const programs[] = { "name",	   "type",  "attach_type",
						"section", "insns", NULL };
	static const char *const maps[] = { "name",	   "type",	  "key_size",
					    "value_size",  "max_entries", "map_flags",
					    "pin_by_name", "internal",	  NULL };
	static const char *const globals[] = { "name", "map", "type", "size", "value", NULL };
	json_t *file = NULL;
	char sha256[65];
	uint64_t size;
	int r;

	r = manager_open(s->manager, path, &file, sha256, &size, e);
	if (r)
		return r;
	sink_object(s->sink, "file", &file_table);
	sink_str(s->sink, "path", path);
	sink_str(s->sink, "sha256", sha256);
	sink_int(s->sink, "size", (int64_t)size);
	pass_member(s->sink, file, "license");
	pass_member(s->sink, file, "btf");
	sink_object_end(s->sink);
	pass_rows(s->sink, json_object_get(file, "programs"), "programs", &file_programs, programs);
	pass_rows(s->sink, json_object_get(file, "maps"), "maps", &file_maps, maps);
	pass_rows(s->sink, json_object_get(file, "globals"), "globals", &file_globals, globals);
	json_decref(file);
	return 0;
}

/* ---- the command ---- */

static const struct {
	const char *name;
	unsigned want;
} kinds[] = {
	{ "program", WANT_PROGRAM },
	{ "map", WANT_MAP },
	{ "link", WANT_LINK },
	{ "object", WANT_OBJECT },
};

static int show_named(struct session *s, unsigned want, const char *text, struct error *e)
{
	struct rows_context c;
	struct named named;
	int r;

	r = manager_resolve(s->manager, text, want, &named, e);
	if (r)
		return r;
	r = rows_context_init(&c, s, false, e);
	if (r)
		return r;
	if (named.kind == DB_PROGRAM)
		r = show_program(&c, named.id, e);
	else if (named.kind == DB_MAP)
		r = show_map(&c, named.id, e);
	else if (named.kind == DB_LINK)
		r = show_link(&c, named.id, e);
	else
		r = show_object(&c, named.id, e);
	rows_context_free(&c);
	if (r == -ENOENT && !e->err)
		r = error_set(e, ENOENT, "%s went away just now", text);
	return r;
}

static int check_show(const struct invocation *in, struct error *e)
{
	const struct arg_values *words = invocation_values(in, "ID");

	if (words->count > 2)
		return error_set_class(e, ERROR_USAGE, EINVAL, "\"%s\" is one word too many",
				       words->values[2]);
	if (words->count == 1 || !strcmp(words->values[0], "file"))
		return 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, words->values[0]))
			return 0;
	error_set_class(e, ERROR_USAGE, EINVAL, "\"%s\" is no kind of thing", words->values[0]);
	return error_hint(e, "show [program|map|link|object] ID, or show file FILE");
}

static int run_show(struct session *s, const struct invocation *in, struct error *e)
{
	const struct arg_values *words = invocation_values(in, "ID");
	unsigned want = WANT_ANY;

	if (words->count == 1)
		return show_named(s, want, words->values[0], e);
	if (!strcmp(words->values[0], "file"))
		return show_file(s, words->values[1], e);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, words->values[0]))
			want = kinds[i].want;
	return show_named(s, want, words->values[1], e);
}

static const struct arg show_args[] = {
	{ .name = "ID",
	  .type = ARG_ANYTHING,
	  .flags = ARG_REQUIRED | ARG_REPEAT | ARG_FORMS,
	  .value = "[program|map|link|object] ID | file FILE",
	  .help = "an id, a name, OBJECT/NAME, kernel:ID or a pin path; or an object file" },
};

const struct command show_commands[] = {
	{ "show", "show everything known of one thing, or what an object file holds", show_args,
	  sizeof(show_args) / sizeof(show_args[0]), 0, run_show,
	  "show file FILE opens an object file without loading it: its programs with section and "
	  "type, its maps, its globals with their values.",
	  check_show },
};
const size_t show_command_count = sizeof(show_commands) / sizeof(show_commands[0]);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * export: what is declared, as a script that makes it anew. The order of ids is one in which it
 * can be run: a map is there before who reuses it, a link before who is placed beside it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/map_entries.h"
#include "kernel/protocol/protocol.h"

struct export
{
	struct session *s;
	struct db *db;
	struct buf text;
	bool embed, maps;
	int64_t *wanted; /* objects; none: all */
	size_t wanted_count;
	int64_t *shared; /* maps without an object whose contents were written */
	size_t shared_count;
	struct error *e;
};

static bool is_wanted(const struct export *x, int64_t object_id)
{
	for (size_t i = 0; i < x->wanted_count; i++)
		if (x->wanted[i] == object_id)
			return true;
	return !x->wanted_count;
}

static void word(struct export *x, const char *text)
{
	buf_char(&x->text, ' ');
	lang_quote(&x->text, text);
}

static void option(struct export *x, const char *name, const char *value)
{
	buf_printf(&x->text, " %s", name);
	word(x, value);
}

/* NAME=VALUE as one word. */
static void pair(struct export *x, const char *option_name, const char *name, const char *value)
{
	struct buf both = { 0 };

	buf_printf(&both, "%s=%s", name, value);
	if (buf_error(&both))
		x->text.failed = true;
	else
		option(x, option_name, both.data);
	buf_free(&both);
}

/* A name that means one thing in a script: OBJECT/NAME. */
static void within(struct export *x, const char *object, const char *name)
{
	struct buf both = { 0 };

	buf_printf(&both, "%s/%s", object, name);
	if (buf_error(&both))
		x->text.failed = true;
	else
		word(x, both.data);
	buf_free(&both);
}

/* The members of an object of strings, each as an option. */
static void pairs(struct export *x, const char *name, const json_t *options, const char *member)
{
	const char *key;
	json_t *value;

	json_object_foreach (json_object_get(options, member), key, value) {
		char *bytes = answer_bytes(json_object_get(options, member), key);
		char *plain = NULL;
		size_t len;

		if (bytes && !wire_decode(key, &plain, &len))
			pair(x, name, plain, bytes);
		else
			x->text.failed = true;
		free(plain);
		free(bytes);
	}
}

/* Maps of others are remembered by their pins; in a script they have names. */
static int reused(struct export *x, const json_t *options)
{
	const json_t *maps = json_object_get(options, "reuse_maps");
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach ((json_t *)maps, key, value) {
		char *pin = answer_bytes(maps, key);
		struct buf name = { 0 };
		struct db_map map = { 0 };

		char *plain = NULL;
		size_t len;

		r = pin && !wire_decode(key, &plain, &len) ? db_map_pinned(x->db, pin, &map, x->e)
							   : error_nomem(x->e);
		if (!r && map.object_name)
			buf_printf(&name, "%s/%s", map.object_name, map.name);
		else if (!r)
			buf_str(&name, map.name);
		else if (r == -ENOENT)
			buf_str(&name, pin);
		if (!r || r == -ENOENT)
			pair(x, "--reuse-map", plain, buf_text(&name));
		r = r == -ENOENT ? 0 : r;
		buf_free(&name);
		db_map_clear(&map);
		free(plain);
		free(pin);
		if (r)
			break;
	}
	return r;
}

static int labels(struct export *x, const struct db_object *o)
{
	struct db_label *list;
	size_t count;
	int r = db_labels(x->db, o->id, &list, &count, x->e);

	if (r)
		return r;
	for (size_t i = 0; i < count; i++)
		pair(x, "--label", list[i].key, list[i].value);
	db_labels_free(list, count);
	return 0;
}

static int bytes_of(struct export *x, const struct db_object *o)
{
	void *bytes;
	char *base64;
	size_t len;
	int r = db_file_bytes(x->db, o->sha256, &bytes, &len, x->e);

	if (r)
		return r == -ENOENT
			       ? error_set(x->e, ENOENT,
					   "the bytes of \"%s\" are not in the database", o->name)
			       : r;
	base64 = base64_encode(bytes, len, NULL);
	free(bytes);
	if (!base64)
		return error_nomem(x->e);
	option(x, "--bytes", base64);
	free(base64);
	return 0;
}

static int load_line(struct export *x, const struct db_object *o, const json_t *options)
{
	const json_t *programs = json_object_get(options, "programs");
	char *pin_path = answer_bytes(options, "pin_path");
	char *type = answer_bytes(options, "type");
	json_t *program;
	size_t i;
	int r;

	buf_str(&x->text, "load");
	word(x, o->path);
	json_array_foreach (programs, i, program) {
		char *plain = NULL;
		size_t len;

		if (wire_decode(json_string_value(program), &plain, &len))
			x->text.failed = true;
		else
			option(x, "--program", plain);
		free(plain);
	}
	if (pin_path)
		option(x, "--pin-path", pin_path);
	option(x, "--name", o->name);
	if (type)
		option(x, "--type", type);
	free(type);
	free(pin_path);
	pairs(x, "--type", options, "types");
	pairs(x, "--global", options, "globals");
	r = reused(x, options);
	if (!r)
		r = labels(x, o);
	if (!r && o->on_boot)
		buf_str(&x->text, " --on-boot");
	if (!r && x->embed)
		r = bytes_of(x, o);
	buf_char(&x->text, '\n');
	return r;
}

/* ---- attachments ---- */

/* The link that stands beside this one, under the name that it has in the script. */
static void beside(struct export *x, const struct db_link *l)
{
	static const char *const places[] = { "before", "after" };
	json_t *asked = json_loads(l->options ? l->options : "{}", JSON_REJECT_DUPLICATES, NULL);
	const json_t *options = json_object_get(asked, "options");

	for (size_t i = 0; i < 2; i++) {
		char *typed = answer_bytes(options, places[i]);
		struct error none = ERROR_INIT;
		struct db_link other = { 0 };
		struct named named;

		/* One that is gone, or is no link of ours, is no place any more. */
		if (typed && *typed &&
		    !manager_resolve(x->s->manager, typed, WANT_LINK, &named, &none) &&
		    !db_link_get(x->db, named.id, &other, &none) && other.id < l->id &&
		    is_wanted(x, other.object_id)) {
			buf_printf(&x->text, " --%s", places[i]);
			within(x, other.object_name, other.program_name);
		} else if (typed && !*typed) {
			buf_printf(&x->text, " --%s", places[i]);
		}
		db_link_clear(&other);
		error_clear(&none);
		free(typed);
	}
	json_decref(asked);
}

static int link_line(void *data, struct db_link *l)
{
	struct export *x = data;

	/* A trial is nobody's decision yet, and what never was attached has no words. */
	if (l->state != DB_LOADED || l->expires_at || !l->target_text ||
	    !is_wanted(x, l->object_id))
		return 0;
	buf_str(&x->text, "attach");
	within(x, l->object_name, l->program_name);
	/* These are words already. */
	if (*l->target_text)
		buf_printf(&x->text, " %s", l->target_text);
	if (!strstr(l->target_text, " --before") && !strstr(l->target_text, " --after"))
		beside(x, l);
	buf_char(&x->text, '\n');
	return 0;
}

/* ---- contents of maps ---- */

static const char *const written_types[] = {
	"hash", "lru_hash", "array", "percpu_array", "percpu_hash", "lru_percpu_hash", "lpm_trie",
};

static bool is_written(const struct db_map *map)
{
	if (!strncmp(map->name, ".rodata", 7))
		return false;
	for (size_t i = 0; i < sizeof(written_types) / sizeof(written_types[0]); i++)
		if (!strcmp(written_types[i], map->type))
			return true;
	return false;
}

static int entries_of(struct export *x, const struct db_map *map, const char *object)
{
	struct manager_map found = {
		.id = map->id, .name = map->name, .pin = map->pin, .identity = map->identity
	};
	struct buf entries = { 0 }, name = { 0 }, lines = { 0 };
	const struct manager_entries how = { &entries, .text = true, .per_cpu = true };
	char *cursor = NULL;
	int r = 0;

	if (object)
		buf_printf(&name, "%s/", object);
	buf_str(&name, map->name);
	lang_quote(&lines, buf_text(&name));
	do {
		json_t *result = NULL;

		buf_reset(&entries);
		r = manager_map_part(x->s->manager, &found, cursor, 0, &how, &result, x->e);
		free(cursor);
		cursor = NULL;
		if (!r)
			entry_commands(&x->text, buf_text(&lines), &entries);
		if (!r && json_is_string(json_object_get(result, "cursor")))
			cursor = strdup(answer_str(result, "cursor", ""));
		json_decref(result);
	} while (!r && cursor);
	free(cursor);
	buf_free(&entries);
	buf_free(&name);
	buf_free(&lines);
	return r;
}

struct kept_maps {
	struct db_map *at;
	size_t count;
	bool nomem;
};

static int keep_map(void *data, struct db_map *map)
{
	struct kept_maps *k = data;
	struct db_map *grown = reallocarray(k->at, k->count + 1, sizeof(*grown));

	if (!grown) {
		k->nomem = true;
		return -ENOMEM;
	}
	k->at = grown;
	k->at[k->count++] = *map;
	memset(map, 0, sizeof(*map));
	return 0;
}

static bool seen_shared(struct export *x, int64_t id)
{
	int64_t *grown;

	for (size_t i = 0; i < x->shared_count; i++)
		if (x->shared[i] == id)
			return true;
	grown = reallocarray(x->shared, x->shared_count + 1, sizeof(*grown));
	if (!grown) {
		x->text.failed = true;
		return true;
	}
	x->shared = grown;
	x->shared[x->shared_count++] = id;
	return false;
}

static int contents(struct export *x, const struct db_object *o)
{
	struct kept_maps k = { 0 };
	int r = db_maps(x->db, o->id, keep_map, &k, x->e);

	if (k.nomem)
		r = error_nomem(x->e);
	for (size_t i = 0; i < k.count; i++) {
		struct db_map *map = &k.at[i];
		bool ours = map->object_id ? map->object_id == o->id : !seen_shared(x, map->id);
		struct look look;

		if (!r && ours && is_written(map)) {
			look = manager_look_map(x->s->manager, map);
			if (look.sight == SIGHT_LOADED) {
				r = entries_of(x, map, map->object_id ? o->name : NULL);
			} else {
				buf_str(&x->text, "# lost: the contents of");
				within(x, o->name, map->name);
				buf_char(&x->text, '\n');
			}
		} else if (!r && ours && strncmp(map->name, ".rodata", 7) != 0) {
			buf_printf(&x->text, "# not written: the contents of the %s", map->type);
			within(x, o->name, map->name);
			buf_char(&x->text, '\n');
		}
		db_map_clear(map);
	}
	free(k.at);
	return r;
}

/* ---- objects ---- */

static int object(struct export *x, const struct db_object *o)
{
	json_t *options = json_loads(o->options ? o->options : "{}", JSON_REJECT_DUPLICATES, NULL);
	char *from = adopted_from(o);
	int r = 0;

	if (from) {
		buf_str(&x->text, "adopt");
		word(x, from);
		option(x, "--name", o->name);
		buf_char(&x->text, '\n');
	} else if (!options || !o->path) {
		r = error_set(x->e, EIO, "object \"%s\": its options cannot be read", o->name);
	} else {
		r = load_line(x, o, options);
	}
	if (!r && x->maps)
		r = contents(x, o);
	free(from);
	json_decref(options);
	return r;
}

struct kept_objects {
	struct db_object *at;
	size_t count;
	const struct export *x;
	bool nomem;
};

static int keep_object(void *data, struct db_object *o)
{
	struct kept_objects *k = data;
	struct db_object *grown;

	if (!is_wanted(k->x, o->id) || o->state != DB_LOADED)
		return 0;
	grown = reallocarray(k->at, k->count + 1, sizeof(*grown));
	if (!grown) {
		k->nomem = true;
		return -ENOMEM;
	}
	k->at = grown;
	k->at[k->count++] = *o;
	memset(o, 0, sizeof(*o));
	return 0;
}

static int run_export(struct session *s, const struct invocation *in, struct error *e)
{
	const struct arg_values *names = invocation_values(in, "OBJECT");
	struct export x = { .s = s,
			    .embed = invocation_value(in, "--embed"),
			    .maps = invocation_value(in, "--maps"),
			    .e = e };
	struct kept_objects k = { .x = &x };
	int r = 0;

	x.wanted = calloc(names->count + 1, sizeof(*x.wanted));
	x.wanted_count = names->count;
	r = x.wanted ? manager_db(s->manager, &x.db, e) : error_nomem(e);

	for (size_t i = 0; !r && i < names->count; i++) {
		struct named named;

		r = manager_resolve(s->manager, names->values[i], WANT_OBJECT, &named, e);
		x.wanted[i] = named.id;
	}
	if (!r)
		r = db_objects(x.db, keep_object, &k, e);
	if (k.nomem)
		r = error_nomem(e);
	for (size_t i = 0; i < k.count; i++) {
		if (!r)
			r = object(&x, &k.at[i]);
		db_object_clear(&k.at[i]);
	}
	/* Behind all objects: one may stand beside another's. */
	if (!r)
		r = db_links(x.db, 0, link_line, &x, e);
	if (!r && buf_error(&x.text))
		r = error_nomem(e);
	if (!r)
		sink_text(s->sink, "script", buf_text(&x.text), x.text.len);
	free(k.at);
	free(x.wanted);
	free(x.shared);
	buf_free(&x.text);
	return r;
}

static const struct arg export_args[] = {
	{ .name = "OBJECT",
	  .type = ARG_OBJECT,
	  .flags = ARG_REPEAT,
	  .help = "what to write (default: all objects)" },
	{ .name = "--embed",
	  .type = ARG_FLAG,
	  .help = "put the bytes of the files into the script, which then needs no other file" },
	{ .name = "--maps", .type = ARG_FLAG, .help = "write the contents of maps too" },
};

const struct command export_commands[] = {
	{ "export", "write what is loaded and attached as a script that does it again", export_args,
	  sizeof(export_args) / sizeof(export_args[0]), 0, run_export,
	  "`bpfman export > setup.bpfman` here, `bpfman < setup.bpfman` there: the same objects, "
	  "with "
	  "their options, labels and attachments, under new ids. Trials are left out. Without "
	  "--embed "
	  "the files are expected where they were. With --maps the contents of hashes, arrays, "
	  "tries "
	  "and variables follow each object; those of other kinds are named in a comment.",
	  NULL },
};
const size_t export_command_count = sizeof(export_commands) / sizeof(export_commands[0]);

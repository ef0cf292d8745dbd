/* SPDX-License-Identifier: GPL-3.0-or-later */
/* detach and keep */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "command/attachment.h"
#include "command/kept.h"
#include "command/rows.h"

struct links {
	int64_t *ids;
	size_t count;
};

static int add(struct links *l, int64_t id, struct error *e)
{
	int64_t *grown;

	for (size_t i = 0; i < l->count; i++)
		if (l->ids[i] == id)
			return 0; /* named twice, by its id and by its program */
	grown = grow(l->ids, l->count, sizeof(*grown));
	if (!grown)
		return error_nomem(e);
	l->ids = grown;
	grown[l->count++] = id;
	return 0;
}

static int gather(struct session *s, const struct arg_values *words, struct links *l,
		  struct error *e)
{
	struct named named;
	int r = 0;

	for (size_t i = 0; !r && i < words->count; i++) {
		r = manager_resolve(s->manager, words->values[i], WANT_LINK, &named, e);
		if (!r)
			r = add(l, named.id, e);
	}
	return r;
}

/* ---- PROGRAM [TARGET] ---- */

/* Links of one program, held against what was typed. */
struct matching {
	const struct attachment *typed;
	int64_t id; /* of the last that matches */
	size_t matches, links;
	struct error *e;
	struct buf list; /* of those that match, or of all where none does */
};

/* Whether all that was typed is among the words that attach a link again. */
static bool is_same(const struct attachment *typed, const struct db_link *l)
{
	struct attachment link;
	struct error e = ERROR_INIT;
	bool same;

	if (!l->target_text || attachment_parse(&link, "target", l->target_text, &e)) {
		error_clear(&e);
		return false;
	}
	same = !typed->what.target ||
	       (link.what.target && !strcmp(link.what.target, typed->what.target));
	for (size_t i = 0; same && i < typed->what.option_count; i++) {
		const char *value = attachment_option(&link, typed->options[i].key);

		same = value && !strcmp(value, typed->options[i].value);
	}
	if (same && typed->what.type)
		same = l->type && !strcmp(l->type, typed->what.type);
	attachment_free(&link);
	return same;
}

static int see_link(void *data, struct db_link *l)
{
	struct matching *k = data;
	bool same = is_same(k->typed, l);

	k->links++;
	if (same && !k->matches++)
		buf_reset(&k->list);
	if (same)
		k->id = l->id;
	if (same || !k->matches)
		buf_printf(&k->list, "%s%lld  %s %s", k->list.len ? "\n" : "", (long long)l->id,
			   l->program_name, l->target_text ? l->target_text : "");
	return buf_error(&k->list) ? error_nomem(k->e) : 0;
}

/*
 * The links of the program that may be meant, into k. Those whose target is written as it was typed
 * go first: of many links only few need be read and parsed. The others count where none of these
 * is meant, and for what is said then.
 */
static int look_through(struct db *db, int64_t program_id, struct matching *k, struct error *e)
{
	const char *target = k->typed->what.target;
	int r = target ? db_links_to(db, program_id, target, see_link, k, e) : 0;

	if (r || k->matches)
		return r;
	k->links = 0;
	buf_reset(&k->list);
	return db_links(db, program_id, see_link, k, e);
}

static int gather_by_target(struct session *s, const struct invocation *in, struct links *l,
			    struct error *e)
{
	const struct arg_values *words = invocation_values(in, "LINK");
	struct attachment typed;
	struct matching k = { .typed = &typed, .e = e };
	struct named program;
	struct db *db;
	int r;

	r = attachment_of(&typed, in, e);
	if (r)
		return r;
	typed.what.target = words->count > 1 ? words->values[1] : NULL;
	r = manager_resolve(s->manager, words->values[0], WANT_PROGRAM, &program, e);
	if (!r)
		r = manager_db(s->manager, &db, e);
	if (!r)
		r = look_through(db, program.id, &k, e);
	if (r)
		goto out;
	if (k.matches == 1) {
		r = add(l, k.id, e);
		goto out;
	}
	if (!k.links)
		r = error_set(e, ENOENT, "program \"%s\" has no link", words->values[0]);
	else if (!k.matches)
		r = error_set(e, ENOENT, "program \"%s\" is not attached there", words->values[0]);
	else
		r = error_set(e, ENOTUNIQ, "\"%s\" is ambiguous: it names %zu links",
			      words->values[0], k.matches);
	if (k.links) {
		error_detail(e, "%s", k.list.data);
		error_hint(e, "name it by its id, or as PROGRAM TARGET");
	}
out:
	buf_free(&k.list);
	attachment_free(&typed);
	return r;
}

/* PROGRAM TARGET before two links, and LINK... before PROGRAM. */
static int gather_any(struct session *s, const struct invocation *in, struct links *l,
		      struct error *e)
{
	const struct arg_values *words = invocation_values(in, "LINK");
	struct error first = ERROR_INIT;
	struct named named;
	bool where = false;
	int r;

	for (size_t i = 0; i < in->command->arg_count; i++)
		where |= in->command->args[i].name[0] == '-' && in->args[i].count;
	if (where || words->count == 2) {
		r = gather_by_target(s, in, l, e);
		if (!r || where)
			return r;
		error_clear(e);
	}
	r = gather(s, words, l, e);
	if (!r || words->count > 2)
		return r;
	error_move(&first, e);
	if (manager_resolve(s->manager, words->values[0], WANT_PROGRAM, &named, e)) {
		error_clear(e);
		error_move(e, &first);
		return r;
	}
	error_clear(&first);
	l->count = 0;
	return gather_by_target(s, in, l, e);
}

/* ---- the commands ---- */

/* What goes is told before it is gone. */
static int write_links_of(struct session *s, const char *key, const struct links *l,
			  const struct sink_table *table, struct error *e)
{
	struct rows_context c;
	int r;

	r = rows_context_init(&c, s, false, e);
	if (r)
		return r;
	sink_rows(s->sink, key, table);
	for (size_t i = 0; !r && i < l->count; i++) {
		struct db_link link = { 0 };

		r = db_link_get(c.db, l->ids[i], &link, e);
		if (r == -ENOENT) {
			r = 0; /* its trial ended meanwhile */
			continue;
		}
		if (!r) {
			sink_row(s->sink);
			link_members(&c, &link, manager_look_link(s->manager, &link));
			sink_row_end(s->sink);
		}
		db_link_clear(&link);
	}
	sink_rows_end(s->sink);
	rows_context_free(&c);
	return r;
}

static const struct sink_column detached_columns[] = {
	{ .key = "id", .title = "DETACHED", .align = SINK_RIGHT },
	{ .key = "program", .title = "PROGRAM" },
	{ .key = "type", .title = "TYPE" },
	{ .key = "target_text", .title = "TARGET" },
};
static const struct sink_table detached_table = { detached_columns, 4, "nothing to detach" };

static int see_out(struct session *s, const struct arg_values *words, struct error *e)
{
	struct named link;
	int r = 0;

	for (size_t i = 0; !r && i < words->count; i++) {
		r = manager_resolve(s->manager, words->values[i], WANT_LINK, &link, e);
		if (r == -ENOENT) {
			error_clear(e); /* it is gone: that is what was waited for */
			r = 0;
		} else if (!r) {
			r = manager_see_trial_out(s->manager, link.id, e);
		}
	}
	return r;
}

static int run_detach(struct session *s, const struct invocation *in, struct error *e)
{
	struct kept_list kept = { 0 };
	struct links l = { 0 };
	int r;

	if (invocation_value(in, "--expired"))
		return see_out(s, invocation_values(in, "LINK"), e);
	r = gather_any(s, in, &l, e);
	if (!r)
		r = write_links_of(s, "detached", &l, &detached_table, e);
	if (!r)
		r = manager_detach(s->manager, l.ids, l.count, kept_add, &kept, e);
	if (!r && manager_dry_run(s->manager))
		sink_note(s->sink, "dry run: nothing was detached");
	kept_write(s->sink, &kept);
	sink_bool(s->sink, "changed", l.count > 0);
	free(l.ids);
	return r;
}

static int run_keep(struct session *s, const struct invocation *in, struct error *e)
{
	struct links l = { 0 };
	bool changed = false;
	int r;

	r = gather(s, invocation_values(in, "LINK"), &l, e);
	if (!r)
		r = manager_keep(s->manager, l.ids, l.count, &changed, e);
	if (!r)
		r = write_links_of(s, "links", &l, &links_table, e);
	if (!r && !changed)
		sink_note(s->sink, "none of them was on trial");
	sink_bool(s->sink, "changed", changed);
	free(l.ids);
	return r;
}

static int check_detach(const struct invocation *in, struct error *e)
{
	size_t words = invocation_values(in, "LINK")->count, options = 0;

	for (size_t i = 0; i < in->command->arg_count; i++)
		options += in->command->args[i].name[0] == '-' && in->args[i].count;
	if (invocation_value(in, "--expired"))
		return options == 1 ? 0
				    : error_set_class(e, ERROR_USAGE, EINVAL,
						      "--expired goes with links alone");
	if (options && words > 2)
		return error_set_class(e, ERROR_USAGE, EINVAL,
				       "options that say where go with one PROGRAM [TARGET]");
	return 0;
}

static const struct arg detach_args[] = {
	{ .name = "LINK",
	  .type = ARG_PROGRAM_OR_LINK,
	  .flags = ARG_REQUIRED | ARG_REPEAT | ARG_FORMS,
	  .value = "LINK... | PROGRAM [TARGET]",
	  .help = "ids, kernel:ID, pin paths, programs with a single link; or a program and where "
		  "it is attached" },
	{ .name = "--type",
	  .type = ARG_ATTACH_TYPE,
	  .value = "TYPE",
	  .help = "the link of this type" },
	{ .name = "--netns",
	  .type = ARG_NETNS,
	  .value = "NAME|PATH|pid:N",
	  .help = "the link in this network namespace" },
	{ .name = "--ingress", .type = ARG_FLAG, .help = "the link for packets that come in" },
	{ .name = "--egress", .type = ARG_FLAG, .help = "the link for packets that go out" },
	{ .name = "--mode",
	  .type = ARG_TEXT,
	  .value = "native|generic",
	  .help = "the link of this mode" },
	{ .name = "--pid", .type = ARG_COUNT, .value = "PID", .help = "the link for this process" },
	{ .name = "--cpu", .type = ARG_NUMBER, .value = "CPU", .help = "the link for this CPU" },
	{ .name = "--expired",
	  .type = ARG_FLAG,
	  .help = "wait for the end of the links' trials, and detach those that nobody kept" },
};

static const struct arg keep_args[] = {
	{ .name = "LINK",
	  .type = ARG_LINK,
	  .flags = ARG_REQUIRED | ARG_REPEAT,
	  .help = "links that were attached with --try" },
};

#define ARGS(a) (a), sizeof(a) / sizeof((a)[0])

const struct command detach_commands[] = {
	{ "detach", "detach links, and forget them", ARGS(detach_args),
	  COMMAND_MUTATES | COMMAND_UNDOABLE, run_detach,
	  "The program stays loaded. Options say which link of a program is meant, with the words "
	  "that `list links` shows under TARGET. Two words that are a program and where it is "
	  "attached are not two links. Links that are lost, or whose target is gone, are "
	  "forgotten.",
	  check_detach },
	{ "keep", "end the trial of links: they stay", ARGS(keep_args), COMMAND_MUTATES, run_keep,
	  NULL, NULL },
};
const size_t detach_command_count = sizeof(detach_commands) / sizeof(detach_commands[0]);

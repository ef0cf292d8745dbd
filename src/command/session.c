/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running scripts: everything is bound before anything runs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "command/command.h"

int status_graver(int a, int b)
{
	static const int order[] = { 0, 1, 2, 3, 130 };
	size_t ia = 0, ib = 0;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		ia = order[i] == a ? i : ia;
		ib = order[i] == b ? i : ib;
	}
	return ia > ib ? a : b;
}

/* "script.txt:12", or the name alone for one command from the shell. NULL at a prompt. */
static const char *where_of(const struct session *s, const struct script *script,
			    const struct statement *st, struct buf *out)
{
	if (s->interactive && !s->depth)
		return NULL;
	buf_reset(out);
	buf_str(out, script->name);
	if (!script->words)
		buf_printf(out, ":%u", st->words[0].place.line);
	return buf_error(out) ? script->name : buf_text(out);
}

/* A failure ends a run that is all or nothing: its last word is what became of it. */
static void take_back(struct session *s, struct error *e)
{
	struct error later = ERROR_INIT;

	if (!s->manager || !manager_atomic(s->manager))
		return;
	if (manager_atomic_undo(s->manager, &later))
		error_detail(e, "what this run changed is taken back by the next command: %s",
			     later.message ? later.message : "out of memory");
	else
		error_detail(e, "nothing was changed");
	error_clear(&later);
}

static int tell(struct session *s, const char *where, const char *command, struct error *e)
{
	struct error broken = ERROR_INIT;
	int status = (int)e->class;

	take_back(s, e);
	if (sink_fail(s->sink, where, command, e, &broken))
		status = status_graver(status, ERROR_FAILED);
	error_clear(&broken);
	return status;
}

int session_next_document(struct session *s, const struct invocation *in, struct error *e)
{
	int r;

	/* A progress line makes place for it. */
	if (s->busy)
		s->busy(s->ui, in->statement->source, in->statement->source_len);
	r = sink_end(s->sink, e);
	sink_begin(s->sink);
	return r;
}

int session_sleep_until(struct session *s, int64_t end)
{
	if (s->before_sleep)
		s->before_sleep(s->ui);
	for (;;) {
		int64_t left = end - clock_monotonic();

		if (left <= 0)
			return 0;
		if (s->wait(s->ui, -1, 0, (int)(left / 1000000) + 1))
			return -EINTR;
	}
}

int session_tell(struct session *s, const char *where, struct error *e)
{
	sink_begin(s->sink);
	return tell(s, where, NULL, e);
}

static void echo(struct session *s, const struct statement *st)
{
	char *text = strndup(st->source, st->source_len);
	struct error broken = ERROR_INIT;

	if (text && s->options->output == OUTPUT_TABLE) {
		sink_begin(s->sink);
		sink_note(s->sink, "> %s", text);
		sink_end(s->sink, &broken);
		error_clear(&broken);
	}
	free(text);
}

/* What JSON tells besides the command's own members. */
static void trailer(struct session *s, const struct statement *st, int64_t begun)
{
	char text[CLOCK_TEXT];
	int64_t took = clock_monotonic() - begun;

	if (s->options->echo)
		sink_strn(s->sink, "command", st->source, st->source_len);
	if (!s->options->timing)
		return;
	sink_u64(s->sink, "elapsed_ns", (uint64_t)took);
	clock_duration(took, text);
	sink_note(s->sink, "%s: %s", st->words[0].text, text);
}

static int run_one(struct session *s, const struct script *script, const struct invocation *in)
{
	const struct command *c = in->command;
	bool own = c->flags & COMMAND_DOCUMENTS;
	int64_t begun = clock_monotonic();
	struct error e = ERROR_INIT;
	struct buf where = { 0 };
	int status;
	int r;

	if (s->remake && s->make_sink) {
		s->remake = false;
		r = s->make_sink(s, &e);
		if (r) {
			status = (int)e.class;
			error_clear(&e);
			return status;
		}
	}
	if (s->options->echo)
		echo(s, in->statement);
	if (s->busy)
		s->busy(s->ui, in->statement->source, in->statement->source_len);
	if (!own)
		sink_begin(s->sink);
	s->verdict = 0;
	s->done = false;
	if (s->manager)
		manager_new_command(s->manager, c->name, in->statement->source,
				    in->statement->source_len);
	r = c->run(s, in, &e);
	if (s->manager && (c->flags & COMMAND_MUTATES))
		manager_end_command(s->manager, r ? &e : NULL);
	if (s->busy)
		s->busy(s->ui, NULL, 0);
	if (!r && !own) {
		trailer(s, in->statement, begun);
		r = sink_end(s->sink, &e);
		s->done |= (c->flags & COMMAND_MUTATES) != 0;
		own = true; /* a document that could not be written has no place for its error */
	}
	if (r && e.message && s->done && !s->options->atomic && !manager_dry_run(s->manager))
		error_hint(&e, "the command was carried out all the same");
	status = s->verdict;
	if (r && !e.message) {
		status = (int)e.class; /* already told */
	} else if (r) {
		if (own)
			sink_begin(s->sink);
		status = tell(s, where_of(s, script, in->statement, &where), c->name, &e);
	}
	buf_free(&where);
	error_clear(&e);
	return status;
}

struct bound {
	struct invocation *in;
	size_t count;
};

/* Whether nothing runs after a command with this status. */
static bool ends(const struct session *s, int status)
{
	return status == ERROR_INTERRUPTED ||
	       (status && (!s->options->keep_going || s->options->atomic));
}

static int run_bound(struct session *s, const struct script *script, struct invocation *in)
{
	int status = 0;

	for (size_t i = 0; i < script->count && !s->quit; i++) {
		if (s->wait && s->wait(s->ui, -1, 0, 0)) {
			struct error e = ERROR_INIT;
			struct buf where = { 0 };

			error_set_class(&e, ERROR_INTERRUPTED, EINTR, "interrupted");
			sink_begin(s->sink);
			status = tell(s, where_of(s, script, in[i].statement, &where),
				      in[i].command->name, &e);
			error_clear(&e);
			buf_free(&where);
			break;
		}
		status = status_graver(status, run_one(s, script, &in[i]));
		if (ends(s, status))
			break;
	}
	return status;
}

/* A run that is all or nothing begins before its first command, where one changes anything. */
static int begin_atomic(struct session *s, const struct bound *b, size_t count)
{
	struct error e = ERROR_INIT;
	bool mutates = false;
	int status = 0;

	if (!s->options->atomic || s->depth)
		return 0;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < b[i].count; k++)
			mutates |= b[i].in[k].command->flags & COMMAND_MUTATES;
	if (manager_atomic_begin(s->manager, mutates, &e))
		status = session_tell(s, "bpfman", &e);
	error_clear(&e);
	return status;
}

/* It is done, or, where a command's answer was no failure but a "no", it is not. */
static int end_atomic(struct session *s, int status)
{
	struct error e = ERROR_INIT;

	if (s->depth || !s->manager || !manager_atomic(s->manager))
		return status;
	if (status)
		error_set_class(&e, (enum error_class)status, ECANCELED,
				"the run ended with status %d", status);
	if (status || manager_atomic_decide(s->manager, &e))
		status = status_graver(status, session_tell(s, "bpfman", &e));
	error_clear(&e);
	return status;
}

/* From here what was done survives a power cut; a script that ends well has said so. */
static int settle(struct session *s, int status)
{
	struct error e = ERROR_INIT;

	if (s->depth || !s->manager || !manager_make_durable(s->manager, !s->interactive, &e))
		return status;
	status = status_graver(status, session_tell(s, "bpfman", &e));
	error_clear(&e);
	return status;
}

/* What cannot be taken back has no place in a run that is all or nothing. */
static int check_atomic(const struct session *s, const struct invocation *in, struct error *e)
{
	if (!s->options->atomic || !(in->command->flags & COMMAND_MUTATES) ||
	    in->command->flags & COMMAND_UNDOABLE)
		return 0;
	error_set_class(e, ERROR_USAGE, EINVAL, "%s cannot be taken back: --atomic refuses it",
			in->command->name);
	return error_hint(e, "run it by itself, before or after");
}

static int bind_one(const struct session *s, const struct statement *st, struct invocation *in,
		    struct error *e)
{
	int r = invocation_bind(in, st, s->interactive && !s->depth, e);

	if (r)
		return r;
	r = check_atomic(s, in, e);
	if (r)
		invocation_free(in);
	return r;
}

/* Binds all statements of a script; the first mistake is told and its status returned. */
static int bind_script(struct session *s, const struct script *script, struct bound *b)
{
	struct error e = ERROR_INIT;
	struct buf where = { 0 };
	int status = 0;
	size_t used;

	b->in = calloc(script->count + 1, sizeof(*b->in));
	if (!b->in) {
		error_nomem(&e);
		status = session_tell(s, script->name, &e);
	}
	for (; !status && b->count < script->count; b->count++) {
		const struct statement *st = &script->statements[b->count];

		if (!bind_one(s, st, &b->in[b->count], &e))
			continue;
		if (s->depth && e.class == ERROR_USAGE)
			e.class = ERROR_FAILED; /* something may have run before the source */
		sink_begin(s->sink);
		status = tell(s, where_of(s, script, st, &where),
			      command_match(st->words[0].text, NULL, &used) || used
				      ? st->words[0].text
				      : NULL,
			      &e);
		break;
	}
	buf_free(&where);
	error_clear(&e);
	return status;
}

int session_run(struct session *s, const struct script *scripts, size_t count)
{
	struct bound *b = calloc(count + 1, sizeof(*b));
	struct error e = ERROR_INIT;
	bool bound;
	int status = 0;

	if (!b) {
		error_nomem(&e);
		return session_tell(s, "bpfman", &e);
	}
	for (size_t i = 0; !status && i < count; i++)
		status = bind_script(s, &scripts[i], &b[i]);
	/* One mistake anywhere, and nothing runs, keep-going or not. */
	bound = !status;
	if (bound)
		status = begin_atomic(s, b, count);
	for (size_t i = 0; bound && i < count && !s->quit && !ends(s, status); i++)
		status = status_graver(status, run_bound(s, &scripts[i], b[i].in));
	status = settle(s, end_atomic(s, status));
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < b[i].count; k++)
			invocation_free(&b[i].in[k]);
		free(b[i].in);
	}
	free(b);
	return status;
}

int session_run_text(struct session *s, const char *name, const char *text, size_t len)
{
	struct error e = ERROR_INIT;
	struct script script;
	int status;

	if (script_parse(&script, name, text, len, &e)) {
		if (s->depth && e.class == ERROR_USAGE)
			e.class = ERROR_FAILED;
		status = session_tell(s, NULL, &e);
		error_clear(&e);
		return status;
	}
	status = session_run(s, &script, 1);
	script_free(&script);
	return status;
}

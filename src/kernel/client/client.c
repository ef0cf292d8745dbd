/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel/client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "kernel/client/entries.h"
#include "kernel/client/internal.h"
#include "kernel/protocol/protocol.h"

enum { READ_CHUNK = 65536 };

/*
 * jansson's lexer drops a byte of a string when memory is lost over it (2.14, lex_save() ignores
 * what strbuffer_append_byte() returns): a pin's path would be another one. So lost memory is noted
 * where it is lost, and such an answer is none.
 */
static bool json_starved;

static void *json_allocate(size_t size)
{
	void *p = malloc(size);

	json_starved |= !p;
	return p;
}

struct client *client_new(const char *worker, const struct client_turn *turn)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	json_set_alloc_funcs(json_allocate, free);
	c->worker = worker;
	c->turn = turn;
	c->in = c->out = -1;
	return c;
}

int client_inherit(struct client *c, int fd)
{
	if (c->inherits == INHERIT_MAX)
		return -ENOSPC;
	c->inherit[c->inherits++] = fd;
	return 0;
}

int client_pid(const struct client *c)
{
	return c->pid;
}

static void close_ends(struct client *c)
{
	if (c->in >= 0)
		close(c->in);
	if (c->out >= 0)
		close(c->out);
	c->in = c->out = -1;
	buf_reset(&c->received);
	buf_reset(&c->sending);
	c->posted = false;
}

void client_finish(struct client *c)
{
	if (c->in >= 0)
		close(c->in);
	c->in = -1;
}

static int reap(struct client *c)
{
	int status = 0;

	if (!c->pid)
		return 0;
	client_finish(c); /* one that lives all the same ends with its input */
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
	close_ends(c);
	return status;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	client_finish(c);
	/* Nobody reads any more: a worker in the middle of a long answer would wait for us for
	 * ever. */
	if (c->out >= 0)
		close(c->out);
	c->out = -1;
	reap(c);
	close_ends(c);
	buf_free(&c->received);
	buf_free(&c->sending);
	json_decref(c->kept);
	free(c);
}

static int spawn(struct client *c, int in, int out)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, defaults;
	char *argv[] = { (char *)"bpfman-kernel", NULL };
	extern char **environ;
	int r;

	r = posix_spawn_file_actions_init(&actions);
	if (r)
		return -r;
	r = posix_spawnattr_init(&attr);
	if (r) {
		posix_spawn_file_actions_destroy(&actions);
		return -r;
	}
	r = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	/* dup2 onto itself clears close-on-exec in the child: POSIX.1-2024, posix_spawn(3). */
	for (int i = 0; !r && i < c->inherits; i++)
		r = posix_spawn_file_actions_adddup2(&actions, c->inherit[i], c->inherit[i]);
	/* Its own process group: ^C on the terminal is for us, and we decide what it means. */
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGXFSZ);
	sigaddset(&defaults, SIGINT);
	sigaddset(&defaults, SIGTERM);
	sigaddset(&defaults, SIGHUP);
	sigaddset(&defaults, SIGTSTP);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETPGROUP);
	if (!r)
		r = posix_spawn(&c->pid, c->worker, &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (r)
		c->pid = 0;
	return -r;
}

int client_start(struct client *c, struct error *e)
{
	int to[2] = { -1, -1 }, from[2] = { -1, -1 };
	int r = 0;

	if (c->pid)
		return 0;
	if (c->worker[0] != '/')
		return error_set_class(e, ERROR_ENVIRONMENT, EINVAL,
				       "the worker's path %s is not absolute", c->worker);
	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		r = -errno;
	if (!r)
		r = spawn(c, to[0], from[1]);
	if (to[0] >= 0)
		close(to[0]);
	if (from[1] >= 0)
		close(from[1]);
	if (r) {
		if (to[1] >= 0)
			close(to[1]);
		if (from[0] >= 0)
			close(from[0]);
		error_set_class(e, ERROR_ENVIRONMENT, -r, "cannot start the worker %s: %s",
				c->worker, strerror(-r));
		return error_hint(e, "name it with --worker FILE or BPFMAN_WORKER");
	}
	c->in = to[1];
	c->out = from[0];
	fcntl(c->in, F_SETFL, O_NONBLOCK);
	fcntl(c->out, F_SETFL, O_NONBLOCK);
	return 0;
}

int client_wait(struct client *c, int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (c->turn)
		return c->turn->wait(c->turn->data, fd, events, -1);
	if (poll(&p, 1, -1) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

int client_lost(struct client *c, const char *subject, int err, const char *why, struct error *e)
{
	bool ours = why != NULL; /* we end it, it did not end by itself */
	int status;

	/* Never without one: kill(2) of 0 means our own process group. */
	if (ours && c->pid > 0)
		kill(c->pid, SIGKILL);
	status = reap(c);
	if (err == EINTR)
		return error_set_class(e, ERROR_INTERRUPTED, EINTR, "%s: interrupted", subject);
	if (ours)
		error_set(e, err, "%s: the worker %s", subject, why);
	else if (WIFSIGNALED(status))
		error_set(e, EPIPE, "%s: the worker was killed by signal %d (%s)", subject,
			  WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		error_set(e, EPIPE, "%s: the worker ended with status %d instead of answering",
			  subject, WEXITSTATUS(status));
	error_hint(e, "the next command gets a new worker and settles what this one left");
	return -(ours ? err : EPIPE); /* also where nobody wants to know why */
}

static int send_all(struct client *c, const char *subject, const char *line, size_t len,
		    struct error *e)
{
	while (len) {
		ssize_t n = write(c->in, line, len);
		int r;

		if (n >= 0) {
			line += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EPIPE)
			return client_lost(c, subject, EPIPE, NULL, e);
		if (errno != EAGAIN)
			return client_lost(c, subject, errno, "cannot be written to", e);
		r = client_wait(c, c->in, POLLOUT);
		if (r)
			return client_lost(c, subject, -r, "was ended", e);
	}
	return 0;
}

int client_receive(struct client *c, const char *subject, size_t *len, struct error *e)
{
	size_t seen = 0;

	for (;;) {
		char chunk[READ_CHUNK];
		const char *end = NULL;
		ssize_t n;

		if (c->received.len > seen)
			end = memchr(c->received.data + seen, '\n', c->received.len - seen);
		if (end) {
			*len = (size_t)(end - c->received.data);
			return 0;
		}
		seen = c->received.len;
		if (seen > PROTOCOL_MAX_LINE)
			return client_lost(c, subject, EPROTO, "answered without end", e);
		n = read(c->out, chunk, sizeof(chunk));
		if (n > 0) {
			buf_add(&c->received, chunk, (size_t)n);
			if (buf_error(&c->received))
				return client_lost(c, subject, ENOMEM,
						   "answered more than memory holds", e);
			continue;
		}
		if (n == 0)
			return client_lost(c, subject, EPIPE, NULL, e);
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return client_lost(c, subject, errno, "cannot be read from", e);
		return -EAGAIN;
	}
}

static int receive_line(struct client *c, const char *subject, size_t *len, struct error *e)
{
	int r;

	while ((r = client_receive(c, subject, len, e)) == -EAGAIN) {
		r = client_wait(c, c->out, POLLIN);
		if (r)
			return client_lost(c, subject, -r, "was ended", e);
	}
	return r;
}

/* "ok" with a result, or not "ok" with an error that says what it was; to this very request. */
static bool is_answer(const json_t *answer, json_int_t id)
{
	const json_t *ok = json_object_get(answer, "ok");

	if (!json_is_integer(json_object_get(answer, "id")) || answer_int(answer, "id") != id)
		return false;
	if (json_is_true(ok))
		return json_is_object(json_object_get(answer, "result"));
	return json_is_false(ok) &&
	       answer_str(json_object_get(answer, "error"), "message", NULL) != NULL;
}

/* The answer's tree; with entries, their text goes there instead. NULL: it is no answer. */
static json_t *read_answer(const char *line, size_t len, struct buf *entries)
{
	struct buf rest = { 0 };
	json_error_t jerror;
	json_t *answer = NULL;
	int r = entries ? entries_take(line, len, entries, &rest) : -ENOENT;

	if (!r)
		answer = json_loadb(rest.data, rest.len, JSON_REJECT_DUPLICATES, &jerror);
	else if (r == -ENOENT)
		answer = json_loadb(line, len, JSON_REJECT_DUPLICATES, &jerror);
	buf_free(&rest);
	return answer;
}

int client_take(struct client *c, const char *subject, size_t len, struct buf *entries,
		json_t **answer, struct error *e)
{
	json_starved = false;
	*answer = read_answer(c->received.data, len, entries);
	buf_drop(&c->received, len + 1);
	if (json_starved) {
		json_decref(*answer);
		*answer = NULL;
		return client_lost(c, subject, ENOMEM, "answered more than memory holds", e);
	}
	if (is_answer(*answer, c->id) && !c->received.len)
		return 0;
	json_decref(*answer);
	*answer = NULL;
	return client_lost(c, subject, EPROTO, "answered with something that is not its protocol",
			   e);
}

static int call(struct client *c, const char *subject, json_t *request, struct buf *entries,
		json_t **answer, struct error *e)
{
	char *line = NULL;
	size_t len;
	int r;

	*answer = NULL;
	c->calling = true;
	r = client_finish_posted(c, subject, e);
	if (!r)
		r = client_start(c, e);
	if (r)
		goto out;
	if (json_object_set_new(request, "id", json_integer(++c->id))) {
		r = error_nomem(e);
		goto out;
	}
	line = protocol_line(request, &len);
	if (!line) {
		r = error_nomem(e);
		goto out;
	}
	r = send_all(c, subject, line, len, e);
	if (!r)
		r = receive_line(c, subject, &len, e);
	if (r)
		goto out;
	r = client_take(c, subject, len, entries, answer, e);
out:
	c->calling = false;
	free(line);
	json_decref(request);
	return r;
}

int client_call(struct client *c, const char *subject, json_t *request, json_t **answer,
		struct error *e)
{
	return call(c, subject, request, NULL, answer, e);
}

int client_failure(const json_t *answer, struct error *e)
{
	const json_t *error = json_object_get(answer, "error");
	const json_t *details = json_object_get(error, "details");
	char *message = answer_bytes(error, "message"), *hint = answer_bytes(error, "hint");
	bool environment = answer_bool(error, "environment");
	int err = (int)answer_int(error, "errno");
	const json_t *line;
	size_t i;

	error_set_class(e, environment ? ERROR_ENVIRONMENT : ERROR_FAILED, err > 0 ? err : EIO,
			"%s", message ? message : "the worker failed without a reason");
	if (hint)
		error_hint(e, "%s", hint);
	json_array_foreach (details, i, line) {
		char *bytes = NULL;
		size_t len;

		if (json_is_string(line) && !wire_decode(json_string_value(line), &bytes, &len))
			error_detail(e, "%s", bytes);
		free(bytes);
	}
	free(message);
	free(hint);
	return -(err > 0 ? err : EIO);
}

int client_do_entries(struct client *c, const char *subject, json_t *request, struct buf *entries,
		      json_t **answer, struct error *e)
{
	json_t *got = NULL;
	int r = call(c, subject, request, entries, &got, e);

	if (!r && !json_is_true(json_object_get(got, "ok")))
		r = client_failure(got, e);
	if (answer)
		*answer = got;
	else
		json_decref(got);
	return r;
}

int client_do(struct client *c, const char *subject, json_t *request, json_t **answer,
	      struct error *e)
{
	return client_do_entries(c, subject, request, NULL, answer, e);
}

const char *answer_str(const json_t *object, const char *key, const char *fallback)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : fallback;
}

json_int_t answer_int(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

uint64_t answer_u64(const json_t *object, const char *key)
{
	const char *s = answer_str(object, key, "0");

	return strtoull(s, NULL, 10);
}

bool answer_bool(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

char *answer_bytes(const json_t *object, const char *key)
{
	const char *s = answer_str(object, key, NULL);
	char *bytes = NULL;
	size_t len;

	if (!s || wire_decode(s, &bytes, &len))
		return NULL;
	return bytes;
}

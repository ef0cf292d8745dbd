/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The front end's side of a worker, with workers that misbehave: shell scripts of the test's own.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/client/client.h"

#include <cmocka.h>

static char dir[] = "/tmp/bpfman-client-XXXXXX";

/* A worker that does what the shell's commands say. Caller frees. */
static char *worker(const char *commands)
{
	char *path;
	FILE *f;

	assert_true(asprintf(&path, "%s/worker", dir) > 0);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", commands);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0700), 0);
	return path;
}

static json_t *request(void)
{
	return json_pack("{ss}", "op", "hello");
}

/*
 * More than a pipe holds, and nobody reads it: a session that ends then would wait for its worker
 * for ever, as the worker waits for it.
 */
static void ends_while_the_worker_writes(void **state)
{
	char *path = worker("read line; exec cat /dev/zero");
	struct client *c = client_new(path, NULL);
	struct error e = ERROR_INIT;
	struct pollfd p;
	int status = 0;
	int pid;

	(void)state;
	assert_int_equal(client_post(c, request(), &e), 0);
	client_poll(c, &p);
	assert_int_equal(poll(&p, 1, -1), 1);
	pid = client_pid(c);
	assert_true(pid > 0);
	alarm(60); /* a hang ends the test, and fails it */
	client_free(c);
	alarm(0);
	assert_int_equal(waitpid(pid, &status, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	free(path);
}

static void says(const char *commands, int err, const char *what)
{
	char *path = worker(commands);
	struct client *c = client_new(path, NULL);
	struct error e = ERROR_INIT;
	json_t *answer = NULL;

	assert_int_equal(client_do(c, "it", request(), &answer, &e), -err);
	assert_null(answer);
	assert_int_equal(client_pid(c), 0);
	if (!strstr(e.message, what))
		fail_msg("\"%s\" does not say \"%s\"", e.message, what);
	error_clear(&e);
	client_free(c);
	free(path);
}

static void dies(void **state)
{
	(void)state;
	says("read line; exit 3", EPIPE, "it: the worker ended with status 3");
	says("read line; kill -SEGV $$", EPIPE, "killed by signal 11");
	says("exec sleep 0", EPIPE, "it: the worker ended with status 0");
}

static void talks_nonsense(void **state)
{
	(void)state;
	says("read line; echo hello", EPROTO, "not its protocol");
	says("read line; echo '{\"id\":2,\"ok\":true,\"result\":{}}'", EPROTO, "not its protocol");
	says("read line; echo '{\"id\":1,\"ok\":false}'", EPROTO, "not its protocol");
	says("read line; printf '{\"id\":1,\"ok\":true,\"result\":{}}\\n{}\\n'", EPROTO,
	     "not its protocol");
}

/* The next request gets a new worker. */
static void is_replaced(void **state)
{
	char *path = worker("read line; id=${line##*:}; id=${id%\\}}\n"
			    "case $id in 1) exit 1 ;; esac\n"
			    "echo \"{\\\"id\\\":$id,\\\"ok\\\":true,\\\"result\\\":{}}\"\n"
			    "read line");
	struct client *c = client_new(path, NULL);
	struct error e = ERROR_INIT;
	json_t *answer = NULL;

	(void)state;
	assert_int_equal(client_do(c, "it", request(), NULL, &e), -EPIPE);
	error_clear(&e);
	assert_int_equal(client_do(c, "it", request(), &answer, &e), 0);
	assert_int_equal(json_integer_value(json_object_get(answer, "id")), 2);
	json_decref(answer);
	client_free(c);
	free(path);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/worker", dir);
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_while_the_worker_writes),
		cmocka_unit_test(dies),
		cmocka_unit_test(talks_nonsense),
		cmocka_unit_test(is_replaced),
	};

	signal(SIGPIPE, SIG_IGN); /* as the program does: the worker may be gone before the write */
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

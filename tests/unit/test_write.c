/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of an answer reaches a file descriptor, and what is told when it does not. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pipe2 */
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "output/output.h"

static const struct sink_column program_columns[] = { { .key = "name", .title = "NAME" } };
static const struct sink_table program_table = { program_columns, 1, NULL };

static void programs(struct sink *s)
{
	sink_rows(s, "programs", &program_table);
	sink_row(s);
	sink_str(s, "name", "xdp_pass");
	sink_row_end(s);
	sink_rows_end(s);
}

/* Reads all of a pipe, late and in small pieces, so that writers meet a full one. */
struct reader {
	int fd;
	struct buf text;
};

static void *read_slowly(void *arg)
{
	struct reader *r = arg;
	static char piece[7777];
	ssize_t n;

	usleep(20000);
	while ((n = read(r->fd, piece, sizeof(piece))) > 0)
		buf_add(&r->text, piece, (size_t)n);
	return NULL;
}

/* More than a MiB, through a pipe that cannot wait; then a failure in the middle of a row. */
static void json_streams(void **state)
{
	struct error failure = ERROR_INIT, e = ERROR_INIT;
	struct reader r = { 0 };
	struct buf whole = { 0 };
	pthread_t thread;
	struct sink *s;
	int fds[2], i, into_buf;

	(void)state;
	error_set(&failure, EIO, "gone");
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	r.fd = fds[0];
	assert_int_equal(pthread_create(&thread, NULL, read_slowly, &r), 0);
	for (into_buf = 0; into_buf < 2; into_buf++) {
		s = into_buf ? sink_json_buf(&whole) : sink_json_new(fds[1]);
		sink_begin(s);
		sink_rows(s, "rows", NULL);
		for (i = 0; i < 40000; i++) {
			sink_row(s);
			sink_int(s, "id", i);
			sink_str(s, "name", "a name of some length to fill the buffer");
			if (i < 39999)
				sink_row_end(s);
		}
		sink_list(s, "list");
		assert_int_equal(sink_fail(s, "w", "list", &failure, &e), 0);
		/* The next document is not touched by it. */
		sink_begin(s);
		assert_int_equal(sink_end(s, &e), 0);
		sink_free(s);
	}
	close(fds[1]);
	pthread_join(thread, NULL);
	close(fds[0]);
	assert_true(r.text.len > 2 << 20);
	assert_int_equal(r.text.len, whole.len);
	assert_memory_equal(r.text.data, whole.data, whole.len);
	assert_memory_equal(whole.data, "{\"rows\":[{\"id\":0,", 17);
	assert_string_equal(strstr(whole.data, "\"id\":39999"),
			    "\"id\":39999,\"name\":\"a name of some length to fill the buffer\","
			    "\"list\":[]}],\"error\":{\"code\":\"EIO\",\"message\":\"gone\","
			    "\"hint\":null,\"where\":\"w\"}}\n{}\n");
	error_clear(&failure);
	buf_free(&r.text);
	buf_free(&whole);
}

/* A long table goes out in parts: one head, the columns of the first part, what comes behind it. */
static void table_streams(void **state)
{
	static const struct sink_column columns[] = { { .key = "id", .title = "ID" },
						      { .key = "name", .title = "NAME" } };
	static const struct sink_table table = { columns, 2, "none" };
	struct error failure = ERROR_INIT, e = ERROR_INIT;
	struct buf out = { 0 };
	struct sink *s = sink_table_buf(&out, &(struct table_style){ .error_fd = -1 });
	size_t lines = 0, len;
	int i;

	(void)state;
	sink_begin(s);
	sink_rows(s, "rows", &table);
	for (i = 0; i < 40000; i++) {
		sink_row(s);
		sink_int(s, "id", i < 39999 ? 7 : 123456789);
		sink_str(s, "name",
			 "a name of some length to fill the buffer, twice as long as that");
		sink_row_end(s);
	}
	assert_true(out.len > 1 << 20); /* before its end */
	sink_rows_end(s);
	sink_note(s, "%d rows", i);
	assert_int_equal(sink_end(s, &e), 0);
	for (len = 0; len < out.len; len++)
		lines += out.data[len] == '\n';
	assert_int_equal(lines, 40002);
	assert_memory_equal(out.data, "ID  NAME\n7   a name", 19);
	assert_string_equal(strstr(out.data, "\n1234"),
			    "\n123456789  a name of some length to fill the buffer, twice as long "
			    "as that\n40000 rows\n");
	buf_reset(&out);

	/* A failure follows what is out; a short document is as ever. */
	sink_begin(s);
	sink_rows(s, "rows", &table);
	for (i = 0; i < 40000; i++) {
		sink_row(s);
		sink_str(s, "name",
			 "a name of some length to fill the buffer, twice as long as that");
		sink_row_end(s);
	}
	error_set(&failure, EIO, "gone");
	assert_int_equal(sink_fail(s, "w", "map dump", &failure, &e), 0);
	assert_string_equal(out.data + out.len - 18, "w: map dump: gone\n");
	buf_reset(&out);
	sink_begin(s);
	sink_rows(s, "rows", &table);
	sink_rows_end(s);
	assert_int_equal(sink_end(s, &e), 0);
	assert_string_equal(buf_text(&out), "none\n");
	error_clear(&failure);
	sink_free(s);
	buf_free(&out);
}

static void write_errors(void **state)
{
	struct error e = ERROR_INIT;
	int i, k, fds[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	for (i = 0; i < 4; i++) {
		bool full = i & 1;
		int fd = full ? open("/dev/full", O_WRONLY | O_CLOEXEC) : fds[1];
		struct sink *s =
			i & 2 ? sink_json_new(fd)
			      : sink_table_new(fd, &(struct table_style){ .error_fd = fd });

		for (k = 0; k < 2; k++) {
			sink_begin(s);
			programs(s);
			assert_int_equal(sink_end(s, &e), full ? -ENOSPC : -EPIPE);
			assert_string_equal(
				e.message, full ? "cannot write the result: No space left on device"
						: "cannot write the result: Broken pipe");
			assert_int_equal(e.class, ERROR_FAILED);
			assert_int_equal(sink_fail(s, NULL, NULL, &e, NULL),
					 full ? -ENOSPC : -EPIPE);
			error_clear(&e);
			sink_begin(s);
			assert_int_equal(sink_end(s, NULL), i & 2 ? (full ? -ENOSPC : -EPIPE) : 0);
		}
		sink_free(s);
		if (full)
			close(fd);
	}
	close(fds[1]);
}

/* The table's error goes to its own file, the result to the other. */
static void error_file(void **state)
{
	struct error failure = ERROR_INIT;
	char text[64];
	int out[2], err[2];
	struct sink *s;
	ssize_t n;

	(void)state;
	assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC | O_NONBLOCK), 0);
	s = sink_table_new(out[1], &(struct table_style){ .error_fd = err[1] });
	error_set(&failure, EIO, "bad");
	sink_begin(s);
	programs(s);
	assert_int_equal(sink_fail(s, "w", "c", &failure, NULL), 0);
	assert_int_equal(read(out[0], text, sizeof(text)), -1);
	n = read(err[0], text, sizeof(text));
	assert_int_equal(n, 10);
	assert_memory_equal(text, "w: c: bad\n", 10);
	sink_free(s);
	error_clear(&failure);
	close(out[0]);
	close(out[1]);
	close(err[0]);
	close(err[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_streams),
		cmocka_unit_test(table_streams),
		cmocka_unit_test(write_errors),
		cmocka_unit_test(error_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

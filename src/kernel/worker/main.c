/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The worker: JSON lines in, JSON lines out. It knows libbpf and no database; every request says
 * all there is to know.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "kernel/worker/kernel_btf.h"
#include "kernel/worker/map.h"
#include "kernel/worker/reader.h"
#include "kernel/worker/request.h"
#include "kernel/worker/watch.h"

enum {
	IDLE_MS = 1000, /* of silence, after which memory goes back to the kernel */
	MMAP_THRESHOLD = 64 * 1024 * 1024,
	TRIM_THRESHOLD = 128 * 1024 * 1024,
};

typedef int handler(const struct request *request, json_t **result, struct failure *f);

static handler *const handlers[] = {
#define X(id, name, summary) [OP_##id] = handle_##id,
	PROTOCOL_OPERATIONS(X)
#undef X
};

_Static_assert(sizeof(handlers) / sizeof(handlers[0]) == OP_COUNT, "each operation has a handler");

/* The answer to one request; NULL when memory is lost. */
static json_t *answer(json_t *id, enum operation op, json_t *result, const struct failure *f,
		      const struct log *log)
{
	const char *name = op < OP_COUNT ? protocol_operation(op)->name : NULL;
	json_t *json = json_pack("{s:O?, s:s?, s:b}", "id", id, "op", name, "ok", result != NULL);
	int err = json ? 0 : -ENOMEM;

	/* O? gives null for no id. */
	if (!err && result)
		err = json_object_set(json, "result", result);
	else if (!err)
		err = json_object_set_new(json, "error", failure_json(f));
	if (!err)
		err = log_answer(log, json);
	if (!err)
		return json;
	json_decref(json);
	return NULL;
}

/* The line with the entries in their place; NULL when memory is lost. */
static char *with_entries(char *text, const struct buf *entries)
{
	static const char place[] = "\"entries\":[";
	/* A quote inside of a string has a backslash: this is the key. */
	const char *found = text && entries->len ? strstr(text, place) : NULL;
	struct buf line = { 0 };

	if (buf_error(entries)) {
		free(text);
		return NULL;
	}
	if (!found)
		return text;
	found += strlen(place);
	buf_add(&line, text, found - text);
	buf_add(&line, entries->data, entries->len);
	buf_str(&line, found);
	free(text);
	return buf_take(&line);
}

/* Writes one line. A negative errno means that nobody reads any more. */
static int send_answer(const json_t *json, const struct buf *entries)
{
	static const char lost[] = "{\"id\":null,\"op\":null,\"ok\":false,\"error\":{\"errno\":12,"
				   "\"code\":\"ENOMEM\",\"stage\":\"request\",\"reason\":"
				   "\"memory\",\"environment\":false,\"left_behind\":false,"
				   "\"message\":\"out of memory "
				   "for the answer\",\"hint\":null},\"log\":\"\",\"log_bytes\":0,"
				   "\"log_truncated\":false}\n";
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	size_t len;
	int err;

	text = with_entries(text, entries);
	if (!text)
		return file_write_all(STDOUT_FILENO, lost, sizeof(lost) - 1);
	/* The NUL makes place for the newline: one write, one line. */
	len = strlen(text);
	text[len] = '\n';
	err = file_write_all(STDOUT_FILENO, text, len + 1);
	free(text);
	return err;
}

static int finish(json_t *request, enum operation op, json_t *result, const struct buf *entries,
		  const struct failure *f, const struct log *log)
{
	json_t *id = json_object_get(request, "id");
	json_t *json;
	int err;

	if (json_is_object(id) || json_is_array(id))
		id = NULL;
	json = answer(id, op, result, f, log);
	err = send_answer(json, entries);
	json_decref(json);
	return err;
}

static int serve(const char *line, size_t len)
{
	struct failure f = FAILURE_INIT;
	struct buf entries = { 0 };
	enum operation op = OP_COUNT;
	json_t *result = NULL;
	struct request r;
	struct log log;
	int err;

	err = protocol_parse(line, len, &r.json, &op, &f.error);
	f.reason = err == -ENOMEM ? REASON_MEMORY : REASON_REQUEST;
	log_begin(&log, json_is_true(json_object_get(r.json, "verbose")));
	r.op = op;
	r.log = &log;
	r.entries = &entries;
	if (!err)
		err = handlers[op](&r, &result, &f);
	/* A handler that fails has no result; one that has none has failed. */
	if (!err && !result)
		fail(&f, STAGE_REQUEST, REASON_INTERNAL, EIO, "the operation gave no result");
	err = finish(r.json, op, result, &entries, &f, &log);
	json_decref(result);
	json_decref(r.json);
	buf_free(&entries);
	log_end(&log);
	failure_clear(&f);
	return err;
}

static int refuse_long_line(void)
{
	const struct buf none = { 0 };
	struct failure f = FAILURE_INIT;
	struct log log;
	int err;

	log_begin(&log, false);
	fail(&f, STAGE_REQUEST, REASON_REQUEST, EMSGSIZE, "the line is longer than %d bytes",
	     PROTOCOL_MAX_LINE);
	err = finish(NULL, OP_COUNT, NULL, &none, &f, &log);
	log_end(&log);
	failure_clear(&f);
	return err;
}

/* Nothing is asked: gives memory back, and what was held for someone who looks no more. */
static int idle(void)
{
	int next = watch_idle();

	kernel_btf_release();
	map_btf_forget();
	malloc_trim(0);
	return next;
}

int main(int argc, char **argv)
{
	struct reader reader = { .fd = STDIN_FILENO };
	int status = 0;

	if (argc > 1) {
		fprintf(stderr,
			"usage: %s <REQUESTS >ANSWERS\n"
			"one JSON object a line; bpfman runs this program itself, and by hand:\n"
			"  echo '{\"op\":\"hello\"}' | %s\n",
			argv[0], argv[0]);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	/*
	 * The kernel's BTF is 5 MB to allocate, for each object that needs it where the parsed one
	 * cannot be kept (kernel_btf.h). Memory that stays ours costs no page faults.
	 */
	mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
	mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD);
	/* Threads run one at a time here, and need no memory of their own. */
	mallopt(M_ARENA_MAX, 1);
	for (;;) {
		enum reader_result next;
		const char *line;
		size_t len;
		int err;

		next = reader_next(&reader, PROTOCOL_MAX_LINE, IDLE_MS, idle, &line, &len);
		if (next == READER_END)
			break;
		err = next == READER_LINE	? serve(line, len)
		      : next == READER_TOO_LONG ? refuse_long_line()
						: -EIO;
		if (err) {
			status = 1;
			break;
		}
	}
	reader_free(&reader);
	watch_end();
	return status;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run: a program on given data */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "command/codes.h"
#include "command/rows.h"
#include "kernel/protocol/protocol.h"

enum { INPUT_MAX = 16 * 1024 * 1024, SHOWN_BYTES = 4096 };

static const struct sink_column run_lines[] = {
	{ .key = "program", .title = "Program" },
	{ .key = "code", .title = "Returned" },
	{ .key = "duration_ns", .title = "ns per run" },
	{ .key = "runs", .title = "Runs" },
	{ .key = "data_out_bytes", .title = "Data bytes", .optional = true },
	{ .key = "data_text", .title = "Data", .optional = true },
};
static const struct sink_table run_table = { run_lines, sizeof(run_lines) / sizeof(run_lines[0]),
					     NULL };

static int digit(char c)
{
	const char *digits = "0123456789abcdef", *found;

	c = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
	found = c ? strchr(digits, c) : NULL;
	return found ? (int)(found - digits) : -1;
}

/* "hex:0a0b"; blanks and colons between bytes are fine. */
static int read_hex(const char *option, const char *text, struct buf *out, struct error *e)
{
	for (const char *s = text; *s; s++) {
		int high = digit(s[0]), low = high < 0 ? -1 : digit(s[1]);

		if (*s == ' ' || *s == ':')
			continue;
		if (low < 0)
			return error_set(e, EINVAL, "%s: \"%s\" is not hex: and two digits a byte",
					 option, text);
		buf_char(out, (char)(high * 16 + low));
		s++;
	}
	return buf_error(out) ? error_nomem(e) : 0;
}

/* A file's bytes, or those behind hex:. */
static int read_input(const struct invocation *in, const char *option, struct buf *out,
		      const void **bytes, size_t *len, struct error *e)
{
	const char *value = invocation_value(in, option);
	int r;

	if (!value)
		return 0;
	if (!strncmp(value, "hex:", 4))
		r = read_hex(option, value + 4, out, e);
	else
		r = file_read_stream(value, INPUT_MAX, out, e);
	*bytes = buf_text(out);
	*len = out->len;
	return r;
}

static int write_file(const char *path, const void *bytes, size_t len, struct error *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int r = fd < 0 ? -errno : file_write_all(fd, bytes, len);

	if (fd >= 0 && close(fd) && !r)
		r = -errno;
	return r ? error_set(e, -r, "cannot write %s: %s", path, strerror(-r)) : 0;
}

static void write_hex(struct sink *s, const char *key, const unsigned char *bytes, size_t len)
{
	struct buf text = { 0 };

	buf_str(&text, "hex:");
	for (size_t i = 0; i < len; i++)
		buf_printf(&text, "%02x", bytes[i]);
	sink_strn(s, key, text.data, text.len);
	buf_free(&text);
}

/* The data as it is afterwards, in a file or shown. */
static int write_data(struct session *s, const json_t *result, const char *path, struct error *e)
{
	const json_t *text = json_object_get(result, "data_out");
	bool json = s->options->output == OUTPUT_JSON;
	void *bytes = NULL;
	size_t len = 0;
	int r = 0;

	if (json_is_string(text) &&
	    base64_decode(json_string_value(text), json_string_length(text), &bytes, &len))
		return error_nomem(e);
	if (path)
		r = write_file(path, bytes, len, e);
	if (bytes || path)
		sink_int(s->sink, "data_out_bytes", (int64_t)len);
	else
		sink_null(s->sink, "data_out_bytes");
	if (json && bytes)
		write_hex(s->sink, "data_out", bytes, len);
	else if (json)
		sink_null(s->sink, "data_out");
	else if (bytes && !path && len <= SHOWN_BYTES)
		write_hex(s->sink, "data_text", bytes, len);
	free(bytes);
	return r;
}

/* "XDP_PASS", else the number as the kernel's int. */
static void code_text(const char *type, uint32_t code, struct buf *out)
{
	const char *name = code_name(type, code);

	if (name)
		buf_str(out, name);
	else
		buf_printf(out, "%d", (int)code);
}

static int write_result(struct session *s, const struct db_program *p, const json_t *result,
			const struct manager_run *run, const char *path, struct error *e)
{
	uint32_t retval = (uint32_t)answer_int(result, "retval");
	struct buf code = { 0 };
	int r;

	code_text(p->type, retval, &code);
	sink_object(s->sink, "run", &run_table);
	sink_int(s->sink, "program_id", p->id);
	sink_str(s->sink, "program", p->name);
	sink_str(s->sink, "type", p->type);
	sink_int(s->sink, "retval", retval);
	sink_str(s->sink, "code", buf_text(&code));
	sink_u64(s->sink, "duration_ns", answer_u64(result, "duration_ns"));
	sink_int(s->sink, "runs", run->repeat ? run->repeat : 1);
	r = write_data(s, result, path, e);
	sink_object_end(s->sink);
	buf_free(&code);
	return r;
}

/* A code that is not the expected one is the verdict of a test, not a failure to run. */
static void judge(struct session *s, const char *type, uint32_t expected, uint32_t is)
{
	struct buf text = { 0 };

	if (expected == is)
		return;
	code_text(type, expected, &text);
	sink_note(s->sink, "expected %s", buf_text(&text));
	buf_free(&text);
	s->verdict = ERROR_FAILED;
}

static int run_program(struct session *s, const struct invocation *in, const struct db_program *p,
		       struct error *e)
{
	const char *expect = invocation_value(in, "--expect"),
		   *repeat = invocation_value(in, "--repeat"), *cpu = invocation_value(in, "--cpu"),
		   *out = invocation_value(in, "--out");
	struct manager_run run = { .cpu = cpu ? atoi(cpu) : -1,
				   .data_out = out || s->options->output == OUTPUT_JSON ||
					       invocation_value(in, "--data") };
	struct buf data = { 0 }, ctx = { 0 };
	uint32_t expected = 0;
	json_t *result = NULL;
	int r = 0;

	if (repeat)
		run.repeat = (uint32_t)strtoul(repeat, NULL, 10);
	if (expect)
		r = code_parse(p->type, expect, &expected, e);
	if (!r)
		r = read_input(in, "--data", &data, &run.data, &run.data_len, e);
	if (!r)
		r = read_input(in, "--ctx", &ctx, &run.ctx, &run.ctx_len, e);
	if (!r)
		r = manager_run(s->manager, p->id, &run, &result, e);
	if (!r && !result)
		sink_note(s->sink, "dry run: %s was not run", p->name);
	else if (!r)
		r = write_result(s, p, result, &run, out, e);
	if (!r && result && expect)
		judge(s, p->type, expected, (uint32_t)answer_int(result, "retval"));
	json_decref(result);
	buf_free(&data);
	buf_free(&ctx);
	return r;
}

static int run_test_run(struct session *s, const struct invocation *in, struct error *e)
{
	const char *name = invocation_value(in, "PROGRAM");
	struct db_program p = { 0 };
	struct named named = { 0 };
	struct db *db;
	int r;

	r = manager_db(s->manager, &db, e);
	if (!r)
		r = manager_resolve(s->manager, name, WANT_PROGRAM, &named, e);
	if (!r)
		r = db_program_get(db, named.id, &p, e);
	if (r == -ENOENT && !e->err)
		r = error_set(e, ENOENT, "%s went away just now", name);
	if (!r)
		r = run_program(s, in, &p, e);
	db_program_clear(&p);
	return r;
}

static int check_test_run(const struct invocation *in, struct error *e)
{
	const char *repeat = invocation_value(in, "--repeat"), *cpu = invocation_value(in, "--cpu");
	uint64_t n;

	if (repeat && parse_u64(repeat, &n) && n > INT32_MAX)
		return error_set_class(e, ERROR_USAGE, ERANGE, "--repeat is at most %d", INT32_MAX);
	if (cpu && (!parse_u64(cpu, &n) || n > INT32_MAX))
		return error_set_class(e, ERROR_USAGE, EINVAL,
				       "--cpu is a CPU's number from 0, not \"%s\"", cpu);
	return 0;
}

static const struct arg test_run_args[] = {
	{ .name = "PROGRAM",
	  .type = ARG_PROGRAM,
	  .flags = ARG_REQUIRED,
	  .help = "an id, a name, OBJECT/NAME or a pin path" },
	{ .name = "--data",
	  .type = ARG_FILE,
	  .value = "FILE|hex:BYTES",
	  .help = "what it runs on: a packet with its Ethernet header" },
	{ .name = "--ctx",
	  .type = ARG_FILE,
	  .value = "FILE|hex:BYTES",
	  .help = "its context, as its type has it" },
	{ .name = "--repeat", .type = ARG_COUNT, .value = "N", .help = "run it N times" },
	{ .name = "--expect",
	  .type = ARG_TEXT,
	  .value = "CODE",
	  .help = "fail when it returns another code, by name or number" },
	{ .name = "--cpu", .type = ARG_TEXT, .value = "N", .help = "on CPU N (raw_tracepoint)" },
	{ .name = "--out",
	  .type = ARG_FILE,
	  .value = "FILE",
	  .help = "write the data to FILE as it is afterwards" },
};

const struct command test_run_commands[] = {
	{ "run", "run a program on given data, attached to nothing", test_run_args,
	  sizeof(test_run_args) / sizeof(test_run_args[0]), COMMAND_MUTATES, run_test_run,
	  "The kernel runs it (BPF_PROG_TEST_RUN) and tells the code that it returned, by name "
	  "where "
	  "its type has names, and the mean time of a run. What it writes to maps stays. With "
	  "--expect the exit status is 1 when the code is another. Not all types can be run so.",
	  check_test_run },
};
const size_t test_run_command_count = sizeof(test_run_commands) / sizeof(test_run_commands[0]);

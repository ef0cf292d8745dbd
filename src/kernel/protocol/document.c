/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel/protocol/protocol.h"
#include "kernel/protocol/reason.h"

static const char introduction[] =
	"# The protocol of bpfman-kernel\n"
	"\n"
	"Generated from `src/kernel/protocol/`; do not edit.\n"
	"\n"
	"`bpfman-kernel` reads one JSON object per line from standard input and writes one per "
	"line to standard output, in the same order. It knows no database and no screen, and no "
	"request depends on an earlier one. It can be used by hand:\n"
	"\n"
	"    echo '{\"op\":\"load\",\"path\":\"xdp_pass.bpf.o\",\"program\":\"xdp_pass\","
	"\"pin_path\":\"/sys/fs/bpf/test/prog\"}' | bpfman-kernel\n"
	"\n"
	"It ends with status 0 at the end of input and with status 1 when the reader of its output "
	"is gone. A request that was begun is finished or undone before. It takes no arguments "
	"(status 2) and writes nothing else to standard error.\n"
	"\n"
	"## Requests\n"
	"\n";

static const char requests[] =
	"Every request has `op`, the operation's name, and may have `id`, a string, number, "
	"boolean or null that the answer repeats. A line is answered with an error, and the next "
	"one is served, when it is not a JSON object in valid UTF-8, has a key twice, is nested "
	"deeper than %d levels or longer than %d MiB, names an unknown operation, has an unknown "
	"field, lacks a required one, or a field has another type than this table says.\n"
	"\n"
	"Strings travel as bytes: what is not valid UTF-8, control characters and NUL are `\\xNN`, "
	"a backslash is doubled. That holds for every string of requests (but `object`, which is "
	"base64) and of answers; in `log` newline and tab stay. Nanoseconds, device and inode "
	"numbers and other "
	"64-bit values are strings of digits, other numbers are JSON numbers. The type of a "
	"key never changes.\n"
	"\n";

static const char answers[] =
	"## Answers\n"
	"\n"
	"    "
	"{\"id\":7,\"op\":\"load\",\"ok\":true,\"result\":{...},\"log\":\"...\",\"log_bytes\":0,"
	"\"log_truncated\":false}\n"
	"    {\"id\":8,\"op\":\"load\",\"ok\":false,\"error\":{\"errno\":13,\"code\":\"EACCES\","
	"\"stage\":\"verify\",\"reason\":\"verifier\",\"environment\":false,\n"
	"     \"message\":\"rejected: invalid access to packet, off=0 size=8, R1(id=0,off=0,r=0)\","
	"\"hint\":null},\"log\":\"...\",\"log_bytes\":1234,\"log_truncated\":false}\n"
	"\n"
	"`op` is null when the request has no known one. `log` is the text of libbpf and of the "
	"verifier; of a long one the first %d KiB and the last %d MiB remain, `log_bytes` is its "
	"whole "
	"length in bytes. A load that succeeds has no verifier text unless `verbose` asks for it.\n"
	"\n"
	"An error has `errno` and its name `code`, `message` (one line: what failed, on what, "
	"why), "
	"`hint` (what to do, or null), `stage`, `reason`, `environment`, and `details`, a list of "
	"lines, where there is more to say. `environment` is true when no request can succeed in "
	"this environment: a capability, a BPF file system or bpf(2) itself is missing. "
	"`left_behind` is true when something that the request made could not be removed again; "
	"`details` name it.\n"
	"\n"
	"### Stages\n"
	"\n"
	"| stage | meaning |\n"
	"|---|---|\n";

static const char *type_word(enum field_type type)
{
	static const char *const words[] = {
		[FIELD_STRING] = "string",
		[FIELD_BOOL] = "boolean",
		[FIELD_NUMBER] = "number",
		[FIELD_STRINGS] = "list of strings",
		[FIELD_IDS] = "list of kernel ids, rising",
		[FIELD_MAPPING] = "object of strings",
		[FIELD_PINS] = "list of `{path, pin_dev, pin_ino}`, all strings",
	};

	return words[type];
}

static void operation(struct buf *out, const struct operation_spec *spec)
{
	size_t i;

	buf_printf(out, "### `%s`: %s\n\n", spec->name, spec->summary);
	if (spec->shape->count)
		buf_str(out, "| field | type | required | meaning |\n|---|---|---|---|\n");
	for (i = 0; i < spec->shape->count; i++)
		buf_printf(out, "| `%s` | %s | %s | %s |\n", spec->shape->fields[i].name,
			   type_word(spec->shape->fields[i].type),
			   spec->shape->fields[i].required ? "yes" : "",
			   spec->shape->fields[i].help);
	buf_printf(out, "%sResult: %s\n\n", spec->shape->count ? "\n" : "", spec->shape->result);
}

static void errors(struct buf *out)
{
	static const struct {
		const char *name, *meaning;
	} stages[] = {
#define X(id, name, meaning) { name, meaning },
		PROTOCOL_STAGES(X)
#undef X
	};
	static const struct {
		const char *name, *meaning, *example;
		bool environment;
	} reasons[] = {
#define X(id, name, environment, meaning, example) { name, meaning, example, environment },
		PROTOCOL_REASONS(X)
#undef X
	};
	size_t i;

	for (i = 0; i < STAGE_COUNT; i++)
		buf_printf(out, "| `%s` | %s |\n", stages[i].name, stages[i].meaning);
	buf_str(out, "\n### Reasons\n\n"
		     "| reason | environment | meaning | example of a message |\n"
		     "|---|---|---|---|\n");
	for (i = 0; i < REASON_COUNT; i++)
		buf_printf(out, "| `%s` | %s | %s | %s |\n", reasons[i].name,
			   reasons[i].environment ? "yes" : "", reasons[i].meaning,
			   reasons[i].example);
}

void protocol_document(struct buf *out)
{
	int op;

	buf_str(out, introduction);
	buf_printf(out, requests, PROTOCOL_MAX_DEPTH, PROTOCOL_MAX_LINE / 1024 / 1024);
	for (op = 0; op < OP_COUNT; op++)
		operation(out, protocol_operation(op));
	buf_printf(out, answers, PROTOCOL_LOG_HEAD / 1024, PROTOCOL_LOG_TAIL / 1024 / 1024);
	errors(out);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "kernel/protocol/protocol.h"
#include "kernel/worker/failure.h"

static int fill(struct failure *f, enum stage stage, enum reason reason, int err,
		const char *format, va_list args)
{
	struct buf text = { 0 };
	enum error_class class = reason_is_environment(reason) ? ERROR_ENVIRONMENT : ERROR_FAILED;

	f->stage = stage;
	f->reason = reason;
	f->environment = reason_is_environment(reason);
	buf_vprintf(&text, format, args);
	if (buf_error(&text))
		error_nomem(&f->error);
	else
		error_set_class(&f->error, class, err, "%s", buf_text(&text));
	buf_free(&text);
	return -f->error.err;
}

int fail(struct failure *f, enum stage stage, enum reason reason, int err, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = fill(f, stage, reason, err, format, args);
	va_end(args);
	return ret;
}

int fail_nomem(struct failure *f)
{
	f->reason = REASON_MEMORY;
	f->environment = false;
	return error_nomem(&f->error);
}

int fail_request(struct failure *f, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = fill(f, STAGE_REQUEST, REASON_REQUEST, EINVAL, format, args);
	va_end(args);
	return ret;
}

void failure_clear(struct failure *f)
{
	error_clear(&f->error);
}

static json_t *lines_json(const char *lines)
{
	json_t *list = json_array();

	while (list && lines && *lines) {
		size_t len = strcspn(lines, "\n");
		char *line = wire_encode(lines, len);

		json_array_append_new(list, line ? json_string_nocheck(line) : NULL);
		free(line);
		lines += len + (lines[len] == '\n');
	}
	return list;
}

json_t *failure_json(const struct failure *f)
{
	const struct error *e = &f->error;
	json_t *json;

	json = json_pack("{s:i, s:s, s:s, s:s, s:b, s:b, s:o, s:o}", "errno", e->err, "code",
			 error_code(e->err), "stage", stage_name(f->stage), "reason",
			 reason_name(f->reason), "environment", f->environment, "left_behind",
			 f->left_behind, "message",
			 wire_json(e->message ? e->message : error_code(e->err)), "hint",
			 wire_json(e->hint));
	if (json && e->detail)
		json_object_set_new(json, "details", lines_json(e->detail));
	return json;
}

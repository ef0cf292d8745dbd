/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "kernel/worker/attach.h"
#include "kernel/worker/env.h"
#include "kernel/worker/reasons.h"

/* "message", with the arguments of the format, in the hands of fail(). */
static int fail_with(struct failure *f, enum stage stage, enum reason reason, int err,
		     const char *before, const char *format, va_list args)
{
	struct buf text = { 0 };

	buf_str(&text, before);
	buf_vprintf(&text, format, args);
	if (buf_error(&text))
		fail_nomem(f);
	else
		fail(f, stage, reason, err, "%s", buf_text(&text));
	buf_free(&text);
	return -f->error.err;
}

int attach_unfit(struct failure *f, const struct attach *a, const char *format, ...)
{
	char name[sizeof(a->program.name) + 3];
	va_list args;
	int err;

	snprintf(name, sizeof(name), "%s: ", a->program.name);
	va_start(args, format);
	err = fail_with(f, STAGE_ATTACH, REASON_UNFIT, EINVAL, a->program.name[0] ? name : "",
			format, args);
	va_end(args);
	return err;
}

int attach_no_target(struct failure *f, int err, const char *nearest, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = fail_with(f, STAGE_ATTACH, REASON_NO_TARGET, err, "", format, args);
	va_end(args);
	return nearest ? error_hint(&f->error, "did you mean '%s'?", nearest) : ret;
}

int attach_refused(struct failure *f, const struct attach *a, const char *what, int err,
		   const char *since)
{
	if ((err == EPERM || err == EACCES) &&
	    explain_privilege(f, STAGE_ATTACH, what, "attaching to it", a->type->capabilities, err))
		return -err;
	if (err == ENOMEM)
		return fail(f, STAGE_ATTACH, REASON_MEMORY, err, "%s: out of memory", what);
	if ((err == EINVAL || err == EOPNOTSUPP) && since) {
		fail(f, STAGE_ATTACH, REASON_TOO_OLD, err,
		     "%s: this kernel (%s) does not know attach type %s", what, env_kernel(),
		     a->type->word);
		return error_hint(&f->error,
				  "it needs Linux %s or newer, or a kernel built with it", since);
	}
	return fail(f, STAGE_ATTACH, REASON_OTHER, err, "%s: the kernel refuses to attach: %s",
		    what, strerror(err));
}

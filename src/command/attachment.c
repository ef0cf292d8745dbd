/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/attachment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Options of attach and of commands like it that do not say where to attach. */
static bool says_where(const struct arg *a)
{
	static const char *const others[] = { "--type", "--ensure", "--try", "--expired" };

	if (a->name[0] != '-')
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(a->name, others[i]))
			return false;
	return true;
}

int attachment_of(struct attachment *a, const struct invocation *in, struct error *e)
{
	const struct command *c = in->command;

	memset(a, 0, sizeof(*a));
	a->options = calloc(c->arg_count + 1, sizeof(*a->options));
	if (!a->options)
		return error_nomem(e);
	a->what.type = invocation_value(in, "--type");
	a->what.target = invocation_value(in, "TARGET");
	for (size_t i = 0; i < c->arg_count; i++)
		if (says_where(&c->args[i]) && in->args[i].count)
			a->options[a->what.option_count++] = (struct manager_pair){
				c->args[i].name + 2,
				in->args[i].values[0],
			};
	a->what.options = a->options;
	return 0;
}

int attachment_parse(struct attachment *a, const char *name, const char *text, struct error *e)
{
	struct invocation in = { 0 };
	struct script script;
	struct buf line = { 0 };
	int r;

	memset(a, 0, sizeof(*a));
	buf_printf(&line, "attach PROGRAM %s", text);
	if (buf_error(&line))
		return error_nomem(e);
	r = script_parse(&script, name, line.data, line.len, e);
	buf_free(&line);
	if (r)
		return r;
	if (script.count != 1)
		r = error_set_class(e, ERROR_USAGE, EINVAL, "\"%s\" is more than a target", text);
	if (!r)
		r = invocation_bind(&in, &script.statements[0], false, e);
	if (!r && (invocation_value(&in, "--ensure") || invocation_value(&in, "--try")))
		r = error_set_class(e, ERROR_USAGE, EINVAL,
				    "--ensure and --try have no place in \"%s\"", text);
	if (!r)
		r = attachment_of(a, &in, e);
	a->script = script;
	a->in = in;
	if (r)
		attachment_free(a);
	return r;
}

void attachment_free(struct attachment *a)
{
	free(a->options);
	invocation_free(&a->in);
	script_free(&a->script);
	memset(a, 0, sizeof(*a));
}

const char *attachment_option(const struct attachment *a, const char *key)
{
	for (size_t i = 0; i < a->what.option_count; i++)
		if (!strcmp(a->options[i].key, key))
			return a->options[i].value;
	return NULL;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words to commands: what is accepted, what is refused, and what is said then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "command/command.h"

static struct script script;
static struct invocation in;
static struct error e;

static int bind(const char *line, bool prefixes)
{
	memset(&e, 0, sizeof(e));
	assert_int_equal(script_parse(&script, "test", line, strlen(line), &e), 0);
	assert_int_equal(script.count, 1);
	return invocation_bind(&in, &script.statements[0], prefixes, &e);
}

static void unbind(void)
{
	invocation_free(&in);
	script_free(&script);
	error_clear(&e);
}

static void refused(const char *line, const char *message, const char *hint)
{
	assert_int_not_equal(bind(line, false), 0);
	assert_int_equal(e.class, ERROR_USAGE);
	assert_non_null(strstr(e.message, message));
	if (hint) {
		assert_non_null(e.hint);
		assert_non_null(strstr(e.hint, hint));
	}
	script_free(&script);
	error_clear(&e);
}

static void test_load(void **state)
{
	(void)state;
	assert_int_equal(bind("load --program a x.o --program=b --ensure --name 'n 1'", false), 0);
	assert_string_equal(invocation_value(&in, "FILE"), "x.o");
	assert_int_equal(invocation_values(&in, "--program")->count, 2);
	assert_string_equal(invocation_values(&in, "--program")->values[1], "b");
	assert_string_equal(invocation_value(&in, "--name"), "n 1");
	assert_non_null(invocation_value(&in, "--ensure"));
	assert_null(invocation_value(&in, "--verbose"));
	unbind();
}

/* An option whose value may be left out takes the next word only where that looks like one. */
static void test_bare_option(void **state)
{
	(void)state;
	assert_int_equal(bind("load a.o --attach", false), 0);
	assert_string_equal(invocation_value(&in, "--attach"), "");
	unbind();
	assert_int_equal(bind("load --attach a.o", false), 0);
	assert_string_equal(invocation_value(&in, "--attach"), "");
	assert_string_equal(invocation_value(&in, "FILE"), "a.o");
	unbind();
	assert_int_equal(
		bind("load a.o --attach 'p=eth0 --ingress' --attach q=x --attach --ensure", false),
		0);
	assert_int_equal(invocation_values(&in, "--attach")->count, 3);
	assert_string_equal(invocation_values(&in, "--attach")->values[0], "p=eth0 --ingress");
	assert_string_equal(invocation_values(&in, "--attach")->values[1], "q=x");
	assert_string_equal(invocation_values(&in, "--attach")->values[2], "");
	assert_non_null(invocation_value(&in, "--ensure"));
	unbind();
}

static void test_options_end(void **state)
{
	(void)state;
	assert_int_equal(bind("load -- --program", false), 0);
	assert_string_equal(invocation_value(&in, "FILE"), "--program");
	unbind();
	assert_int_equal(bind("load '--program'", false), 0);
	assert_string_equal(invocation_value(&in, "FILE"), "--program");
	unbind();
}

static void test_refusals(void **state)
{
	static const struct {
		const char *line, *message, *hint;
	} rows[] = {
		{ "lod x.o", "unknown command \"lod\"", "load" },
		{ "prog load x.o", "unknown command", "load FILE" },
		{ "prog show", "unknown command", "list programs" },
		{ "load", "FILE is missing", "usage: load FILE" },
		{ "load a b", "one word too many", NULL },
		{ "load a --progam x", "unknown option \"--progam\"", "--program" },
		{ "load --path x.o --programs xdp:pass", "unknown option \"--path\"",
		  "first argument" },
		{ "load a --program", "needs a value", NULL },
		{ "load a --ensure=yes", "takes no value", NULL },
		{ "load a --name x --name y", "given twice", NULL },
		{ "load a --label k", "KEY=VALUE", NULL },
		{ "load a --label =v", "KEY=VALUE", NULL },
		{ "load a --type xdp --type kprobe", "given twice", NULL },
		{ "load a --program x --program y --pin-path /p", "single program", NULL },
		{ "load ''", "FILE is empty", NULL },
		{ "list prgrams", "one of programs|maps|links|objects", "programs" },
		{ "list --sort colour", "--sort is one of", NULL },
		{ "list -j", "unknown option \"-j\"", "option of bpfman itself" },
		{ "unload", "what to unload is missing", "--all" },
		{ "unload a --all", "exclude each other", NULL },
		{ "show", "ID is missing", NULL },
		{ "attach", "PROGRAM is missing", "usage: attach PROGRAM [TARGET]" },
		{ "attach p eth0 --ingress --egress", "exclude each other", NULL },
		{ "attach p eth0 --first --before 3", "exclude each other", NULL },
		{ "attach p eth0 --mode slow", "native|generic", NULL },
		{ "attach p eth0 --try soon", "seconds", NULL },
		{ "attach p eth0 --cpu -1", "whole number", NULL },
		{ "attach p eth0 --igress", "unknown option \"--igress\"", "--ingress" },
		{ "attach p eth0 eth1", "one word too many", NULL },
		{ "load a --attach 'p=eth0 --igress'", "unknown option", "--ingress" },
		{ "load a --attach 'p=eth0; list'", "more than a target", NULL },
		{ "load a --attach 'p=eth0 --try 3'", "no place", NULL },
		{ "load a --attach =eth0", "PROGRAM=TARGET", NULL },
		{ "detach", "LINK is missing", NULL },
		{ "detach 1 --expired --ingress", "alone", NULL },
		{ "detach 1 2 3 --ingress", "one PROGRAM [TARGET]", NULL },
		{ "list --program x", "list links", NULL },
		{ "link attach p eth0", "unknown command", "attach PROGRAM" },
		{ "show thing 3", "no kind of thing", NULL },
		{ "set colour", "no option \"colour\"", "color" },
		{ "set db /x", "only when bpfman starts", NULL },
		{ "set timing maybe", "on or off", NULL },
		{ "help lod", "unknown command", "load" },
		{ "watch load x", "only read", NULL },
		{ "watch -n 0 list", "seconds", NULL },
		{ "watch -n x list", "seconds", NULL },
		{ "watch watch list", "only read", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refused(rows[i].line, rows[i].message, rows[i].hint);
}

static void test_prefixes(void **state)
{
	(void)state;
	assert_int_equal(bind("li maps", true), 0);
	assert_string_equal(in.command->name, "list");
	unbind();
	refused("li", "unknown command", "list");
	assert_int_not_equal(bind("s x", true), 0);
	assert_non_null(strstr(e.message, "ambiguous: show, stats, source, set"));
	script_free(&script);
	error_clear(&e);
	/* A command that changes something is never meant by half its name. */
	assert_int_not_equal(bind("unl x", true), 0);
	assert_non_null(strstr(e.message, "unknown command"));
	script_free(&script);
	error_clear(&e);
}

static void test_inner_words(void **state)
{
	(void)state;
	assert_int_equal(bind("watch -n 0.5 list maps --sort name", false), 0);
	assert_string_equal(invocation_value(&in, "--interval"), "0.5");
	assert_int_equal(invocation_values(&in, "COMMAND")->count, 4);
	assert_string_equal(invocation_values(&in, "COMMAND")->values[2], "--sort");
	unbind();
}

/* Rows that would break what derives from them. */
static void test_rows(void **state)
{
	const struct command *c;

	(void)state;
	for (size_t i = 0; (c = command_at(i)); i++) {
		bool repeats = false;

		assert_ptr_equal(command_find(c->name), c);
		assert_true(*c->summary);
		assert_non_null(c->run);
		for (size_t k = 0; k < c->arg_count; k++) {
			const struct arg *a = &c->args[k];

			assert_non_null(a->help);
			assert_true(a->name[0] != '-' || a->type == ARG_FLAG || a->value);
			assert_true(a->type != ARG_CHOICE || a->choices);
			if (a->name[0] == '-')
				continue;
			/* Nothing can follow a positional that takes all. */
			assert_false(repeats);
			repeats = a->flags & ARG_REPEAT;
		}
	}
}

static void test_status(void **state)
{
	(void)state;
	assert_int_equal(status_graver(0, 1), 1);
	assert_int_equal(status_graver(3, 1), 3);
	assert_int_equal(status_graver(3, 130), 130);
	assert_int_equal(status_graver(2, 1), 2);
}

static void test_manual(void **state)
{
	struct buf out = { 0 };
	const struct command *c;

	(void)state;
	command_manual(&out);
	assert_int_equal(buf_error(&out), 0);
	for (size_t i = 0; (c = command_at(i)); i++)
		assert_non_null(strstr(out.data, c->summary));
	assert_null(strstr(out.data, "\n'"));
	buf_free(&out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),	    cmocka_unit_test(test_options_end),
		cmocka_unit_test(test_bare_option), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_prefixes),    cmocka_unit_test(test_inner_words),
		cmocka_unit_test(test_rows),	    cmocka_unit_test(test_status),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

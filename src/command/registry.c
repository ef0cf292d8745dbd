/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All commands, and the texts that derive from their rows. */
#include <string.h>

#include "base/text.h"
#include "command/command.h"

const struct command *command_at(size_t i)
{
	const struct {
		const struct command *commands;
		size_t count;
	} families[] = {
		{ load_commands, load_command_count },
		{ list_commands, list_command_count },
		{ show_commands, show_command_count },
		{ unload_commands, unload_command_count },
		{ upgrade_commands, upgrade_command_count },
		{ restore_commands, restore_command_count },
		{ backup_commands, backup_command_count },
		{ export_commands, export_command_count },
		{ attach_commands, attach_command_count },
		{ detach_commands, detach_command_count },
		{ map_commands, map_command_count },
		{ test_run_commands, test_run_command_count },
		{ log_commands, log_command_count },
		{ adopt_commands, adopt_command_count },
		{ doctor_commands, doctor_command_count },
		{ stats_commands, stats_command_count },
		{ run_commands, run_command_count },
		{ session_commands, session_command_count },
	};

	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		if (i < families[f].count)
			return &families[f].commands[i];
		i -= families[f].count;
	}
	return NULL;
}

const struct command *command_find(const char *name)
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)); i++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

const char *command_second(const struct command *c, const char *first)
{
	size_t len = strlen(first);

	return !strncmp(c->name, first, len) && c->name[len] == ' ' ? c->name + len + 1 : NULL;
}

const struct command *command_match(const char *first, const char *second, size_t *used)
{
	const struct command *c = command_find(first);

	*used = c ? 1 : 0;
	if (c && !strchr(first, ' '))
		return c;
	*used = 0;
	for (size_t i = 0; (c = command_at(i)); i++) {
		const char *known = command_second(c, first);

		if (!known)
			continue;
		*used = 1;
		if (second && !strcmp(known, second)) {
			*used = 2;
			return c;
		}
	}
	return NULL;
}

static void arg_usage(const struct arg *a, struct buf *out)
{
	bool optional = !(a->flags & ARG_REQUIRED);

	buf_str(out, optional ? " [" : " ");
	if (a->name[0] == '-') {
		buf_str(out, a->name);
		if (a->value)
			buf_printf(out, a->flags & ARG_BARE ? " [%s]" : " %s", a->value);
	} else {
		buf_str(out, a->value ? a->value : a->name);
	}
	buf_str(out, optional ? "]" : "");
	buf_str(out, (a->flags & (ARG_REPEAT | ARG_FORMS)) == ARG_REPEAT ? "..." : "");
}

void command_usage(const struct command *c, struct buf *out)
{
	buf_str(out, c->name);
	for (size_t i = 0; i < c->arg_count; i++)
		arg_usage(&c->args[i], out);
}

static void arg_head(const struct arg *a, struct buf *out)
{
	if (a->letter)
		buf_printf(out, "-%c, ", a->letter);
	buf_str(out, a->name);
	if (a->name[0] == '-' && a->value)
		buf_printf(out, a->flags & ARG_BARE ? " [%s]" : " %s", a->value);
}

static void help_row(struct buf *out, const char *head, const char *help)
{
	size_t width = 26, cells = text_cells(head, strlen(head));

	buf_printf(out, "  %s", head);
	if (cells >= width) {
		buf_char(out, '\n');
		cells = 0;
		buf_str(out, "  ");
	}
	buf_fill(out, ' ', width - cells);
	buf_printf(out, "%s\n", help);
}

void command_help(const struct command *c, struct buf *out)
{
	struct buf head = { 0 };

	if (c) {
		command_usage(c, out);
		buf_printf(out, "\n\n%s\n", c->summary);
		if (c->description)
			buf_printf(out, "\n%s\n", c->description);
		if (c->arg_count)
			buf_char(out, '\n');
		for (size_t i = 0; i < c->arg_count; i++) {
			buf_reset(&head);
			arg_head(&c->args[i], &head);
			help_row(out, buf_text(&head), c->args[i].help);
		}
	} else {
		for (size_t i = 0; (c = command_at(i)); i++)
			help_row(out, c->name, c->summary);
		buf_str(out, "\nhelp COMMAND tells all of one.\n");
	}
	buf_free(&head);
}

/* Text for man(7): a backslash and a leading dot or quote would be markup, a hyphen is one. */
static void roff(struct buf *out, const char *text)
{
	bool begins = true;

	for (const char *s = text; *s; s++) {
		if (begins && (*s == '.' || *s == '\''))
			buf_str(out, "\\&");
		if (*s == '\\')
			buf_str(out, "\\e");
		else if (*s == '-')
			buf_str(out, "\\-");
		else
			buf_char(out, *s);
		begins = *s == '\n';
	}
}

static void manual_row(struct buf *out, const char *head, const char *help)
{
	buf_str(out, ".TP\n.B ");
	roff(out, head);
	buf_char(out, '\n');
	roff(out, help);
	buf_char(out, '\n');
}

static void option_head(const struct option_row *row, struct buf *out)
{
	if (row->letter)
		buf_printf(out, "-%c, ", row->letter);
	buf_printf(out, "--%s", row->name);
	if (row->value)
		buf_printf(out, " %s", row->value);
}

void options_help(struct buf *out)
{
	struct buf head = { 0 };

	for (size_t i = 0; i < option_count; i++) {
		if (option_rows[i].session_only)
			continue;
		buf_reset(&head);
		option_head(&option_rows[i], &head);
		help_row(out, buf_text(&head), option_rows[i].help);
	}
	buf_free(&head);
}

void command_manual(struct buf *out)
{
	const struct command *c;
	struct buf head = { 0 };

	buf_str(out, ".SH OPTIONS\n");
	for (size_t i = 0; i < option_count; i++) {
		if (option_rows[i].session_only)
			continue;
		buf_reset(&head);
		option_head(&option_rows[i], &head);
		if (option_rows[i].env)
			buf_printf(&head, "  (%s)", option_rows[i].env);
		manual_row(out, buf_text(&head), option_rows[i].help);
	}
	buf_str(out, ".SH COMMANDS\n");
	for (size_t i = 0; (c = command_at(i)); i++) {
		buf_reset(&head);
		command_usage(c, &head);
		buf_str(out, ".SS ");
		roff(out, buf_text(&head));
		buf_char(out, '\n');
		roff(out, c->summary);
		buf_str(out, ".\n");
		if (c->description) {
			buf_str(out, ".PP\n");
			roff(out, c->description);
			buf_char(out, '\n');
		}
		for (size_t k = 0; k < c->arg_count; k++) {
			buf_reset(&head);
			arg_head(&c->args[k], &head);
			manual_row(out, buf_text(&head), c->args[k].help);
		}
	}
	buf_free(&head);
}

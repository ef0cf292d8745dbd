/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints bpfman(1): the parts that are prose from here, options and commands from their tables. */
#include <stdio.h>

#include "command/command.h"

static const char head[] =
	".TH BPFMAN 1 \"\" \"bpfman " PACKAGE_VERSION "\" \"User commands\"\n"
	".SH NAME\n"
	"bpfman \\- load, remember and show BPF programs\n"
	".SH SYNOPSIS\n"
	".B bpfman\n.RI [ OPTION ]...\n.br\n"
	".B bpfman\n.RI [ OPTION ]...\n.B \\-c\n.RI ' COMMAND ;\n.IR COMMAND '\n.br\n"
	".B bpfman\n.RI [ OPTION ]...\n.B \\-f\n.I FILE\n.br\n"
	".B bpfman\n.RI [ OPTION ]...\n.I COMMAND\n.RI [ ARGUMENT ]...\n"
	".SH DESCRIPTION\n"
	"bpfman loads BPF programs into the kernel, pins them so that they stay, and remembers\n"
	"what it loaded, from which file and with which options, in a database.\n"
	"Without a command it is a prompt on a terminal; otherwise it runs its standard input\n"
	"as a script.\n"
	"The same commands work everywhere.\n"
	"The kernel is talked to by a second program, bpfman\\-kernel; when an object file\n"
	"crashes it, only that command fails.\n";

static const char tail[] =
	".SH NAMING THINGS\n"
	"Objects (a loaded file), programs, maps and links share one sequence of ids; an id\n"
	"names the same thing for ever.\n"
	"Where a program or object is wanted, an id, a name where it is unique,\n"
	".IR OBJECT / NAME ,\n.BI object: NAME\\fR,\n.BI kernel: ID\n"
	"or a pin path will do.\n"
	"A bare name means the program before the object.\n"
	".SH EXIT STATUS\n"
	".TP\n.B 0\nall done\n"
	".TP\n.B 1\na command failed, or its answer could not be written\n"
	".TP\n.B 2\nusage or syntax; nothing was run\n"
	".TP\n.B 3\nenvironment: no privilege, no bpffs, no worker, database unusable\n"
	".TP\n.B 130\ninterrupted\n"
	".PP\nWith \\-k the gravest counts: 130, 3, 1.\n"
	".SH FILES\n"
	".TP\n.I " MANAGER_DB_DEFAULT "\nthe database, mode 0600\n"
	".TP\n.I " MANAGER_ROOT_DEFAULT "\nthe pin root, on bpffs\n"
	".TP\n.I ~/.config/bpfman/rc\ncommands run at the start of a prompt, when the file is "
	"yours\n"
	".TP\n.I ~/.local/state/bpfman/history\nwhat was typed at the prompt\n"
	".SH SEE ALSO\n"
	".BR bpf (2),\n.BR bpftool (8)\n";

int main(void)
{
	struct buf out = { 0 };
	int failed;

	buf_str(&out, head);
	command_manual(&out);
	buf_str(&out, tail);
	failed = buf_error(&out) || fwrite(out.data, 1, out.len, stdout) != out.len ||
		 fflush(stdout);
	buf_free(&out);
	return failed;
}

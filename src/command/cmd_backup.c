/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backup */
#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "command/command.h"

static int run_backup(struct session *s, const struct invocation *in, struct error *e)
{
	char *path = file_absolute(invocation_value(in, "FILE"), e);
	struct db *db;
	int r = path ? manager_db(s->manager, &db, e) : -e->err;

	if (!r && !*db_uuid(db)) {
		error_set(e, ENOENT, "there is no database at %s", manager_db_path(s->manager));
		r = error_hint(e, "the first load makes it");
	}
	if (!r && manager_dry_run(s->manager))
		sink_note(s->sink, "dry run: %s would be written", path);
	else if (!r)
		r = db_backup(db, path, e);
	if (!r) {
		if (!manager_dry_run(s->manager))
			sink_note(s->sink, "written to %s", path);
		sink_str(s->sink, "path", path);
	}
	free(path);
	return r;
}

static const struct arg backup_args[] = {
	{ .name = "FILE",
	  .type = ARG_FILE,
	  .flags = ARG_REQUIRED,
	  .help = "where to; it must not exist" },
};

const struct command backup_commands[] = {
	{ "backup", "copy the database, with the files in it, to FILE", backup_args, 1, 0,
	  run_backup,
	  "As it is at one moment, while others may go on. The copy is a database like any other: "
	  "bpfman --db FILE list reads it. To go back to it, stop what uses bpfman and put it in "
	  "the database's place; what was loaded since is then unknown to it.",
	  NULL },
};
const size_t backup_command_count = sizeof(backup_commands) / sizeof(backup_commands[0]);

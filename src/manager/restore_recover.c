/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking a restore back: what it put at places that an upgrade never touches. */
#include "manager/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/protocol/protocol.h"

/*
 * Whether something else than the row tells of is pinned there. Before it began nothing was: a
 * stranger's pin would have been refused.
 */
static bool is_new(const struct manager *m, const char *pin, const char *boot_id,
		   const struct db_identity *identity)
{
	struct stat st;

	if (!pin || lstat(pin, &st))
		return false;
	return !boot_id || strcmp(boot_id, m->boot_id) != 0 || st.st_dev != identity->dev ||
	       st.st_ino != identity->ino;
}

/* Links that were attached beside programs that live. */
static int undo_links(struct manager *m, const struct upgrade_rows *rows, json_t *links,
		      struct error *e)
{
	int r = 0;

	for (size_t i = 0; !r && i < rows->link_count; i++) {
		const struct db_link *l = &rows->links[i];

		if (is_new(m, l->pin, l->boot_id, &l->identity))
			r = request_pin(links, l->pin, NULL, e);
	}
	return r;
}

/* Maps by name that were made again: their rows are still those of before. */
static int undo_shared(struct manager *m, const struct upgrade_rows *rows, json_t *pins,
		       struct error *e)
{
	int r = 0;

	for (size_t i = 0; !r && i < rows->shared_count; i++) {
		struct db_map map = { 0 };

		r = db_map_get(m->db, rows->shared[i], &map, e);
		if (!r && is_new(m, map.pin, map.boot_id, &map.identity))
			r = request_pin(pins, map.pin, NULL, e);
		db_map_clear(&map);
	}
	return r;
}

/* The worker removes them only where they are what was loaded again. */
static int undo_names(struct manager *m, const struct upgrade_rows *rows, json_t *names,
		      json_t *parents, struct error *e)
{
	int r = 0;

	for (size_t i = 0; !r && i < rows->program_count; i++) {
		const struct db_program *p = &rows->programs[i];

		if (!p->outside_path)
			continue;
		if (json_array_append_new(names, wire_json(p->outside_path)))
			r = error_nomem(e);
		else
			r = parents_leading_to(m, p->outside_path, parents, e);
	}
	return r;
}

int restore_undo(struct manager *m, const struct upgrade_rows *rows,
		 const struct restore_undone *lists, struct error *e)
{
	int r = undo_links(m, rows, lists->links, e);

	if (!r)
		r = undo_shared(m, rows, lists->pins, e);
	return r ? r : undo_names(m, rows, lists->names, lists->parents, e);
}

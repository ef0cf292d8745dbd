/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_COMMAND_LIST_ALL_H
#define BPFMAN_COMMAND_LIST_ALL_H

#include "command/rows.h"
#include "manager/census.h"

/*
 * list --all: beside what is managed what else the kernel has. Rows of both tell whether they are
 * managed and who holds them; in a table others' ID is k:41, and their STATE the holder.
 */
struct list_all {
	struct session *s;
	enum db_kind kind;
	struct census census;
	struct sink_column columns[24];
	struct sink_table table; /* the kind's, with those two columns changed */
};
/* Asks the kernel. Before the database is read; to be ended in any case. */
int list_all_begin(struct list_all *a, struct session *s, enum db_kind kind,
		   const struct sink_table *table, struct error *e);
/* More members of the open row of something that is managed. */
void list_all_managed(struct list_all *a, int64_t id, uint32_t kernel_id, struct look look);
/* A row of its own for what is not. */
void list_all_foreign(struct list_all *a, const struct census_row *row);
/* Behind the rows: whether they are all there are. */
void list_all_complete(struct list_all *a);
void list_all_end(struct list_all *a);
/* Who holds it, as STATE shows it; "" for nobody. */
const char *list_all_holder(const struct census_row *row);

#endif

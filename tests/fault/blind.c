/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control of what is let fail: bpfman that does not look whether a commit went well. Linked
 * with
 * --wrap around db_commit(); what it says is done and is not must be found.
 */
#include "db/db.h"

int __real_db_commit(struct db *db, struct error *e);
int __wrap_db_commit(struct db *db, struct error *e);

int __wrap_db_commit(struct db *db, struct error *e)
{
	(void)e;
	__real_db_commit(db, NULL);
	return 0;
}

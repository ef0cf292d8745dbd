/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sweep's control: bpfman with its steps in a wrong order, "pin, then insert". The intent's
 * commit is put off to that of the rows, so while the worker pins, no one could know. Linked with
 * --wrap around these functions; the sweep must find orphans in what it does. That a run is all or
 * nothing is not written down: the sweep must find such that are half done.
 */
#include "db/db.h"

static enum {
	IN_ORDER,
	INTENDED, /* the intent is written, its commit comes next */
	PUT_OFF,  /* and did not happen: its transaction is open */
} step;

int __real_db_object_insert(struct db *db, struct db_object *o, struct error *e);
int __real_db_begin(struct db *db, struct error *e);
int __real_db_commit(struct db *db, struct error *e);
int __wrap_db_object_insert(struct db *db, struct db_object *o, struct error *e);
int __real_db_link_insert(struct db *db, struct db_link *l, struct error *e);
int __wrap_db_link_insert(struct db *db, struct db_link *l, struct error *e);
int __wrap_db_begin(struct db *db, struct error *e);
int __wrap_db_atomic_begin(struct db *db, const struct db_atomic *a, struct error *e);

int __wrap_db_atomic_begin(struct db *db, const struct db_atomic *a, struct error *e)
{
	(void)db;
	(void)a;
	(void)e;
	return 0;
}

int __wrap_db_link_insert(struct db *db, struct db_link *l, struct error *e)
{
	int r = __real_db_link_insert(db, l, e);

	if (!r && l->state == DB_PENDING)
		step = INTENDED;
	return r;
}

int __wrap_db_commit(struct db *db, struct error *e);

int __wrap_db_object_insert(struct db *db, struct db_object *o, struct error *e)
{
	int r = __real_db_object_insert(db, o, e);

	if (!r && o->state == DB_PENDING)
		step = INTENDED;
	return r;
}

int __wrap_db_commit(struct db *db, struct error *e)
{
	if (step != INTENDED)
		return __real_db_commit(db, e);
	step = PUT_OFF;
	return 0;
}

int __wrap_db_begin(struct db *db, struct error *e)
{
	if (step != PUT_OFF)
		return __real_db_begin(db, e);
	step = IN_ORDER;
	return 0;
}

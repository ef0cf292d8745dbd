/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_MANAGER_RESTORE_H
#define BPFMAN_MANAGER_RESTORE_H

#include "manager/upgrade.h"

/*
 * What is lost of an object comes back under the same ids, from the bytes that are stored. It is an
 * upgrade to the same build, in one of three ways:
 *
 *	links only   programs and maps are there: lost links are attached again
 *	anew         there is no directory: loaded into ROOT/<id>, as a load does
 *	in place     loaded into ROOT/u<id>, with the maps that live; links that live move; the
 *		     directories change places
 */
struct restoring {
	struct restored *result;
	bool *program_lost, *map_lost, *link_lost; /* of k->rows */
	const char **why_not;			   /* a lost link that is not attached again */
	size_t programs, maps, links;		   /* that are lost */
	size_t shared;				   /* maps by name that are, too */
	const char *outside;			   /* --pin-path's name, to be made again */
};

/* Looks at all of the object's rows; what cannot be told is refused (restore_plan.c). */
int restore_look(struct upgrading *k);
/* Whether programs or maps are loaded again. */
bool restore_loads(const struct upgrading *k);
/* Whether that happens beside what lives. */
bool restore_exchanges(const struct upgrading *k);
/* Fills the lists of what is to be done, and refuses what cannot be. */
int restore_plan(struct upgrading *k);

/*
 * Attaches link i as it was: its row, with our id, goes to k->attached (restore_link.c). resolve:
 * only looks whether it could be.
 */
int restore_link(struct upgrading *k, size_t i, bool resolve);
/* Why a lost link is not attached again, whatever its target; NULL: it is. */
const char *restore_why_not(const struct db_link *l);
/* The rows of those that were attached, in the open transaction. */
int restore_record_links(struct upgrading *k);

/* Adds to what went how: a line about a map or link. lost: it still is. */
int restore_note(struct upgrading *k, enum db_kind kind, int64_t id, const char *name, bool lost,
		 const char *format, ...) __attribute__((format(printf, 6, 7)));

/* A restore at boot begins, durably, or there is a brake (restore_boot.c). */
int restore_boot_begin(struct manager *m, enum restore_brake *brake, struct error *e);
/* It came to its end, or somebody restores by hand: the next boot may do it. */
int restore_boot_end(struct manager *m, struct error *e);

/* What a restore that did not come to its end left beside the directories of pins. */
struct restore_undone {
	json_t *links, *pins, *names, *parents; /* of an "unpin" request */
};
int restore_undo(struct manager *m, const struct upgrade_rows *rows,
		 const struct restore_undone *lists, struct error *e);

#endif

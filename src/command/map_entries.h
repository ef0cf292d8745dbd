/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_COMMAND_MAP_ENTRIES_H
#define BPFMAN_COMMAND_MAP_ENTRIES_H

#include "command/command.h"

/* How a map and its entries are written. */
extern const struct sink_table entries_table, entries_per_cpu_table;

/*
 * "map" of the document: the row of list maps, and the types of keys and values where result (of
 * the worker, or NULL) tells them. A table has none.
 */
int write_map_member(struct session *s, const struct manager_map *map, const json_t *result,
		     struct error *e);
/*
 * Rows of the open table, from entries as text: each key and each value is a word that map set
 * takes. per_cpu: a row for each CPU.
 */
void write_entry_rows(struct sink *s, const struct buf *entries, bool per_cpu);
/* The key of the entry that begins at *at, which then is behind the entry; false: there is none. */
bool entry_key(const char **at, struct buf *key);
/*
 * A "map set MAP KEY VALUE..." line for each entry; map is a word. per-CPU entries have a value for
 * each CPU.
 */
void entry_commands(struct buf *out, const char *map, const struct buf *entries);
/* The first entry's value as it is, not as a word; false: there is none. */
bool entry_value(const struct buf *entries, struct buf *value);
/* The members of the one entry, as JSON. */
void write_entry_members(struct sink *s, const struct buf *entry);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/kept.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

void kept_add(void *data, const char *path, const char *why)
{
	struct kept_list *list = data;
	struct kept *grown = grow(list->items, list->count, sizeof(*grown));

	if (!grown)
		return; /* it is still there, for doctor to find */
	list->items = grown;
	grown[list->count++] = (struct kept){ strdup(path), strdup(why) };
}

void kept_write(struct sink *s, struct kept_list *list)
{
	sink_rows(s, "kept", NULL);
	for (size_t i = 0; i < list->count; i++) {
		sink_row(s);
		sink_str(s, "path", list->items[i].path);
		sink_str(s, "why", list->items[i].why);
		sink_row_end(s);
	}
	sink_rows_end(s);
	for (size_t i = 0; i < list->count; i++) {
		sink_note(s, "left %s in place: %s",
			  list->items[i].path ? list->items[i].path : "a pin",
			  list->items[i].why ? list->items[i].why : "it is another object");
		free(list->items[i].path);
		free(list->items[i].why);
	}
	free(list->items);
}

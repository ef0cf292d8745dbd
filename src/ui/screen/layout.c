/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/screen/layout.h"

#include <string.h>

struct stack {
	int members[LAYOUT_PANES];
	size_t count;
	int y, x, height, width;
};

static int latest(const struct layout_wish *wishes, size_t count)
{
	int best = 0;

	for (size_t i = 0; i < count; i++)
		if (wishes[i].shown && (!wishes[best].shown || wishes[i].used > wishes[best].used))
			best = (int)i;
	return best;
}

static int least_rows(const struct stack *s, const struct layout_wish *wishes)
{
	int rows = 0;

	for (size_t i = 0; i < s->count; i++)
		rows += wishes[s->members[i]].least;
	return rows;
}

/* Those not used for longest go until the rest fits; one always stays. */
static void drop_unused(struct stack *s, const struct layout_wish *wishes)
{
	while (s->count > 1 && least_rows(s, wishes) > s->height) {
		size_t oldest = 0;

		for (size_t i = 1; i < s->count; i++)
			if (wishes[s->members[i]].used < wishes[s->members[oldest]].used)
				oldest = i;
		s->count--;
		memmove(&s->members[oldest], &s->members[oldest + 1],
			(s->count - oldest) * sizeof(s->members[0]));
	}
}

static void place(struct layout *l, struct stack *s, const struct layout_wish *wishes)
{
	int weights = 0, y = s->y, spare;

	drop_unused(s, wishes);
	spare = s->height - least_rows(s, wishes);
	for (size_t i = 0; i < s->count; i++)
		weights += wishes[s->members[i]].weight;
	for (size_t i = 0; i < s->count; i++) {
		const struct layout_wish *w = &wishes[s->members[i]];
		int more = spare > 0 && weights ? spare * w->weight / weights : 0;
		int height = w->least + more;

		spare -= more;
		weights -= w->weight;
		if (i + 1 == s->count)
			height = s->y + s->height - y;
		l->panes[s->members[i]] = (struct rect){ y, s->x, height, s->width };
		y += height;
	}
}

static void collect(struct stack *s, const struct layout_wish *wishes, size_t count, bool right)
{
	s->count = 0;
	for (size_t i = 0; i < count && i < LAYOUT_PANES; i++)
		if (wishes[i].shown && wishes[i].right == right)
			s->members[s->count++] = (int)i;
}

static void side_by_side(struct layout *l, struct stack *left, struct stack *right,
			 const struct layout_wish *wishes)
{
	int width = left->width;

	left->width = width * 11 / 20;
	l->divider = left->width;
	*right = (struct stack){ .y = left->y,
				 .x = left->width + 1,
				 .height = left->height,
				 .width = width - left->width - 1,
				 .count = right->count,
				 .members = { 0 } };
	collect(right, wishes, LAYOUT_PANES, true);
	place(l, left, wishes);
	place(l, right, wishes);
}

void layout_make(struct layout *l, int rows, int columns, const struct layout_wish *wishes,
		 size_t count, int zoomed)
{
	struct layout_wish all[LAYOUT_PANES] = { 0 };
	struct stack one = { .width = columns }, right = { 0 };
	bool few = rows < LAYOUT_FEW_ROWS || columns < LAYOUT_FEW_COLUMNS;

	memset(l, 0, sizeof(*l));
	l->header = l->prompt = l->bar = l->divider = -1;
	l->message = rows < LAYOUT_MIN_ROWS || columns < LAYOUT_MIN_COLUMNS;
	if (l->message)
		return;
	memcpy(all, wishes, (count < LAYOUT_PANES ? count : LAYOUT_PANES) * sizeof(*all));
	for (int i = 0; i < LAYOUT_PANES; i++)
		all[i].shown &= rows >= all[i].from || all[i].used;
	l->prompt = rows - 1;
	if (!few) {
		l->header = 0;
		l->prompt = rows - 2;
		l->bar = rows - 1;
		one.y = 1;
	}
	one.height = l->prompt - one.y;
	if (few && zoomed < 0)
		zoomed = latest(all, LAYOUT_PANES);
	if (zoomed >= 0) {
		l->panes[zoomed] = (struct rect){ one.y, 0, one.height, columns };
		return;
	}
	collect(&one, all, LAYOUT_PANES, false);
	collect(&right, all, LAYOUT_PANES, true);
	if (columns >= LAYOUT_WIDE && one.count && right.count) {
		side_by_side(l, &one, &right, all);
		return;
	}
	one.count = 0;
	for (int i = 0; i < LAYOUT_PANES; i++)
		if (all[i].shown)
			one.members[one.count++] = i;
	place(l, &one, all);
}

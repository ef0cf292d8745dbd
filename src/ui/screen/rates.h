/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_SCREEN_RATES_H
#define BPFMAN_SCREEN_RATES_H

#include "manager/stats.h"
#include "ui/screen/layout.h"

/*
 * How often programs run, of those that are on the screen: asked of the reading worker, which is
 * never waited for.
 */
struct screen;
struct program_row;

enum { RATE_POINTS = 300 };

/* Readings of one program, kept as long as its row. */
struct series {
	struct stats_sample last; /* without its strings */
	int64_t last_at;	  /* ns, the worker's clock */
	bool known;		  /* the rate is one */
	struct stats_rate rate;
	struct rate_point {
		int64_t at;    /* ns, as last_at */
		float runs;    /* a second */
	} points[RATE_POINTS]; /* a ring */
	unsigned next, filled;
};

struct rates {
	int64_t *asked; /* keys of rows, in the order of the samples */
	size_t count;
	int64_t now;	  /* the worker's clock at the last reading */
	int64_t retry_at; /* after a failure: not before (monotonic ns) */
	enum stats_counting counting;
	char *trouble; /* why there is nothing, or NULL */
};

void rates_free(struct rates *r);
/* The last seconds in cells, the newest last: blocks, or digits without UTF-8. */
void rates_spark(const struct series *series, int64_t now, int cells, int seconds, struct buf *out);
/* Lines of a graph of the last seconds with its axes, as wide and high as told. */
void rates_graph(const struct series *series, int64_t now, int width, int height, int seconds,
		 struct buf *out);
/* 950, 12.3k, 4.5M */
void rates_number(uint64_t n, struct buf *out);

#endif

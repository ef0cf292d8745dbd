/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/screen/rates.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/grow.h"
#include "ui/screen/draw.h"
#include "ui/screen/screen.h"

enum { NS_PER_MS = 1000000, RETRY_MS = 10000, HOLD_MORE_MS = 2000 };

void rates_free(struct rates *r)
{
	free(r->asked);
	free(r->trouble);
	memset(r, 0, sizeof(*r));
}

/* ---- asking ---- */

/* Ours by their pins, others' by their kernel ids. */
struct query {
	struct rates *rates;
	struct stats_pin *pins;
	uint32_t *ids;
	size_t pin_count, id_count;
};

static void add_other(struct query *q, const struct row *row)
{
	uint32_t *grown = grow(q->ids, q->id_count, sizeof(*grown));

	if (!grown)
		return;
	q->ids = grown;
	grown[q->id_count++] = (uint32_t)-row->key;
}

/* Only what is there can be asked for: a pin that is gone would fail. */
static void add_ours(struct query *q, const struct program_row *row)
{
	struct stats_pin *pins;
	int64_t *keys;

	if (!row->p.pin ||
	    (row->row.look.sight != SIGHT_LOADED && row->row.look.sight != SIGHT_ATTACHED))
		return;
	pins = grow(q->pins, q->pin_count, sizeof(*pins));
	q->pins = pins ? pins : q->pins;
	keys = grow(q->rates->asked, q->pin_count, sizeof(*keys));
	q->rates->asked = keys ? keys : q->rates->asked;
	if (!pins || !keys)
		return;
	keys[q->pin_count] = row->row.key;
	pins[q->pin_count++] = (struct stats_pin){ row->p.pin, &row->p.identity };
}

static void add_seen(struct screen *s, struct query *q)
{
	const struct list_view *l = &s->panes[PANE_PROGRAMS].list;
	bool all = list_view_sort(l)->rate;
	const struct pane *detail = &s->panes[PANE_DETAIL];
	struct program_row *about = detail->shown ? model_program(&s->model, detail->about) : NULL;
	size_t from = all ? 0 : l->top;
	size_t to = all ? l->count : l->top + (size_t)l->height;

	for (size_t i = from; i < to && i < l->count; i++) {
		struct program_row *row = (struct program_row *)l->order[i];

		if (row == about)
			about = NULL; /* twice in one reading would be no time at all */
		if (row_foreign(&row->row)) {
			add_other(q, &row->row);
			continue;
		}
		if (all)
			model_see_program(&s->model, row);
		add_ours(q, row);
	}
	/* Detail's graph goes on when its row is out of sight. */
	if (about)
		add_ours(q, about);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Others' are told behind ours, in rising order. False: lost memory. */
static bool note_others(struct query *q)
{
	struct rates *r = q->rates;
	int64_t *keys = realloc(r->asked, (q->pin_count + q->id_count + 1) * sizeof(*keys));

	if (!keys)
		return false;
	r->asked = keys;
	if (q->id_count)
		qsort(q->ids, q->id_count, sizeof(*q->ids), compare);
	for (size_t i = 0; i < q->id_count; i++)
		keys[q->pin_count + i] = -(int64_t)q->ids[i];
	r->count = q->pin_count + q->id_count;
	return true;
}

static json_t *request(struct screen *s)
{
	struct rates *r = &s->rates;
	struct query q = { .rates = r };
	struct stats_query query = { .enable = true,
				     .hold_ms = (int64_t)s->interval_ms + HOLD_MORE_MS };
	json_t *request = NULL;

	if (s->ui->options->stats == SWITCH_OFF || r->retry_at > clock_monotonic())
		return NULL;
	free(r->asked);
	r->asked = NULL;
	r->count = 0;
	add_seen(s, &q);
	query.pins = q.pins;
	query.pin_count = q.pin_count;
	if (note_others(&q) && r->count) {
		query.kernel_ids = q.ids;
		query.kernel_id_count = q.id_count;
		request = stats_request(&query);
	}
	free(q.pins);
	free(q.ids);
	return request;
}

/* ---- taking ---- */

static void note_point(struct series *series, int64_t at, uint64_t runs)
{
	series->points[series->next] = (struct rate_point){ at, (float)runs };
	series->next = (series->next + 1) % RATE_POINTS;
	if (series->filled < RATE_POINTS)
		series->filled++;
}

static void note_sample(struct program_row *row, const struct stats_sample *sample, int64_t at,
			enum stats_counting counting)
{
	struct series *series = row->series;

	if (!series)
		series = row->series = calloc(1, sizeof(*series));
	if (!series)
		return;
	series->known = sample->read && stats_rate(&series->last, sample, at - series->last_at,
						   counting, &series->rate);
	if (series->known)
		note_point(series, at, series->rate.runs_per_s);
	series->last = *sample;
	series->last.why = series->last.name = series->last.type = NULL;
	series->last_at = at;
}

static void fail(struct rates *r, const struct error *e)
{
	free(r->trouble);
	r->trouble = strdup(e->message ? e->message : "unknown");
	r->counting = STATS_OFF;
	r->retry_at = clock_monotonic() + (int64_t)RETRY_MS * NS_PER_MS;
}

static void answer(struct screen *s, const json_t *result, const struct error *e)
{
	struct rates *r = &s->rates;
	struct stats_reading reading = { 0 };
	struct error bad = ERROR_INIT;

	if (!result) {
		fail(r, e);
	} else if (stats_read(result, &reading, &bad)) {
		fail(r, &bad);
	} else {
		free(r->trouble);
		r->trouble = reading.not_enabled ? strdup(reading.not_enabled) : NULL;
		r->counting = reading.counting;
		r->now = reading.at;
		for (size_t i = 0; i < r->count && i < reading.count; i++) {
			const struct rows *rows =
				r->asked[i] < 0 ? &s->others.rows : &s->model.programs;
			struct program_row *row =
				(struct program_row *)rows_find(rows, r->asked[i]);

			if (row)
				note_sample(row, &reading.samples[i], reading.at, reading.counting);
		}
	}
	stats_reading_free(&reading);
	error_clear(&bad);
	screen_rated(s);
}

const struct asker rates_asker = { request, answer };

/* ---- showing ---- */

void rates_number(uint64_t n, struct buf *out)
{
	static const char units[] = " kMGTPE";
	double value = (double)n;
	int unit = 0;

	if (n < 1000) {
		buf_printf(out, "%u", (unsigned)n);
		return;
	}
	while (value >= 999.95 && units[unit + 1]) {
		value /= 1000;
		unit++;
	}
	buf_printf(out, "%.1f%c", value, units[unit]);
}

/* The mean of the points in (from, to]; negative: there are none. */
static float mean_of(const struct series *series, int64_t from, int64_t to)
{
	float sum = 0;
	int n = 0;

	for (unsigned i = 0; i < series->filled; i++) {
		const struct rate_point *p = &series->points[i];

		if (p->at > from && p->at <= to) {
			sum += p->runs;
			n++;
		}
	}
	return n ? sum / (float)n : -1;
}

/* The means of cells equal parts of the last seconds; their greatest. */
static float means_of(const struct series *series, int64_t now, int cells, int seconds,
		      float *means)
{
	int64_t part = (int64_t)seconds * 1000000000 / cells;
	float most = 0;

	for (int i = 0; i < cells; i++) {
		int64_t to = now - part * (cells - 1 - i);

		means[i] = mean_of(series, to - part, to);
		if (means[i] > most)
			most = means[i];
	}
	return most;
}

static const char *const blocks[] = { " ",	"\u2581", "\u2582", "\u2583", "\u2584",
				      "\u2585", "\u2586", "\u2587", "\u2588" };
static const char *const plain_blocks[] = { " ", "_", ".", ":", "-", "=", "+", "*", "#" };

static const char *block_of(float part)
{
	int n = part <= 0 ? 0 : part >= 8 ? 8 : (int)part;

	return draw_unicode() ? blocks[n] : plain_blocks[n];
}

void rates_spark(const struct series *series, int64_t now, int cells, int seconds, struct buf *out)
{
	float means[64], most;

	if (!series || !series->filled || cells > 64)
		return;
	most = means_of(series, now, cells, seconds, means);
	for (int i = 0; i < cells; i++) {
		if (means[i] < 0)
			buf_char(out, ' ');
		else
			/* What was read is seen, also when it was nothing. */
			buf_str(out, block_of(most > 0 ? 1 + means[i] / most * 7 : 1));
	}
}

void rates_graph(const struct series *series, int64_t now, int width, int height, int seconds,
		 struct buf *out)
{
	enum { LABEL = 8, MOST = 512 };
	float means[MOST], most;
	int cells = width - LABEL < MOST ? width - LABEL : MOST;

	if (!series || cells < 8 || height < 4)
		return;
	most = means_of(series, now, cells, seconds, means);
	buf_str(out, "Runs a second\n");
	for (int y = height; y > 0; y--) {
		struct buf label = { 0 };

		if (y == height || y == 1 || y == (height + 1) / 2)
			rates_number((uint64_t)((double)most * (y - 1) / (height - 1) + 0.5),
				     &label);
		buf_printf(out, "%*s %s", LABEL - 2, buf_text(&label),
			   draw_unicode() ? "\u2502" : "|");
		buf_free(&label);
		for (int x = 0; x < cells; x++) {
			float rows = most > 0 ? means[x] / most * (float)height : 0;

			buf_str(out, means[x] < 0 ? " " : block_of((rows - (float)(y - 1)) * 8));
		}
		buf_char(out, '\n');
	}
	buf_printf(out, "%*s %s", LABEL - 2, "", draw_unicode() ? "\u2514" : "+");
	for (int x = 0; x < cells; x++)
		buf_str(out, draw_unicode() ? "\u2500" : "-");
	buf_printf(out, "\n%*s-%d s%*s\n\n", LABEL - 1, "", seconds, cells - 6, "now");
}

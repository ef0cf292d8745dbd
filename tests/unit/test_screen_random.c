/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random keys, bytes, pastes, sizes and changes by others: nothing may crash, the command line
 * stays on the screen, and no control byte is drawn. SCREEN_SEED=N takes another seed than the one
 * that is always taken, an empty one another each time; SCREEN_STEPS=N makes it longer.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <readline/readline.h>

#include "screen_world.h"

enum { STEPS = 10000, FRESH_EVERY = 1000, SEED = 1, HANGS_AFTER_S = 300 };

static unsigned long long seed;

static unsigned below(unsigned n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(seed >> 33) % n;
}

static const char *const texts[] = {
	"list",
	"list maps; list programs",
	"show 2",
	"help",
	"log",
	"unload 2",
	"'",
	"load x.o --program ",
	"set ",
	"set output json",
	"set output table",
	"\xe4\xb8\xad\xe6\x96\x87",
	"e\xcc\x81",
	"\xf0\x9f\x90\x9d",
	"\xff",
	"\xc3",
	"# x",
};

static const char *const names[] = {
	"Esc",	     "Enter",	  "Tab",    "Up",     "Down",	"Left",	  "Right",  "PgUp",
	"PgDn",	     "Home",	  "End",    "F1",     "F2",	"F3",	  "F7",	    "Delete",
	"Backspace", "Shift-Tab", "Ctrl-A", "Ctrl-C", "Ctrl-E", "Ctrl-K", "Ctrl-L", "Ctrl-N",
	"Ctrl-P",    "Ctrl-R",	  "Ctrl-U", "Ctrl-W", "Ctrl-Y", "Ctrl-_", "Ctrl-V", "Ctrl-X",
	"Alt-b",     "Alt-d",	  "Alt-.",  "Alt-5",
};

/* Straight to the screen, as decoded. */
static void keys_step(struct world *w)
{
	const char *text;

	switch (below(6)) {
	case 0:
		for (text = texts[below(sizeof(texts) / sizeof(texts[0]))]; *text; text++)
			screen_key(w->screen, (unsigned char)*text);
		break;
	case 1:
		screen_key(w->screen, (int)(32 + below(95)));
		break;
	case 2:
		screen_key(w->screen, (int)below(256));
		break;
	default:
		screen_key(w->screen, keys_code(names[below(sizeof(names) / sizeof(names[0]))]));
	}
}

/* Through the terminal's decoder: sequences, halves of them, pastes, noise. */
static void bytes_step(struct world *w, int to)
{
	static const char *const sequences[] = { "\033",      "\033[A",	   "\033OB",	"\033[",
						 "\033[5~",   "\033OP",	   "\033[200~", "\033[201~",
						 "\033[1;5C", "\033[M !!", "\033\033",	"\r\n" };
	char noise[64];
	size_t n = below(sizeof(noise));
	const char *s = sequences[below(sizeof(sequences) / sizeof(sequences[0]))];

	if (below(2)) {
		assert_true(write(to, s, strlen(s)) >= 0);
	} else {
		for (size_t i = 0; i < n; i++)
			noise[i] = (char)below(256);
		assert_true(write(to, noise, n) >= 0);
	}
	if (below(4) == 0)
		assert_true(write(to, "\033[201~", 6) == 6);
	screen_read_keys(w->screen);
}

static void size_step(struct world *w)
{
	static const int sizes[][2] = { { 24, 80 },  { 60, 200 }, { 3, 19 }, { 4, 20 },
					{ 14, 59 },  { 15, 60 },  { 1, 1 },  { 5, 150 },
					{ 40, 151 }, { 200, 10 } };
	unsigned i = below(sizeof(sizes) / sizeof(sizes[0]));

	screen_resize(w->screen, sizes[i][0], sizes[i][1]);
}

static void check(struct world *w, int step, unsigned long long begun_with)
{
	struct screen *s = w->screen;
	struct buf text = { 0 };
	const char *line;

	run_queue(s);
	if (below(4) == 0)
		screen_refresh(s);
	screen_draw(s);
	if (world_raw_cells())
		fail_msg("seed %llu, step %d: a control byte is drawn", begun_with, step);
	world_text(w, &text);
	line = buf_text(&text);
	for (int y = 0; y < s->layout.prompt; y++)
		line = strchr(line, '\n') + 1;
	/* The prompt stands there from its beginning, or it says that it was scrolled. */
	if (!s->layout.message && line[0] != '<' &&
	    strncmp(line, rl_display_prompt, strlen("bpf")) != 0)
		fail_msg("seed %llu, step %d: no command line:\n%s", begun_with, step, text.data);
	buf_free(&text);
}

static void round_of(int steps)
{
	unsigned long long begun_with = seed;
	struct world w;
	char another[24];
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	world_open(&w, (enum world_rows)below(4), 24, 80, below(2) ? "xterm-256color" : "vt100",
		   below(2), fdopen(ends[0], "r"));
	for (int i = 0; i < steps; i++) {
		switch (below(20)) {
		case 0:
			size_step(&w);
			break;
		case 5:
			screen_mouse(w.screen, (enum mouse_event)below(3), (int)below(70),
				     (int)below(210));
			break;
		case 1:
			snprintf(another, sizeof(another), "+other%d", i);
			world_steps(&w, another);
			break;
		case 2:
		case 3:
		case 4:
			bytes_step(&w, ends[1]);
			break;
		default:
			keys_step(&w);
		}
		check(&w, i, begun_with);
		w.screen->ended = w.ui.session.quit = false;
	}
	close(ends[1]);
	world_close(&w);
}

static void test_random(void **state)
{
	const char *given = getenv("SCREEN_SEED"), *more = getenv("SCREEN_STEPS");
	int steps = more ? atoi(more) : STEPS;

	(void)state;
	seed = !given ? SEED : *given ? strtoull(given, NULL, 10) : (unsigned long long)time(NULL);
	print_message("SCREEN_SEED=%llu\n", seed);
	for (int done = 0; done < steps; done += FRESH_EVERY) {
		unsigned long long next = seed + 1;

		round_of(steps - done < FRESH_EVERY ? steps - done : FRESH_EVERY);
		seed = next;
	}
}

/* Whatever comes, goes and is sorted around it, the selected row stays, and on its line. */
static void selection_stays(void **state)
{
	struct list_view *l;
	struct world w;

	(void)state;
	seed = SEED;
	world_open(&w, WORLD_MANY, 24, 80, "xterm-256color", true, NULL);
	l = &w.screen->panes[PANE_PROGRAMS].list;
	world_steps(&w, "Esc z PgDn Down");
	for (int i = 0; i < 300; i++) {
		int64_t key = l->selected, other;
		long line = (long)l->at - (long)l->top;
		char step[40];

		switch (below(4)) {
		case 0:
			snprintf(step, sizeof(step), "+other%d", i);
			break;
		case 1:
			other = l->order[below((unsigned)l->count)]->key;
			if (other == key || l->count < 30)
				continue;
			snprintf(step, sizeof(step), "-%lld", (long long)other);
			break;
		default:
			strcpy(step, below(2) ? "s" : "S");
		}
		world_steps(&w, step);
		if (l->selected != key || l->order[l->at]->key != key)
			fail_msg("step %d, %s: %lld was selected, now %lld is", i, step,
				 (long long)key, (long long)l->selected);
		/* But for the ends, where the list is as long as it is. */
		if (l->top && l->top + (size_t)l->height < l->count)
			assert_int_equal((long)l->at - (long)l->top, line);
	}
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(selection_stays),
					    cmocka_unit_test(test_random) };

	alarm(HANGS_AFTER_S);
	setenv("LC_ALL", "C.UTF-8", 1);
	setlocale(LC_ALL, "");
	unsetenv("LINES");
	unsetenv("COLUMNS");
	unsetenv("INPUTRC");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

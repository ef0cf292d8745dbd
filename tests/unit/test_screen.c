/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whole screens against tests/unit/screens/NAME.txt: what is drawn, and how. Each scene also says
 * one thing that must be seen, or must not. `make update-screens` writes the files anew.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "screen_world.h"

enum kind { PLAIN, ASCII, EIGHT, MANY, NO_COLOUR };
static const struct {
	const char *term, *locale;
	bool colour;
} kinds[] = {
	[PLAIN] = { "vt100", "C.UTF-8", true },
	[ASCII] = { "vt100", "C", true },
	[EIGHT] = { "xterm-color", "C.UTF-8", true },
	[MANY] = { "xterm-256color", "C.UTF-8", true },
	[NO_COLOUR] = { "xterm-256color", "C.UTF-8", false },
};

static const struct scene {
	const char *name;
	enum world_rows rows;
	int height, width;
	enum kind kind;
	const char *steps;
	const char *seen;   /* stands on the screen */
	const char *unseen; /* does not */
} scenes[] = {
	/* the beginning */
	{ "empty", WORLD_EMPTY, 24, 80, MANY, "", "Nothing is managed yet", "trouble" },
	{ "few", WORLD_FEW, 24, 80, MANY, "", "3 programs   3 maps", "Detail" },
	{ "few-8", WORLD_FEW, 24, 80, EIGHT, "Esc", ">    2 xdp_pass", NULL },
	{ "few-plain", WORLD_FEW, 24, 80, PLAIN, "Esc", ">    2 xdp_pass", NULL },
	{ "no-color", WORLD_FEW, 24, 80, NO_COLOUR, "Esc", ">    2 xdp_pass", NULL },
	{ "many-wide", WORLD_MANY, 60, 200, MANY, "Esc", "\u2502Output", NULL },
	{ "many-wide-ascii", WORLD_MANY, 40, 160, ASCII, "Esc", "|Output", NULL },
	/* size */
	{ "small", WORLD_FEW, 15, 60, MANY, "", "Output", "STATE  " },
	{ "one-pane", WORLD_FEW, 14, 59, MANY, "Esc", "Programs", "Maps" },
	{ "one-pane-output", WORLD_FEW, 10, 40, PLAIN, "'list maps' Enter", "proc/self/cwd/pins/7",
	  "Programs" },
	{ "tiny", WORLD_FEW, 4, 20, MANY, "Esc", "xdp_pass", "too small" },
	{ "too-small", WORLD_FEW, 3, 19, MANY, "", "too small", "bpfman>" },
	{ "grown", WORLD_FEW, 3, 10, EIGHT, "@24x80", "xdp_pass", "too small" },
	{ "shrunk", WORLD_MANY, 60, 200, MANY, "Esc End @15x60", "prog_e00", NULL },
	/* moving */
	{ "down", WORLD_MANY, 24, 80, MANY, "Esc Down j PgDn", "[9/40]", NULL },
	{ "end", WORLD_MANY, 24, 80, MANY, "Esc G", "[40/40]", "obj00" },
	{ "next-pane", WORLD_FEW, 24, 80, MANY, "Esc Tab", ">    5 counters", NULL },
	{ "links", WORLD_FEW, 24, 80, MANY, "Esc Tab Tab", "nothing is attached", NULL },
	{ "zoomed", WORLD_MANY, 24, 80, MANY, "Esc z", "prog_e21", "Maps" },
	{ "zoom-back", WORLD_MANY, 24, 80, MANY, "F2 F2", "Maps", NULL },
	{ "hidden", WORLD_FEW, 24, 80, MANY, "Esc 2", "Programs", "Maps" },
	/* rows come and go, the selection stays */
	{ "others-load", WORLD_FEW, 24, 80, MANY, "Esc Down +newcomer", ">    3 drop_bad", NULL },
	{ "selected-goes", WORLD_FEW, 24, 80, MANY, "Esc Down -3", ">    4 trace_exec",
	  "drop_bad" },
	{ "lost", WORLD_FEW, 24, 80, MANY, "!3", "unknown", NULL },
	/* rates */
	{ "rates", WORLD_FEW, 24, 80, MANY, "~", "11.6k      84   0.09", NULL },
	{ "rates-ascii", WORLD_FEW, 24, 80, ASCII, "Esc ~", "stats off", "\u2581" },
	{ "rates-sorted", WORLD_MANY, 40, 120, EIGHT, "Esc s s s s s ~", "sort NS/RUN", NULL },
	{ "graph", WORLD_FEW, 40, 100, MANY, "Esc ~ Enter g", "Runs a second", NULL },
	{ "graph-ascii", WORLD_FEW, 24, 80, ASCII, "Esc ~ Enter g", "-300 s", "\u2502" },
	/* what others loaded */
	{ "others", WORLD_FEW, 24, 80, MANY, "&", "k:41 cil_from_netdev", NULL },
	{ "others-plain", WORLD_FEW, 24, 80, PLAIN, "Esc & G", "k:42 a\\x1b[7mb", NULL },
	{ "others-alone", WORLD_EMPTY, 24, 80, MANY, "& Esc", "Nothing is managed yet", NULL },
	{ "others-log", WORLD_EMPTY, 24, 80, MANY, "& Esc L", "there is no log yet",
	  "is not managed" },
	{ "others-hidden", WORLD_FEW, 24, 80, MANY, "Esc & a", "> set others off", "k:41" },
	{ "others-kept", WORLD_FEW, 24, 80, MANY, "Esc & End U", "k:42 is not managed by bpfman",
	  "This goes" },
	/* entries */
	{ "entries", WORLD_FEW, 24, 80, MANY, "Esc Tab Enter #", "(4 of at most 1024 read)",
	  "detach" },
	{ "entries-gone", WORLD_FEW, 24, 80, MANY, "Esc Tab Enter # =5", "Enter on a map shows",
	  "read)" },
	{ "log-stays", WORLD_FEW, 24, 80, MANY, "Esc L +newcomer", "Detail: log", "trouble" },
	{ "entries-sorted", WORLD_FEW, 24, 80, ASCII, "Esc Tab Enter # s s", "sort CHANGE/S",
	  NULL },
	{ "entries-wide", WORLD_FEW, 60, 200, EIGHT, "Esc Tab Enter #", "Entries of map 5 counters",
	  NULL },
	{ "entries-part", WORLD_FEW, 24, 80, MANY, "Esc Tab Enter % End %",
	  "(1000 of at most 1024 read)", NULL },
	{ "entries-parts", WORLD_FEW, 24, 80, MANY, "Esc Tab Enter % End % End % End % Home %",
	  "[1/1200]", "of at most" },
	{ "entry-edited", WORLD_FEW, 24, 80, MANY, "Esc Tab Enter # Down e", "map set 5", NULL },
	/* filter, sort, tags */
	{ "filter-typed", WORLD_MANY, 24, 80, MANY, "Esc / 'kprobe'", "filter: kprobe",
	  "tracepoint" },
	{ "filtered", WORLD_MANY, 24, 80, MANY, "Esc / 'kprobe' Enter", "[1/10]  filter kprobe",
	  NULL },
	{ "filter-none", WORLD_MANY, 24, 80, EIGHT, "Esc / 'zzz' Enter", "no row holds", "obj0" },
	{ "filter-left", WORLD_MANY, 24, 80, MANY, "Esc / 'kprobe' Esc", "[1/40]", "filter k" },
	{ "sorted", WORLD_MANY, 24, 80, MANY, "Esc s", "sort NAME", NULL },
	{ "sorted-keeps", WORLD_MANY, 24, 80, MANY, "Esc Down Down s s", ">    8 prog_c37", NULL },
	{ "reversed", WORLD_MANY, 24, 80, PLAIN, "Esc S", "sort ID reversed", NULL },
	{ "tagged", WORLD_FEW, 24, 80, MANY, "Esc Space Space", " *   2 xdp_pass", NULL },
	{ "tagged-plain", WORLD_FEW, 24, 80, PLAIN, "Esc Space Space Up Space", "1 tagged", NULL },
	/* keys that are commands */
	{ "detail", WORLD_FEW, 24, 80, MANY, "Esc Enter", "> show 2", "Maps   " },
	{ "detail-wide", WORLD_FEW, 60, 200, MANY, "Esc Tab d", "Detail: show 5", NULL },
	{ "unload-asks", WORLD_FEW, 24, 80, MANY, "Esc U", "  map 5 counters", "blocklist\n" },
	{ "unload-tagged", WORLD_FEW, 24, 80, PLAIN, "Esc Space Space U",
	  "unload 2 3? This goes:", NULL },
	{ "unload-no", WORLD_FEW, 24, 80, MANY, "Esc U n", "nothing was changed", "This goes" },
	{ "unload-yes", WORLD_FEW, 24, 80, MANY, "Esc U y", "> unload 2", "This goes" },
	{ "map-kept", WORLD_FEW, 24, 80, MANY, "Esc Tab U", "a map goes with the last program",
	  NULL },
	{ "detail-home", WORLD_FEW, 24, 80, MANY, "'help' Enter Esc F1 G g", "Everywhere", NULL },
	{ "text-pages", WORLD_FEW, 24, 80, MANY, "F1 Space Space b Enter", "Detail: keys", NULL },
	{ "yank", WORLD_FEW, 24, 80, MANY, "'show ' Ctrl-A Ctrl-K Esc Down y", "bpfman> 3", NULL },
	{ "keys", WORLD_FEW, 40, 80, MANY, "F1", "end the session", NULL },
	/* no pane has Meta keys: Esc, and what comes behind it */
	{ "meta-in-pane", WORLD_FEW, 24, 80, MANY, "Esc Alt-l 'ist'", "bpfman> list", NULL },
	{ "meta-answers", WORLD_FEW, 24, 80, MANY, "Esc U Alt-y", "nothing was changed",
	  "> unload" },
	{ "save", WORLD_FEW, 24, 80, MANY, "'list maps #' Esc Ctrl-A Ctrl-K Esc Shift-Tab S",
	  "bpfman> set output", NULL },
	{ "save-undone", WORLD_FEW, 24, 80, MANY, "'list' Esc F3 F3 F3 F3 S Ctrl-_", "bpfman> list",
	  "set output" },
	{ "unbound", WORLD_FEW, 24, 80, MANY, "Esc X", "no such key here", NULL },
	/* the command line */
	{ "typed", WORLD_FEW, 24, 80, MANY, "'list --st'", "bpfman> list --st", NULL },
	{ "long-line", WORLD_FEW, 24, 80, MANY,
	  "'load 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 end'",
	  "end", "bpfman>" },
	{ "long-line-home", WORLD_FEW, 24, 80, MANY,
	  "'load 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 end' "
	  "Home",
	  "bpfman> load", "end" },
	{ "wide-line", WORLD_EMPTY, 24, 80, MANY, "'load \u4e2d\u6587 \U0001f41d e\u0301' Left",
	  "bpfman> load \u4e2d\u6587 \U0001f41d e\u0301", NULL },
	{ "search-history", WORLD_EMPTY, 24, 80, MANY, "'list maps' Enter Ctrl-R 'li'",
	  "(reverse-i-search)`li': list maps", NULL },
	/* vi mode: readline's own completion and `E` never came back here */
	{ "vi-mode", WORLD_EMPTY, 24, 80, MANY,
	  "'verif  ' Alt-Ctrl-J Esc * = \\ e E 3 E d E Ctrl-E", "bpfman> verif", NULL },
	{ "undone", WORLD_EMPTY, 24, 80, MANY, "'abc' Ctrl-C 'x'", "bpfman> x", "abc" },
	{ "completed", WORLD_FEW, 24, 80, MANY, "'verif' Tab", "bpfman> verify", NULL },
	{ "candidates", WORLD_FEW, 24, 80, MANY, "'l' Tab Tab", "list  load  log", NULL },
	{ "candidates-plain", WORLD_MANY, 24, 80, PLAIN, "'unload prog_' Tab Tab", "prog_a04",
	  NULL },
	{ "candidates-gone", WORLD_FEW, 24, 80, MANY, "'l' Tab Tab 'i'", "bpfman> li",
	  "list  load" },
	/* output */
	{ "output", WORLD_FEW, 24, 80, MANY, "'list programs' Enter", "> list programs", NULL },
	{ "output-zoomed", WORLD_FEW, 30, 100, MANY, "'list' Enter Esc Shift-Tab z", "Output",
	  "Programs" },
	{ "error", WORLD_FEW, 24, 80, EIGHT, "'show 99' Enter", "show: nothing has the id 99",
	  NULL },
	{ "syntax", WORLD_FEW, 24, 80, MANY, "'show ''x' Enter", "unterminated quote", NULL },
	{ "help-search", WORLD_FEW, 24, 80, MANY,
	  "'help quit' Enter Esc Shift-Tab / 'session' Enter", "search session", NULL },
	{ "help-search-plain", WORLD_FEW, 24, 80, PLAIN,
	  "'help quit' Enter Esc Shift-Tab / 'session' Enter n", "search session", NULL },
	{ "not-there", WORLD_FEW, 24, 80, MANY, "'list' Enter Esc Shift-Tab / 'zebra' Enter",
	  "\"zebra\" is not there", NULL },
	{ "cut-lines", WORLD_FEW, 24, 80, MANY, "'list' Enter Esc Shift-Tab z w Right Right",
	  "PINNED", NULL },
	{ "json", WORLD_FEW, 24, 80, MANY, "'set output json; list maps' Enter",
	  "\"programs\":[2,3]", NULL },
	/* names */
	{ "hostile", WORLD_HOSTILE, 24, 80, MANY, "Esc", "esc\\x1b[31mred", "override\xe2" },
	{ "hostile-ascii", WORLD_HOSTILE, 24, 80, ASCII, "Esc", "\\xe4\\xb8\\xad", "\u4e2d" },
	{ "hostile-detail", WORLD_HOSTILE, 30, 80, MANY, "Esc Down Down Down Down Down Enter",
	  "line\\x0abreak", NULL },
	{ "hostile-narrow", WORLD_HOSTILE, 20, 33, MANY, "Esc", "bad\\xff\\xc3utf8", NULL },
	/* the mouse */
	{ "click-row", WORLD_FEW, 24, 80, MANY, "<5,20", ">    4 trace_exec", "Detail" },
	{ "click-pane", WORLD_FEW, 24, 80, MANY, "Esc <11,0", ">    5 counters", "\u2502" },
	{ "click-twice", WORLD_FEW, 24, 80, MANY, "<4,20 <4,30", "> show 3", NULL },
	{ "click-others", WORLD_FEW, 24, 80, MANY, "<4,20 <5,20 <4,20", ">    3 drop_bad",
	  "Detail" },
	{ "click-map-twice", WORLD_FEW, 24, 80, MANY, "<12,20 <12,20", "> map dump 6", NULL },
	{ "click-column", WORLD_MANY, 24, 80, MANY, "<2,9", "sort NAME", "reversed" },
	{ "click-column-again", WORLD_MANY, 24, 80, MANY, "<2,9 <2,9", "sort NAME reversed", NULL },
	{ "click-no-order", WORLD_MANY, 24, 80, MANY, "<2,75", "[1/40]", "sort LAST" },
	{ "click-prompt", WORLD_FEW, 24, 80, MANY, "Esc <22,5 'ls'", "bpfman> ls", NULL },
	{ "click-no", WORLD_FEW, 24, 80, MANY, "Esc U <4,20", "nothing was changed", "This goes" },
	{ "click-ends-filter", WORLD_MANY, 24, 80, MANY, "Esc / 'kprobe' <4,20",
	  "[2/10]  filter kprobe", "filter:" },
	{ "wheel", WORLD_MANY, 24, 80, MANY, "_5,5 _5,5 ^5,5 _13,5", "[4/40]", NULL },
	{ "wheel-in-text", WORLD_FEW, 24, 80, MANY, "'help' Enter ^18,5 ^18,5", "Output", NULL },
	/* time */
	{ "paused", WORLD_FEW, 24, 80, MANY, "Esc p", "> set pause on", NULL },
	{ "paused-by-command", WORLD_FEW, 24, 80, MANY, "'set pause on' Enter", "   paused", NULL },
	{ "goes-on", WORLD_FEW, 24, 80, MANY, "Esc p p", "> set pause off", "   paused" },
	{ "slower", WORLD_FEW, 24, 80, PLAIN, "Esc + +", "every 4 s", NULL },
	{ "slower-by-command", WORLD_FEW, 24, 80, PLAIN, "'set interval 2.5' Enter", "every 2.5 s",
	  NULL },
	{ "faster", WORLD_FEW, 24, 80, PLAIN, "Esc - - - -",
	  "interval is a number of seconds from 0.125", NULL },
};

static bool rewrite;

static void golden_path(const struct scene *scene, struct buf *path)
{
	const char *top = getenv("top_srcdir");

	buf_printf(path, "%s/tests/unit/screens/%s.txt", top ? top : ".", scene->name);
}

static void compare(const struct scene *scene, const struct buf *drawn)
{
	struct buf path = { 0 }, expected = { 0 };
	struct error e = ERROR_INIT;
	FILE *f;

	golden_path(scene, &path);
	if (rewrite) {
		f = fopen(path.data, "w");
		assert_non_null(f);
		fwrite(drawn->data, 1, drawn->len, f);
		fclose(f);
	} else if (file_read(path.data, 1 << 20, &expected, &e)) {
		fail_msg("%s: %s; `make update-screens` writes it", scene->name, e.message);
	} else if (strcmp(buf_text(&expected), buf_text(drawn))) {
		fail_msg("%s is drawn otherwise now:\n%s", scene->name, buf_text(drawn));
	}
	buf_free(&path);
	buf_free(&expected);
}

static void test_scene(void **state)
{
	const struct scene *scene = *state;
	struct buf drawn = { 0 };
	struct world w;

	/* readline sets the locale again, after the environment. */
	setenv("LC_ALL", kinds[scene->kind].locale, 1);
	assert_non_null(setlocale(LC_ALL, kinds[scene->kind].locale));
	world_open(&w, scene->rows, scene->height, scene->width, kinds[scene->kind].term,
		   kinds[scene->kind].colour, NULL);
	world_steps(&w, scene->steps);
	world_text(&w, &drawn);
	if (!strstr(buf_text(&drawn), scene->seen))
		fail_msg("%s: \"%s\" is not seen:\n%s", scene->name, scene->seen, drawn.data);
	if (scene->unseen && strstr(drawn.data, scene->unseen))
		fail_msg("%s: \"%s\" is seen:\n%s", scene->name, scene->unseen, drawn.data);
	assert_int_equal(world_raw_cells(), 0);
	buf_str(&drawn, "---- attributes\n");
	world_attributes(&w, &drawn);
	world_close(&w);
	compare(scene, &drawn);
	buf_free(&drawn);
}

int main(int argc, char **argv)
{
	enum { COUNT = sizeof(scenes) / sizeof(scenes[0]) };
	struct CMUnitTest tests[COUNT];

	alarm(300); /* one that hangs fails */
	rewrite = argc > 1 && !strcmp(argv[1], "--rewrite");
	setenv("TZ", "UTC", 1);
	unsetenv("LINES");
	unsetenv("COLUMNS");
	unsetenv("INPUTRC");
	for (size_t i = 0; i < COUNT; i++)
		tests[i] = (struct CMUnitTest){ .name = scenes[i].name,
						.test_func = test_scene,
						.initial_state = (void *)&scenes[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

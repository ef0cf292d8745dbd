/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "screen_world.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "output/output.h"

/* 2026-01-02T14:03:22Z */
#define NOW INT64_C(1767362602000000000)

static int64_t stands_still(void)
{
	return NOW;
}

static void goes_on(void)
{
}

#define ok(call)                                                                            \
	do {                                                                                \
		int ok_ret = (call);                                                        \
		if (ok_ret)                                                                 \
			fail_msg("%s: %d: %s", #call, ok_ret, e.message ? e.message : "-"); \
	} while (0)

/* ---- rows ---- */

/* A file stands for a pin: its path is the same in every run. */
static void make_pin(const char *name, char *path, size_t size, struct db_identity *identity)
{
	struct stat st;
	FILE *f;

	snprintf(path, size, "/proc/self/cwd/pins/%s", name);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(stat(path, &st), 0);
	identity->dev = st.st_dev;
	identity->ino = st.st_ino;
}

static int64_t add_object(struct world *w, struct db *db, const char *name)
{
	struct error e = ERROR_INIT;
	struct db_object o = { .name = (char *)name,
			       .path = "/home/ada/fw.o",
			       .sha256 = "",
			       .state = DB_LOADED,
			       .run_id = "run",
			       .boot_id = w->boot_id,
			       .pin_dir = "/proc/self/cwd/pins",
			       .created_at = NOW - INT64_C(3720000000000) };

	ok(db_object_insert(db, &o, &e));
	return o.id;
}

static int64_t add_program(struct db *db, int64_t object, const char *name, const char *type)
{
	struct error e = ERROR_INIT;
	struct db_program p = { .object_id = object,
				.name = (char *)name,
				.type = (char *)type,
				.section = "section",
				.tag = "0123456789abcdef",
				.state = DB_LOADED,
				.verified_insns = 40 + (uint32_t)strlen(name) * 3,
				.memlock_bytes = 4096,
				.created_at = NOW - INT64_C(3720000000000) };
	char path[80], file[24];
	int64_t id;

	ok(db_next_id(db, &id, &e));
	snprintf(file, sizeof(file), "%lld", (long long)id);
	make_pin(file, path, sizeof(path), &p.identity);
	p.identity.kernel_id = 1000 + (uint32_t)id;
	p.pin = path;
	ok(db_program_insert(db, &p, &e));
	return p.id;
}

static int64_t add_map(struct world *w, struct db *db, int64_t object, const char *name,
		       const char *type, int64_t user)
{
	struct error e = ERROR_INIT;
	struct db_map m = { .object_id = object,
			    .name = (char *)name,
			    .type = (char *)type,
			    .state = DB_LOADED,
			    .boot_id = w->boot_id,
			    .key_size = 4,
			    .value_size = 8,
			    .max_entries = 1024,
			    .memlock_bytes = 12800,
			    .created_at = NOW - INT64_C(3720000000000) };
	char path[80], file[24];
	int64_t id;

	ok(db_next_id(db, &id, &e));
	snprintf(file, sizeof(file), "%lld", (long long)id);
	make_pin(file, path, sizeof(path), &m.identity);
	m.identity.kernel_id = 1000 + (uint32_t)id;
	m.pin = path;
	ok(db_map_insert(db, &m, &e));
	if (user)
		ok(db_use(db, user, m.id, &e));
	return m.id;
}

static void fill_few(struct world *w, struct db *db)
{
	int64_t object = add_object(w, db, "fw");
	int64_t pass = add_program(db, object, "xdp_pass", "xdp");
	int64_t drop = add_program(db, object, "drop_bad", "sched_cls");
	int64_t trace = add_program(db, object, "trace_exec", "tracepoint");
	struct error e = ERROR_INIT;
	int64_t map;

	add_map(w, db, object, "counters", "array", pass);
	map = add_map(w, db, object, "blocklist", "lpm_trie", drop);
	ok(db_use(db, pass, map, &e));
	add_map(w, db, object, ".rodata", "array", trace);
}

static void fill_many(struct world *w, struct db *db)
{
	static const char *const types[] = { "xdp", "sched_cls", "tracepoint", "kprobe" };

	for (int i = 0; i < 40; i++) {
		char name[32];
		int64_t object, program;

		snprintf(name, sizeof(name), "obj%02d", i);
		object = add_object(w, db, name);
		snprintf(name, sizeof(name), "prog_%c%02d", 'a' + i % 7, 39 - i);
		program = add_program(db, object, name, types[i % 4]);
		add_map(w, db, object, "state", "hash", program);
	}
}

static void fill_hostile(struct world *w, struct db *db)
{
	static const char *const names[] = {
		"\xe4\xb8\xad\xe6\x96\x87\xe7\xa8\x8b\xe5\xba\x8f\xe5\x90\x8d\xe5\xad\x97\xe5\xbe"
		"\x88\xe9\x95\xbf",
		"e\xcc\x81t\xc3\xa9 combining",
		"\xf0\x9f\x90\x9d bee",
		"bad\xff\xc3utf8",
		"esc\x1b[31mred\x1b[2J",
		"line\nbreak\ttab",
		"rtl\xe2\x80\xaeoverride",
		"%s%n%d percent",
		"zero\xe2\x80\x8bwidth",
	};
	int64_t object = add_object(w, db, "\x1b]0;title\x07");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int64_t program = add_program(db, object, names[i], "xdp");

		if (i % 3 == 0)
			add_map(w, db, object, names[i], "hash", program);
	}
}

/* ---- life ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static struct db *open_db(struct world *w)
{
	struct error e = ERROR_INIT;
	struct db *db;

	ok(db_open(&db, w->options.db, DB_WRITE, &e));
	ok(db_begin(db, &e));
	return db;
}

static void commit_db(struct db *db)
{
	struct error e = ERROR_INIT;

	ok(db_commit(db, &e));
	db_close(db);
}

static void fill(struct world *w, enum world_rows rows)
{
	struct db *db = open_db(w);

	if (rows == WORLD_FEW)
		fill_few(w, db);
	else if (rows == WORLD_MANY)
		fill_many(w, db);
	else if (rows == WORLD_HOSTILE)
		fill_hostile(w, db);
	commit_db(db);
}

static void read_boot_id(struct world *w)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");

	assert_non_null(f);
	assert_non_null(fgets(w->boot_id, sizeof(w->boot_id), f));
	w->boot_id[strcspn(w->boot_id, "\n")] = '\0';
	fclose(f);
}

static void set_path(char **slot, const char *dir, const char *name)
{
	struct buf path = { 0 };

	buf_printf(&path, "%s/%s", dir, name);
	free(*slot);
	*slot = buf_take(&path);
}

static struct sink *sink(void *data, const struct options *options)
{
	struct screen *s = data;
	struct table_style style = { .color = true, .error_fd = -1 };

	return options->output == OUTPUT_JSON ? sink_json_buf(&s->said)
					      : sink_table_buf(&s->said, &style);
}

static void copied(void *data)
{
	run_copied(data);
}

static void notice(void *data, const char *line)
{
	(void)data;
	(void)line;
}

void world_open(struct world *w, enum world_rows rows, int height, int width, const char *term,
		bool colour, FILE *in)
{
	struct screen_host host = { .term = term,
				    .now = stands_still,
				    .monotonic = stands_still,
				    .stop = goes_on,
				    .name = "lab1",
				    .kernel = "6.18.44",
				    .colour = colour };
	struct error e = ERROR_INIT;

	memset(w, 0, sizeof(*w));
	read_boot_id(w);
	strcpy(w->dir, "/tmp/bpfman-test-screen-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->home = getcwd(NULL, 0);
	assert_int_equal(chdir(w->dir), 0);
	assert_int_equal(mkdir("pins", 0700), 0);
	setenv("HOME", w->dir, 1);
	unsetenv("XDG_STATE_HOME");
	ok(options_init(&w->options, &e));
	set_path(&w->options.db, w->dir, "db");
	set_path(&w->options.pin_root, "/proc/self/cwd", "root");
	set_path(&w->options.worker, w->dir, "no-worker");
	w->options.stats = SWITCH_OFF; /* there is nobody to ask */
	fill(w, rows);
	ok(ui_open(&w->ui, &w->options, &e));
	w->ui.session.interactive = true;
	w->in = in ? in : fopen("/dev/null", "r");
	w->out = fopen("/dev/null", "w");
	host.in = w->in;
	host.out = w->out;
	ok(screen_open(&w->screen, &w->ui, &host, &e));
	w->face = (struct ui_face){ loop_wait, sink, notice, copied, w->screen };
	ok(ui_set_face(&w->ui, &w->face, &e));
	screen_resize(w->screen, height, width);
	world_steps(w, "");
}

void world_close(struct world *w)
{
	struct error e = ERROR_INIT;

	ui_set_face(&w->ui, NULL, &e);
	screen_close(w->screen);
	ui_close(&w->ui);
	options_free(&w->options);
	fclose(w->in);
	fclose(w->out);
	assert_int_equal(chdir(w->home), 0);
	free(w->home);
	nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- steps ---- */

static void settle(struct world *w)
{
	run_queue(w->screen);
	w->screen->asking.current = 0; /* as if a question were under way: nobody would answer */
	screen_refresh(w->screen);
	w->screen->dirty = w->screen->dirty_prompt = true;
	screen_draw(w->screen);
}

static const char *type_text(struct world *w, const char *text)
{
	for (text++; *text; text++) {
		if (*text == '\'' && *++text != '\'')
			break;
		screen_key(w->screen, (unsigned char)*text);
	}
	return text;
}

static void another_session(struct world *w, const char *step)
{
	struct error e = ERROR_INIT;
	struct db *db;
	char path[80];

	if (*step == '!') {
		snprintf(path, sizeof(path), "pins/%s", step + 1);
		assert_int_equal(unlink(path), 0);
		return;
	}
	db = open_db(w);
	if (*step == '+')
		add_program(db, add_object(w, db, step + 1), step + 1, "xdp");
	else if (*step == '=')
		ok(db_map_delete(db, atoll(step + 1), &e));
	else
		ok(db_program_delete(db, atoll(step + 1), &e));
	commit_db(db);
}

/* The third has never run, the others ever more, or in waves. */
static void make_rates(struct screen *s)
{
	const int64_t second = INT64_C(1000000000);

	s->rates.now = 100 * second;
	for (size_t i = 0; i < s->model.programs.all.count; i++) {
		struct program_row *row = (struct program_row *)s->model.programs.all.at[i];
		struct series *series = calloc(1, sizeof(*series));

		free(row->series);
		row->series = series;
		for (unsigned k = 0; i != 2 && k < 30; k++) {
			uint64_t runs = (i % 2 ? k % 7 : k) * (i + 1) * 400;

			series->points[k] = (struct rate_point){ (71 + k) * second, (float)runs };
			series->rate = (struct stats_rate){ runs, runs * 84, runs, runs ? 84 : 0,
							    runs * 84 / 100000 };
		}
		series->next = series->filled = i != 2 ? 30 : 0;
		series->known = true;
	}
	screen_rated(s);
}

static void make_others(struct screen *s)
{
	static const char *const rows[][3] = { { "cil_from_netdev", "sched_cls", "cilium-agent" },
					       { "a\x1b[7mb", "kprobe", "" } };
	struct others *o = &s->others;

	o->known = true;
	for (uint32_t i = 0; i < 2; i++) {
		int64_t key = -41 - (int64_t)i;
		struct program_row *row = (struct program_row *)rows_find(&o->rows, key);

		if (row)
			continue;
		row = (struct program_row *)rows_put(&o->rows, key);
		row->p.name = strdup(rows[i][0]);
		row->p.type = strdup(rows[i][1]);
		row->holder = strdup(rows[i][2]);
		row->p.identity.kernel_id = 41 + i;
	}
	list_view_take(&s->panes[PANE_PROGRAMS].list, s);
}

/* A counter, a struct, and a key that is not harmless; the counter has moved by the second time. */
static void make_entries(struct screen *s)
{
	static const char *const texts[] = {
		"{\"entries\":[[\"0\",\"41\"],[\"10\",\"{.a = "
		"1}\"],[\"9\",\"7\"],[\"\\\\x1b[2J\",\"x\"]]}",
		"{\"entries\":[[\"0\",\"1041\"],[\"10\",\"{.a = "
		"2}\"],[\"9\",\"7\"],[\"\\\\x1b[2J\",\"x\"]],"
		"\"cursor\":\"more\"}",
	};

	for (int i = 0; i < 2; i++) {
		json_t *result = json_loads(texts[i], 0, NULL);

		assert_non_null(result);
		s->entries.of_id = s->entries.map_id;
		/* A second before: what moves is told by the second. */
		entries_asker.answer(s, result, NULL);
		for (size_t k = 0; k < s->entries.rows.all.count; k++)
			((struct entry_row *)s->entries.rows.all.at[k])->at -= INT64_C(1000000000);
		json_decref(result);
	}
}

/* The worker's part of what Entries asks for, of a map that holds the squares of 0 to 1199. */
static void answer_entries(struct screen *s)
{
	json_t *request = entries_asker.request(s), *list = json_array(), *result;
	const char *cursor = json_string_value(json_object_get(request, "cursor"));
	int from = cursor ? atoi(cursor) : 0, to = from + ENTRIES_PART;
	char key[16], value[32];

	assert_non_null(request);
	assert_int_equal(json_integer_value(json_object_get(request, "limit")), ENTRIES_PART);
	to = to > 1200 ? 1200 : to;
	for (int i = from; i < to; i++) {
		snprintf(key, sizeof(key), "%d", i);
		snprintf(value, sizeof(value), "%d", i * i);
		json_array_append_new(list, json_pack("[ss]", key, value));
	}
	snprintf(key, sizeof(key), "%d", to);
	result = json_pack("{so ss?}", "entries", list, "cursor", to < 1200 ? key : NULL);
	entries_asker.answer(s, result, NULL);
	json_decref(result);
	json_decref(request);
}

static void one_step(struct world *w, const char *step)
{
	int rows, columns;

	if (step[0] == '@' && sscanf(step, "@%dx%d", &rows, &columns) == 2)
		screen_resize(w->screen, rows, columns);
	else if (strchr("+-!=", step[0]) && step[1])
		another_session(w, step);
	else if (step[1] && strchr("<^_", step[0]) &&
		 sscanf(step + 1, "%d,%d", &rows, &columns) == 2)
		screen_mouse(w->screen,
			     step[0] == '<'   ? MOUSE_CLICK
			     : step[0] == '^' ? MOUSE_WHEEL_UP
					      : MOUSE_WHEEL_DOWN,
			     rows, columns);
	else if (!strcmp(step, "~"))
		make_rates(w->screen);
	else if (!strcmp(step, "&"))
		make_others(w->screen);
	else if (!strcmp(step, "#"))
		make_entries(w->screen);
	else if (!strcmp(step, "%"))
		answer_entries(w->screen);
	else if (keys_code(step))
		screen_key(w->screen, keys_code(step));
	else
		fail_msg("\"%s\" is no step", step);
}

void world_steps(struct world *w, const char *steps)
{
	settle(w);
	while (*steps) {
		char step[64];
		size_t n;

		steps += strspn(steps, " ");
		if (*steps == '\'') {
			steps = type_text(w, steps);
		} else {
			n = strcspn(steps, " ");
			assert_true(n < sizeof(step));
			snprintf(step, sizeof(step), "%.*s", (int)n, steps);
			steps += n;
			if (n)
				one_step(w, step);
		}
		settle(w);
	}
}

/* ---- what is drawn ---- */

static void trim(struct buf *out, size_t from)
{
	while (out->len > from && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
}

void world_text(struct world *w, struct buf *out)
{
	for (int y = 0; y < w->screen->rows; y++) {
		size_t from = out->len;

		for (int x = 0; x < w->screen->columns; x++) {
			wchar_t text[CCHARW_MAX + 1] = { 0 };
			attr_t attributes;
			short pair;
			cchar_t cell;

			mvwin_wch(stdscr, y, x, &cell);
			getcchar(&cell, text, &attributes, &pair, NULL);
			for (int i = 0; text[i]; i++)
				utf8_add(out, (uint32_t)text[i]);
			x += wcwidth(text[0]) == 2;
		}
		trim(out, from);
		buf_char(out, '\n');
	}
}

static void name_attributes(attr_t attributes, short pair, struct buf *out)
{
	static const struct {
		attr_t bit;
		const char *name;
	} bits[] = { { A_BOLD, "bold" },
		     { A_REVERSE, "reverse" },
		     { A_UNDERLINE, "underline" },
		     { A_DIM, "dim" } };
	const char *separator = " ";

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (!(attributes & bits[i].bit))
			continue;
		buf_printf(out, "%s%s", separator, bits[i].name);
		separator = ",";
	}
	if (pair)
		buf_printf(out, "%spair%d", separator, pair);
}

void world_attributes(struct world *w, struct buf *out)
{
	const attr_t told = A_BOLD | A_REVERSE | A_UNDERLINE | A_DIM;

	for (int y = 0; y < w->screen->rows; y++) {
		attr_t run = 0;
		short run_pair = 0;
		bool any = false;
		int begun = 0;

		for (int x = 0; x <= w->screen->columns; x++) {
			wchar_t text[CCHARW_MAX + 1];
			attr_t attributes = 0;
			short pair = 0;
			cchar_t cell;

			if (x < w->screen->columns) {
				mvwin_wch(stdscr, y, x, &cell);
				getcchar(&cell, text, &attributes, &pair, NULL);
			}
			attributes &= told;
			pair = pair == ROLE_TEXT + 1 ? 0 : pair;
			if (x < w->screen->columns && attributes == run && pair == run_pair)
				continue;
			if ((run || run_pair) && x > begun) {
				if (!any)
					buf_printf(out, "%d:", y);
				any = true;
				buf_printf(out, " %d+%d", begun, x - begun);
				name_attributes(run, run_pair, out);
			}
			run = attributes;
			run_pair = pair;
			begun = x;
		}
		if (any)
			buf_char(out, '\n');
	}
}

int world_raw_cells(void)
{
	int raw = 0, rows, columns;

	getmaxyx(stdscr, rows, columns);
	for (int y = 0; y < rows; y++) {
		for (int x = 0; x < columns; x++) {
			wchar_t text[CCHARW_MAX + 1] = { 0 };
			attr_t attributes;
			short pair;
			cchar_t cell;

			mvwin_wch(stdscr, y, x, &cell);
			getcchar(&cell, text, &attributes, &pair, NULL);
			for (int i = 0; text[i]; i++)
				raw += code_is_control((uint32_t)text[i]);
		}
	}
	return raw;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/grow.h"
#include "kernel/worker/facts.h"
#include "kernel/worker/pins.h"
#include "kernel/worker/watch.h"
#include "kernel/worker/whole_name.h"

enum { NS_PER_MS = 1000000, DESCRIPTORS = 65536 };

struct watched_pin {
	char *path;
	dev_t dev; /* its st_dev and st_ino */
	ino_t ino;
	int fd;
	bool named; /* by the request that is being served */
};

/* Of both lists the first `sorted` are in order, those that this request added come behind. */
static struct {
	struct watched_pin *pins; /* by path */
	size_t pin_count, pins_sorted;
	struct watched_program *programs; /* by id */
	size_t program_count, programs_sorted;
	int counting; /* the descriptor that has the kernel count; 0: none */
	int64_t due;  /* CLOCK_MONOTONIC, when all of it goes; 0: never */
} watch;

static int by_path(const void *a, const void *b)
{
	const struct watched_pin *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static int by_id(const void *a, const void *b)
{
	const struct watched_program *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

void watch_begin(void)
{
	size_t i;

	for (i = 0; i < watch.pin_count; i++)
		watch.pins[i].named = false;
	for (i = 0; i < watch.program_count; i++)
		watch.programs[i].named = false;
}

/* One descriptor for each pin: the usual 1024 are soon gone. */
static void raise_limit(void)
{
	static bool done;
	struct rlimit limit;

	if (done || getrlimit(RLIMIT_NOFILE, &limit))
		return;
	done = true;
	if (limit.rlim_cur >= DESCRIPTORS)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int check_identity(const char *path, const struct stat *st, uint64_t pin_dev,
			  uint64_t pin_ino, struct failure *f)
{
	if ((!pin_dev || st->st_dev == pin_dev) && (!pin_ino || st->st_ino == pin_ino))
		return 0;
	return fail(f, STAGE_PIN, REASON_OTHER, ESTALE, "%s is another pin by now", path);
}

static int open_pin(struct watched_pin *w, const char *path, uint64_t pin_dev, uint64_t pin_ino,
		    struct failure *f)
{
	struct place place = PLACE_INIT;
	struct stat st;
	int fd = -1;
	int err;

	raise_limit();
	err = pin_open("pins", path, &place, &st, &fd, f);
	if (!err)
		err = check_identity(path, &st, pin_dev, pin_ino, f);
	if (!err && pin_kind(fd) != PIN_PROGRAM)
		err = fail(f, STAGE_PIN, REASON_OTHER, EINVAL, "%s is no program", path);
	if (!err) {
		*w = (struct watched_pin){ strdup(path), st.st_dev, st.st_ino, fd, true };
		if (!w->path)
			err = fail_nomem(f);
	}
	if (err && fd >= 0)
		close(fd);
	place_free(&place);
	return err;
}

int watch_pin(const char *path, uint64_t pin_dev, uint64_t pin_ino, int *fd, struct failure *f)
{
	const struct watched_pin key = { .path = (char *)path };
	struct watched_pin *w = NULL, *grown;
	struct stat st;
	int err;

	if (watch.pins_sorted)
		w = bsearch(&key, watch.pins, watch.pins_sorted, sizeof(*w), by_path);
	/* The same inode of the same bpffs is the same pin, whatever way the path leads there. */
	if (w && !lstat(path, &st) && st.st_dev == w->dev && st.st_ino == w->ino) {
		w->named = true;
		*fd = w->fd;
		return check_identity(path, &st, pin_dev, pin_ino, f);
	}
	grown = grow(watch.pins, watch.pin_count, sizeof(*grown));
	if (!grown)
		return fail_nomem(f);
	watch.pins = grown;
	w = &watch.pins[watch.pin_count];
	err = open_pin(w, path, pin_dev, pin_ino, f);
	if (err)
		return err;
	watch.pin_count++;
	*fd = w->fd;
	return 0;
}

int watch_program(int fd, const struct bpf_prog_info *info, const struct watched_program **program,
		  struct failure *f)
{
	const struct watched_program key = { .id = info->id };
	struct watched_program *w = NULL, *grown;

	if (watch.programs_sorted)
		w = bsearch(&key, watch.programs, watch.programs_sorted, sizeof(*w), by_id);
	if (w && w->load_time == info->load_time) {
		w->named = true;
		*program = w;
		return 0;
	}
	grown = grow(watch.programs, watch.program_count, sizeof(*grown));
	if (!grown)
		return fail_nomem(f);
	watch.programs = grown;
	w = &watch.programs[watch.program_count];
	*w = (struct watched_program){
		.id = info->id,
		.load_time = info->load_time,
		.memlock = facts_memlock(fd),
		.name = program_whole_name(fd, info),
		.named = true,
	};
	if (!w->name)
		return fail_nomem(f);
	watch.program_count++;
	*program = w;
	return 0;
}

int watch_counting(bool on)
{
	int fd;

	if (on == watch_counts())
		return 0;
	if (!on) {
		close(watch.counting);
		watch.counting = 0;
		return 0;
	}
	fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (fd < 0)
		return -errno;
	watch.counting = fd;
	return 0;
}

bool watch_counts(void)
{
	return watch.counting > 0;
}

static void sweep_pins(bool all)
{
	size_t i, kept = 0;

	for (i = 0; i < watch.pin_count; i++) {
		struct watched_pin *w = &watch.pins[i];

		if (!all && w->named) {
			watch.pins[kept++] = *w;
			continue;
		}
		close(w->fd);
		free(w->path);
	}
	watch.pin_count = watch.pins_sorted = kept;
	if (kept)
		qsort(watch.pins, kept, sizeof(*watch.pins), by_path);
}

static void sweep_programs(bool all)
{
	size_t i, kept = 0;

	for (i = 0; i < watch.program_count; i++) {
		if (!all && watch.programs[i].named)
			watch.programs[kept++] = watch.programs[i];
		else
			free(watch.programs[i].name);
	}
	watch.program_count = watch.programs_sorted = kept;
	if (kept)
		qsort(watch.programs, kept, sizeof(*watch.programs), by_id);
}

void watch_end(void)
{
	sweep_pins(true);
	sweep_programs(true);
	free(watch.pins);
	free(watch.programs);
	watch.pins = NULL;
	watch.programs = NULL;
	watch_counting(false);
	watch.due = 0;
}

void watch_hold(int64_t hold_ms)
{
	if (!hold_ms) {
		watch_end();
		return;
	}
	sweep_pins(false);
	sweep_programs(false);
	watch.due = clock_monotonic() + hold_ms * NS_PER_MS;
}

int watch_idle(void)
{
	int64_t left;

	if (!watch.due)
		return -1;
	left = watch.due - clock_monotonic();
	if (left > 0)
		return left / NS_PER_MS < INT_MAX ? (int)(left / NS_PER_MS) + 1 : INT_MAX;
	watch_end();
	return -1;
}

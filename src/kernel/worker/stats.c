/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stats: how often programs ran, and how long */
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "kernel/worker/env.h"
#include "kernel/worker/object.h"
#include "kernel/worker/walk.h"
#include "kernel/worker/watch.h"

struct reading {
	json_t *rows;
	struct failure *f;
};

static int set(json_t *row, const char *key, json_t *value)
{
	return json_object_set_new(row, key, value);
}

static int add_figures(struct reading *r, int fd, json_t *path)
{
	const struct watched_program *known;
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	json_t *row;
	int lost = 0;

	if (bpf_obj_get_info_by_fd(fd, &info, &len)) {
		json_decref(path);
		return fail(r->f, STAGE_REQUEST, REASON_OTHER, errno,
			    "the kernel tells nothing about the program: %s", strerror(errno));
	}
	if (watch_program(fd, &info, &known, r->f)) {
		json_decref(path);
		return -r->f->error.err;
	}
	row = json_object();
	lost |= set(row, "path", path);
	lost |= set(row, "why", json_null());
	lost |= set(row, "kernel_id", json_integer(info.id));
	lost |= set(row, "name", wire_json(*known->name ? known->name : NULL));
	lost |= set(row, "type", json_string(object_program_type(info.type)));
	lost |= set(row, "load_time_ns", json_u64(info.load_time));
	lost |= set(row, "memlock_bytes", json_u64(known->memlock));
	lost |= set(row, "run_time_ns", json_u64(info.run_time_ns));
	lost |= set(row, "run_cnt", json_u64(info.run_cnt));
	lost |= set(row, "recursion_misses", json_u64(info.recursion_misses));
	lost |= json_array_append_new(r->rows, row);
	return lost ? fail_nomem(r->f) : 0;
}

/* One pin that cannot be read is the matter of its row alone. */
static int add_unread(struct reading *r, json_t *path, struct failure *why)
{
	static const char *const keys[] = { "kernel_id",     "name",
					    "type",	     "load_time_ns",
					    "memlock_bytes", "run_time_ns",
					    "run_cnt",	     "recursion_misses" };
	json_t *row;
	int lost = 0;
	size_t i;

	if (why->reason == REASON_MEMORY) {
		json_decref(path);
		return fail_nomem(r->f);
	}
	row = json_object();
	lost |= set(row, "path", path);
	lost |= set(row, "why", wire_json(why->error.message));
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		lost |= set(row, keys[i], json_null());
	lost |= json_array_append_new(r->rows, row);
	return lost ? fail_nomem(r->f) : 0;
}

/* Digits, or nothing: 0, whatever it is. */
static int pin_number(const json_t *pin, const char *key, uint64_t *value, struct failure *f)
{
	const char *text = json_string_value(json_object_get(pin, key));

	*value = 0;
	if (*text && !parse_u64(text, value))
		return fail_request(f, "field 'pins': %s '%s' is not a number", key, text);
	return 0;
}

static int read_pin(struct reading *r, const json_t *pin)
{
	struct failure why = FAILURE_INIT;
	json_t *named = json_object_get(pin, "path");
	uint64_t dev = 0, ino = 0;
	char *path = NULL;
	int fd, err;

	err = request_decode(named, "pins", &path, r->f);
	if (!err)
		err = pin_number(pin, "pin_dev", &dev, r->f);
	if (!err)
		err = pin_number(pin, "pin_ino", &ino, r->f);
	if (!err && watch_pin(path, dev, ino, &fd, &why))
		err = add_unread(r, json_incref(named), &why);
	else if (!err)
		err = add_figures(r, fd, json_incref(named));
	failure_clear(&why);
	free(path);
	return err;
}

/* One of others, which is not held: it would live on when they unload it. */
static int read_id(struct reading *r, __u32 id)
{
	struct failure why = FAILURE_INIT;
	int fd = bpf_prog_get_fd_by_id(id), err;

	if (fd >= 0) {
		err = add_figures(r, fd, json_null());
		close(fd);
		return err;
	}
	fail(&why, STAGE_REQUEST, REASON_OTHER, errno, "program %u cannot be opened: %s", id,
	     strerror(errno));
	err = add_unread(r, json_null(), &why);
	failure_clear(&why);
	return err;
}

static int read_each(void *data, __u32 id, int fd)
{
	(void)id;
	return add_figures(data, fd, json_null());
}

/* Why the kernel may not be told to count; "" where it may. */
static void enable(struct buf *why)
{
	int err = watch_counting(true);

	if (!err)
		return;
	if (env_user_namespace())
		buf_str(why, "counting can be switched on only in the initial user namespace");
	else if (err == -EPERM && !(env_capabilities() >> CAP_SYS_ADMIN & 1))
		buf_str(why, "counting can be switched on only with CAP_SYS_ADMIN");
	else
		buf_printf(why, "the kernel does not switch counting on: %s", strerror(-err));
}

static const char *counting(void)
{
	if (watch_counts())
		return "held";
	return env_stats_enabled() ? "sysctl" : NULL;
}

static int read_all(const struct request *request, struct reading *r, struct buf *incomplete)
{
	const json_t *pins = request_field(request, "pins"), *pin;
	const json_t *ids = request_field(request, "kernel_ids"), *id;
	size_t i;
	int err = 0;

	json_array_foreach (pins, i, pin) {
		err = read_pin(r, pin);
		if (err)
			return err;
	}
	json_array_foreach (ids, i, id) {
		err = read_id(r, (__u32)json_integer_value(id));
		if (err)
			return err;
	}
	if (request_flag(request, "all"))
		err = walk(WALK_PROGRAM, 0, read_each, r, incomplete);
	return err;
}

int handle_STATS(const struct request *request, json_t **result, struct failure *f)
{
	json_int_t hold = json_integer_value(request_field(request, "hold_ms"));
	struct reading r = { .rows = json_array(), .f = f };
	struct buf incomplete = { 0 }, not_enabled = { 0 };
	int64_t now;
	int err = r.rows ? 0 : fail_nomem(f);

	if (hold > INT_MAX)
		err = fail_request(f, "field 'hold_ms': at most %d", INT_MAX);
	watch_begin();
	if (request_flag(request, "enable"))
		enable(&not_enabled);
	else
		watch_counting(false);
	now = clock_monotonic();
	if (!err)
		err = read_all(request, &r, &incomplete);
	if (!err && (buf_error(&incomplete) || buf_error(&not_enabled)))
		err = fail_nomem(f);
	if (!err) {
		*result = json_pack("{so ss? so so sO}", "now_ns", json_u64((uint64_t)now),
				    "counting", counting(), "not_enabled",
				    wire_json(not_enabled.data), "incomplete",
				    wire_json(incomplete.data), "programs", r.rows);
		if (!*result)
			err = fail_nomem(f);
	}
	watch_hold(err ? 0 : hold);
	json_decref(r.rows);
	buf_free(&incomplete);
	buf_free(&not_enabled);
	return err;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values that stand for other things of the kernel. It is given a descriptor, or the number of an
 * interface, and tells ids: what is written and what is read differ.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json_text.h"
#include "base/text.h"
#include "kernel/worker/map.h"
#include "kernel/worker/meant.h"
#include "kernel/worker/names.h"
#include "kernel/worker/pins.h"

/*
 * struct bpf_devmap_val and bpf_cpumap_val: a number, and a program's descriptor (written) or id
 * (read), 0 for none. Shorter values are the number alone.
 */
struct pair {
	__u32 number;
	__u32 program;
};

static bool is_pair(const struct map *m)
{
	return m->kind->value == VALUE_INTERFACE || m->kind->value == VALUE_QUEUE;
}

static bool has_program(const struct map *m)
{
	return m->facts.info.value_size >= sizeof(struct pair);
}

static struct pair read_pair(const struct map *m, const void *value)
{
	size_t size = m->facts.info.value_size;
	struct pair p = { 0 };

	memcpy(&p, value, size < sizeof(p) ? size : sizeof(p));
	return p;
}

static void pair_json(const struct map *m, struct pair p, struct buf *out)
{
	buf_str(out, m->kind->value == VALUE_INTERFACE ? "{\"ifindex\":" : "{\"qsize\":");
	digits_add_u64(out, p.number);
	buf_str(out, ",\"program\":");
	if (p.program)
		digits_add_u64(out, p.program);
	else
		buf_str(out, "null");
	buf_char(out, '}');
}

void held_text(const struct map *m, const void *value, bool json, struct buf *out)
{
	struct pair p = read_pair(m, value);

	if (is_pair(m) && has_program(m) && json) {
		pair_json(m, p, out);
		return;
	}
	if (!is_pair(m) && !json)
		buf_str(out, "kernel:");
	digits_add_u64(out, p.number);
	if (is_pair(m) && p.program) {
		buf_str(out, ":kernel:");
		digits_add_u64(out, p.program);
	}
}

/* ---- written ---- */

static int no_interface(const struct map *m, const char *text, struct failure *f)
{
	struct if_nameindex *all = if_nameindex();
	struct names names = { 0 };
	const char *nearest;
	size_t i;

	for (i = 0; all && all[i].if_index; i++)
		names_add(&names, all[i].if_name);
	nearest = names_nearest(&names, text);
	fail(f, STAGE_REQUEST, REASON_BAD_VALUE, ENODEV,
	     "%s: there is no interface '%s' in this network namespace", m->name, text);
	if (nearest)
		error_hint(&f->error, "did you mean '%s'?", nearest);
	if (all) /* the C library crashes on NULL */
		if_freenameindex(all);
	names_free(&names);
	return -ENODEV;
}

/* An interface by its name, else by its index. */
static int parse_interface(const struct map *m, const char *text, __u32 *index, struct failure *f)
{
	char name[IF_NAMESIZE];
	uint64_t number;

	*index = if_nametoindex(text);
	if (*index)
		return 0;
	if (!parse_u64(text, &number) || number > UINT32_MAX ||
	    !if_indextoname((unsigned)number, name))
		return no_interface(m, text, f);
	*index = (__u32)number;
	return 0;
}

static int parse_queue(const struct map *m, const char *text, __u32 *length, struct failure *f)
{
	uint64_t number;

	if (!parse_u64(text, &number) || number > UINT32_MAX)
		return fail(f, STAGE_REQUEST, REASON_BAD_VALUE, EINVAL,
			    "%s: \"%s\" is no length of a queue: it is a number of packets",
			    m->name, text);
	*length = (__u32)number;
	return 0;
}

/* NUMBER or NUMBER:PROGRAM; the program is in the request by its pin. */
static int parse_pair(const struct map *m, char *text, int fd, void *value, struct failure *f)
{
	char *colon = strchr(text, ':');
	struct pair p = { .program = fd >= 0 ? (__u32)fd : 0 };
	int err;

	if (colon)
		*colon = '\0';
	if (colon && !has_program(m)) {
		fail(f, STAGE_REQUEST, REASON_BAD_VALUE, EINVAL,
		     "%s: its values have no room for a program", m->name);
		return error_hint(&f->error, "they have in a map whose values are a struct %s",
				  m->kind->value == VALUE_INTERFACE ? "bpf_devmap_val"
								    : "bpf_cpumap_val");
	}
	if (colon && fd < 0)
		return fail_request(f, "%s: 'held_pin' is needed for a program", m->name);
	err = m->kind->value == VALUE_INTERFACE ? parse_interface(m, text, &p.number, f)
						: parse_queue(m, text, &p.number, f);
	if (!err)
		memcpy(value, &p, has_program(m) ? sizeof(p) : sizeof(p.number));
	return err;
}

/* Opens the pin of what the value stands for, if the request has one. */
static int open_held(const struct request *request, const struct map *m, int *fd, struct failure *f)
{
	bool map = m->kind->value == VALUE_MAP;
	struct place place = PLACE_INIT;
	struct stat st;
	char *path = NULL;
	int err = request_string(request, "held_pin", &path, f);

	if (!err && path) {
		err = pin_open("held_pin", path, &place, &st, fd, f);
		if (!err)
			err = meant_pin(request, "held_dev", "held_ino", &st, path, f);
		if (!err && pin_kind(*fd) != (map ? PIN_MAP : PIN_PROGRAM))
			err = fail(f, STAGE_MAP, REASON_BAD_VALUE, EINVAL,
				   "%s holds %s, and what is pinned at %s is none", m->name,
				   map ? "maps" : "programs", path);
		place_free(&place);
	}
	free(path);
	return err;
}

int held_parse(const struct request *request, const struct map *m, void *value, int *fd,
	       struct failure *f)
{
	const json_t *values = request_field(request, "values");
	char *text = NULL;
	int err;

	if (json_array_size(values) != 1)
		return fail(f, STAGE_REQUEST, REASON_BAD_VALUE, EINVAL,
			    "%s: an entry has one value, not %zu", m->name,
			    json_array_size(values));
	memset(value, 0, map_value_bytes(m));
	err = open_held(request, m, fd, f);
	if (!err)
		err = request_decode(json_array_get(values, 0), "values", &text, f);
	if (!err && is_pair(m))
		err = parse_pair(m, text, *fd, value, f);
	else if (!err && *fd < 0)
		err = fail_request(f, "%s: 'held_pin' is needed: its values are %s", m->name,
				   m->kind->value == VALUE_MAP ? "maps" : "programs");
	else if (!err)
		memcpy(value, fd, sizeof(*fd));
	free(text);
	return err;
}

int held_refused(const struct map *m, int err, struct failure *f)
{
	static const char *const reasons[] = {
		[VALUE_PROGRAM] = "the kernel takes only programs of the type of those that use "
				  "the map, and with the same attach type",
		[VALUE_MAP] = "the kernel takes only maps that are defined as its inner map is",
		[VALUE_INTERFACE] = "the kernel takes an interface that can send, and a program of "
				    "section xdp/devmap",
		[VALUE_QUEUE] = "the kernel takes CPUs that are there, queues of 1 to 16384 "
				"packets that there is memory for, and a program of section "
				"xdp/cpumap",
	};

	return fail(f, STAGE_MAP, REASON_BAD_VALUE, err, "%s does not take this value: %s", m->name,
		    reasons[m->kind->value]);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One entry of a map: read, written, deleted. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/worker/map.h"

/* A request about one entry. */
struct entry {
	struct map map;
	struct entries entries;
	char *text;	      /* the key's; NULL: none */
	unsigned char *key;   /* NULL: the map has none */
	unsigned char *value; /* all copies */
	int held;	      /* descriptor of what the value stands for; -1: none */
};

#define ENTRY_INIT                          \
	{                                   \
		.map = MAP_INIT, .held = -1 \
	}

static void entry_close(struct entry *e)
{
	free(e->text);
	free(e->key);
	free(e->value);
	if (e->held >= 0)
		close(e->held);
	map_close(&e->map);
}

static int entry_open(const struct request *request, struct entry *e, struct failure *f)
{
	int err = map_open(request, &e->map, f);

	return err ? err : request_string(request, "key", &e->text, f);
}

/* Understands the key, but for a variable's name. What the map does not allow is said before. */
static int entry_key(struct entry *e, struct failure *f)
{
	if (e->map.section)
		return 0;
	e->value = calloc(1, map_value_bytes(&e->map) + 1);
	if (!e->value)
		return fail_nomem(f);
	if (e->map.kind->key == KEY_NONE)
		return e->text ? fail_request(f, "%s has no keys: name none", e->map.name) : 0;
	if (!e->text)
		return fail_request(f, "%s has keys: name one", e->map.name);
	e->key = calloc(1, e->map.facts.info.key_size);
	return e->key ? map_key_parse(&e->map, e->text, e->key, f) : fail_nomem(f);
}

static int entry_failed(const struct entry *e, const char *doing, int err, struct failure *f)
{
	const struct map *m = &e->map;

	switch (err) {
	case ENOENT:
		if (!e->key)
			return fail(f, STAGE_MAP, REASON_NO_SUCH_KEY, ENOENT, "%s is empty",
				    m->name);
		return fail(f, STAGE_MAP, REASON_NO_SUCH_KEY, ENOENT, "%s has no key %s", m->name,
			    e->text);
	case EEXIST:
		return fail(f, STAGE_MAP, REASON_KEY_EXISTS, EEXIST, "%s has the key %s already",
			    m->name, e->text);
	case E2BIG:
	case ENOSPC:
		fail(f, STAGE_MAP, REASON_MAP_FULL, err, "%s is full: it has room for %u entr%s",
		     m->name, m->facts.info.max_entries,
		     m->facts.info.max_entries == 1 ? "y" : "ies");
		return error_hint(&f->error, "map delete makes room");
	case ENOMEM: /* of a cpumap also where the program is another one */
	case EINVAL:
		if (m->kind->value != VALUE_TYPED)
			return held_refused(m, err, f);
		break;
	case EOPNOTSUPP:
	case 524: /* ENOTSUPP of the kernel */
		return map_refuse(m, doing, "the kernel does not allow it", f);
	default:
		break;
	}
	return fail(f, STAGE_MAP, REASON_OTHER, err, "%s cannot be %s: %s", m->name, doing,
		    strerror(err));
}

int map_frozen(const struct map *m, struct failure *f)
{
	if (!m->facts.frozen)
		return 0;
	fail(f, STAGE_MAP, REASON_FROZEN, EPERM, "%s is frozen: nothing in it changes any more",
	     m->name);
	return error_hint(&f->error, "constants are set when the object is loaded: load --global");
}

int handle_MAP_GET(const struct request *request, json_t **result, struct failure *f)
{
	struct entry e = ENTRY_INIT;
	json_t *row = NULL;
	int err = entries_begin(request, &e.entries, f);

	if (!err)
		err = entry_open(request, &e, f);
	if (!err)
		err = map_refuse(&e.map, "read", e.map.kind->no_read, f);
	if (!err)
		err = entry_key(&e, f);
	if (err)
		goto out;
	if (e.map.section)
		err = data_get(&e.map, e.text, &e.entries, f);
	else if (bpf_map_lookup_elem(e.map.fd, e.key, e.value))
		err = entry_failed(&e, "read", errno, f);
	else
		entries_add(&e.entries, &e.map, e.key, e.value);
	if (err)
		goto out;
	row = json_object();
	if (map_row(&e.map, row) || json_object_set_new(row, "entries", json_array()))
		err = fail_nomem(f);
	else
		*result = json_incref(row);
out:
	json_decref(row);
	entry_close(&e);
	return err;
}

static int read_mode(const struct request *request, __u64 *flags, struct failure *f)
{
	char *mode = NULL;
	int err = request_string(request, "mode", &mode, f);

	if (err)
		return err;
	*flags = BPF_ANY;
	if (mode && !strcmp(mode, "create"))
		*flags = BPF_NOEXIST;
	else if (mode && !strcmp(mode, "existing"))
		*flags = BPF_EXIST;
	else if (mode)
		err = fail_request(f, "field 'mode' must be \"create\" or \"existing\"");
	free(mode);
	return err;
}

static int set_variable(const struct request *request, struct entry *e, bool check,
			struct failure *f)
{
	const json_t *values = request_field(request, "values");
	char *text = NULL;
	int err;

	if (json_array_size(values) != 1)
		return fail(f, STAGE_REQUEST, REASON_BAD_VALUE, EINVAL,
			    "%s: a variable has one value", e->map.name);
	err = request_decode(json_array_get(values, 0), "values", &text, f);
	if (!err)
		err = data_set(&e->map, e->text, text, check, f);
	free(text);
	return err;
}

/* What the kernel would say of the mode, without doing it. */
static int check_mode(struct entry *e, __u64 flags, struct failure *f)
{
	unsigned char *now;
	bool there;

	if (!e->key || flags == BPF_ANY)
		return 0;
	now = calloc(1, map_value_bytes(&e->map) + 1);
	if (!now)
		return fail_nomem(f);
	there = !bpf_map_lookup_elem(e->map.fd, e->key, now);
	free(now);
	if (flags == BPF_NOEXIST && there)
		return entry_failed(e, "written", EEXIST, f);
	return flags == BPF_EXIST && !there ? entry_failed(e, "written", ENOENT, f) : 0;
}

/* Such maps know no flags, or not all: what they mean is looked at first. */
static int write_value(struct entry *e, __u64 flags, struct failure *f)
{
	bool held = e->map.kind->value != VALUE_TYPED;
	int err = held ? check_mode(e, flags, f) : 0;

	if (!err && bpf_map_update_elem(e->map.fd, e->key, e->value, held ? BPF_ANY : flags))
		err = entry_failed(e, "written to", errno, f);
	return err;
}

static int set_value(const struct request *request, struct entry *e, __u64 flags, bool check,
		     struct failure *f)
{
	int err;

	if (e->map.kind->value != VALUE_TYPED)
		err = held_parse(request, &e->map, e->value, &e->held, f);
	else
		err = map_values_parse(&e->map, request_field(request, "values"), e->value, f);
	if (err)
		return err;
	return check ? check_mode(e, flags, f) : write_value(e, flags, f);
}

int handle_MAP_SET(const struct request *request, json_t **result, struct failure *f)
{
	struct entry e = ENTRY_INIT;
	bool check = request_flag(request, "check");
	__u64 flags;
	int err = read_mode(request, &flags, f);

	if (!err)
		err = entry_open(request, &e, f);
	if (!err)
		err = map_refuse(&e.map, "written to", e.map.kind->no_write, f);
	if (!err)
		err = map_frozen(&e.map, f);
	if (!err)
		err = entry_key(&e, f);
	if (!err)
		err = e.map.section ? set_variable(request, &e, check, f)
				    : set_value(request, &e, flags, check, f);
	if (!err) {
		*result = json_pack("{s:b}", "changed", !check);
		err = *result ? 0 : fail_nomem(f);
	}
	entry_close(&e);
	return err;
}

static int delete (struct entry *e, bool check, struct failure *f)
{
	int err;

	if (check)
		err = bpf_map_lookup_elem(e->map.fd, e->key, e->value);
	else if (e->map.kind->key == KEY_NONE)
		err = bpf_map_lookup_and_delete_elem(e->map.fd, NULL, e->value);
	else
		err = bpf_map_delete_elem(e->map.fd, e->key);
	if (err && errno == EINVAL && e->map.facts.info.type == BPF_MAP_TYPE_SOCKMAP)
		errno = ENOENT; /* what it says of an empty place */
	if (err)
		return entry_failed(e, "changed", errno, f);
	if (e->map.kind->key == KEY_NONE)
		entries_add(&e->entries, &e->map, NULL, e->value);
	return 0;
}

int handle_MAP_DELETE(const struct request *request, json_t **result, struct failure *f)
{
	struct entry e = ENTRY_INIT;
	bool check = request_flag(request, "check");
	int err = entries_begin(request, &e.entries, f);

	if (!err)
		err = entry_open(request, &e, f);
	if (!err && e.map.section)
		err = map_refuse(&e.map, "deleted from",
				 "it holds variables; map set gives one another value", f);
	if (!err)
		err = map_refuse(&e.map, "deleted from", e.map.kind->no_delete, f);
	if (!err)
		err = map_frozen(&e.map, f);
	if (!err)
		err = entry_key(&e, f);
	if (!err)
		err = delete (&e, check, f);
	if (!err) {
		*result = json_pack("{s:b, s:[]}", "changed", !check, "entries");
		err = *result ? 0 : fail_nomem(f);
	}
	entry_close(&e);
	return err;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/worker/btf_parse.h"
#include "kernel/worker/btf_text.h"
#include "kernel/worker/map.h"
#include "kernel/worker/meant.h"
#include "kernel/worker/object.h"

/* The type when it has exactly so many bytes; else 0. */
static __u32 fitting_type(const struct btf *btf, __u32 id, __u32 size)
{
	return btf && id && btf__resolve_size(btf, id) == (__s64)size ? id : 0;
}

/*
 * Which bytes of a key its text says: not padding, and not what a union has beside the member that
 * is said. Two keys that differ only there are two keys.
 */
static int find_padding(struct map *m, struct failure *f)
{
	__u32 size = m->facts.info.key_size;
	struct failure ignored = FAILURE_INIT;
	struct buf text = { 0 };
	unsigned char *all;
	size_t i = 0;

	if (!m->key_type)
		return 0;
	all = malloc(size);
	m->said = calloc(1, size);
	if (!all || !m->said) {
		free(all);
		return fail_nomem(f);
	}
	memset(all, 0xff, size);
	if (!btf_value_text(m->btf, m->key_type, all, size, &text) && !buf_error(&text))
		btf_value_parse(m->btf, m->key_type, buf_text(&text), m->said, size, &ignored);
	while (i < size && m->said[i] == 0xff)
		i++;
	if (i == size) {
		free(m->said);
		m->said = NULL;
	}
	failure_clear(&ignored);
	buf_free(&text);
	free(all);
	return 0;
}

static void read_types(struct map *m)
{
	const struct bpf_map_info *info = &m->facts.info;
	const struct btf_type *t;

	m->btf = map_btf(info->btf_id);
	if (!m->btf)
		return;
	t = btf__type_by_id(m->btf, info->btf_value_type_id);
	if (info->type == BPF_MAP_TYPE_ARRAY && info->max_entries == 1 && t && btf_is_datasec(t)) {
		m->section = t;
		return;
	}
	if (m->kind->key == KEY_TYPED || m->kind->key == KEY_PREFIX)
		m->key_type = fitting_type(m->btf, info->btf_key_type_id, info->key_size);
	if (m->kind->value == VALUE_TYPED)
		m->value_type = fitting_type(m->btf, info->btf_value_type_id, info->value_size);
}

int map_open(const struct request *request, struct map *m, struct failure *f)
{
	int cpus;
	int err = request_string(request, "name", &m->name, f);

	if (!err)
		err = meant_open(request, "map", bpf_map_get_fd_by_id, &m->fd, f);
	if (err)
		return err;
	f->stage = STAGE_MAP;
	err = map_facts_read(m->fd, &m->facts, f);
	if (!err)
		err = meant_check(request, m->facts.info.id, f);
	if (err)
		return err;
	if (!m->name)
		m->name = strdup(m->facts.info.name);
	if (!m->name)
		return fail_nomem(f);
	m->kind = map_kind(m->facts.info.type);
	m->copies = 1;
	m->stride = m->facts.info.value_size;
	if (m->kind->per_cpu) {
		cpus = libbpf_num_possible_cpus();
		if (cpus < 0)
			return fail(f, STAGE_MAP, REASON_OTHER, -cpus,
				    "cannot tell how many CPUs are possible: %s", strerror(-cpus));
		m->copies = cpus;
		m->stride = (m->stride + 7) / 8 * 8;
	}
	read_types(m);
	return find_padding(m, f);
}

void map_close(struct map *m)
{
	if (m->fd >= 0)
		close(m->fd);
	free(m->said);
	free(m->name);
}

int map_refuse(const struct map *m, const char *what, const char *reason, struct failure *f)
{
	const char *type = object_map_type(m->facts.info.type);

	if (!reason)
		return 0;
	return fail(f, STAGE_MAP, REASON_UNSUPPORTED, EOPNOTSUPP,
		    "%s is %s %s and cannot be %s: %s", m->name,
		    strchr("aeio", type[0]) ? "an" : "a", type, what, reason);
}

static json_t *type_json(const struct btf *btf, __u32 id)
{
	struct buf text = { 0 };
	json_t *json = NULL;

	if (id && !btf_type_text(btf, id, &text) && !buf_error(&text))
		json = wire_json(buf_text(&text));
	buf_free(&text);
	return json ? json : json_null();
}

int map_row(const struct map *m, json_t *row)
{
	const char *name = m->facts.info.name;
	int err = map_facts_row(row, &m->facts);

	err |= json_object_set_new(row, "name", wire_json(*name ? name : NULL));
	err |= json_object_set_new(row, "type", json_string(object_map_type(m->facts.info.type)));
	err |= json_object_set_new(row, "key_type", type_json(m->btf, m->key_type));
	err |= json_object_set_new(row, "value_type", type_json(m->btf, m->value_type));
	err |= json_object_set_new(row, "frozen", json_boolean(m->facts.frozen));
	err |= json_object_set_new(row, "cpus",
				   m->kind->per_cpu ? json_integer(m->copies) : json_null());
	return err;
}

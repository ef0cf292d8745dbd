/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "kernel/worker/btf_text.h"
#include "kernel/worker/map.h"
#include "kernel/worker/object.h"
#include "kernel/worker/pins.h"

/* Whether the request's number is this one; one that it does not give is. */
static int is_meant(const struct request *request, const char *field, uint64_t number, bool *meant,
		    struct failure *f)
{
	char *text = NULL;
	uint64_t wanted;
	int err = request_string(request, field, &text, f);

	if (!err && text && !parse_u64(text, &wanted))
		err = fail_request(f, "field '%s' must be a string of digits", field);
	else if (!err && text && wanted != number)
		*meant = false;
	free(text);
	return err;
}

static int replaced(const char *path, struct failure *f)
{
	fail(f, STAGE_MAP, REASON_REPLACED, ESTALE, "%s is another object by now", path);
	return error_hint(&f->error, "list shows its state");
}

/* Takes over path. */
static int open_pin(const struct request *request, char *path, int *fd, struct failure *f)
{
	struct place place = PLACE_INIT;
	bool meant = true;
	struct stat st;
	int err = place_find(&place, path, f);

	if (err)
		goto out;
	if (place.rest != place.base ||
	    fstatat(place_fd(&place), place.base, &st, AT_SYMLINK_NOFOLLOW)) {
		err = fail(f, STAGE_MAP, REASON_OTHER, ENOENT, "%s does not exist", place.path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err = fail(f, STAGE_MAP, REASON_BAD_PATH, EINVAL, "%s is not a pin", place.path);
		goto out;
	}
	err = is_meant(request, "pin_dev", st.st_dev, &meant, f);
	if (!err)
		err = is_meant(request, "pin_ino", st.st_ino, &meant, f);
	if (!err && !meant)
		err = replaced(place.path, f);
	if (err)
		goto out;
	*fd = pin_get(place_fd(&place), place.base);
	if (*fd < 0)
		err = fail(f, STAGE_MAP, REASON_OTHER, -*fd, "cannot open %s: %s", place.path,
			   strerror(-*fd));
out:
	place_free(&place);
	return err;
}

static int open_id(json_int_t id, int *fd, struct failure *f)
{
	*fd = id > 0 && id <= UINT32_MAX ? bpf_map_get_fd_by_id((__u32)id) : -ENOENT;
	if (*fd == -ENOENT)
		return fail(f, STAGE_MAP, REASON_OTHER, ENOENT, "the kernel has no map of id %lld",
			    (long long)id);
	if (*fd < 0)
		return fail(f, STAGE_MAP, REASON_OTHER, -*fd, "cannot open map %lld: %s",
			    (long long)id, strerror(-*fd));
	return 0;
}

static int open_fd(const struct request *request, int *fd, struct failure *f)
{
	const json_t *id = request_field(request, "kernel_id");
	char *path = NULL;
	char *clean = NULL;
	int err = request_string(request, "pin_path", &path, f);

	if (!err && path) {
		err = path_clean(path, "pin_path", &clean, f);
		if (!err)
			err = open_pin(request, clean, fd, f);
	} else if (!err && id) {
		err = open_id(json_integer_value(id), fd, f);
	} else if (!err) {
		err = fail_request(f, "'pin_path' or 'kernel_id' is needed");
	}
	free(path);
	return err;
}

/* The type when it has exactly so many bytes; else 0. */
static __u32 fitting_type(const struct btf *btf, __u32 id, __u32 size)
{
	return btf && id && btf__resolve_size(btf, id) == (__s64)size ? id : 0;
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
	if (!m->kind->ids)
		m->value_type = fitting_type(m->btf, info->btf_value_type_id, info->value_size);
}

int map_open(const struct request *request, struct map *m, struct failure *f)
{
	const json_t *id = request_field(request, "kernel_id");
	int cpus;
	int err = request_string(request, "name", &m->name, f);

	if (!err)
		err = open_fd(request, &m->fd, f);
	if (err)
		return err;
	f->stage = STAGE_MAP;
	err = map_facts_read(m->fd, &m->facts, f);
	if (err)
		return err;
	/* Between looking at the pin and opening it another may have taken its place. */
	if (id && json_integer_value(id) != m->facts.info.id)
		return replaced(m->name ? m->name : "the pin", f);
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
	return 0;
}

void map_close(struct map *m)
{
	if (m->fd >= 0)
		close(m->fd);
	free(m->name);
}

int map_refuse(const struct map *m, const char *what, const char *reason, struct failure *f)
{
	if (!reason)
		return 0;
	return fail(f, STAGE_MAP, REASON_UNSUPPORTED, EOPNOTSUPP, "%s is a %s and cannot be %s: %s",
		    m->name, object_map_type(m->facts.info.type), what, reason);
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

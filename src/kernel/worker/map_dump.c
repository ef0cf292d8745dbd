/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All entries of a map, a part for each request. Where to go on is in the request (the kernel's
 * token of a batch, or the last key), so a map of any size costs no more memory than a small one.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/worker/btf_parse.h"
#include "kernel/worker/map.h"

enum {
	PART_BYTES = 64 * 1024, /* of keys and values; as text that is a few times as much */
	PART_ENTRIES = 4096,
	ENOTSUPP_KERNEL = 524, /* ENOTSUPP is no errno of user space, but bpf(2) returns it */
};

struct part {
	struct map map;
	struct entries entries;
	size_t limit; /* entries at most */
	size_t want;  /* entries that an answer is to have */
	size_t room;  /* entries that keys and values have place for */
	unsigned char *keys, *values;
	unsigned char *from; /* cursor; NULL: the begin */
	unsigned char *next; /* where the next part goes on */
	size_t cursor_size;
	bool ended;
	bool clipped; /* the kernel gave more than the limit */
};

static int make_room(struct part *p, size_t room, struct failure *f)
{
	free(p->keys);
	free(p->values);
	p->keys = calloc(room, p->map.facts.info.key_size);
	p->values = calloc(room, map_value_bytes(&p->map));
	p->room = room;
	return p->keys && p->values ? 0 : fail_nomem(f);
}

/* What the kernel gave; it does not stop at what is wanted. */
static void add_batch(struct part *p, size_t count)
{
	size_t key_size = p->map.facts.info.key_size;
	size_t value_size = map_value_bytes(&p->map);
	size_t i;

	if (count > p->limit) {
		count = p->limit;
		p->clipped = true;
	}
	for (i = 0; i < count; i++)
		entries_add(&p->entries, &p->map, p->keys + i * key_size,
			    p->values + i * value_size);
}

static int unreadable(const struct map *m, int err, struct failure *f)
{
	if (err == ENOTSUPP_KERNEL || err == ENOTSUP)
		return map_refuse(m, "read", "the kernel does not tell what is in it", f);
	return fail(f, STAGE_MAP, REASON_OTHER, err, "cannot read %s: %s", m->name, strerror(err));
}

/* As many as one call to the kernel gives. -EOPNOTSUPP, f not filled: this map knows no batches. */
static int read_batch(struct part *p, struct failure *f)
{
	for (;;) {
		LIBBPF_OPTS(bpf_map_batch_opts, options);
		__u32 count = p->room;
		int err;

		err = bpf_map_lookup_batch(p->map.fd, p->from, p->next, p->keys, p->values, &count,
					   &options);
		if (err == -ENOSPC) { /* one bucket of a hash has more than there is room for */
			err = make_room(p, 2 * p->room, f);
			if (err)
				return err;
			continue;
		}
		if (err == -EINVAL || err == -EOPNOTSUPP || err == -ENOTSUPP_KERNEL)
			return -EOPNOTSUPP;
		if (err && err != -ENOENT)
			return unreadable(&p->map, -err, f);
		p->ended = err == -ENOENT;
		add_batch(p, count);
		return 0;
	}
}

/* One after the other: the cursor is the last key. An entry that went away meanwhile is left out.
 */
static int read_each(struct part *p, struct failure *f)
{
	size_t key_size = p->map.facts.info.key_size;
	unsigned char *key = p->from;
	size_t i;

	for (i = 0; i < p->want && i < p->limit; i++) {
		unsigned char *next = p->keys + i % 2 * key_size;

		if (bpf_map_get_next_key(p->map.fd, key, next)) {
			if (errno != ENOENT)
				return unreadable(&p->map, errno, f);
			p->ended = true;
			return 0;
		}
		key = next;
		if (!bpf_map_lookup_elem(p->map.fd, key, p->values))
			entries_add(&p->entries, &p->map, key, p->values);
		else if (errno != ENOENT)
			return unreadable(&p->map, errno, f);
	}
	if (key)
		memcpy(p->next, key, key_size);
	return 0;
}

static int read_cursor(const struct request *request, struct part *p, struct failure *f)
{
	char *text = NULL;
	int err = request_string(request, "cursor", &text, f);

	/* A batch's token is an index of four bytes, or a key. */
	p->cursor_size = p->map.facts.info.key_size < sizeof(__u32) ? sizeof(__u32)
								    : p->map.facts.info.key_size;
	if (err)
		return err;
	p->next = calloc(1, p->cursor_size);
	p->from = text ? calloc(1, p->cursor_size) : NULL;
	if (!p->next || (text && !p->from))
		err = fail_nomem(f);
	else if (text)
		err = hex_parse(text, p->from, p->cursor_size, f);
	free(text);
	return err;
}

static json_t *cursor_json(const struct part *p)
{
	struct buf text = { 0 };
	json_t *json = NULL;
	size_t i;

	if (p->ended)
		return json_null();
	buf_str(&text, "hex:");
	for (i = 0; i < p->cursor_size; i++)
		buf_printf(&text, "%02x", p->next[i]);
	if (!buf_error(&text))
		json = json_string(buf_text(&text));
	buf_free(&text);
	return json;
}

/* What a queue or stack would give next; the kernel does not tell what is behind it. */
static int peek(struct part *p, struct failure *f)
{
	p->ended = true;
	if (!bpf_map_lookup_elem(p->map.fd, NULL, p->values))
		entries_add(&p->entries, &p->map, NULL, p->values);
	else if (errno != ENOENT)
		return unreadable(&p->map, errno, f);
	return 0;
}

static void plan(const struct request *request, struct part *p)
{
	const json_t *limit = request_field(request, "limit");
	size_t entry = p->map.facts.info.key_size + map_value_bytes(&p->map);

	p->limit = limit ? (size_t)json_integer_value(limit) : SIZE_MAX;
	p->want = PART_BYTES / (entry ? entry : 1);
	if (p->want > PART_ENTRIES)
		p->want = PART_ENTRIES;
	if (p->want > p->limit)
		p->want = p->limit;
	if (p->want == 0)
		p->want = 1;
}

static int read_part(const struct request *request, struct part *p, struct failure *f)
{
	int err = read_cursor(request, p, f);

	plan(request, p);
	if (!err)
		err = make_room(p, p->want > 2 ? p->want : 2, f);
	if (err)
		return err;
	if (p->map.kind->key == KEY_NONE)
		return peek(p, f);
	p->room = p->want;
	err = read_batch(p, f);
	return err == -EOPNOTSUPP && !f->error.err ? read_each(p, f) : err;
}

static json_t *part_json(const struct part *p)
{
	json_t *row = json_object();
	int lost = map_row(&p->map, row);

	lost |= json_object_set_new(row, "entries", json_array());
	lost |= json_object_set_new(row, "count", json_integer((json_int_t)p->entries.count));
	lost |= json_object_set_new(row, "cursor", cursor_json(p));
	lost |= json_object_set_new(row, "clipped", json_boolean(p->clipped));
	lost |= json_object_set_new(row, "partial",
				    p->map.kind->key == KEY_NONE
					    ? json_string("only its next entry can be seen")
					    : json_null());
	if (!lost)
		return row;
	json_decref(row);
	return NULL;
}

int handle_MAP_DUMP(const struct request *request, json_t **result, struct failure *f)
{
	struct part p = { .map = MAP_INIT };
	int err = entries_begin(request, &p.entries, f);

	if (!err)
		err = map_open(request, &p.map, f);
	if (!err)
		err = map_refuse(&p.map, "read", p.map.kind->no_read, f);
	if (!err && p.map.section) {
		p.ended = true;
		err = data_dump(&p.map, &p.entries, f);
	} else if (!err) {
		err = read_part(request, &p, f);
	}
	if (!err) {
		*result = part_json(&p);
		err = *result ? 0 : fail_nomem(f);
	}
	free(p.keys);
	free(p.values);
	free(p.from);
	free(p.next);
	map_close(&p.map);
	return err;
}

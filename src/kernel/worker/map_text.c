/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys and values as text, and back. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/text.h"
#include "kernel/worker/btf_parse.h"
#include "kernel/worker/btf_text.h"
#include "kernel/worker/map.h"

/* struct bpf_lpm_trie_key: the length in bits, then the data. */
enum { PREFIX_HEAD = 4, IPV4 = 4, IPV6 = 16 };

size_t map_value_bytes(const struct map *m)
{
	return m->stride * m->copies;
}

static void add_hex(const unsigned char *bytes, size_t size, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	buf_str(out, "hex:");
	for (i = 0; i < size; i++) {
		buf_char(out, digits[bytes[i] >> 4]);
		buf_char(out, digits[bytes[i] & 15]);
	}
}

static void add_quoted_hex(const unsigned char *bytes, size_t size, struct buf *out)
{
	buf_char(out, '"');
	add_hex(bytes, size, out);
	buf_char(out, '"');
}

/* ---- keys ---- */

static __u32 read_u32(const void *bytes)
{
	__u32 number;

	memcpy(&number, bytes, sizeof(number));
	return number;
}

static int family_of(const struct map *m)
{
	switch (m->facts.info.key_size - PREFIX_HEAD) {
	case IPV4:
		return AF_INET;
	case IPV6:
		return AF_INET6;
	default:
		return AF_UNSPEC;
	}
}

/* "10.0.0.0/8", "hex:0a00ff/20" */
static void add_prefix(const struct map *m, const unsigned char *key, struct buf *out)
{
	char address[INET6_ADDRSTRLEN];

	if (inet_ntop(family_of(m), key + PREFIX_HEAD, address, sizeof(address)))
		buf_str(out, address);
	else
		add_hex(key + PREFIX_HEAD, m->facts.info.key_size - PREFIX_HEAD, out);
	buf_char(out, '/');
	digits_add_u64(out, read_u32(key));
}

static bool is_index(const struct map *m)
{
	return m->kind->key == KEY_INDEX && m->facts.info.key_size == sizeof(__u32);
}

static bool is_prefix(const struct map *m)
{
	return m->kind->key == KEY_PREFIX && m->facts.info.key_size > PREFIX_HEAD;
}

/* Whether the text of its type means this very key. */
static bool can_be_said(const struct map *m, const unsigned char *key)
{
	size_t i;

	for (i = 0; m->said && i < m->facts.info.key_size; i++)
		if (key[i] & ~m->said[i])
			return false;
	return m->key_type != 0;
}

void map_key_text(const struct map *m, const void *key, struct buf *out)
{
	size_t begin = out->len;

	if (!key)
		buf_char(out, '-');
	else if (is_index(m))
		digits_add_u64(out, read_u32(key));
	else if (is_prefix(m))
		add_prefix(m, key, out);
	else if (!can_be_said(m, key) ||
		 btf_value_text(m->btf, m->key_type, key, m->facts.info.key_size, out)) {
		buf_cut(out, begin);
		add_hex(key, m->facts.info.key_size, out);
	}
}

void map_key_json(const struct map *m, const void *key, struct buf *out)
{
	const struct btf_copies one = { .bytes = key, .size = m->facts.info.key_size, .count = 1 };
	size_t begin = out->len;

	if (!key) {
		buf_str(out, "null");
	} else if (is_index(m)) {
		digits_add_u64(out, read_u32(key));
	} else if (is_prefix(m)) {
		buf_char(out, '"');
		add_prefix(m, key, out);
		buf_char(out, '"');
	} else if (!m->key_type || btf_copies_json(m->btf, m->key_type, &one, out)) {
		buf_cut(out, begin);
		add_quoted_hex(key, m->facts.info.key_size, out);
	}
}

static int bad_key(const struct map *m, const char *text, const char *what, struct failure *f)
{
	return fail(f, STAGE_REQUEST, REASON_BAD_VALUE, EINVAL, "%s: \"%s\" is no key: %s", m->name,
		    text, what);
}

static int parse_index(const struct map *m, const char *text, void *key, struct failure *f)
{
	__u32 entries = m->facts.info.max_entries;
	__u32 index;
	uint64_t number;

	if (!strncmp(text, "hex:", 4))
		return hex_parse(text, key, sizeof(index), f);
	if (!parse_u64(text, &number))
		return bad_key(m, text, "an index is a whole number from 0", f);
	if (number >= entries && m->facts.info.type != BPF_MAP_TYPE_DEVMAP_HASH)
		return fail(f, STAGE_REQUEST, REASON_BAD_VALUE, ERANGE,
			    "%s: index %s is out of range: there are 0 to %u", m->name, text,
			    entries - 1);
	if (number > UINT32_MAX)
		return bad_key(m, text, "an index has 32 bits", f);
	index = (__u32)number;
	memcpy(key, &index, sizeof(index));
	return 0;
}

/* ADDRESS[/LENGTH] or hex:BYTES[/LENGTH]. */
static int parse_prefix(const struct map *m, const char *text, unsigned char *key,
			struct failure *f)
{
	size_t size = m->facts.info.key_size - PREFIX_HEAD;
	const char *slash = strchr(text, '/');
	char *data = slash ? strndup(text, slash - text) : strdup(text);
	uint64_t length = 8 * size;
	__u32 bits;
	int err = 0;

	if (!data)
		return fail_nomem(f);
	if (slash && !parse_u64(slash + 1, &length))
		err = bad_key(m, text, "behind the / is the length in bits", f);
	else if (length > 8 * size)
		err = fail(f, STAGE_REQUEST, REASON_BAD_VALUE, ERANGE,
			   "%s: a prefix has 0 to %zu bits, not %s", m->name, 8 * size, slash + 1);
	else if (!strncmp(data, "hex:", 4))
		err = hex_parse(data, key + PREFIX_HEAD, size, f);
	else if (family_of(m) == AF_UNSPEC)
		err = bad_key(m, text, "a prefix here is hex:BYTES/LENGTH", f);
	else if (inet_pton(family_of(m), data, key + PREFIX_HEAD) != 1)
		err = bad_key(m, text,
			      size == IPV4 ? "a prefix here is an IPv4 address, 10.0.0.0/8"
					   : "a prefix here is an IPv6 address, 2001:db8::/32",
			      f);
	bits = (__u32)length;
	memcpy(key, &bits, sizeof(bits));
	free(data);
	return err;
}

int map_key_parse(const struct map *m, const char *text, void *key, struct failure *f)
{
	__u32 size = m->facts.info.key_size;

	memset(key, 0, size);
	if (is_index(m))
		return parse_index(m, text, key, f);
	/* Beside the prefix its whole bytes, or the struct that it is, may be given. */
	if (is_prefix(m) && text[0] != '{' && (strncmp(text, "hex:", 4) || strchr(text, '/')))
		return parse_prefix(m, text, key, f);
	if (m->key_type)
		return btf_value_parse(m->btf, m->key_type, text, key, size, f);
	return hex_parse(text, key, size, f);
}

/* ---- values ---- */

/* One copy of a value, or (all copies) their sum; false: they have none. */
static bool add_value(const struct map *m, const unsigned char *value, unsigned copies, bool json,
		      struct buf *out)
{
	__u32 size = m->facts.info.value_size;
	const struct btf_copies c = {
		.bytes = value, .size = size, .stride = m->stride, .count = copies
	};
	size_t begin = out->len;
	unsigned i;
	int err;

	if (m->kind->value != VALUE_TYPED) {
		held_text(m, value, json, out);
		return true;
	}
	if (m->value_type) {
		err = json ? btf_copies_json(m->btf, m->value_type, &c, out)
			   : btf_copies_text(m->btf, m->value_type, &c, out);
		if (!err)
			return true;
		buf_cut(out, begin);
		if (err == -ERANGE)
			return false;
	}
	for (i = 1; i < copies; i++)
		if (memcmp(value, value + i * m->stride, size) != 0)
			return false;
	if (json)
		add_quoted_hex(value, size, out);
	else
		add_hex(value, size, out);
	return true;
}

static int parse_value(const struct map *m, const char *text, void *bytes, struct failure *f)
{
	if (m->value_type)
		return btf_value_parse(m->btf, m->value_type, text, bytes, m->facts.info.value_size,
				       f);
	return hex_parse(text, bytes, m->facts.info.value_size, f);
}

/* One value for all CPUs: what is summed goes to the first, all else to each. */
static int spread(const struct map *m, unsigned char *value, struct failure *f)
{
	enum btf_leaves leaves = m->value_type ? btf_leaves(m->btf, m->value_type) : BTF_OTHERS;
	unsigned i;

	if (leaves == (BTF_NUMBERS | BTF_OTHERS)) {
		fail(f, STAGE_REQUEST, REASON_BAD_VALUE, EINVAL,
		     "%s: a value of both numbers and other things has no sum", m->name);
		return error_hint(&f->error, "give the value of each CPU: %u of them", m->copies);
	}
	for (i = 1; leaves == BTF_OTHERS && i < m->copies; i++)
		memcpy(value + i * m->stride, value, m->stride);
	return 0;
}

int map_values_parse(const struct map *m, const json_t *texts, void *value, struct failure *f)
{
	size_t count = json_array_size(texts);
	const json_t *item;
	size_t i;
	int err = 0;

	memset(value, 0, map_value_bytes(m));
	if (count != 1 && !m->kind->per_cpu)
		return fail(f, STAGE_REQUEST, REASON_BAD_VALUE, EINVAL,
			    "%s: an entry has one value, not %zu", m->name, count);
	if (count != 1 && count != m->copies)
		return fail(f, STAGE_REQUEST, REASON_BAD_VALUE, EINVAL,
			    "%s: an entry has %u values, one for each CPU, not %zu", m->name,
			    m->copies, count);
	json_array_foreach (texts, i, item) {
		char *text = NULL;

		err = request_decode(item, "values", &text, f);
		if (!err)
			err = parse_value(m, text, (unsigned char *)value + i * m->stride, f);
		free(text);
		if (err)
			return err;
	}
	return count == 1 && m->copies > 1 ? spread(m, value, f) : 0;
}

/* ---- entries ---- */

int entries_begin(const struct request *request, struct entries *e, struct failure *f)
{
	char *format = NULL;
	int err = request_string(request, "format", &format, f);

	if (err)
		return err;
	e->out = request->entries;
	e->text = format && !strcmp(format, "text");
	e->per_cpu = request_flag(request, "per_cpu");
	if (format && !e->text && strcmp(format, "json") != 0)
		err = fail_request(f, "field 'format' must be \"json\" or \"text\"");
	free(format);
	return err;
}

/* Text travels like all strings of the protocol. */
static void add_wire(struct entries *e, const struct buf *text)
{
	char *wire = wire_encode(buf_text(text), text->len);

	if (!wire || buf_error(text))
		e->out->failed = true;
	else
		json_quote_add(e->out, wire, strlen(wire));
	free(wire);
}

static void add_text_entry(struct entries *e, const struct map *m, const void *key,
			   const unsigned char *value)
{
	struct buf text = { 0 };
	unsigned i;

	buf_char(e->out, '[');
	map_key_text(m, key, &text);
	add_wire(e, &text);
	for (i = 0; i <= (e->per_cpu && m->kind->per_cpu ? m->copies : 0); i++) {
		buf_reset(&text);
		if (!add_value(m, i ? value + (i - 1) * m->stride : value, i ? 1 : m->copies, false,
			       &text))
			buf_char(&text, '-');
		buf_char(e->out, ',');
		add_wire(e, &text);
	}
	buf_char(e->out, ']');
	buf_free(&text);
}

static void add_json_entry(struct entries *e, const struct map *m, const void *key,
			   const unsigned char *value)
{
	unsigned i;

	buf_str(e->out, "{\"key\":");
	map_key_json(m, key, e->out);
	buf_str(e->out, ",\"value\":");
	if (!add_value(m, value, m->copies, true, e->out))
		buf_str(e->out, "null");
	if (m->kind->per_cpu) {
		buf_str(e->out, ",\"values\":");
		for (i = 0; i < m->copies; i++) {
			buf_char(e->out, i ? ',' : '[');
			add_value(m, value + i * m->stride, 1, true, e->out);
		}
		buf_char(e->out, ']');
	}
	buf_char(e->out, '}');
}

void entries_add(struct entries *e, const struct map *m, const void *key, const void *value)
{
	if (e->count++)
		buf_char(e->out, ',');
	if (e->text)
		add_text_entry(e, m, key, value);
	else
		add_json_entry(e, m, key, value);
}

void entries_add_variable(struct entries *e, const struct btf *btf, const char *name, __u32 type,
			  const struct btf_copies *value)
{
	struct buf text = { 0 };

	if (e->count++)
		buf_char(e->out, ',');
	if (e->text) {
		buf_char(e->out, '[');
		buf_str(&text, name);
		add_wire(e, &text);
		buf_char(e->out, ',');
		buf_reset(&text);
		if (btf_copies_text(btf, type, value, &text)) {
			buf_cut(&text, 0);
			add_hex(value->bytes, value->size, &text);
		}
		add_wire(e, &text);
		buf_char(e->out, ']');
	} else {
		size_t begin;

		buf_str(e->out, "{\"key\":");
		json_quote_add(e->out, name, strlen(name));
		buf_str(e->out, ",\"value\":");
		begin = e->out->len;
		if (btf_copies_json(btf, type, value, e->out)) {
			buf_cut(e->out, begin);
			add_quoted_hex(value->bytes, value->size, e->out);
		}
		buf_char(e->out, '}');
	}
	buf_free(&text);
}

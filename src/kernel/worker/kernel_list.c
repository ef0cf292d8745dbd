/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernel_list: what the kernel has, whoever loaded it, and who holds it */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "kernel/worker/facts.h"
#include "kernel/worker/holders.h"
#include "kernel/worker/link.h"
#include "kernel/worker/object.h"
#include "kernel/worker/whole_name.h"

/* A link keeps its program alive: who holds the link holds the program. */
struct link_of {
	__u32 program_id, link_id;
};

struct listing {
	struct failure *f;
	json_t *rows[3]; /* by enum walk_kind */
	bool wanted[3];
	bool with_holders, brief;
	bool scanned;	   /* who holds what is known: not before there is a row to tell it of */
	struct buf unseen; /* why not all holders are known */
	struct walk_known known;
	struct holders holders;
	struct link_of *links;
	size_t link_count;
};

static const struct {
	const char *word, *key;
} kinds[] = {
	[WALK_PROGRAM] = { "program", "programs" },
	[WALK_MAP] = { "map", "maps" },
	[WALK_LINK] = { "link", "links" },
};

static int set(json_t *row, const char *key, json_t *value)
{
	return json_object_set_new(row, key, value);
}

static int scan(struct listing *l);

/* Adds the row, taken over, with its holders. lost: it is not whole. */
static int add_row(struct listing *l, enum walk_kind kind, __u32 id, json_t *row, int lost)
{
	json_t *holders = json_array();
	int err = scan(l);
	size_t i;

	if (err) {
		json_decref(holders);
		json_decref(row);
		return err;
	}
	lost |= !row || !holders;
	if (l->with_holders && !lost)
		lost |= holders_add(&l->holders, kind, id, holders);
	for (i = 0; kind == WALK_PROGRAM && !lost && i < l->link_count; i++)
		if (l->links[i].program_id == id)
			lost |= holders_add(&l->holders, WALK_LINK, l->links[i].link_id, holders);
	if (lost) {
		json_decref(holders);
		json_decref(row);
		return fail_nomem(l->f);
	}
	lost = set(row, "holders", holders);
	lost |= json_array_append_new(l->rows[kind], row);
	return lost ? fail_nomem(l->f) : 0;
}

static int list_program_briefly(struct listing *l, __u32 id, int fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	json_t *row;
	char *name;
	int lost;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return fail(l->f, STAGE_REQUEST, REASON_OTHER, errno,
			    "the kernel tells nothing about program %u: %s", id, strerror(errno));
	row = json_object();
	name = program_whole_name(fd, &info);
	lost = !name;
	lost |= set(row, "kernel_id", json_integer(id));
	lost |= set(row, "name", wire_json(name && *name ? name : NULL));
	lost |= set(row, "type", json_string(object_program_type(info.type)));
	free(name);
	return add_row(l, WALK_PROGRAM, id, row, lost);
}

static int list_program(void *data, __u32 id, int fd)
{
	struct program_facts facts;
	struct listing *l = data;
	json_t *row;
	int lost = 0;
	char *name;

	if (l->brief)
		return list_program_briefly(l, id, fd);
	row = json_object();
	if (program_facts_read(fd, &facts, l->f)) {
		json_decref(row);
		return -l->f->error.err;
	}
	name = program_whole_name(fd, &facts.info);
	lost |= !name;
	lost |= set(row, "name", wire_json(name && *name ? name : NULL));
	lost |= set(row, "type", json_string(object_program_type(facts.info.type)));
	lost |= set(row, "loaded_by", json_integer(facts.info.created_by_uid));
	lost |= program_facts_row(row, &facts);
	program_facts_free(&facts);
	free(name);
	return add_row(l, WALK_PROGRAM, id, row, lost);
}

static int list_map(void *data, __u32 id, int fd)
{
	struct listing *l = data;
	struct map_facts facts;
	json_t *row = json_object();
	int lost = 0;

	if (map_facts_read(fd, &facts, l->f)) {
		json_decref(row);
		return -l->f->error.err;
	}
	lost |= set(row, "name", wire_json(facts.info.name[0] ? facts.info.name : NULL));
	lost |= set(row, "type", json_string(object_map_type(facts.info.type)));
	lost |= map_facts_row(row, &facts);
	return add_row(l, WALK_MAP, id, row, lost);
}

static int list_link(void *data, __u32 id, int fd)
{
	struct listing *l = data;
	struct abi_link_info info;
	char name[LINK_NAME];
	json_t *row;
	int lost = 0;

	if (link_read(fd, &info, name, l->f))
		return -l->f->error.err;
	row = json_object();
	lost |= set(row, "kernel_id", json_integer(id));
	lost |= set(row, "type", json_string(link_type_word(info.type)));
	lost |= set(row, "program_id", json_integer(info.prog_id));
	lost |= link_target_row(row, &info, name);
	return add_row(l, WALK_LINK, id, row, lost);
}

static int note_link(void *data, __u32 id, int fd)
{
	struct listing *l = data;
	struct abi_link_info info;
	struct link_of *grown;

	if (link_read(fd, &info, NULL, l->f))
		return -l->f->error.err;
	grown = grow(l->links, l->link_count, sizeof(*grown));
	if (!grown)
		return fail_nomem(l->f);
	l->links = grown;
	l->links[l->link_count++] = (struct link_of){ info.prog_id, id };
	return 0;
}

static int read_kinds(const struct request *request, struct listing *l, struct failure *f)
{
	const json_t *words = request_field(request, "kinds"), *word;
	size_t i, k;

	for (k = 0; k < 3; k++)
		l->wanted[k] = !words;
	json_array_foreach (words, i, word) {
		for (k = 0; k < 3; k++)
			if (strcmp(json_string_value(word), kinds[k].word) == 0)
				break;
		if (k == 3)
			return fail_request(f, "field 'kinds': '%s' is none of program, map, link",
					    json_string_value(word));
		l->wanted[k] = true;
	}
	return 0;
}

/* Where there is nothing to tell of, looking through all processes would be a waste. */
static int scan(struct listing *l)
{
	if (!l->with_holders || l->scanned)
		return 0;
	l->scanned = true;
	if (holders_scan(&l->holders, &l->unseen))
		return fail_nomem(l->f);
	return l->wanted[WALK_PROGRAM] ? walk(WALK_LINK, 0, note_link, l, &l->unseen) : 0;
}

static int list(struct listing *l, __u32 only, struct buf *incomplete)
{
	static const walk_fn fns[] = {
		[WALK_PROGRAM] = list_program,
		[WALK_MAP] = list_map,
		[WALK_LINK] = list_link,
	};
	int err = 0;
	size_t k;

	for (k = 0; !err && k < 3; k++)
		if (l->wanted[k] && l->known.count)
			err = walk_but(k, &l->known, fns[k], l, incomplete);
		else if (l->wanted[k])
			err = walk(k, only, fns[k], l, incomplete);
	return err;
}

static int read_known(const struct request *request, struct listing *l)
{
	const json_t *ids = request_field(request, "known"), *id;
	size_t i, count = json_array_size(ids), wanted = 0;

	for (i = 0; i < 3; i++)
		wanted += l->wanted[i];
	if (ids && (wanted != 1 || request_field(request, "kernel_id")))
		return fail_request(l->f, "field 'known': only with one kind, and all of it");
	l->known.ids = calloc(count + 1, sizeof(*l->known.ids));
	l->known.seen = calloc(count + 1, sizeof(*l->known.seen));
	if (!l->known.ids || !l->known.seen)
		return fail_nomem(l->f);
	json_array_foreach (ids, i, id)
		l->known.ids[l->known.count++] = (__u32)json_integer_value(id);
	return 0;
}

/* NULL: lost memory. */
static json_t *gone(const struct walk_known *known, const struct buf *incomplete)
{
	json_t *list = json_array();
	size_t i;

	/* Where not all could be looked at, none is known to be gone. */
	for (i = 0; !incomplete->len && i < known->count; i++) {
		if (known->seen[i] || !json_array_append_new(list, json_integer(known->ids[i])))
			continue;
		json_decref(list);
		return NULL;
	}
	return list;
}

int handle_KERNEL_LIST(const struct request *request, json_t **result, struct failure *f)
{
	json_int_t only = json_integer_value(request_field(request, "kernel_id"));
	struct listing l = { .f = f,
			     .with_holders = request_flag(request, "holders"),
			     .brief = request_flag(request, "brief") };
	struct buf incomplete = { 0 };
	int err = read_kinds(request, &l, f);
	size_t k;

	if (!err && only > UINT32_MAX)
		err = fail_request(f, "field 'kernel_id': no id is that large");
	if (!err)
		err = read_known(request, &l);
	for (k = 0; k < 3; k++)
		l.rows[k] = json_array();
	if (!err && (!l.rows[0] || !l.rows[1] || !l.rows[2]))
		err = fail_nomem(f);
	f->stage = STAGE_REQUEST;
	if (!err)
		err = list(&l, (__u32)only, &incomplete);
	if (!err && (buf_error(&incomplete) || buf_error(&l.unseen)))
		err = fail_nomem(f);
	if (!err) {
		const char *why = incomplete.len ? incomplete.data : l.unseen.data;

		*result = json_pack("{sO sO sO so so}", kinds[0].key, l.rows[0], kinds[1].key,
				    l.rows[1], kinds[2].key, l.rows[2], "gone",
				    gone(&l.known, &incomplete), "incomplete", wire_json(why));
		if (!*result)
			err = fail_nomem(f);
	}
	for (k = 0; k < 3; k++)
		json_decref(l.rows[k]);
	holders_free(&l.holders);
	free(l.links);
	buf_free(&incomplete);
	buf_free(&l.unseen);
	free(l.known.ids);
	free(l.known.seen);
	return err;
}

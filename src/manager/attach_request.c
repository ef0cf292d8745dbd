/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is asked of the worker to attach a program, and what its answer says. */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "kernel/protocol/protocol.h"
#include "manager/internal.h"

/*
 * Where another link is to be: by the pin of ours that it is, so that no id is mistaken, or by its
 * kernel id. NULL where that one is only planned, in a dry run: nobody can be asked about it.
 */
static int anchor(struct manager *m, const char *key, const char *text, char **value,
		  struct error *e)
{
	struct db_link l = { 0 };
	struct buf place = { 0 };
	struct named named;
	struct look look;
	uint64_t id;
	int r;

	r = manager_resolve(m, text, WANT_LINK, &named, e);
	if (r == -ENOENT && (!strncmp(text, "kernel:", 7) || !strncmp(text, "k:", 2)) &&
	    parse_u64(strchr(text, ':') + 1, &id)) {
		error_clear(e);
		buf_printf(&place, "link:%llu", (unsigned long long)id);
		r = 0;
		goto out;
	}
	if (r)
		return error_context(e, "--%s", key);
	r = db_link_get(m->db, named.id, &l, e);
	if (r)
		return r == -ENOENT ? error_set(e, ENOENT, "link %s is gone", text) : r;
	look = manager_look_link(m, &l);
	if (look.sight == SIGHT_LOST || look.sight == SIGHT_TARGET_GONE)
		r = error_set(e, ENOENT, "--%s %s: link %lld is not attached any more: %s (%s)",
			      key, text, (long long)l.id, sight_name(look.sight), look.reason);
	else if (l.pin)
		buf_printf(&place, "pin:%s", l.pin);
out:
	if (!r && buf_error(&place))
		r = error_nomem(e);
	*value = r || !place.len ? NULL : buf_take(&place);
	buf_free(&place);
	db_link_clear(&l);
	return r;
}

static bool is_anchor(const char *key)
{
	return !strcmp(key, "before") || !strcmp(key, "after");
}

/* The options as they were typed, or, with m, as the worker takes them. */
static int options_json(struct manager *m, const struct manager_attachment *what, json_t **options,
			struct error *e)
{
	int r = 0;

	*options = json_object();
	if (!*options)
		return error_nomem(e);
	for (size_t i = 0; !r && i < what->option_count; i++) {
		const struct manager_pair *o = &what->options[i];
		bool planned = false;
		char *value = NULL;

		if (m && is_anchor(o->key)) {
			r = anchor(m, o->key, o->value, &value, e);
			planned = !value;
		}
		if (!r && !planned &&
		    json_object_set_new(*options, o->key, wire_json(value ? value : o->value)))
			r = error_nomem(e);
		free(value);
	}
	return r;
}

/* Adds what was asked for to an object. */
static int add_attachment(struct manager *m, const struct manager_attachment *what, json_t *to,
			  struct error *e)
{
	json_t *options = NULL;
	int r = options_json(m, what, &options, e);

	if (!r && ((what->type && json_object_set_new(to, "type", wire_json(what->type))) ||
		   (what->target && json_object_set_new(to, "target", wire_json(what->target))) ||
		   (what->option_count && json_object_set(to, "options", options))))
		r = error_nomem(e);
	json_decref(options);
	return r;
}

int attach_options(const struct manager_attachment *what, char **text, struct error *e)
{
	json_t *options = json_object();
	int r = options ? add_attachment(NULL, what, options, e) : error_nomem(e);

	*text = r ? NULL : json_dumps(options, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(options);
	return !r && !*text ? error_nomem(e) : r;
}

int attach_request(struct manager *m, const struct manager_attachment *what,
		   const struct db_program *p, json_t **request, struct error *e)
{
	int r = 0;

	/* In a dry run a program may be only planned. */
	*request = json_pack("{ss so}", "op", "attach", p->pin ? "program_pin" : "program_type",
			     wire_json(p->pin ? p->pin : p->type));
	if (!*request ||
	    (p->section && json_object_set_new(*request, "section", wire_json(p->section))) ||
	    (p->attach_type &&
	     json_object_set_new(*request, "attach_type", wire_json(p->attach_type))))
		r = error_nomem(e);
	if (!r)
		r = add_attachment(m, what, *request, e);
	if (r) {
		json_decref(*request);
		*request = NULL;
	}
	return r;
}

int attach_read_row(const json_t *row, struct db_link *l, struct error *e)
{
	const json_t *target = json_object_get(row, "target");

	l->type = answer_bytes(row, "type");
	l->attach_type = answer_bytes(row, "attach_type");
	l->target_text = answer_bytes(row, "target_text");
	l->target =
		json_is_object(target) ? json_dumps(target, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	l->identity = (struct db_identity){
		.dev = answer_u64(row, "pin_dev"),
		.ino = answer_u64(row, "pin_ino"),
		.kernel_id = (uint32_t)answer_int(row, "kernel_id"),
	};
	if (!l->type || !l->target_text || !l->target)
		return error_set(e, EPROTO, "the worker's answer lacks what was attached");
	return 0;
}

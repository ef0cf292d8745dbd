/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running a program on given data: it may write to maps, so it is done like a change. */
#include "manager/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/protocol/protocol.h"

static int add_bytes(json_t *request, const char *field, const void *bytes, size_t len)
{
	size_t size;
	char *text = bytes ? base64_encode(bytes, len, &size) : NULL;
	int lost =
		bytes && (!text || json_object_set_new(request, field, json_stringn(text, size)));

	free(text);
	return lost;
}

static int add_digits(json_t *request, const char *field, uint64_t number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, number);
	return json_object_set_new(request, field, json_string(digits));
}

/* NULL: lost memory. */
static json_t *about_run(const struct db_program *p, const struct manager_run *run)
{
	json_t *request = json_pack("{ss}", "op", "run");
	int lost = json_object_set_new(request, "name", wire_json(p->name)) ||
		   json_object_set_new(request, "pin_path", wire_json(p->pin)) ||
		   add_digits(request, "pin_dev", p->identity.dev) ||
		   add_digits(request, "pin_ino", p->identity.ino) ||
		   json_object_set_new(request, "kernel_id", json_integer(p->identity.kernel_id)) ||
		   add_bytes(request, "data", run->data, run->data_len) ||
		   add_bytes(request, "ctx", run->ctx, run->ctx_len);

	if (run->repeat)
		lost |= json_object_set_new(request, "repeat", json_integer(run->repeat));
	if (run->cpu >= 0)
		lost |= json_object_set_new(request, "cpu", json_integer(run->cpu));
	if (run->data_out)
		lost |= json_object_set_new(request, "data_out", json_true());
	if (!lost)
		return request;
	json_decref(request);
	return NULL;
}

static int not_there(const struct db_program *p, struct look look, struct error *e)
{
	return error_set(e, look.sight == SIGHT_LOST ? ENOENT : EAGAIN,
			 "program %lld \"%s\" is %s%s%s", (long long)p->id, p->name,
			 sight_name(look.sight), look.reason ? ": " : "",
			 look.reason ? look.reason : "");
}

int manager_run(struct manager *m, int64_t program_id, const struct manager_run *run,
		json_t **result, struct error *e)
{
	struct db_program p = { 0 };
	struct look look;
	json_t *answer = NULL;
	struct db *db;
	int r;

	*result = NULL;
	r = manager_lock(m, e);
	if (!r)
		r = manager_db(m, &db, e);
	if (!r)
		r = db_program_get(db, program_id, &p, e);
	if (r == -ENOENT && !e->err)
		r = error_set(e, ENOENT, "there is no program %lld", (long long)program_id);
	if (r)
		goto out;
	event_about(m, DB_PROGRAM, p.id, p.name);
	look = manager_look_program(m, &p);
	if (look.sight != SIGHT_LOADED) {
		r = not_there(&p, look, e);
	} else if (!m->config.dry_run) {
		r = manager_do(m, p.name, about_run(&p, run), &answer, e);
		if (r == -EPIPE || r == -EINTR)
			error_hint(e, "whether the program ran is not known; what it wrote to maps "
				      "stays");
		if (!r)
			*result = json_incref(json_object_get(answer, "result"));
	}
out:
	manager_unlock(m);
	json_decref(answer);
	db_program_clear(&p);
	return r;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One link runs another program from now on, under a second name where that is wanted. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/worker/link.h"
#include "kernel/worker/pins.h"
#include "kernel/worker/request.h"

/* One pin of the request. */
struct pinned {
	struct place place;
	struct stat st;
	int fd;
	__u32 program; /* the kernel's id of it, or of what a link runs */
};

struct move_link {
	const struct request *request;
	struct failure *f;
	struct pinned link, program, from;
	struct place second;
	struct undo undo;
};

static int open_pin(struct move_link *m, const char *field, enum pin_kind kind, struct pinned *p)
{
	char *path;
	int err = request_string(m->request, field, &path, m->f);

	if (!err)
		err = pin_open(field, path, &p->place, &p->st, &p->fd, m->f);
	if (!err && pin_kind(p->fd) != kind)
		err = fail(m->f, STAGE_PIN, REASON_OTHER, EINVAL, "%s is no %s", path,
			   kind == PIN_LINK ? "link" : "program");
	free(path);
	return err;
}

static int open_program(struct move_link *m, const char *field, struct pinned *p)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	int err = open_pin(m, field, PIN_PROGRAM, p);

	if (err)
		return err;
	if (bpf_obj_get_info_by_fd(p->fd, &info, &len))
		return fail(m->f, STAGE_ATTACH, REASON_OTHER, errno,
			    "the kernel tells nothing about program %s: %s", p->place.path,
			    strerror(errno));
	p->program = info.id;
	return 0;
}

static int find_second(struct move_link *m)
{
	char *path, *clean = NULL;
	int err = request_string(m->request, "second", &path, m->f);

	if (!err && path)
		err = path_clean(path, "second", &clean, m->f);
	if (!err && path)
		err = place_find_new(&m->second, clean, m->f);
	free(path);
	return err;
}

static int name_again(struct move_link *m)
{
	int dir, err;

	if (!m->second.path)
		return 0;
	dir = place_fd(&m->second);
	err = undo_note(&m->undo, dir, m->second.base, false, m->f);
	if (err)
		return err;
	if (!linkat(place_fd(&m->link.place), m->link.place.base, dir, m->second.base, 0))
		return 0;
	err = errno;
	undo_drop(&m->undo);
	return fail(m->f, STAGE_PIN, REASON_OTHER, err, "cannot link at %s: %s", m->second.path,
		    strerror(err));
}

/* *why: what keeps it from moving though nothing went wrong. */
static int update(struct move_link *m, const char **why)
{
	LIBBPF_OPTS(bpf_link_update_opts, opts, .flags = BPF_F_REPLACE, .old_prog_fd = m->from.fd);
	struct abi_link_info info;
	int err = link_read(m->link.fd, &info, NULL, m->f);

	if (err)
		return err;
	if (link_target_gone(&info))
		*why = "its target is gone";
	else if (info.prog_id != m->program.program && info.prog_id != m->from.program)
		*why = "it runs a program of somebody else's";
	if (*why || info.prog_id == m->program.program ||
	    !bpf_link_update(m->link.fd, m->program.fd, &opts))
		return 0;
	err = -errno;
	if (err == -ENOLINK || err == -ENODEV) {
		*why = "its target is gone";
		return 0;
	}
	fail(m->f, STAGE_ATTACH, REASON_OTHER, -err, "link %s cannot be moved to program %s: %s",
	     m->link.place.path, m->program.place.path, strerror(-err));
	return err == -EINVAL ? error_hint(&m->f->error, "the program is for another type of "
							 "attachment")
			      : err;
}

static void close_pinned(struct pinned *p)
{
	if (p->fd >= 0)
		close(p->fd);
	place_free(&p->place);
}

int handle_MOVE_LINK(const struct request *request, json_t **result, struct failure *f)
{
	struct move_link m = {
		.request = request,
		.f = f,
		.link = { .place = PLACE_INIT, .fd = -1 },
		.program = { .place = PLACE_INIT, .fd = -1 },
		.from = { .place = PLACE_INIT, .fd = -1 },
		.second = PLACE_INIT,
	};
	const char *why = NULL;
	int err = open_pin(&m, "link", PIN_LINK, &m.link);

	if (!err)
		err = open_program(&m, "program", &m.program);
	if (!err)
		err = open_program(&m, "from", &m.from);
	if (!err)
		err = find_second(&m);
	if (!err)
		err = name_again(&m);
	/* Built before the point of no return. */
	if (!err) {
		*result = json_object();
		err = *result && !json_object_set_new(*result, "why", json_null()) &&
				      !json_object_set_new(*result, "moved", json_true())
			      ? 0
			      : fail_nomem(f);
	}
	if (!err)
		err = update(&m, &why);
	if (!err && why &&
	    (json_object_set_new(*result, "why", json_string(why)) ||
	     json_object_set_new(*result, "moved", json_false())))
		err = fail_nomem(f);
	if (err || why)
		undo_run(&m.undo, f);
	if (err) {
		json_decref(*result);
		*result = NULL;
	}
	undo_free(&m.undo);
	close_pinned(&m.link);
	close_pinned(&m.program);
	close_pinned(&m.from);
	place_free(&m.second);
	return err;
}

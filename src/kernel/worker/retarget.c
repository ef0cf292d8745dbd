/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One build of an object takes another's place: its links are pointed at the other programs, and
 * the directories of pins change places. Either can be done again, and the other way round.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/worker/link.h"
#include "kernel/worker/pins.h"
#include "kernel/worker/request.h"

struct retarget {
	const struct request *request;
	struct failure *f;
	char *dir, *other;
	int dir_fd, other_fd;
	json_t *moved, *kept;
	struct move {
		int link, program, from;
	} * moves; /* for taking them back */
	size_t count;
};

/* ---- paths ---- */

static int open_dir(const struct request *request, const char *field, char **clean, int *fd,
		    struct failure *f)
{
	char *path;
	int err = request_string(request, field, &path, f);

	if (!err)
		err = path_clean(path, field, clean, f);
	free(path);
	if (err)
		return err;
	*fd = directory_open(*clean);
	if (*fd < 0)
		return fail(f, STAGE_PIN, REASON_OTHER, -*fd, "cannot open %s: %s", *clean,
			    strerror(-*fd));
	if (!is_bpffs(*fd))
		return fail(f, STAGE_PIN, REASON_NOT_BPFFS, EPERM, "%s is not in a BPF file system",
			    *clean);
	return 0;
}

/* A pin's name in a directory, from the wire; caller frees. */
static int pin_name(const char *wire, const char *field, char **name, struct failure *f)
{
	size_t len;

	if (wire_decode(wire, name, &len))
		return fail_request(f, "field '%s': a backslash must begin \\xNN or \\\\", field);
	if (strlen(*name) == len && len && len < PIN_NAME && !strchr(*name, '/') &&
	    !strchr(*name, '.'))
		return 0;
	free(*name);
	*name = NULL;
	return fail_request(f, "field '%s': '%s' is not the name of a pin", field, wire);
}

static int tell_moved(struct retarget *r, const char *path)
{
	return json_array_append_new(r->moved, wire_json(path)) ? fail_nomem(r->f) : 0;
}

/* foreign: what is there runs something that is neither build's. */
static int tell_kept(struct retarget *r, const char *path, const char *why, bool foreign)
{
	json_t *item = json_pack("{s:o, s:s, s:b}", "path", wire_json(path), "why", why, "foreign",
				 foreign);

	return json_array_append_new(r->kept, item) ? fail_nomem(r->f) : 0;
}

/* ---- links ---- */

static int open_pin(struct retarget *r, int dirfd, const char *dir, const char *name)
{
	int fd = pin_get(dirfd, name);

	if (fd < 0)
		fail(r->f, STAGE_PIN, REASON_OTHER, -fd, "cannot open %s/%s: %s", dir, name,
		     strerror(-fd));
	return fd;
}

static int program_id(struct retarget *r, int fd, const char *name, __u32 *id)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return fail(r->f, STAGE_ATTACH, REASON_OTHER, errno,
			    "the kernel tells nothing about program %s: %s", name, strerror(errno));
	*id = info.id;
	return 0;
}

static int remember(struct retarget *r, struct move move)
{
	struct move *grown = realloc(r->moves, (r->count + 1) * sizeof(*grown));

	if (!grown)
		return fail_nomem(r->f);
	r->moves = grown;
	r->moves[r->count++] = move;
	return 0;
}

static int update(int link, int program, int old)
{
	LIBBPF_OPTS(bpf_link_update_opts, opts, .flags = BPF_F_REPLACE, .old_prog_fd = old);

	return bpf_link_update(link, program, &opts) ? -errno : 0;
}

/* 0 also where the link's target is gone. Once it has moved, the descriptors are kept for undoing.
 */
static int swap(struct retarget *r, const char *path, struct move move, bool *taken)
{
	int err = remember(r, move);

	if (err)
		return err;
	err = update(move.link, move.program, move.from);
	if (!err) {
		*taken = true;
		return tell_moved(r, path);
	}
	r->count--; /* nothing to undo */
	if (err == -ENOLINK || err == -ENODEV)
		return tell_kept(r, path, "its target is gone", false);
	fail(r->f, STAGE_ATTACH, REASON_OTHER, -err,
	     "link %s cannot be moved to another program: %s", path, strerror(-err));
	return err == -EINVAL
		       ? error_hint(&r->f->error, "the new build's program is for another type of "
						  "attachment: detach the link first")
		       : err;
}

static int move_open_link(struct retarget *r, const char *path, const char *program_name,
			  struct move *move, bool *taken)
{
	struct abi_link_info info;
	__u32 id = 0, old_id = 0;
	int err = link_read(move->link, &info, NULL, r->f);

	if (err)
		return err;
	/* Whatever it runs, it runs no more, and the kernel would not move it. */
	if (link_target_gone(&info))
		return tell_kept(r, path, "its target is gone", false);
	move->program = open_pin(r, r->dir_fd, r->dir, program_name);
	if (move->program < 0)
		return move->program;
	err = program_id(r, move->program, program_name, &id);
	if (err || info.prog_id == id)
		return err;
	move->from = open_pin(r, r->other_fd, r->other, program_name);
	if (move->from < 0)
		return move->from;
	err = program_id(r, move->from, program_name, &old_id);
	if (!err && info.prog_id != old_id)
		return tell_kept(r, path, "it runs a program of somebody else's", true);
	return err ? err : swap(r, path, *move, taken);
}

static void close_move(const struct move *move)
{
	const int fds[] = { move->link, move->program, move->from };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int move_link(struct retarget *r, const char *link_name, const char *program_name)
{
	struct move move = { .program = -1, .from = -1 };
	struct buf path = { 0 };
	bool taken = false;
	int err;

	move.link = open_pin(r, r->dir_fd, r->dir, link_name);
	if (move.link < 0)
		return move.link;
	buf_printf(&path, "%s/%s", r->dir, link_name);
	err = buf_error(&path) ? fail_nomem(r->f)
			       : move_open_link(r, buf_text(&path), program_name, &move, &taken);
	if (!taken)
		close_move(&move);
	buf_free(&path);
	return err;
}

static int move_links(struct retarget *r)
{
	json_t *links = json_object_get(r->request->json, "links");
	const char *key;
	json_t *value;
	int err = 0;

	json_object_foreach (links, key, value) {
		char *link = NULL, *program = NULL;

		err = pin_name(key, "links", &link, r->f);
		if (!err)
			err = pin_name(json_string_value(value), "links", &program, r->f);
		if (!err)
			err = move_link(r, link, program);
		free(link);
		free(program);
		if (err)
			break;
	}
	return err;
}

static void take_back(struct retarget *r)
{
	for (size_t i = r->count; i--;) {
		int err = update(r->moves[i].link, r->moves[i].from, r->moves[i].program);

		if (!err || err == -ENOLINK || err == -ENODEV)
			continue;
		error_detail(&r->f->error, "a link could not be moved back: %s", strerror(-err));
		r->f->left_behind = true;
	}
}

/* ---- second names ---- */

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/*
 * The name in between, from which one rename puts the pin in its place: derived from the path, so
 * that whoever does this again after a kill finds it.
 */
static void name_between(const char *base, char between[PIN_NAME])
{
	snprintf(between, PIN_NAME, "%.240s_bpfman", base);
}

static int replace_name(struct retarget *r, const struct place *p, const char *program,
			const struct stat *wanted, const struct stat *old)
{
	char between[PIN_NAME];
	struct stat st;

	name_between(p->base, between);
	if (!fstatat(place_fd(p), between, &st, AT_SYMLINK_NOFOLLOW)) {
		if (!same(&st, wanted) && !(old && same(&st, old)))
			return fail(r->f, STAGE_PIN, REASON_PIN_TAKEN, EEXIST,
				    "%s beside %s is in the way", between, p->path);
		unlinkat(place_fd(p), between, 0);
	}
	if (linkat(r->dir_fd, program, place_fd(p), between, 0))
		return fail(r->f, STAGE_PIN, REASON_OTHER, errno, "cannot link at %s: %s", p->path,
			    strerror(errno));
	if (renameat(place_fd(p), between, place_fd(p), p->base)) {
		int err = errno;

		unlinkat(place_fd(p), between, 0);
		return fail(r->f, STAGE_PIN, REASON_OTHER, err, "cannot rename to %s: %s", p->path,
			    strerror(err));
	}
	return tell_moved(r, p->path);
}

static void drop_between(const struct place *p, const struct stat *wanted, const struct stat *old)
{
	char between[PIN_NAME];
	struct stat st;

	name_between(p->base, between);
	if (!fstatat(place_fd(p), between, &st, AT_SYMLINK_NOFOLLOW) &&
	    (same(&st, wanted) || (old && same(&st, old))))
		unlinkat(place_fd(p), between, 0);
}

static int move_name(struct retarget *r, const struct place *p, const char *program)
{
	struct stat wanted, old, st;
	bool has_old;

	if (fstatat(r->dir_fd, program, &wanted, AT_SYMLINK_NOFOLLOW))
		return fail(r->f, STAGE_PIN, REASON_OTHER, errno, "%s/%s: %s", r->dir, program,
			    strerror(errno));
	has_old = !fstatat(r->other_fd, program, &old, AT_SYMLINK_NOFOLLOW);
	if (p->rest != p->base || fstatat(place_fd(p), p->base, &st, AT_SYMLINK_NOFOLLOW))
		return tell_kept(r, p->path, "does not exist any more", false);
	if (same(&st, &wanted)) {
		drop_between(p, &wanted, has_old ? &old : NULL);
		return 0;
	}
	if (!has_old || !same(&st, &old))
		return tell_kept(r, p->path, "is another object", false);
	return replace_name(r, p, program, &wanted, &old);
}

static int move_names(struct retarget *r)
{
	json_t *names = json_object_get(r->request->json, "names");
	const char *key;
	json_t *value;
	int err = 0;

	json_object_foreach (names, key, value) {
		struct place place = PLACE_INIT;
		char *path = NULL, *clean = NULL, *program = NULL;
		size_t len;

		if (wire_decode(key, &path, &len) || strlen(path) != len)
			err = fail_request(r->f, "field 'names': '%s' is no path", key);
		if (!err)
			err = path_clean(path, "names", &clean, r->f);
		if (!err)
			err = place_find(&place, clean, r->f);
		if (!err)
			err = pin_name(json_string_value(value), "names", &program, r->f);
		if (!err)
			err = move_name(r, &place, program);
		place_free(&place);
		free(path);
		free(program);
		if (err)
			break;
	}
	return err;
}

/* ---- the operations ---- */

int handle_RETARGET(const struct request *request, json_t **result, struct failure *f)
{
	struct retarget r = {
		.request = request,
		.f = f,
		.dir_fd = -1,
		.other_fd = -1,
		.moved = json_array(),
		.kept = json_array(),
	};
	int err = r.moved && r.kept ? 0 : fail_nomem(f);

	if (!err)
		err = open_dir(request, "dir", &r.dir, &r.dir_fd, f);
	if (!err)
		err = open_dir(request, "other", &r.other, &r.other_fd, f);
	if (!err)
		err = move_links(&r);
	if (!err)
		err = move_names(&r);
	if (!err) {
		*result = json_pack("{s:O, s:O}", "moved", r.moved, "kept", r.kept);
		err = *result ? 0 : fail_nomem(f);
	}
	if (err)
		take_back(&r);
	for (size_t i = 0; i < r.count; i++)
		close_move(&r.moves[i]);
	free(r.moves);
	json_decref(r.moved);
	json_decref(r.kept);
	if (r.dir_fd >= 0)
		close(r.dir_fd);
	if (r.other_fd >= 0)
		close(r.other_fd);
	free(r.dir);
	free(r.other);
	return err;
}

static int find_directory(const struct request *request, const char *field, struct place *p,
			  struct failure *f)
{
	char *path, *clean = NULL;
	struct stat st;
	int err = request_string(request, field, &path, f);

	if (!err)
		err = path_clean(path, field, &clean, f);
	if (!err)
		err = place_find(p, clean, f);
	free(path);
	if (err)
		return err;
	if (p->rest != p->base || fstatat(place_fd(p), p->base, &st, AT_SYMLINK_NOFOLLOW))
		return fail(f, STAGE_PIN, REASON_OTHER, ENOENT, "%s does not exist", p->path);
	if (!S_ISDIR(st.st_mode))
		return fail(f, STAGE_PIN, REASON_BAD_PATH, ENOTDIR, "%s is not a directory",
			    p->path);
	return 0;
}

static bool in_one_directory(const struct place *a, const struct place *b)
{
	size_t len = a->base - a->path;

	return (size_t)(b->base - b->path) == len && !memcmp(a->path, b->path, len);
}

int handle_EXCHANGE(const struct request *request, json_t **result, struct failure *f)
{
	struct place a = PLACE_INIT, b = PLACE_INIT;
	int err = find_directory(request, "a", &a, f);

	if (!err)
		err = find_directory(request, "b", &b, f);
	if (!err && !in_one_directory(&a, &b))
		err = fail_request(f, "'a' and 'b' must be in the same directory");
	if (err)
		goto out;
	/* Built before the point of no return. */
	*result = json_pack("{s:b}", "exchanged", 1);
	if (!*result) {
		err = fail_nomem(f);
	} else if (renameat2(place_fd(&a), a.base, place_fd(&a), b.base, RENAME_EXCHANGE)) {
		json_decref(*result);
		*result = NULL;
		err = fail(f, STAGE_PIN, REASON_OTHER, errno, "cannot exchange %s and %s: %s",
			   a.path, b.path, strerror(errno));
	}
out:
	place_free(&a);
	place_free(&b);
	return err;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where one job works. All of it is in a mount namespace of its own: when the job ends, however it
 * does, its bpffs goes, and with it every pin. Nothing of it is on the machine's own file systems.
 */
#include "sweep.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A directory that is there wherever there is bpf(2), and under which nobody has a source tree. */
#define MOUNTED_AT "/sys/fs/bpf"

/* Beginnings of names in the examples, as long as a token. */
static const struct example {
	const char *file;
	const char *names[4];
} examples_used[] = {
	{ "multi", { "multi_", "traffi", "sample" } },
	{ "by_name", { "by_nam", "blockl" } },
	{ "xdp_pass", { "xdp_pa", "counte" } },
	{ "profile", { "profil", "sample" } },
};

const char *place_refused(void)
{
	uint32_t id;

	if (geteuid())
		return "it needs root";
	if (bpf_prog_get_next_id(0, &id) && errno != ENOENT)
		return "bpf(2) is not permitted here";
	return NULL;
}

static void join(char *path, const char *dir, const char *name)
{
	if (snprintf(path, PLACE_PATH, "%s/%s", dir, name) >= PLACE_PATH)
		errx(2, "%s/%s: too long", dir, name);
}

/* Different for each job that runs at the same time, here or in another tree. */
static void make_token(char token[TOKEN + 1])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	struct timespec now;
	uint32_t number;

	clock_gettime(CLOCK_MONOTONIC, &now);
	number = (uint32_t)getpid() * 16 + ((uint32_t)now.tv_nsec / 1000) % 16;
	token[0] = 'x';
	for (int i = 1; i < TOKEN; i++, number /= 36)
		token[i] = digits[number % 36];
	token[TOKEN] = '\0';
}

static char *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	char *bytes;
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0)
		err(2, "%s", path);
	rewind(f);
	bytes = malloc((size_t)size + 1);
	if (!bytes || fread(bytes, 1, (size_t)size, f) != (size_t)size)
		err(2, "%s", path);
	fclose(f);
	*len = (size_t)size;
	return bytes;
}

static void write_file(const char *path, const char *bytes, size_t len)
{
	FILE *f = fopen(path, "we");

	if (!f || fwrite(bytes, 1, len, f) != len || fclose(f))
		err(2, "%s", path);
}

/*
 * An example under names of this job's own: in the symbols, in BTF, wherever they stand. And again
 * as another build of it, "new_NAME": the same but for a byte behind all sections.
 */
static void copy_example(const struct place *p, const char *examples, const struct example *x)
{
	char from[PLACE_PATH], to[PLACE_PATH], again[PLACE_PATH];
	char *bytes;
	size_t len;

	if (snprintf(from, sizeof(from), "%s/%s.bpf.o", examples, x->file) >= (int)sizeof(from) ||
	    snprintf(to, sizeof(to), "%s/%s%s.bpf.o", p->dir, p->token, x->file) >=
		    (int)sizeof(to) ||
	    snprintf(again, sizeof(again), "%s/%snew_%s.bpf.o", p->dir, p->token, x->file) >=
		    (int)sizeof(again))
		errx(2, "%s: too long", examples);
	bytes = read_file(from, &len);
	for (size_t i = 0; x->names[i]; i++) {
		char *at = bytes;
		bool any = false;

		while ((at = memmem(at, len - (size_t)(at - bytes), x->names[i], TOKEN))) {
			memcpy(at, p->token, TOKEN);
			any = true;
		}
		if (!any)
			errx(2, "%s has no name that begins with %s", from, x->names[i]);
	}
	write_file(to, bytes, len);
	bytes[len] = '\0'; /* read_file() leaves room for it */
	write_file(again, bytes, len + 1);
	free(bytes);
}

void place_enter(struct place *p, const char *examples, const char *worker)
{
	memset(p, 0, sizeof(*p));
	p->worker = worker;
	make_token(p->token);
	strcpy(p->dir, MOUNTED_AT);
	if (unshare(CLONE_NEWNET))
		err(2, "a network namespace");
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		err(2, "a mount namespace");
	if (mount("tmpfs", p->dir, "tmpfs", 0, "mode=700"))
		err(2, "tmpfs at %s", p->dir);
	join(p->bpffs, p->dir, "bpf");
	join(p->root, p->bpffs, "root");
	join(p->db_dir, p->dir, "db");
	join(p->db, p->dir, "db/bpfman.db");
	join(p->saved, p->bpffs, "saved");
	join(p->saved_db, p->dir, "saved_db");
	join(p->out, p->dir, "out");
	join(p->err, p->dir, "err");
	if (mkdir(p->bpffs, 0700) || mount("bpf", p->bpffs, "bpf", 0, "mode=700"))
		err(2, "bpffs at %s", p->bpffs);
	for (size_t i = 0; i < sizeof(examples_used) / sizeof(examples_used[0]); i++)
		copy_example(p, examples, &examples_used[i]);
}

/* bpffs itself has two iterators to read at its top (kernel/bpf/preload). */
static bool is_not_bpfmans(const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	return !strcmp(name, "progs.debug") || !strcmp(name, "maps.debug") ||
	       !strcmp(name, "saved");
}

/* Directories are told before what is in them, or, with last, after it. */
static void walk(const char *dir, bool last, place_fn fn, void *data)
{
	const struct dirent *entry;
	DIR *d = opendir(dir);
	char path[2 * PLACE_PATH];

	if (!d) {
		if (errno != ENOENT)
			err(2, "%s", dir);
		return;
	}
	while ((entry = readdir(d))) {
		bool directory = entry->d_type == DT_DIR;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >= (int)sizeof(path))
			errx(2, "%s/%s: too long", dir, entry->d_name);
		if (is_not_bpfmans(path))
			continue;
		if (!last)
			fn(data, path, directory);
		if (directory)
			walk(path, last, fn, data);
		if (last)
			fn(data, path, directory);
	}
	closedir(d);
}

void place_walk(const struct place *p, place_fn fn, void *data)
{
	walk(p->bpffs, false, fn, data);
}

static void detach_entry(void *data, const char *path, bool directory)
{
	int fd = directory ? -1 : bpf_obj_get(path);

	(void)data;
	if (fd < 0)
		return;
	bpf_link_detach(fd); /* EINVAL: it is no link */
	close(fd);
}

void place_detach(const struct place *p)
{
	walk(p->bpffs, true, detach_entry, NULL);
}

static void remove_entry(void *data, const char *path, bool directory)
{
	(void)data;
	if (directory ? rmdir(path) : unlink(path))
		err(2, "%s", path);
}

static void remove_tree(const char *path)
{
	walk(path, true, remove_entry, NULL);
	if (rmdir(path) && errno != ENOENT)
		err(2, "%s", path);
}

void place_clean(const struct place *p)
{
	walk(p->bpffs, true, remove_entry, NULL);
	remove_tree(p->db_dir);
}

void place_unpin(const struct place *p, const char *pattern)
{
	char path[2 * PLACE_PATH];
	glob_t found;

	snprintf(path, sizeof(path), "%s/%s", p->root, pattern);
	if (glob(path, GLOB_BRACE, NULL, &found))
		errx(2, "nothing is pinned at %s", path);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *pin = found.gl_pathv[i];
		struct stat st;

		if (lstat(pin, &st))
			err(2, "%s", pin);
		/* A link that only loses its pin lets go later, and its place is taken until then.
		 */
		if (S_ISDIR(st.st_mode)) {
			walk(pin, true, detach_entry, NULL);
			remove_tree(pin);
		} else {
			detach_entry(NULL, pin, false);
			remove_entry(NULL, pin, false);
		}
	}
	globfree(&found);
}

struct copying {
	const char *from, *to;
	void (*copy)(const char *from, const char *to);
};

static void copy_entry(void *data, const char *path, bool directory)
{
	const struct copying *c = data;
	char to[2 * PLACE_PATH];

	if (snprintf(to, sizeof(to), "%s%s", c->to, path + strlen(c->from)) >= (int)sizeof(to))
		errx(2, "%s: too long", path);
	if (!directory)
		c->copy(path, to);
	else if (mkdir(to, 0700))
		err(2, "%s", to);
}

/* A second name is what keeps a pin its inode. */
static void copy_pin(const char *from, const char *to)
{
	if (link(from, to))
		err(2, "%s", to);
}

static void copy_file(const char *from, const char *to)
{
	size_t len;
	char *bytes = read_file(from, &len);

	write_file(to, bytes, len);
	free(bytes);
}

static void copy_tree(const char *from, const char *to,
		      void (*copy)(const char *from, const char *to))
{
	struct copying c = { from, to, copy };

	if (mkdir(to, 0700) && errno != EEXIST)
		err(2, "%s", to);
	walk(from, false, copy_entry, &c);
}

void place_save(const struct place *p)
{
	remove_tree(p->saved);
	remove_tree(p->saved_db);
	copy_tree(p->bpffs, p->saved, copy_pin);
	if (!access(p->db_dir, F_OK))
		copy_tree(p->db_dir, p->saved_db, copy_file);
}

void place_restore(const struct place *p)
{
	place_clean(p);
	copy_tree(p->saved, p->bpffs, copy_pin);
	if (!access(p->saved_db, F_OK))
		copy_tree(p->saved_db, p->db_dir, copy_file);
}

static void expand(const struct place *p, FILE *to, const char *word, int len)
{
	if (*word == '@')
		fprintf(to, "%s/%s%.*s.bpf.o", p->dir, p->token, len - 1, word + 1);
	else if (*word == '=')
		fprintf(to, "%s%.*s", p->token, len - 1, word + 1);
	else if (*word == '^')
		fprintf(to, "%s/%.*s", p->bpffs, len - 1, word + 1);
	else
		fprintf(to, "%.*s", len, word);
}

char *place_word(const struct place *p, const char *text)
{
	char *out = NULL;
	size_t size;
	FILE *to = open_memstream(&out, &size);

	while (to && *text) {
		size_t len = strcspn(text, " ;"), blanks = strspn(text + len, " ;");

		expand(p, to, text, (int)len);
		fprintf(to, "%.*s", (int)blanks, text + len);
		text += len + blanks;
	}
	if (!to || fclose(to))
		err(2, "memory");
	return out;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/grow.h"
#include "kernel/protocol/protocol.h"
#include "kernel/worker/holders.h"

enum { FDINFO = 4096 };

/* Reads a small file of /proc; its length, -1 when it cannot be read. */
static ssize_t read_at(int dir, const char *path, char *text, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

/* A line "link_id:\t7"; a link's lines have the id of its program too, so the order counts. */
static bool identify(const char *fdinfo, struct holder *holder)
{
	static const struct {
		const char *line;
		enum walk_kind kind;
	} lines[] = {
		{ "\nlink_id:", WALK_LINK },
		{ "\nmap_id:", WALK_MAP },
		{ "\nprog_id:", WALK_PROGRAM },
	};
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const char *found = strstr(fdinfo, lines[i].line);

		if (!found)
			continue;
		holder->kind = lines[i].kind;
		holder->id = strtoul(found + strlen(lines[i].line), NULL, 10);
		return true;
	}
	return false;
}

static int add(struct holders *h, const struct holder *holder)
{
	struct holder *grown = grow(h->list, h->count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	h->list = grown;
	h->list[h->count++] = *holder;
	return 0;
}

static int scan_descriptor(struct holders *h, int process, const char *fd, struct holder *holder)
{
	char path[300], target[64], text[FDINFO];
	ssize_t n;

	snprintf(path, sizeof(path), "fd/%s", fd);
	n = readlinkat(process, path, target, sizeof(target) - 1);
	if (n < 0)
		return 0;
	target[n] = '\0';
	if (strncmp(target, "anon_inode:bpf", strlen("anon_inode:bpf")) != 0)
		return 0;
	snprintf(path, sizeof(path), "fdinfo/%s", fd);
	if (read_at(process, path, text, sizeof(text)) <= 0 || !identify(text, holder))
		return 0;
	if (!holder->comm[0]) {
		/* One that ended meanwhile holds nothing any more. */
		if (read_at(process, "comm", holder->comm, sizeof(holder->comm)) <= 0)
			return 0;
		holder->comm[strcspn(holder->comm, "\n")] = '\0';
	}
	return add(h, holder);
}

static int scan_process(struct holders *h, int process, int pid, bool *denied)
{
	struct holder holder = { .pid = pid };
	const struct dirent *entry;
	DIR *fds = NULL;
	int err = 0;
	int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		*denied |= errno == EACCES || errno == EPERM;
		return 0;
	}
	fds = fdopendir(fd);
	if (!fds) {
		/* Unless memory is lost, the process ended meanwhile. */
		err = errno == ENOMEM ? -ENOMEM : 0;
		close(fd);
		return err;
	}
	while (!err && (entry = readdir(fds)))
		if (entry->d_name[0] != '.')
			err = scan_descriptor(h, process, entry->d_name, &holder);
	closedir(fds);
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

int holders_scan(struct holders *h, struct buf *incomplete)
{
	const struct dirent *entry;
	bool denied = false;
	int err = 0;
	DIR *proc = opendir("/proc");

	memset(h, 0, sizeof(*h));
	while (proc && !err && (entry = readdir(proc))) {
		int pid = atoi(entry->d_name);
		int process;

		if (!isdigit((unsigned char)entry->d_name[0]) || pid == getpid())
			continue;
		process = openat(dirfd(proc), entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (process < 0)
			continue;
		err = scan_process(h, process, pid, &denied);
		close(process);
	}
	if (proc)
		closedir(proc);
	if ((denied || !proc) && !incomplete->len)
		buf_str(incomplete, proc ? "the descriptors of some processes cannot be looked at "
					   "without CAP_SYS_PTRACE"
					 : "/proc cannot be read: holders are not known");
	if (h->count)
		qsort(h->list, h->count, sizeof(*h->list), compare);
	if (err)
		holders_free(h);
	return err;
}

void holders_free(struct holders *h)
{
	free(h->list);
	memset(h, 0, sizeof(*h));
}

static bool has(const json_t *list, int pid)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (json_integer_value(json_object_get(one, "pid")) == pid)
			return true;
	return false;
}

/* The first that is not before the id. */
static size_t first_of(const struct holders *h, const struct holder *key)
{
	size_t low = 0, high = h->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare(&h->list[mid], key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int holders_add(const struct holders *h, enum walk_kind kind, __u32 id, json_t *list)
{
	const struct holder key = { .kind = kind, .id = id };
	size_t i;
	int err = 0;

	for (i = first_of(h, &key); !err && i < h->count; i++) {
		const struct holder *one = &h->list[i];

		if (one->kind != kind || one->id != id)
			break;
		if (!has(list, one->pid))
			err = json_array_append_new(list, json_pack("{si so}", "pid", one->pid,
								    "comm", wire_json(one->comm)));
	}
	return err;
}

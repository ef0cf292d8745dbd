/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_MAP_H
#define BPFMAN_WORKER_MAP_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>

#include "kernel/worker/btf_text.h"
#include "kernel/worker/facts.h"
#include "kernel/worker/failure.h"
#include "kernel/worker/request.h"

/* What the keys of a map are. */
enum key_form {
	KEY_TYPED,  /* of any type */
	KEY_INDEX,  /* a number from 0 */
	KEY_PREFIX, /* struct bpf_lpm_trie_key: length in bits, then data */
	KEY_NONE,   /* a queue, a stack */
};

/* What the values of a map are. */
enum value_form {
	VALUE_TYPED,	 /* of any type */
	VALUE_PROGRAM,	 /* an id; written as a descriptor of a program */
	VALUE_MAP,	 /* the same of a map */
	VALUE_INTERFACE, /* an ifindex, and where there is room a program as well */
	VALUE_QUEUE,	 /* a length of a queue, and a program */
};

/* How maps of one type are read and written; reasons are NULL where it works. */
struct map_kind {
	bool known;
	enum key_form key;
	bool per_cpu;
	enum value_form value;
	const char *no_read, *no_write, *no_delete;
};
const struct map_kind *map_kind(enum bpf_map_type type);

struct map {
	int fd;
	char *name; /* for messages */
	struct map_facts facts;
	const struct map_kind *kind;
	const struct btf *btf;	    /* borrowed; NULL: none */
	__u32 key_type, value_type; /* in btf; 0: shown as bytes */
	unsigned char
		*said; /* 0xff for bytes of a key that its text says, 0 for padding; NULL: all */
	const struct btf_type *section; /* .data, .bss, .rodata: its variables; else NULL */
	unsigned copies;		/* of a value: possible CPUs, or 1 */
	size_t stride;			/* from one copy to the next */
};

#define MAP_INIT         \
	{                \
		.fd = -1 \
	}

/*
 * Opens the request's map, by its pin or its kernel id, and sees that it is what the request says.
 * Nothing but bpffs is opened, and no symbolic link followed.
 */
int map_open(const struct request *request, struct map *m, struct failure *f);
void map_close(struct map *m);
/* Fails when the map is frozen: user space may no longer write to it. */
int map_frozen(const struct map *m, struct failure *f);
/* The members of a result that tell the map. */
int map_row(const struct map *m, json_t *row);
/* Fails with why the map cannot be read, written or its entries deleted; 0 where reason is NULL. */
int map_refuse(const struct map *m, const char *what, const char *reason, struct failure *f);

/*
 * The BTF object of this kernel id, NULL where it may not be read. It is kept for the requests that
 * follow, and borrowed until the next call of these.
 */
const struct btf *map_btf(__u32 id);
void map_btf_forget(void);

/* ---- keys and values as text (map_text.c) ---- */

size_t map_value_bytes(const struct map *m); /* of all copies */
/* Both forms of a key; "null" or "-" for none. */
void map_key_text(const struct map *m, const void *key, struct buf *out);
void map_key_json(const struct map *m, const void *key, struct buf *out);
/* What the text means, by the key's form and type; key has facts.info.key_size bytes. */
int map_key_parse(const struct map *m, const char *text, void *key, struct failure *f);
/* The values of each CPU, or the one value, into all copies (see the protocol's `values`). */
int map_values_parse(const struct map *m, const json_t *texts, void *value, struct failure *f);

/* ---- values that stand for other things of the kernel (map_held.c) ---- */

/* Adds the id, the interface or the length, and the program beside it. */
void held_text(const struct map *m, const void *value, bool json, struct buf *out);
/*
 * The value that the request means: text, and the pin of the program or map that it names, if any.
 * The kernel wants a descriptor of that, which *fd receives; the caller closes it after the write.
 */
int held_parse(const struct request *request, const struct map *m, void *value, int *fd,
	       struct failure *f);
/* Why the kernel refuses such a value with EINVAL or ENOMEM. */
int held_refused(const struct map *m, int err, struct failure *f);

/* Where entries are written, as the request wants them. */
struct entries {
	struct buf *out; /* elements of a JSON list */
	size_t count;
	bool text, per_cpu;
};
int entries_begin(const struct request *request, struct entries *e, struct failure *f);
void entries_add(struct entries *e, const struct map *m, const void *key, const void *value);
/* An entry of one value of this type, under a name. */
void entries_add_variable(struct entries *e, const struct btf *btf, const char *name, __u32 type,
			  const struct btf_copies *value);

/* ---- variables of .data, .bss and .rodata (map_data.c) ---- */

int data_dump(const struct map *m, struct entries *e, struct failure *f);
int data_get(const struct map *m, const char *path, struct entries *e, struct failure *f);
int data_set(const struct map *m, const char *path, const char *text, bool check,
	     struct failure *f);

#endif

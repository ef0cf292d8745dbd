/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_LOAD_H
#define BPFMAN_WORKER_LOAD_H

#include <bpf/libbpf.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "kernel/worker/facts.h"
#include "kernel/worker/object.h"
#include "kernel/worker/pins.h"
#include "kernel/worker/undo.h"

struct load_program {
	struct bpf_program *program;
	struct program_facts facts;
	json_int_t id;	    /* -1: none */
	char pin[PIN_NAME]; /* name in staging, then in final; "" for none */
	struct stat st;	    /* of the pin; meaningless without one */
};

struct load_map {
	struct bpf_map *map;
	const struct btf *btf; /* the object's; NULL: none */
	char *name;	       /* libbpf may rename a map that is reused */
	bool by_name;
	bool reused;	      /* one that exists is used */
	bool kept;	      /* pinned and told */
	struct place carried; /* keep_maps: the pin that it has already, if path is set */
	struct place given;   /* reuse_maps: where the map is pinned, if path is set */
	struct map_facts facts;
	json_int_t id;
	char pin[PIN_NAME];		   /* in staging; "" for none */
	char shared_name[PIN_REDUCED + 1]; /* in by_name_dir */
	struct stat st;
};

/* One load request on its way. */
struct load {
	const struct request *request;
	struct object object;
	struct load_program *programs; /* object.count of them */
	struct load_map *maps;
	size_t map_count;
	struct place pin;     /* pin_path, if path is set */
	struct place staging; /* staging, if path is set */
	struct place by_name; /* by_name_dir, if path is set */
	char *final;	      /* clean path */
	const char *final_base;
	int staging_fd; /* the directory; -1 before it is made */
	int by_name_fd; /* the directory; -1 while it does not exist */
	json_int_t next_id;
	struct undo undo;
};

/* Reads and checks the paths of the request, as far as that can be before anything is made. */
int load_paths(struct load *l, struct failure *f);
/* Fills maps, which load_free_maps() frees. libbpf pins none by itself from then on. */
int load_list_maps(struct load *l, struct failure *f);
void load_free_maps(struct load *l);
/* Lists the maps and finds those that exist: given, kept, shared by name. */
int load_find_shared(struct load *l, struct failure *f);
/*
 * Uses the map of that descriptor, pinned at path, in place of a new one. Refuses one that differs
 * (map_mismatch), naming each field; hint says what the user can do then.
 */
int load_reuse(struct load_map *m, int fd, const char *path, const char *hint, struct failure *f);
/* Finds the maps that reuse_maps names (load_reuse.c). */
int load_find_given(struct load *l, struct failure *f);
/* The same for an object of which nothing is going to be pinned. */
int load_check_given(const struct request *request, const struct object *o, struct failure *f);
/* Finds the maps that keep_maps names (load_carry.c). */
int load_find_kept(struct load *l, struct failure *f);
/* Whether what a kept map of maps holds is kept as well, and as the object wants it (load_held.c).
 */
int load_check_held(const struct load *l, const struct load_map *m, int fd, struct failure *f);
/* Fills the program arrays that fill_maps names as the former ones are (load_held.c). */
int load_fill(const struct load *l, struct failure *f);
/* Gives the pins of keep_maps and carry their second names in staging. */
int load_carry(struct load *l, struct failure *f);
/* A second name for a pin, in a directory of that name. */
int load_link(struct load *l, int from, const char *pin, int dirfd, const char *directory,
	      const char *name, struct failure *f);
/* After the load: facts, what is kept, ids; makes staging, pins and links. All noted in undo. */
int load_pin(struct load *l, struct failure *f);
/* Renames staging to final: from then on nothing is undone. */
int load_publish(struct load *l, struct failure *f);
/* The answer's result; NULL when memory is lost. */
json_t *load_result(const struct load *l);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_FACTS_H
#define BPFMAN_WORKER_FACTS_H

#include <jansson.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/worker/failure.h"

/* What the kernel tells about a program (BPF_OBJ_GET_INFO_BY_FD, struct bpf_prog_info). */
struct program_facts {
	struct bpf_prog_info info;
	__u32 *map_ids;	  /* info.nr_map_ids */
	uint64_t memlock; /* bytes, from fdinfo */
};

struct map_facts {
	struct bpf_map_info info;
	uint64_t memlock;
	bool frozen; /* user space may no longer write to it */
};

int program_facts_read(int fd, struct program_facts *facts, struct failure *f);
void program_facts_free(struct program_facts *facts);
bool program_uses_map(const struct program_facts *facts, __u32 map_id);
int map_facts_read(int fd, struct map_facts *facts, struct failure *f);

/* Bytes that the kernel holds for what a descriptor of bpf(2) stands for; 0: it does not tell. */
uint64_t facts_memlock(int fd);

/*
 * Sets the keys that are the same wherever a program or a map is told. An error means lost memory;
 * the row is unusable then.
 */
int program_facts_row(json_t *row, const struct program_facts *facts);
int map_facts_row(json_t *row, const struct map_facts *facts);
/* pin_dev and pin_ino: strings, or null for no pin (st NULL). */
struct stat;
int pin_identity_row(json_t *row, const struct stat *st);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be done with the maps of each type from user space (kernel/bpf/, Linux 6.18). */
#include "kernel/worker/abi.h"
#include "kernel/worker/map.h"

#define ARRAY_STAYS "elements of an array stay; set them to zero instead"
#define SOCKETS	    "its values are sockets, which only who has them open can put there"
#define LOCAL	    "it is storage of sockets, tasks or files, and its keys are file descriptors of those"
#define STREAM	    "it is a stream of events, and reading takes them away from its reader"

#define KEYED(...)                         \
	{                                  \
		.known = true, __VA_ARGS__ \
	}
#define UNREADABLE(why)                                                                \
	{                                                                              \
		.known = true, .no_read = (why), .no_write = (why), .no_delete = (why) \
	}
#define HOLDER(key_form, value_form)                                    \
	{                                                               \
		.known = true, .key = (key_form), .value = (value_form) \
	}

static const struct map_kind kinds[] = {
	[BPF_MAP_TYPE_HASH] = KEYED(),
	[BPF_MAP_TYPE_ARRAY] = KEYED(.key = KEY_INDEX, .no_delete = ARRAY_STAYS),
	[BPF_MAP_TYPE_PROG_ARRAY] = HOLDER(KEY_INDEX, VALUE_PROGRAM),
	[BPF_MAP_TYPE_PERF_EVENT_ARRAY] = UNREADABLE(STREAM),
	[BPF_MAP_TYPE_PERCPU_HASH] = KEYED(.per_cpu = true),
	[BPF_MAP_TYPE_PERCPU_ARRAY] =
		KEYED(.key = KEY_INDEX, .per_cpu = true, .no_delete = ARRAY_STAYS),
	[BPF_MAP_TYPE_STACK_TRACE] = KEYED(.key = KEY_INDEX, .no_write = "only programs write it"),
	[BPF_MAP_TYPE_CGROUP_ARRAY] = UNREADABLE("the kernel does not tell what is in it"),
	[BPF_MAP_TYPE_LRU_HASH] = KEYED(),
	[BPF_MAP_TYPE_LRU_PERCPU_HASH] = KEYED(.per_cpu = true),
	[BPF_MAP_TYPE_LPM_TRIE] = KEYED(.key = KEY_PREFIX),
	[BPF_MAP_TYPE_ARRAY_OF_MAPS] = HOLDER(KEY_INDEX, VALUE_MAP),
	[BPF_MAP_TYPE_HASH_OF_MAPS] = HOLDER(KEY_TYPED, VALUE_MAP),
	[BPF_MAP_TYPE_DEVMAP] = HOLDER(KEY_INDEX, VALUE_INTERFACE),
	[BPF_MAP_TYPE_SOCKMAP] = KEYED(.key = KEY_INDEX, .no_write = SOCKETS),
	[BPF_MAP_TYPE_CPUMAP] = HOLDER(KEY_INDEX, VALUE_QUEUE),
	[BPF_MAP_TYPE_XSKMAP] = UNREADABLE("the kernel does not tell what is in it"),
	[BPF_MAP_TYPE_SOCKHASH] = KEYED(.no_write = SOCKETS),
	[BPF_MAP_TYPE_CGROUP_STORAGE] =
		KEYED(.no_delete = "its elements go with their control groups"),
	[BPF_MAP_TYPE_REUSEPORT_SOCKARRAY] = KEYED(.key = KEY_INDEX, .no_write = SOCKETS),
	[BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE] =
		KEYED(.per_cpu = true, .no_delete = "its elements go with their control groups"),
	[BPF_MAP_TYPE_QUEUE] = KEYED(.key = KEY_NONE),
	[BPF_MAP_TYPE_STACK] = KEYED(.key = KEY_NONE),
	[BPF_MAP_TYPE_SK_STORAGE] = UNREADABLE(LOCAL),
	[BPF_MAP_TYPE_DEVMAP_HASH] = HOLDER(KEY_INDEX, VALUE_INTERFACE),
	[BPF_MAP_TYPE_STRUCT_OPS] = UNREADABLE("it is a table of functions in the kernel"),
	[BPF_MAP_TYPE_RINGBUF] = UNREADABLE(STREAM),
	[BPF_MAP_TYPE_INODE_STORAGE] = UNREADABLE(LOCAL),
	[BPF_MAP_TYPE_TASK_STORAGE] = UNREADABLE(LOCAL),
	[BPF_MAP_TYPE_BLOOM_FILTER] =
		KEYED(.key = KEY_NONE, .no_read = "a bloom filter does not tell what is in it",
		      .no_delete = "a bloom filter only grows"),
	[BPF_MAP_TYPE_USER_RINGBUF] = UNREADABLE(STREAM),
	[ABI_MAP_CGRP_STORAGE] = UNREADABLE(LOCAL),
	[ABI_MAP_ARENA] =
		UNREADABLE("it is memory that programs share with processes, and has no entries"),
};

static const struct map_kind unknown = {
	.no_read = "bpfman does not know this type",
	.no_write = "bpfman does not know this type",
	.no_delete = "bpfman does not know this type",
};

const struct map_kind *map_kind(enum bpf_map_type type)
{
	if ((size_t)type >= sizeof(kinds) / sizeof(kinds[0]) || !kinds[type].known)
		return &unknown;
	return &kinds[type];
}

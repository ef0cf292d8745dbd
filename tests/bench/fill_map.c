/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fill_map PIN COUNT: fills a map with entries whose bytes are made of their number. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Different for each number, and the same in each run. */
static void make(unsigned char *bytes, size_t size, size_t number, unsigned salt)
{
	unsigned long long state = number * 0x9e3779b97f4a7c15ULL + salt;

	for (size_t i = 0; i < size; i++) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		/* Not negative in any type: bpftool shows numbers of enums with a sign. */
		bytes[i] = (unsigned char)(state >> 57);
	}
	memcpy(bytes, &number, size < sizeof(number) ? size : sizeof(number));
}

static int fill(int fd, const struct bpf_map_info *info, size_t count)
{
	unsigned char *keys = calloc(count, info->key_size);
	unsigned char *values = calloc(count, info->value_size);
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	__u32 done = (__u32)count;
	int err = keys && values ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < count; i++) {
		make(keys + i * info->key_size, info->key_size, i, 1);
		make(values + i * info->value_size, info->value_size, i, 2);
	}
	if (!err)
		err = bpf_map_update_batch(fd, keys, values, &done, &options);
	free(keys);
	free(values);
	return err;
}

int main(int argc, char **argv)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = argc == 3 ? bpf_obj_get(argv[1]) : -EINVAL;
	int err = fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, &info, &len);

	if (!err)
		err = fill(fd, &info, strtoul(argv[2], NULL, 10));
	if (err)
		fprintf(stderr, "fill_map: %s\n", strerror(-err));
	return err != 0;
}

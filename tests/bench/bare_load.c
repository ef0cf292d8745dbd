/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The least that loading takes: bare_load FILE DIRECTORY COUNT. Opens, loads, pins and closes an
 * object COUNT times with libbpf alone; each program and each map gets a pin in DIRECTORY.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

static int pin(struct bpf_object *object, const char *directory, int number)
{
	struct bpf_program *program;
	struct bpf_map *map;
	char path[4096];
	int r = 0;

	bpf_object__for_each_program (program, object) {
		snprintf(path, sizeof(path), "%s/p%d_%s", directory, number,
			 bpf_program__name(program));
		r = r ? r : bpf_program__pin(program, path);
	}
	bpf_object__for_each_map (map, object) {
		snprintf(path, sizeof(path), "%s/m%d_%s", directory, number, bpf_map__name(map));
		/* bpffs takes no dots: these are .rodata and its like. */
		for (char *p = path + strlen(directory); *p; p++)
			if (*p == '.')
				*p = '_';
		r = r ? r : bpf_map__pin(map, path);
	}
	return r;
}

static int load(const char *file, const char *directory, int number)
{
	struct bpf_object *object = bpf_object__open_file(file, NULL);
	int r;

	if (!object)
		return -errno;
	r = bpf_object__load(object);
	if (!r)
		r = pin(object, directory, number);
	bpf_object__close(object);
	return r;
}

int main(int argc, char **argv)
{
	int count = argc == 4 ? atoi(argv[3]) : 0;

	if (count < 1) {
		fprintf(stderr, "usage: bare_load FILE DIRECTORY COUNT\n");
		return 2;
	}
	libbpf_set_print(quiet);
	for (int i = 0; i < count; i++) {
		int r = load(argv[1], argv[2], i);

		if (r) {
			fprintf(stderr, "bare_load: %s: %s\n", argv[1], strerror(-r));
			return 1;
		}
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kernel/worker/env.h"
#include "kernel/worker/tracefs.h"

int env_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	err = errno;
	close(fd);
	if (n < 0)
		return -err;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

uint64_t env_capabilities(void)
{
	cap_t caps = cap_get_proc();
	int last = cap_max_bits();
	uint64_t set = 0;
	int i;

	for (i = 0; caps && i < last && i < 64; i++) {
		cap_flag_value_t value;

		if (cap_get_flag(caps, i, CAP_EFFECTIVE, &value) == 0 && value == CAP_SET)
			set |= (uint64_t)1 << i;
	}
	cap_free(caps);
	return set;
}

void env_capability_name(int capability, char name[ENV_CAPABILITY_NAME])
{
	char *lower = cap_to_name(capability);
	size_t i;

	snprintf(name, ENV_CAPABILITY_NAME, "%s", lower ? lower : "CAP_?");
	cap_free(lower);
	for (i = 0; name[i]; i++)
		name[i] = (char)toupper((unsigned char)name[i]);
}

void env_capability_names(uint64_t set, struct buf *out)
{
	char name[ENV_CAPABILITY_NAME];
	const char *separator = "";
	int i;

	for (i = 0; i < 64; i++) {
		if (!(set >> i & 1))
			continue;
		env_capability_name(i, name);
		buf_printf(out, "%s%s", separator, name);
		separator = ", ";
	}
}

static bool read_user_namespace(void)
{
	/* PROC_USER_INIT_INO, the same on every kernel (include/linux/proc_ns.h). */
	const ino_t initial = 0xeffffffd;
	unsigned long inside, outside, count;
	char map[128];
	struct stat st;

	if (stat("/proc/self/ns/user", &st) == 0)
		return st.st_ino != initial;
	if (env_read("/proc/self/uid_map", map, sizeof(map)) ||
	    sscanf(map, "%lu %lu %lu", &inside, &outside, &count) != 3)
		return false;
	return inside != 0 || outside != 0 || count != 0xffffffff;
}

bool env_user_namespace(void)
{
	static int known = -1; /* a process with one thread that never changes it */

	if (known < 0)
		known = read_user_namespace();
	return known;
}

int env_unprivileged_bpf_disabled(void)
{
	char text[16];

	if (env_read("/proc/sys/kernel/unprivileged_bpf_disabled", text, sizeof(text)))
		return -1;
	return atoi(text);
}

bool env_stats_enabled(void)
{
	char text[16];

	return !env_read("/proc/sys/kernel/bpf_stats_enabled", text, sizeof(text)) && atoi(text);
}

const char *env_lockdown(void)
{
	char text[128];

	if (env_read("/sys/kernel/security/lockdown", text, sizeof(text)))
		return NULL;
	if (strstr(text, "[integrity]"))
		return "integrity";
	if (strstr(text, "[confidentiality]"))
		return "confidentiality";
	return NULL;
}

const char *env_kernel(void)
{
	static struct utsname name;

	if (!name.release[0] && uname(&name))
		return "?";
	return name.release;
}

bool env_kernel_since(unsigned major, unsigned minor)
{
	unsigned is_major = 0, is_minor = 0;

	if (sscanf(env_kernel(), "%u.%u", &is_major, &is_minor) != 2)
		return false;
	return is_major > major || (is_major == major && is_minor >= minor);
}

void env_boot_id(char id[ENV_BOOT_ID])
{
	if (env_read("/proc/sys/kernel/random/boot_id", id, ENV_BOOT_ID))
		id[0] = '\0';
}

bool env_has_cpu(unsigned cpu)
{
	char path[64];
	char text[8];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
	if (env_read(path, text, sizeof(text)) == 0)
		return text[0] == '1';
	/* One that cannot be taken offline has no such file. */
	*strrchr(path, '/') = '\0';
	return access(path, F_OK) == 0;
}

bool env_has_btf(void)
{
	return access("/sys/kernel/btf/vmlinux", R_OK) == 0;
}

static bool is_mounted(const char *path, long magic)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (unsigned int)fs.f_type == (unsigned int)magic;
}

bool env_has_bpffs(void)
{
	return is_mounted("/sys/fs/bpf", BPF_FS_MAGIC);
}

bool env_is_tracefs(const char *path)
{
	return is_mounted(path, TRACEFS_MAGIC);
}

bool env_has_tracefs(void)
{
	return tracefs_path() != NULL;
}

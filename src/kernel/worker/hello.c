/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <bpf/libbpf.h>

#include "kernel/worker/env.h"
#include "kernel/worker/request.h"

static json_t *capabilities(void)
{
	uint64_t set = env_capabilities();
	json_t *list = json_array();
	int i;

	for (i = 0; list && i < 64; i++) {
		char name[ENV_CAPABILITY_NAME];

		if (!(set >> i & 1))
			continue;
		env_capability_name(i, name);
		json_array_append_new(list, json_string(name));
	}
	return list;
}

/* libbpf writes "v1.4". */
static const char *libbpf_version(void)
{
	const char *text = libbpf_version_string();

	return text[0] == 'v' ? text + 1 : text;
}

int handle_HELLO(const struct request *request, json_t **result, struct failure *f)
{
	int disabled = env_unprivileged_bpf_disabled();
	char boot_id[ENV_BOOT_ID];

	(void)request;
	env_boot_id(boot_id);
	*result = json_pack(
		"{s:i, s:s, s:s, s:o, s:o, s:s, s:b, s:b, s:b, s:o}", "protocol", PROTOCOL_VERSION,
		"version", PACKAGE_VERSION, "libbpf", libbpf_version(), "kernel",
		wire_json(env_kernel()), "capabilities", capabilities(), "boot_id", boot_id, "btf",
		env_has_btf(), "bpffs", env_has_bpffs(), "tracefs", env_has_tracefs(),
		"unprivileged_bpf_disabled", disabled < 0 ? json_null() : json_integer(disabled));
	return *result ? 0 : fail_nomem(f);
}

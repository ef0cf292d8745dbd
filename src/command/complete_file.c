/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is in the object file that the command line names. */
#include <stdlib.h>
#include <string.h>

#include "command/complete.h"

void offer_of_file(struct gathering *g, const char *list, const char *suffix)
{
	const char *file = first_positional(g);
	struct error e = ERROR_INIT;
	json_t *result = NULL;
	const json_t *row;
	size_t i;

	if (file && !manager_open(g->s->manager, file, &result, NULL, NULL, &e)) {
		json_array_foreach (json_object_get(result, list), i, row) {
			char *name = answer_bytes(row, "name");
			struct buf word = { 0 };

			buf_printf(&word, "%s%s", name ? name : "", suffix);
			if (name && !buf_error(&word))
				offer(g, "", word.data, !*suffix);
			buf_free(&word);
			free(name);
		}
	}
	json_decref(result);
	error_clear(&e);
}

/* Names first, then the value that one has: its form is seen. */
void offer_globals(struct gathering *g)
{
	const char *equals = strchr(g->prefix, '=');
	const char *file = first_positional(g);
	struct error e = ERROR_INIT;
	json_t *result = NULL;
	const json_t *row;
	size_t i;

	if (!equals) {
		offer_of_file(g, "globals", "=");
		return;
	}
	if (file && !manager_open(g->s->manager, file, &result, NULL, NULL, &e)) {
		json_array_foreach (json_object_get(result, "globals"), i, row) {
			char *name = answer_bytes(row, "name"), *value = answer_bytes(row, "value");
			struct buf lead = { 0 };

			buf_printf(&lead, "%s=", name ? name : "");
			if (name && value && !strncmp(lead.data, g->prefix, lead.len))
				offer(g, lead.data, value, true);
			buf_free(&lead);
			free(name);
			free(value);
		}
	}
	json_decref(result);
	error_clear(&e);
}

void offer_program_types(struct gathering *g)
{
	/* Names of enum bpf_prog_type, as linux/bpf.h and libbpf spell them. */
	static const char *const types[] = {
		"socket_filter",
		"kprobe",
		"sched_cls",
		"sched_act",
		"tracepoint",
		"xdp",
		"perf_event",
		"cgroup_skb",
		"cgroup_sock",
		"lwt_in",
		"lwt_out",
		"lwt_xmit",
		"sock_ops",
		"sk_skb",
		"cgroup_device",
		"sk_msg",
		"raw_tracepoint",
		"cgroup_sock_addr",
		"lwt_seg6local",
		"lirc_mode2",
		"sk_reuseport",
		"flow_dissector",
		"cgroup_sysctl",
		"raw_tracepoint_writable",
		"cgroup_sockopt",
		"tracing",
		"struct_ops",
		"ext",
		"lsm",
		"sk_lookup",
		"syscall",
		"netfilter",
	};
	const char *equals = strchr(g->prefix, '=');
	struct buf lead = { 0 };

	if (equals)
		buf_add(&lead, g->prefix, (size_t)(equals - g->prefix) + 1);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		offer(g, buf_text(&lead), types[i], true);
	if (!equals)
		offer_of_file(g, "programs", "=");
	buf_free(&lead);
}

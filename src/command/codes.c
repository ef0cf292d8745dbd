/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/codes.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct code {
	const char *name;
	int32_t value;
};

/* As in linux/bpf.h, linux/pkt_cls.h and linux/netfilter.h. */
static const struct code xdp[] = {
	{ "XDP_ABORTED", 0 }, { "XDP_DROP", 1 },     { "XDP_PASS", 2 },
	{ "XDP_TX", 3 },      { "XDP_REDIRECT", 4 },
};
static const struct code tc[] = {
	{ "TC_ACT_UNSPEC", -1 }, { "TC_ACT_OK", 0 },	 { "TC_ACT_RECLASSIFY", 1 },
	{ "TC_ACT_SHOT", 2 },	 { "TC_ACT_PIPE", 3 },	 { "TC_ACT_STOLEN", 4 },
	{ "TC_ACT_QUEUED", 5 },	 { "TC_ACT_REPEAT", 6 }, { "TC_ACT_REDIRECT", 7 },
	{ "TC_ACT_TRAP", 8 },
};
static const struct code sk[] = { { "SK_DROP", 0 }, { "SK_PASS", 1 } };
static const struct code nf[] = { { "NF_DROP", 0 }, { "NF_ACCEPT", 1 } };
static const struct code lwt[] = {
	{ "BPF_OK", 0 },
	{ "BPF_DROP", 2 },
	{ "BPF_REDIRECT", 7 },
	{ "BPF_LWT_REROUTE", 128 },
};
static const struct code flow[] = {
	{ "BPF_OK", 0 },
	{ "BPF_DROP", 2 },
	{ "BPF_FLOW_DISSECTOR_CONTINUE", 129 },
};

#define CODES(list) list, sizeof(list) / sizeof((list)[0])

static const struct codes {
	const char *type;
	const struct code *codes;
	size_t count;
} types[] = {
	{ "xdp", CODES(xdp) },	    { "sched_cls", CODES(tc) },	       { "sched_act", CODES(tc) },
	{ "sk_lookup", CODES(sk) }, { "sk_skb", CODES(sk) },	       { "sk_msg", CODES(sk) },
	{ "netfilter", CODES(nf) }, { "lwt_in", CODES(lwt) },	       { "lwt_out", CODES(lwt) },
	{ "lwt_xmit", CODES(lwt) }, { "flow_dissector", CODES(flow) },
};

static const struct codes *codes_of(const char *type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(types[i].type, type))
			return &types[i];
	return NULL;
}

const char *code_name(const char *type, uint32_t code)
{
	const struct codes *known = codes_of(type);

	for (size_t i = 0; known && i < known->count; i++)
		if ((uint32_t)known->codes[i].value == code)
			return known->codes[i].name;
	return NULL;
}

int code_parse(const char *type, const char *text, uint32_t *code, struct error *e)
{
	const struct codes *known = codes_of(type);
	const char *names[16], *near;
	bool negative = text[0] == '-';
	uint64_t number;

	for (size_t i = 0; known && i < known->count; i++) {
		names[i] = known->codes[i].name;
		if (!strcmp(names[i], text)) {
			*code = (uint32_t)known->codes[i].value;
			return 0;
		}
	}
	if (parse_u64(text + negative, &number) &&
	    number <= (negative ? (uint64_t)INT32_MAX + 1 : UINT32_MAX)) {
		*code = (uint32_t)(negative ? -number : number);
		return 0;
	}
	error_set(e, EINVAL, "programs of type %s do not return \"%s\"", type, text);
	near = known ? text_nearest(text, names, known->count) : NULL;
	if (near)
		return error_hint(e, "did you mean \"%s\"?", near);
	for (size_t i = 0; known && i < known->count; i++)
		error_detail(e, "%s", names[i]);
	return error_hint(e, known ? "or a number" : "give a number");
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The attach types: one row each. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/capability.h>

#include "base/text.h"
#include "kernel/worker/abi.h"
#include "kernel/worker/attach.h"
#include "kernel/worker/object.h"

#define BIT(capability) ((uint64_t)1 << (capability))
#define NET		(BIT(CAP_BPF) | BIT(CAP_NET_ADMIN))
#define PERF		(BIT(CAP_BPF) | BIT(CAP_PERFMON))

static const struct attach_type types[] = {
	{
		.word = "xdp",
		.programs = { BPF_PROG_TYPE_XDP },
		.target = "an interface",
		.options = OPTION_BIT(NETNS) | OPTION_BIT(MODE),
		.capabilities = NET,
		.attach = attach_xdp,
	},
	{
		.word = "tcx",
		.programs = { BPF_PROG_TYPE_SCHED_CLS },
		.sections = { "tc", "tcx", "classifier" },
		.target = "an interface",
		.options = OPTION_BIT(NETNS) | OPTION_BIT(INGRESS) | OPTION_BIT(EGRESS) |
			   OPTIONS_ORDER,
		.capabilities = NET,
		.attach = attach_tcx,
	},
	{
		.word = "cgroup",
		.programs = { BPF_PROG_TYPE_CGROUP_SKB, BPF_PROG_TYPE_CGROUP_SOCK,
			      BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_PROG_TYPE_CGROUP_DEVICE,
			      BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_PROG_TYPE_CGROUP_SOCKOPT,
			      BPF_PROG_TYPE_SOCK_OPS },
		.target = "the directory of a control group",
		.options = OPTION_BIT(INGRESS) | OPTION_BIT(EGRESS) | OPTIONS_ORDER,
		.capabilities = NET,
		.attach = attach_cgroup,
	},
	{
		.word = "netkit",
		.programs = { BPF_PROG_TYPE_SCHED_CLS },
		.sections = { "netkit" },
		.target = "a netkit interface, the primary one of its pair",
		.options = OPTION_BIT(NETNS) | OPTIONS_ORDER,
		.capabilities = NET,
		.attach = attach_netkit,
	},
	{
		.word = "lsm_cgroup",
		.programs = { BPF_PROG_TYPE_LSM },
		.sections = { "lsm_cgroup" },
		.target = "the directory of a control group",
		.options = OPTIONS_ORDER,
		.capabilities = PERF | BIT(CAP_NET_ADMIN),
		.attach = attach_cgroup,
	},
	{
		.word = "lsm",
		.programs = { BPF_PROG_TYPE_LSM },
		.sections = { "lsm" },
		.target = "the hook of its section",
		.options = OPTION_BIT(COOKIE),
		.capabilities = PERF,
		.attach = attach_lsm,
	},
	{
		.word = "tracepoint",
		.programs = { BPF_PROG_TYPE_TRACEPOINT },
		.target = "CATEGORY:EVENT",
		.options = OPTION_BIT(COOKIE),
		.capabilities = PERF,
		.attach = attach_tracepoint,
	},
	{
		.word = "raw_tp",
		.programs = { BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE },
		.target = "the name of a tracepoint",
		.capabilities = PERF,
		.attach = attach_raw_tp,
	},
	{
		.word = "tp_btf",
		.programs = { BPF_PROG_TYPE_TRACING },
		.sections = { "tp_btf" },
		.target = "the tracepoint of its section",
		.capabilities = PERF,
		.attach = attach_tp_btf,
	},
	{
		.word = "fentry",
		.programs = { BPF_PROG_TYPE_TRACING },
		.sections = { "fentry" },
		.target = "the function of its section",
		.options = OPTION_BIT(COOKIE),
		.capabilities = PERF,
		.attach = attach_function,
	},
	{
		.word = "fexit",
		.programs = { BPF_PROG_TYPE_TRACING },
		.sections = { "fexit" },
		.target = "the function of its section",
		.options = OPTION_BIT(COOKIE),
		.capabilities = PERF,
		.attach = attach_function,
	},
	{
		.word = "fmod_ret",
		.programs = { BPF_PROG_TYPE_TRACING },
		.sections = { "fmod_ret" },
		.target = "the function of its section",
		.options = OPTION_BIT(COOKIE),
		.capabilities = PERF,
		.attach = attach_function,
	},
	{
		.word = "kprobe",
		.programs = { BPF_PROG_TYPE_KPROBE },
		.sections = { "kprobe", "ksyscall" },
		.target = "FUNCTION[+OFFSET] of the kernel",
		.options = OPTION_BIT(COOKIE),
		.capabilities = PERF,
		.attach = attach_kprobe,
	},
	{
		.word = "kretprobe",
		.programs = { BPF_PROG_TYPE_KPROBE },
		.sections = { "kretprobe", "kretsyscall" },
		.target = "FUNCTION of the kernel",
		.options = OPTION_BIT(COOKIE),
		.capabilities = PERF,
		.attach = attach_kretprobe,
	},
	{
		.word = "kprobe.multi",
		.programs = { BPF_PROG_TYPE_KPROBE },
		.sections = { "kprobe.multi" },
		.target = "a pattern for functions of the kernel, for example tcp_*",
		.options = OPTION_BIT(COOKIE),
		.capabilities = PERF,
		.attach = attach_kprobe_multi,
	},
	{
		.word = "kretprobe.multi",
		.programs = { BPF_PROG_TYPE_KPROBE },
		.sections = { "kretprobe.multi" },
		.target = "a pattern for functions of the kernel, for example tcp_*",
		.options = OPTION_BIT(COOKIE),
		.capabilities = PERF,
		.attach = attach_kretprobe_multi,
	},
	{
		.word = "iter",
		.programs = { BPF_PROG_TYPE_TRACING },
		.sections = { "iter" },
		.target = "a map's pin or a control group, where the iterator is about one",
		.options = OPTION_BIT(PID),
		.capabilities = PERF,
		.attach = attach_iter,
	},
	{
		.word = "uprobe",
		.programs = { BPF_PROG_TYPE_KPROBE },
		.sections = { "uprobe" },
		.target = "LIBRARY:FUNCTION[+OFFSET]",
		.options = OPTION_BIT(PID) | OPTION_BIT(COOKIE),
		.capabilities = PERF | BIT(CAP_SYS_ADMIN),
		.attach = attach_uprobe,
	},
	{
		.word = "uretprobe",
		.programs = { BPF_PROG_TYPE_KPROBE },
		.sections = { "uretprobe" },
		.target = "LIBRARY:FUNCTION",
		.options = OPTION_BIT(PID) | OPTION_BIT(COOKIE),
		.capabilities = PERF | BIT(CAP_SYS_ADMIN),
		.attach = attach_uretprobe,
	},
	{
		.word = "uprobe.multi",
		.programs = { BPF_PROG_TYPE_KPROBE },
		.sections = { "uprobe.multi" },
		.target = "LIBRARY:PATTERN of its functions",
		.options = OPTION_BIT(PID) | OPTION_BIT(COOKIE),
		.capabilities = PERF,
		.attach = attach_uprobe_multi,
	},
	{
		.word = "uretprobe.multi",
		.programs = { BPF_PROG_TYPE_KPROBE },
		.sections = { "uretprobe.multi" },
		.target = "LIBRARY:PATTERN of its functions",
		.options = OPTION_BIT(PID) | OPTION_BIT(COOKIE),
		.capabilities = PERF,
		.attach = attach_uretprobe_multi,
	},
	{
		.word = "perf_event",
		.programs = { BPF_PROG_TYPE_PERF_EVENT },
		.target = "the name of an event, for example cpu-clock",
		.options = OPTION_BIT(PID) | OPTION_BIT(CPU) | OPTION_BIT(FREQUENCY) |
			   OPTION_BIT(PERIOD) | OPTION_BIT(COOKIE),
		.capabilities = PERF,
		.attach = attach_perf_event,
	},
	{
		.word = "sk_lookup",
		.programs = { BPF_PROG_TYPE_SK_LOOKUP },
		.options = OPTION_BIT(NETNS),
		.capabilities = NET,
		.attach = attach_sk_lookup,
	},
	{
		.word = "flow_dissector",
		.programs = { BPF_PROG_TYPE_FLOW_DISSECTOR },
		.options = OPTION_BIT(NETNS),
		.capabilities = NET,
		.attach = attach_flow_dissector,
	},
	{
		.word = "sk_msg",
		.programs = { BPF_PROG_TYPE_SK_MSG },
		.target = "the pin of a sockmap",
		.capabilities = NET,
		.attach = attach_sockmap,
	},
	{
		.word = "sk_skb",
		.programs = { BPF_PROG_TYPE_SK_SKB },
		.target = "the pin of a sockmap",
		.capabilities = NET,
		.attach = attach_sockmap,
	},
	{
		.word = "netfilter",
		.programs = { ABI_PROG_NETFILTER },
		.options = OPTION_BIT(NETNS) | OPTION_BIT(FAMILY) | OPTION_BIT(HOOK) |
			   OPTION_BIT(PRIORITY),
		.capabilities = NET,
		.attach = attach_netfilter,
	},
};

enum { TYPES = sizeof(types) / sizeof(types[0]) };

static bool takes(const struct attach_type *t, const struct attach *a)
{
	size_t i;

	for (i = 0; t->programs[i]; i++)
		if (t->programs[i] == a->program.type)
			return true;
	return false;
}

/* Whether section is "word", "word/...", or one of them for a sleepable program: "word.s". */
static bool means(const struct attach_type *t, const char *section)
{
	size_t i;

	for (i = 0; t->sections[i]; i++) {
		size_t len = strlen(t->sections[i]);

		if (strncmp(section, t->sections[i], len) != 0)
			continue;
		if (strncmp(section + len, ".s", 2) == 0)
			len += 2;
		if (section[len] == '\0' || section[len] == '/')
			return true;
	}
	return false;
}

/* The only row for the program, or that which its section means; NULL: none, or several. */
static const struct attach_type *implied(const struct attach *a)
{
	const struct attach_type *only = NULL;
	size_t count = 0;
	size_t i;

	for (i = 0; i < TYPES; i++) {
		if (!takes(&types[i], a))
			continue;
		if (!types[i].sections[0] || means(&types[i], a->section))
			return &types[i];
		only = &types[i];
		count++;
	}
	/* A section that means something else decides against it; one of any name does not. */
	return count == 1 && a->expected < 0 ? only : NULL;
}

/* "xdp, tcx": the words of those rows that take the program, or of all. */
static void list_words(const struct attach *a, bool all, struct buf *out)
{
	size_t i;

	for (i = 0; i < TYPES; i++)
		if (all || takes(&types[i], a))
			buf_printf(out, "%s%s", out->len ? ", " : "", types[i].word);
}

static int not_implied(const struct attach *a, struct failure *f)
{
	struct buf words = { 0 };

	list_words(a, false, &words);
	if (!words.len) {
		attach_unfit(f, a, "programs of type %s are not attached by this worker",
			     object_program_type(a->program.type));
		list_words(a, true, &words);
		error_hint(&f->error, "it knows the attach types %s", buf_text(&words));
	} else if (a->section[0] && a->expected >= 0) {
		attach_unfit(f, a, "programs of section '%s' are not attached by this worker",
			     a->section);
		error_hint(&f->error, "programs of type %s are, as %s",
			   object_program_type(a->program.type), buf_text(&words));
	} else {
		attach_unfit(f, a, "neither its type (%s) nor its section says how to attach it",
			     object_program_type(a->program.type));
		error_hint(&f->error, "give the attach type: %s", buf_text(&words));
	}
	buf_free(&words);
	return -EINVAL;
}

static int unknown_word(const struct attach *a, const char *word, struct failure *f)
{
	struct buf words = { 0 };
	const char *known[TYPES];
	const char *nearest;
	size_t i;

	for (i = 0; i < TYPES; i++)
		known[i] = types[i].word;
	nearest = text_nearest(word, known, TYPES);
	attach_unfit(f, a, "attach type '%s' is unknown", word);
	list_words(a, true, &words);
	if (nearest)
		error_hint(&f->error, "did you mean '%s'?", nearest);
	else
		error_hint(&f->error, "there are %s", buf_text(&words));
	buf_free(&words);
	return -EINVAL;
}

static int does_not_take(const struct attach *a, const struct attach_type *t, struct failure *f)
{
	struct buf takers = { 0 };
	size_t i;

	for (i = 0; t->programs[i]; i++)
		buf_printf(&takers, "%s%s", i ? ", " : "", object_program_type(t->programs[i]));
	attach_unfit(f, a, "attach type %s is for programs of type %s, this one is of type %s",
		     t->word, buf_text(&takers), object_program_type(a->program.type));
	buf_free(&takers);
	return -EINVAL;
}

int attach_type_choose(struct attach *a, const char *word, struct failure *f)
{
	const struct attach_type *without = implied(a);
	size_t i;

	a->type = without;
	for (i = 0; word && i < TYPES; i++) {
		if (strcmp(types[i].word, word) == 0) {
			a->type = &types[i];
			a->type_given = a->type != without;
			return takes(a->type, a) ? 0 : does_not_take(a, a->type, f);
		}
	}
	if (word)
		return unknown_word(a, word, f);
	return a->type ? 0 : not_implied(a, f);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_WORKER_ATTACH_H
#define BPFMAN_WORKER_ATTACH_H

#include <jansson.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/worker/failure.h"
#include "kernel/worker/pins.h"
#include "kernel/worker/request.h"

/* Suffix, the word in the request, whether it has a value. */
#define ATTACH_OPTIONS(X)               \
	X(NETNS, "netns", true)         \
	X(INGRESS, "ingress", false)    \
	X(EGRESS, "egress", false)      \
	X(FIRST, "first", false)        \
	X(LAST, "last", false)          \
	X(BEFORE, "before", true)       \
	X(AFTER, "after", true)         \
	X(MODE, "mode", true)           \
	X(PID, "pid", true)             \
	X(CPU, "cpu", true)             \
	X(FREQUENCY, "frequency", true) \
	X(PERIOD, "period", true)       \
	X(FAMILY, "family", true)       \
	X(HOOK, "hook", true)           \
	X(PRIORITY, "priority", true)   \
	X(COOKIE, "cookie", true)

enum attach_option {
#define X(id, word, value) OPTION_##id,
	ATTACH_OPTIONS(X)
#undef X
		OPTION_COUNT
};

#define OPTION_BIT(id) (1u << OPTION_##id)
#define OPTIONS_ORDER \
	(OPTION_BIT(FIRST) | OPTION_BIT(LAST) | OPTION_BIT(BEFORE) | OPTION_BIT(AFTER))

struct attach;

/* One kind of attachment. A new one is one row of attach_types.c and its attach function. */
struct attach_type {
	const char *word;
	__u32 programs[8];	 /* program types that fit, ended by 0 */
	const char *sections[5]; /* beginnings of sections that mean it; none: any does */
	const char *target;	 /* what the target is, in words; NULL: there is none */
	uint32_t options;	 /* OPTION_BIT()s it takes */
	uint64_t capabilities;	 /* that it needs, as bits */
	/*
	 * Resolves target and options: fills attach_type, identity and text. Unless resolve_only
	 * then creates the link: fills link_fd and, where there is one, order.
	 */
	int (*attach)(struct attach *a, struct failure *f);
};

/* One request on its way. */
struct attach {
	const struct request *request;
	const struct attach_type *type;
	bool type_given; /* what program and section say would not be enough */
	char *section;	 /* "" for none */
	char *target;	 /* NULL for none */
	char *option[OPTION_COUNT];
	bool resolve_only;
	struct place program_pin;
	int program_fd;
	struct bpf_prog_info program;
	int expected;	 /* the program's expected attach type; -1: not known */
	int attach_type; /* of the link; -1: the kernel has no word for it */
	json_t *identity;
	struct buf text; /* words for the command line */
	int link_fd;
	json_t *order;
	struct place staging;
	struct place final;
	struct undo undo;
};

/* The row for the program: by word (NULL: none given), program type and section. */
int attach_type_choose(struct attach *a, const char *word, struct failure *f);
/* The options of the request, checked against the type. */
int attach_options_read(struct attach *a, struct failure *f);
bool attach_has(const struct attach *a, enum attach_option option);
/* The number an option has, 0 without it. Refuses what is none or over max. */
int attach_number(const struct attach *a, enum attach_option option, uint64_t max, uint64_t *value,
		  struct failure *f);
/* Option pid, a process that lives, added to the text; -1 without it. */
int attach_pid(struct attach *a, int *pid, struct failure *f);
/* The index of an option's value among words, or fallback without it. */
int attach_choice(const struct attach *a, enum attach_option option, const char *const *words,
		  size_t count, int fallback, int *choice, struct failure *f);

/* What follows the section's first '/', NULL when that is nothing. */
const char *attach_section_target(const struct attach *a);
/* The target, else fallback; refuses when both are missing. */
int attach_target(const struct attach *a, const char *fallback, const char **target,
		  struct failure *f);
/* Cuts "FUNCTION+OFFSET" behind the function; the offset may be decimal or begin with 0x. */
int attach_split_offset(const struct attach *a, char *function, uint64_t *offset,
			struct failure *f);
/* Whether it has one of the signs that stand for others in a pattern, as a shell's. */
bool attach_is_pattern(const char *text);
/* The map pinned at target: *fd is the caller's; adds it to text and identity. */
int attach_map(struct attach *a, const char *target, int *fd, struct bpf_map_info *map,
	       struct failure *f);
/* Adds a word to the text, quoted where the command line needs it. */
void attach_word(struct attach *a, const char *word);
/* Adds "--option" and its value, or "--option" alone where value is NULL. */
void attach_option_text(struct attach *a, enum attach_option option, const char *value);
void attach_option_number(struct attach *a, enum attach_option option, uint64_t value);

/* Fails as unfit, naming the program. */
int attach_unfit(struct failure *f, const struct attach *a, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Fails with no_target and the candidate that is near to word as the hint. */
int attach_no_target(struct failure *f, int err, const char *nearest, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/*
 * Why the kernel refused; what names the target. Tells a missing capability, lost memory and
 * a kernel older than since (NULL: EINVAL has other reasons); else the errno in words.
 */
int attach_refused(struct failure *f, const struct attach *a, const char *what, int err,
		   const char *since);

/* The places of staging and final, checked as far as that can be before anything is made. */
int attach_pin_find(struct attach *a, struct failure *f);
/* Pins the link in staging; the pin's identity goes to st. */
int attach_pin_stage(struct attach *a, struct stat *st, struct failure *f);
int attach_pin_publish(struct attach *a, struct failure *f);

/* The attach functions of the rows. */
int attach_xdp(struct attach *a, struct failure *f);
int attach_tcx(struct attach *a, struct failure *f);
int attach_cgroup(struct attach *a, struct failure *f);
int attach_tracepoint(struct attach *a, struct failure *f);
int attach_raw_tp(struct attach *a, struct failure *f);
int attach_tp_btf(struct attach *a, struct failure *f);
int attach_function(struct attach *a, struct failure *f);
int attach_lsm(struct attach *a, struct failure *f);
int attach_kprobe(struct attach *a, struct failure *f);
int attach_kretprobe(struct attach *a, struct failure *f);
int attach_kprobe_multi(struct attach *a, struct failure *f);
int attach_kretprobe_multi(struct attach *a, struct failure *f);
int attach_uprobe_multi(struct attach *a, struct failure *f);
int attach_uretprobe_multi(struct attach *a, struct failure *f);
int attach_flow_dissector(struct attach *a, struct failure *f);
int attach_netkit(struct attach *a, struct failure *f);
int attach_sockmap(struct attach *a, struct failure *f);
int attach_iter(struct attach *a, struct failure *f);
int attach_uprobe(struct attach *a, struct failure *f);
int attach_uretprobe(struct attach *a, struct failure *f);
int attach_perf_event(struct attach *a, struct failure *f);
int attach_sk_lookup(struct attach *a, struct failure *f);
int attach_netfilter(struct attach *a, struct failure *f);

#endif

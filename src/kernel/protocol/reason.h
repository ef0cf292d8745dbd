/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_KERNEL_REASON_H
#define BPFMAN_KERNEL_REASON_H

#include <stdbool.h>

/*
 * Where a request failed and why, as stable words: "stage" and "reason" of an error. Programs may
 * decide by them; doc/protocol.md explains them from these tables.
 */
#define PROTOCOL_STAGES(X)                                                                         \
	X(REQUEST, "request", "the request itself: nothing was touched")                           \
	X(OPEN, "open", "the object file was read and understood, or not")                         \
	X(RELOCATE, "relocate", "programs were matched with maps, functions and the kernel's BTF") \
	X(CREATE_MAP, "create-map", "a map was created, found by its name or filled")              \
	X(VERIFY, "verify", "the kernel was asked to load a program")                              \
	X(PIN, "pin", "a path in a BPF file system was checked, made or removed")                  \
	X(ATTACH, "attach", "a program was attached")                                              \
	X(MAP, "map", "the contents of a map were read or written")                                \
	X(RUN, "run", "a program was run on given data")

enum stage {
#define X(id, name, meaning) STAGE_##id,
	PROTOCOL_STAGES(X)
#undef X
		STAGE_COUNT
};

/* suffix, word, whether it is the environment's fault and no request can help, meaning, example */
#define PROTOCOL_REASONS(X)                                                                      \
	X(VERIFIER, "verifier", false,                                                           \
	  "the verifier rejected the program; the message begins with "                          \
	  "its reason, the log has the rest",                                                    \
	  "rejected: invalid access to packet, off=0 size=8, R1(id=0,off=0,r=0)")                \
	X(CAPABILITY, "capability", true, "the worker lacks a capability; the message names it", \
	  "loading programs of type xdp needs CAP_NET_ADMIN, which is missing")                  \
	X(UNPRIVILEGED, "unprivileged_bpf_disabled", true,                                       \
	  "the program would load without capabilities, but this kernel does not allow that",    \
	  "kernel.unprivileged_bpf_disabled is 2 and CAP_BPF is missing")                        \
	X(USER_NAMESPACE, "user_namespace", true,                                                \
	  "the worker runs in a user namespace, where capabilities do not count for bpf(2)",     \
	  "capabilities do not count for bpf(2) in this user namespace")                         \
	X(LOCKDOWN, "lockdown", true, "kernel lockdown forbids what the program does",           \
	  "probe: kernel lockdown (confidentiality) forbids helpers that read kernel memory")    \
	X(BPF_DENIED, "bpf_denied", true,                                                        \
	  "bpf(2) is refused as a whole though capabilities are there: a seccomp filter, a "     \
	  "security module, or a kernel without it",                                             \
	  "bpf(2) answers EPERM although no capability is missing")                              \
	X(TYPE_REFUSED, "type_refused", false,                                                   \
	  "this kernel refuses this program type with EPERM "                                    \
	  "although other types load",                                                           \
	  "this kernel refuses programs of type tracing with attach "                            \
	  "type trace_fentry")                                                                   \
	X(TYPE_UNKNOWN, "type_unknown", false, "this kernel, or libbpf, does not know the type", \
	  "this kernel (6.1.0) does not know programs of type netfilter")                        \
	X(NO_BTF, "no_btf", false, "BTF is missing, in the kernel or in the object",             \
	  "the kernel has no BTF (/sys/kernel/btf/vmlinux), which this object needs")            \
	X(NO_TARGET, "no_target", false,                                                         \
	  "what the object or the request names is not there: a function, tracepoint, type, "    \
	  "symbol, interface, event, control group, network namespace or process",               \
	  "this kernel has no BTF attach target 'sched_swich'")                                  \
	X(BAD_TARGET, "bad_target", false,                                                       \
	  "what the request names is there, but is nothing that this attach type attaches to",   \
	  "/tmp is not a directory of a cgroup2 file system")                                    \
	X(UNFIT, "unfit", false,                                                                 \
	  "program type, attach type, target and options do not go together",                    \
	  "probe: attach type xdp is for programs of type xdp, this one is of type tracepoint")  \
	X(HOOK_TAKEN, "hook_taken", false,                                                       \
	  "another program is attached there, and allows no second one",                         \
	  "veth0: program 12 (xdp_pass) is attached there, in native mode")                      \
	X(NO_ANCHOR, "no_anchor", false,                                                         \
	  "the link or program that the order refers to is not attached there",                  \
	  "link 7, which the order refers to, is not attached there")                            \
	X(NO_TRACEFS, "no_tracefs", true, "tracefs is not mounted, which the event needs",       \
	  "tracefs is not mounted, and tracepoints are looked up in it")                         \
	X(UNKNOWN_SECTION, "unknown_section", false,                                             \
	  "no program type follows from the section's "                                          \
	  "name and none was given; the hint has the nearest known one",                         \
	  "probe: section 'xpd' says no program type")                                           \
	X(NO_SUCH_PROGRAM, "no_such_program", false,                                             \
	  "the object has no program of that name; "                                             \
	  "details list those there are",                                                        \
	  "xdp.o has no program 'xdp_pas'")                                                      \
	X(NO_PROGRAMS, "no_programs", false, "the object has no program to load",                \
	  "data.o has no programs")                                                              \
	X(PIN_TAKEN, "pin_taken", false, "the path exists already",                              \
	  "/sys/fs/bpf/test/prog exists already")                                                \
	X(NOT_BPFFS, "not_bpffs", false,                                                         \
	  "the path is not in a BPF file system; environment is "                                \
	  "true when it is the pin root",                                                        \
	  "/tmp/test is not in a BPF file system")                                               \
	X(BAD_NAME, "bad_name", false,                                                           \
	  "the path cannot be a pin: a dot, a component over 255 "                               \
	  "bytes, a symbolic link, not absolute",                                                \
	  "/sys/fs/bpf/a.b: bpffs refuses names with a dot")                                     \
	X(BAD_PATH, "bad_path", false,                                                           \
	  "the path may not be used for this: inside the pin root, "                             \
	  "on another mount, below a file",                                                      \
	  "/mnt/bpf/x is on another bpffs mount than /sys/fs/bpf")                               \
	X(MAP_MISMATCH, "map_mismatch", false,                                                   \
	  "a map of that name is shared already and differs; "                                   \
	  "details name each field",                                                             \
	  "map 'blocklist' differs from the one pinned at ...: value_size")                      \
	X(NO_SUCH_FILE, "no_such_file", false, "the object file cannot be read",                 \
	  "cannot open xdp.o: No such file or directory")                                        \
	X(NOT_ELF, "not_elf", false, "the file is not an ELF file",                              \
	  "notes.txt is not an ELF object file")                                                 \
	X(BAD_ELF, "bad_elf", false, "an ELF file, but not a BPF object that can be understood", \
	  "/bin/true is an ELF file for x86-64, not for BPF")                                    \
	X(TOO_OLD, "too_old", false, "this kernel is too old for an attach type or map type",    \
	  "this kernel (6.1.0) does not know attach type netkit_primary")                        \
	X(REPLACED, "replaced", false, "the pin is another object by now",                       \
	  "/sys/fs/bpf/x is another object by now")                                              \
	X(UNSUPPORTED, "unsupported", false, "a map or program of this type cannot do that",     \
	  "events is a ringbuf and cannot be read: it is a stream of events")                    \
	X(NO_SUCH_KEY, "no_such_key", false, "the map has no such entry",                        \
	  "blocklist has no key 10.0.0.1")                                                       \
	X(KEY_EXISTS, "key_exists", false, "the map has such an entry already",                  \
	  "blocklist has the key 10.0.0.1 already")                                              \
	X(MAP_FULL, "map_full", false, "the map takes no more entries",                          \
	  "blocklist is full: it has room for 1024 entries")                                     \
	X(FROZEN, "frozen", false, "the map may not be written to any more",                     \
	  "multi.rodata is frozen: only its programs' load could set it")                        \
	X(MEMORY, "memory", false, "out of memory, here or in the kernel", "out of memory")      \
	X(NO_SUCH_MAP, "no_such_map", false, "the object has no such map",                       \
	  "xdp.o has no map 'countrs'")                                                          \
	X(NO_SUCH_MEMBER, "no_such_member", false,                                               \
	  "a struct has no such member, or an array no such "                                    \
	  "element; the hint has the nearest name",                                              \
	  "struct cfg has no member 'limt'")                                                     \
	X(NO_SUCH_GLOBAL, "no_such_global", false,                                               \
	  "the object has no such global variable, or none that "                                \
	  "can be given a value",                                                                \
	  "xdp.o has no global variable 'sample_evry'")                                          \
	X(BAD_VALUE, "bad_value", false, "text that is no value of the type it is for",          \
	  ".ports[1]: 70000 is out of range: __u16 takes 0 to 65535")                            \
	X(REQUEST, "request", false, "the request is not what the table above says",             \
	  "load: field 'pin_pth' is unknown")                                                    \
	X(INTERNAL, "internal", false, "a defect of the worker", "the answer cannot be written") \
	X(OTHER, "other", false, "anything else: message and errno say it",                      \
	  "cannot pin at /sys/fs/bpf/x: Permission denied")

enum reason {
#define X(id, name, environment, meaning, example) REASON_##id,
	PROTOCOL_REASONS(X)
#undef X
		REASON_COUNT
};

const char *stage_name(enum stage stage);
const char *reason_name(enum reason reason);
/* Whether the reason lies outside of any request: "environment" in the answer. */
bool reason_is_environment(enum reason reason);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BPFMAN_KERNEL_PROTOCOL_H
#define BPFMAN_KERNEL_PROTOCOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * What the front end and the worker say to each other: one JSON object per line each way. One
 * table holds every request and its fields; it checks requests in the worker and is what
 * doc/protocol.md is generated from.
 */
enum {
	PROTOCOL_VERSION = 1,
	PROTOCOL_MAX_LINE = 64 * 1024 * 1024,
	PROTOCOL_MAX_DEPTH = 32,
	PROTOCOL_LOG_HEAD = 64 * 1024,	 /* bytes of a log's beginning that are kept ... */
	PROTOCOL_LOG_TAIL = 1024 * 1024, /* ... and of its end */
};

/* One line each: the enum value's suffix, the name on the wire, what it does. */
#define PROTOCOL_OPERATIONS(X)                                                                    \
	X(HELLO, "hello", "versions, capabilities and what this kernel offers")                   \
	X(OPEN, "open", "what an object file holds; nothing is loaded")                           \
	X(LOAD, "load", "load an object's programs and maps and pin them, all or nothing")        \
	X(VERIFY, "verify", "load one program of an object without keeping it")                   \
	X(INFO, "info", "identity and kernel facts of one pin")                                   \
	X(ATTACH, "attach", "attach a pinned program and pin the link")                           \
	X(READ_ITER, "read_iter", "read what an attached iterator tells")                         \
	X(UNPIN, "unpin", "remove pins and directories, only those that are ours")                \
	X(RETARGET, "retarget", "point links and second names at other builds of their programs") \
	X(MOVE_LINK, "move_link", "have a link run another program")                              \
	X(EXCHANGE, "exchange", "let two directories of pins change places")                      \
	X(ADOPT, "adopt", "give a program that others pinned, and its maps, pins of ours")        \
	X(MOVE_PINS, "move_pins", "give pins another directory")                                  \
	X(MAP_DUMP, "map_dump", "entries of a map, a part at a time")                             \
	X(MAP_GET, "map_get", "one entry of a map")                                               \
	X(MAP_SET, "map_set", "write one entry of a map")                                         \
	X(MAP_DELETE, "map_delete", "delete one entry of a map")                                  \
	X(RUN, "run", "run a program once or more on given data, attached to nothing")            \
	X(STATS, "stats", "how often programs ran and how long; may have the kernel count")       \
	X(KERNEL_LIST, "kernel_list", "what the kernel has, whoever loaded it, and who holds it")

enum operation {
#define X(id, name, summary) OP_##id,
	PROTOCOL_OPERATIONS(X)
#undef X
		OP_COUNT
};

enum field_type {
	FIELD_STRING,
	FIELD_BOOL,
	FIELD_NUMBER,  /* integer, 0 .. 2^53 */
	FIELD_STRINGS, /* list of strings */
	FIELD_IDS,     /* list of kernel ids, each greater than the one before */
	FIELD_MAPPING, /* object whose values are strings */
	FIELD_PINS,    /* list of {"path", "pin_dev", "pin_ino"}, all strings */
};

struct field {
	const char *name;
	enum field_type type;
	bool required;
	const char *help;
};

/* What an operation takes and answers. */
struct operation_shape {
	const struct field *fields; /* "op" and "id" are implied */
	size_t count;
	const char *result; /* for doc/protocol.md: what the result holds, Markdown */
};

struct operation_spec {
	enum operation op;
	const char *name;
	const char *summary;
	const struct operation_shape *shape;
};

const struct operation_spec *protocol_operation(enum operation op);
/* NULL when there is none of that name. */
const struct operation_spec *protocol_find(const char *name, size_t len);

/*
 * Parses and checks one request line (without its newline). 0: *request is the object, owned by
 * the caller, and *op the operation. Otherwise a negative errno with e filled; *request may then
 * still be the parsed object, so that its id can be echoed, or NULL. Refuses: invalid JSON or
 * UTF-8, duplicate keys, depth over PROTOCOL_MAX_DEPTH, unknown operation, missing or extra
 * field, wrong type.
 */
int protocol_parse(const char *line, size_t len, json_t **request, enum operation *op,
		   struct error *e);

/*
 * A request as a line, with its newline, owned by the caller; NULL: lost memory. An object file in
 * it goes around the JSON library here too, and is gone from *request.
 */
char *protocol_line(json_t *request, size_t *len);

/*
 * Bytes that are not UTF-8, control bytes and NUL travel as \xNN, a backslash doubled. Both
 * directions; wire_decode() refuses a malformed escape with -EINVAL. Results are owned by the
 * caller; NULL means lost memory (encode) .
 */
char *wire_encode(const char *bytes, size_t len);
json_t *wire_json(const char *bytes);
int wire_decode(const char *text, char **bytes, size_t *len);

/* base64 (RFC 4648, padded; decoding is strict); caller frees. */
char *base64_encode(const void *bytes, size_t len, size_t *out_len);
int base64_decode(const char *text, size_t text_len, void **bytes, size_t *len);
/* Length of the digits, and padding behind them, that a text begins with. */
size_t base64_span(const char *text, size_t len);

/* Prints doc/protocol.md. */
void protocol_document(struct buf *out);

#endif

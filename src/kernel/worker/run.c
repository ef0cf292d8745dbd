/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BPF_PROG_TEST_RUN: a program on given data. What it does to maps stays. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/worker/facts.h"
#include "kernel/worker/meant.h"
#include "kernel/worker/object.h"

enum {
	ETHERNET = 14,
	OUT_BYTES = 256 * 1024, /* more than the kernel gives back */
	ENOTSUPP_KERNEL = 524,	/* ENOTSUPP is no errno of user space, but bpf(2) returns it */
	NETFILTER = 32,		/* BPF_PROG_TYPE_NETFILTER: newer than some headers */
};

struct run {
	int fd;
	char *name;
	struct program_facts facts;
	void *data, *ctx;
	size_t data_size, ctx_size;
	unsigned char *data_out;
	struct bpf_test_run_opts options;
};

/* The decoded bytes of a field, NULL and 0 when it is absent. */
static int read_bytes(const struct request *request, const char *field, void **bytes, size_t *size,
		      struct failure *f)
{
	const json_t *text = request_field(request, field);
	int err;

	if (!text)
		return 0;
	err = base64_decode(json_string_value(text), json_string_length(text), bytes, size);
	if (err == -ENOMEM)
		return fail_nomem(f);
	return err ? fail_request(f, "field '%s' is not base64", field) : 0;
}

static int read_number(const struct request *request, const char *field, __u32 *number,
		       struct failure *f)
{
	json_int_t value = json_integer_value(request_field(request, field));

	if (value > INT32_MAX)
		return fail_request(f, "field '%s' must be at most %d", field, INT32_MAX);
	*number = (__u32)value;
	return 0;
}

static int open_program(const struct request *request, struct run *r, struct failure *f)
{
	int err = request_string(request, "name", &r->name, f);

	if (!err)
		err = meant_open(request, "program", bpf_prog_get_fd_by_id, &r->fd, f);
	if (err)
		return err;
	f->stage = STAGE_RUN;
	err = program_facts_read(r->fd, &r->facts, f);
	if (!err)
		err = meant_check(request, r->facts.info.id, f);
	if (!err && !r->name) {
		r->name = strdup(r->facts.info.name);
		err = r->name ? 0 : fail_nomem(f);
	}
	return err;
}

static int prepare(const struct request *request, struct run *r, struct failure *f)
{
	int err = read_bytes(request, "data", &r->data, &r->data_size, f);
	__u32 repeat = 0;
	__u32 cpu = 0;

	if (!err)
		err = read_bytes(request, "ctx", &r->ctx, &r->ctx_size, f);
	if (!err)
		err = read_number(request, "repeat", &repeat, f);
	if (!err)
		err = read_number(request, "cpu", &cpu, f);
	if (err)
		return err;
	r->options = (struct bpf_test_run_opts){
		.sz = sizeof(r->options),
		.data_in = r->data,
		.data_size_in = r->data_size,
		.ctx_in = r->ctx,
		.ctx_size_in = r->ctx_size,
		.repeat = (int)repeat,
	};
	if (request_field(request, "cpu")) {
		r->options.flags = BPF_F_TEST_RUN_ON_CPU;
		r->options.cpu = cpu;
	}
	if (!request_flag(request, "data_out"))
		return 0;
	r->data_out = r->data ? malloc(OUT_BYTES) : NULL;
	if (r->data && !r->data_out)
		return fail_nomem(f);
	r->options.data_out = r->data_out;
	r->options.data_size_out = r->data_out ? OUT_BYTES : 0;
	return 0;
}

/* Types that run on a packet with its Ethernet header. */
static bool takes_packet(enum bpf_prog_type type)
{
	switch ((int)type) {
	case BPF_PROG_TYPE_XDP:
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
	case BPF_PROG_TYPE_LWT_XMIT:
	case BPF_PROG_TYPE_LWT_SEG6LOCAL:
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
	case NETFILTER:
		return true;
	default:
		return false;
	}
}

static int refused(const struct run *r, int err, struct failure *f)
{
	const char *type = object_program_type(r->facts.info.type);
	bool packet = takes_packet(r->facts.info.type);

	if (err == ENOTSUPP_KERNEL || err == EOPNOTSUPP) {
		fail(f, STAGE_RUN, REASON_UNSUPPORTED, EOPNOTSUPP,
		     "%s: this kernel cannot run programs of type %s on given data", r->name, type);
		return error_hint(&f->error, "attach it, and let its event happen");
	}
	if (err != EINVAL)
		return fail(f, STAGE_RUN, REASON_OTHER, err, "%s cannot be run: %s", r->name,
			    strerror(err));
	if (packet && r->data_size < ETHERNET) {
		fail(f, STAGE_RUN, REASON_BAD_VALUE, EINVAL,
		     "%s runs on a packet of at least %d bytes, not %zu", r->name, ETHERNET,
		     r->data_size);
		return error_hint(&f->error, "give one with --data FILE or --data hex:...");
	}
	if (!packet && r->data)
		return fail(f, STAGE_RUN, REASON_BAD_VALUE, EINVAL,
			    "%s: programs of type %s take a context, not data", r->name, type);
	if (r->options.flags && r->facts.info.type != BPF_PROG_TYPE_RAW_TRACEPOINT)
		return fail(f, STAGE_RUN, REASON_BAD_VALUE, EINVAL,
			    "%s: a CPU can be chosen for programs of type raw_tracepoint only",
			    r->name);
	if (!packet && r->options.repeat)
		return fail(f, STAGE_RUN, REASON_BAD_VALUE, EINVAL,
			    "%s: programs of type %s run once, or not with this context", r->name,
			    type);
	return fail(f, STAGE_RUN, REASON_BAD_VALUE, EINVAL,
		    "%s: the kernel does not take this %s for a program of type %s", r->name,
		    r->ctx || !packet ? "context" : "packet", type);
}

static json_t *bytes_json(const void *bytes, size_t size)
{
	size_t len;
	char *text = bytes && size ? base64_encode(bytes, size, &len) : NULL;
	json_t *json = text ? json_stringn(text, len) : bytes && size ? NULL : json_null();

	free(text);
	return json;
}

static json_t *run_json(const struct run *r)
{
	return json_pack("{s:s, s:I, s:o, s:o}", "type", object_program_type(r->facts.info.type),
			 "retval", (json_int_t)r->options.retval, "duration_ns",
			 json_u64(r->options.duration), "data_out",
			 bytes_json(r->data_out, r->options.data_size_out));
}

int handle_RUN(const struct request *request, json_t **result, struct failure *f)
{
	struct run r = { .fd = -1 };
	int err = open_program(request, &r, f);

	if (!err)
		err = prepare(request, &r, f);
	if (!err && bpf_prog_test_run_opts(r.fd, &r.options))
		err = refused(&r, errno, f);
	if (!err) {
		*result = run_json(&r);
		err = *result ? 0 : fail_nomem(f);
	}
	program_facts_free(&r.facts);
	if (r.fd >= 0)
		close(r.fd);
	free(r.name);
	free(r.data);
	free(r.ctx);
	free(r.data_out);
	return err;
}

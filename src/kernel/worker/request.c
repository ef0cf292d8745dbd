/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <inttypes.h>

#include "kernel/worker/request.h"

const json_t *request_field(const struct request *request, const char *name)
{
	return json_object_get(request->json, name);
}

int request_decode(const json_t *string, const char *name, char **value, struct failure *f)
{
	size_t len;
	int err = wire_decode(json_string_value(string), value, &len);

	if (err == -ENOMEM)
		return fail_nomem(f);
	if (err)
		return fail_request(f, "field '%s': a backslash must begin \\xNN or \\\\", name);
	if (strlen(*value) != len) {
		free(*value);
		*value = NULL;
		return fail_request(f, "field '%s' must not hold a NUL", name);
	}
	return 0;
}

int request_string(const struct request *request, const char *name, char **value, struct failure *f)
{
	const json_t *string = request_field(request, name);

	*value = NULL;
	return string ? request_decode(string, name, value, f) : 0;
}

bool request_flag(const struct request *request, const char *name)
{
	return json_is_true(request_field(request, name));
}

json_t *json_u64(uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	return json_string_nocheck(digits);
}

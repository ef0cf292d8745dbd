/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernel/protocol/protocol.h"
#include "kernel/protocol/scan.h"

/* The largest integer that every JSON reader keeps exactly. */
static const json_int_t number_limit = (json_int_t)1 << 53;

static bool all_strings(const json_t *values)
{
	size_t i;

	for (i = 0; i < json_array_size(values); i++)
		if (!json_is_string(json_array_get(values, i)))
			return false;
	return true;
}

static bool all_values_strings(json_t *mapping)
{
	const char *key;
	json_t *value;

	json_object_foreach (mapping, key, value)
		if (!json_is_string(value))
			return false;
	return true;
}

static bool is_pin(json_t *pin)
{
	static const char *const keys[] = { "path", "pin_dev", "pin_ino" };
	size_t i;

	if (!json_is_object(pin) || json_object_size(pin) != 3)
		return false;
	for (i = 0; i < 3; i++)
		if (!json_is_string(json_object_get(pin, keys[i])))
			return false;
	return true;
}

static bool all_pins(const json_t *values)
{
	size_t i;

	for (i = 0; i < json_array_size(values); i++)
		if (!is_pin(json_array_get(values, i)))
			return false;
	return true;
}

static bool all_ids(const json_t *values)
{
	json_int_t before = 0;
	const json_t *id;
	size_t i;

	json_array_foreach (values, i, id) {
		if (!json_is_integer(id) || json_integer_value(id) <= before ||
		    json_integer_value(id) > UINT32_MAX)
			return false;
		before = json_integer_value(id);
	}
	return true;
}

static bool has_type(json_t *value, enum field_type type)
{
	switch (type) {
	case FIELD_STRING:
		return json_is_string(value);
	case FIELD_BOOL:
		return json_is_boolean(value);
	case FIELD_NUMBER:
		return json_is_integer(value) && json_integer_value(value) >= 0 &&
		       json_integer_value(value) <= number_limit;
	case FIELD_STRINGS:
		return json_is_array(value) && all_strings(value);
	case FIELD_IDS:
		return json_is_array(value) && all_ids(value);
	case FIELD_MAPPING:
		return json_is_object(value) && all_values_strings(value);
	case FIELD_PINS:
		return json_is_array(value) && all_pins(value);
	}
	return false;
}

static const char *type_words(enum field_type type)
{
	static const char *const words[] = {
		[FIELD_STRING] = "a string",
		[FIELD_BOOL] = "true or false",
		[FIELD_NUMBER] = "an integer from 0 to 2^53",
		[FIELD_STRINGS] = "a list of strings",
		[FIELD_IDS] = "a list of kernel ids in rising order",
		[FIELD_MAPPING] = "an object whose values are strings",
		[FIELD_PINS] = "a list of objects with the strings path, pin_dev and pin_ino",
	};

	return words[type];
}

static const struct field *find_field(const struct operation_spec *spec, const char *name)
{
	size_t i;

	for (i = 0; i < spec->shape->count; i++)
		if (strcmp(spec->shape->fields[i].name, name) == 0)
			return &spec->shape->fields[i];
	return NULL;
}

static int check_fields(json_t *request, const struct operation_spec *spec, struct error *e)
{
	const struct field *field;
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach (request, key, value) {
		if (strcmp(key, "op") == 0 || strcmp(key, "id") == 0)
			continue;
		field = find_field(spec, key);
		if (!field)
			return error_set(e, EINVAL, "%s: field '%s' is unknown", spec->name, key);
		if (!has_type(value, field->type))
			return error_set(e, EINVAL, "%s: field '%s' must be %s", spec->name, key,
					 type_words(field->type));
	}
	for (i = 0; i < spec->shape->count; i++)
		if (spec->shape->fields[i].required &&
		    !json_object_get(request, spec->shape->fields[i].name))
			return error_set(e, EINVAL, "%s: field '%s' is missing", spec->name,
					 spec->shape->fields[i].name);
	return 0;
}

static int unknown_operation(const char *name, struct error *e)
{
	static const char *const names[] = {
#define X(id, word, summary) word,
		PROTOCOL_OPERATIONS(X)
#undef X
	};
	const char *nearest = text_nearest(name, names, OP_COUNT);

	error_set(e, EINVAL, "operation '%s' is unknown", name);
	if (nearest)
		return error_hint(e, "did you mean '%s'?", nearest);
	return -EINVAL;
}

static int check(json_t *request, enum operation *op, struct error *e)
{
	const struct operation_spec *spec;
	const json_t *id = json_object_get(request, "id");
	const json_t *name = json_object_get(request, "op");

	if (json_is_object(id) || json_is_array(id))
		return error_set(e, EINVAL,
				 "field 'id' must be a string, a number, true, false "
				 "or null");
	if (!name)
		return error_set(e, EINVAL, "field 'op' is missing");
	if (!json_is_string(name))
		return error_set(e, EINVAL, "field 'op' must be a string");
	spec = protocol_find(json_string_value(name), json_string_length(name));
	if (!spec)
		return unknown_operation(json_string_value(name), e);
	*op = spec->op;
	return check_fields(request, spec, e);
}

/*
 * Parses the line without the object's text, and puts it in afterwards. The key stays in the line,
 * so that a second one of that name is refused.
 */
static json_t *parse_around(const char *line, size_t len, const struct scan *s, json_error_t *bad)
{
	size_t rest = s->object + s->object_len;
	char *short_line = malloc(len - s->object_len);
	json_t *parsed = NULL;

	if (!short_line)
		return NULL;
	memcpy(short_line, line, s->object);
	memcpy(short_line + s->object, line + rest, len - rest);
	parsed = json_loadb(short_line, len - s->object_len, JSON_REJECT_DUPLICATES, bad);
	free(short_line);
	if (!parsed && bad->position > 0 && (size_t)bad->position > s->object)
		bad->position += (int)s->object_len;
	if (parsed && json_object_set_new(parsed, "object",
					  json_stringn_nocheck(line + s->object, s->object_len))) {
		json_decref(parsed);
		return NULL;
	}
	return parsed;
}

static int bad_json(const json_error_t *bad, struct error *e)
{
	/* Where nothing was set, memory was lost around the parser. */
	if (!bad->text[0] || json_error_code(bad) == json_error_out_of_memory)
		return error_nomem(e);
	if (json_error_code(bad) == json_error_invalid_utf8)
		return error_set(e, EINVAL, "the request is not valid UTF-8 (byte %d)",
				 bad->position);
	return error_set(e, EINVAL, "the request is not valid JSON: %s (byte %d)", bad->text,
			 bad->position);
}

int protocol_parse(const char *line, size_t len, json_t **request, enum operation *op,
		   struct error *e)
{
	json_error_t bad = { .text = "" };
	struct scan s;
	json_t *parsed;

	*request = NULL;
	*op = OP_COUNT;
	if (len > PROTOCOL_MAX_LINE)
		return error_set(e, EMSGSIZE, "the line is longer than %d bytes",
				 PROTOCOL_MAX_LINE);
	protocol_scan(line, len, PROTOCOL_MAX_DEPTH, &s);
	if (s.depth > PROTOCOL_MAX_DEPTH)
		return error_set(e, EINVAL, "the request is nested deeper than %d levels",
				 PROTOCOL_MAX_DEPTH);
	if (s.object_len)
		parsed = parse_around(line, len, &s, &bad);
	else
		parsed = json_loadb(line, len, JSON_REJECT_DUPLICATES, &bad);
	if (!parsed)
		return bad_json(&bad, e);
	if (!json_is_object(parsed)) {
		json_decref(parsed);
		return error_set(e, EINVAL, "the request is not a JSON object");
	}
	*request = parsed;
	return check(parsed, op, e);
}

/* Makes "{...}" to {...,"object":"TEXT"} in a new line; NULL: lost memory. */
static char *add_object(const char *rest, const json_t *object, size_t *len)
{
	static const char before[] = ",\"object\":\"", after[] = "\"}\n";
	size_t rest_len = strlen(rest) - 1, object_len = json_string_length(object);
	char *line = malloc(rest_len + sizeof(before) + object_len + sizeof(after)), *end = line;

	if (!line)
		return NULL;
	end = mempcpy(end, rest, rest_len);
	end = mempcpy(end, before, sizeof(before) - 1);
	end = mempcpy(end, json_string_value(object), object_len);
	end = mempcpy(end, after, sizeof(after) - 1);
	*len = end - line;
	return line;
}

char *protocol_line(json_t *request, size_t *len)
{
	json_t *object = json_object_get(request, "object");
	size_t object_len = json_string_length(object);
	char *rest, *line;

	if (!object_len || json_object_size(request) < 2 ||
	    base64_span(json_string_value(object), object_len) != object_len) {
		line = json_dumps(request, JSON_COMPACT);
		if (!line)
			return NULL;
		*len = strlen(line) + 1;
		line[*len - 1] = '\n'; /* the terminating NUL's place */
		return line;
	}
	json_incref(object);
	json_object_del(request, "object");
	rest = json_dumps(request, JSON_COMPACT);
	line = rest ? add_object(rest, object, len) : NULL;
	json_decref(object);
	free(rest);
	return line;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernel/worker/attach.h"

static const struct {
	const char *word;
	bool value;
} options[OPTION_COUNT] = {
#define X(id, word, value) [OPTION_##id] = { word, value },
	ATTACH_OPTIONS(X)
#undef X
};

/* Says what the type takes. */
static int hint_options(const struct attach *a, struct failure *f)
{
	struct buf words = { 0 };
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++)
		if (a->type->options & 1u << i)
			buf_printf(&words, "%s%s", words.len ? ", " : "", options[i].word);
	if (words.len)
		error_hint(&f->error, "attach type %s takes the options %s", a->type->word,
			   buf_text(&words));
	else
		error_hint(&f->error, "attach type %s takes no options", a->type->word);
	buf_free(&words);
	return -f->error.err;
}

static int unknown_option(const struct attach *a, const char *word, struct failure *f)
{
	const char *words[OPTION_COUNT];
	const char *nearest;
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++)
		words[i] = options[i].word;
	nearest = text_nearest(word, words, OPTION_COUNT);
	attach_unfit(f, a, "option '%s' is unknown", word);
	return nearest ? error_hint(&f->error, "did you mean '%s'?", nearest) : hint_options(a, f);
}

static int read_option(struct attach *a, const char *key, const json_t *value, struct failure *f)
{
	size_t i;
	int err;

	for (i = 0; i < OPTION_COUNT; i++)
		if (strcmp(options[i].word, key) == 0)
			break;
	if (i == OPTION_COUNT)
		return unknown_option(a, key, f);
	if (!(a->type->options & 1u << i)) {
		attach_unfit(f, a, "attach type %s does not take option '%s'", a->type->word, key);
		return hint_options(a, f);
	}
	err = request_decode(value, "options", &a->option[i], f);
	if (!err && options[i].value && !a->option[i][0])
		err = attach_unfit(f, a, "option '%s' needs a value", key);
	if (!err && !options[i].value && a->option[i][0])
		err = attach_unfit(f, a, "option '%s' takes no value, but '%s' was given", key,
				   a->option[i]);
	return err;
}

static int check_alone(const struct attach *a, uint32_t set, struct failure *f)
{
	int first = -1;
	int i;

	for (i = 0; i < OPTION_COUNT; i++) {
		if (!(set & 1u << i) || !a->option[i])
			continue;
		if (first >= 0)
			return attach_unfit(f, a, "options '%s' and '%s' exclude each other",
					    options[first].word, options[i].word);
		first = i;
	}
	return 0;
}

int attach_options_read(struct attach *a, struct failure *f)
{
	json_t *given = json_object_get(a->request->json, "options");
	const char *key;
	json_t *value;
	int err;

	json_object_foreach (given, key, value) {
		err = read_option(a, key, value, f);
		if (err)
			return err;
	}
	err = check_alone(a, OPTIONS_ORDER, f);
	if (!err)
		err = check_alone(a, OPTION_BIT(INGRESS) | OPTION_BIT(EGRESS), f);
	if (!err)
		err = check_alone(a, OPTION_BIT(FREQUENCY) | OPTION_BIT(PERIOD), f);
	return err;
}

bool attach_has(const struct attach *a, enum attach_option option)
{
	return a->option[option] != NULL;
}

int attach_number(const struct attach *a, enum attach_option option, uint64_t max, uint64_t *value,
		  struct failure *f)
{
	*value = 0;
	if (!a->option[option])
		return 0;
	if (!parse_u64(a->option[option], value) || *value > max)
		return attach_unfit(f, a, "option '%s': '%s' is not a number from 0 to %" PRIu64,
				    options[option].word, a->option[option], max);
	return 0;
}

int attach_pid(struct attach *a, int *pid, struct failure *f)
{
	uint64_t number;
	int err = attach_number(a, OPTION_PID, INT32_MAX, &number, f);

	*pid = -1;
	if (err || !attach_has(a, OPTION_PID))
		return err;
	if (number == 0)
		return attach_unfit(f, a, "option 'pid': 0 is no process");
	if (kill((pid_t)number, 0) && errno == ESRCH)
		return fail(f, STAGE_ATTACH, REASON_NO_TARGET, ESRCH,
			    "there is no process with pid %d", (int)number);
	attach_option_number(a, OPTION_PID, number);
	*pid = (int)number;
	return 0;
}

int attach_choice(const struct attach *a, enum attach_option option, const char *const *words,
		  size_t count, int fallback, int *choice, struct failure *f)
{
	struct buf known = { 0 };
	const char *nearest;
	size_t i;

	*choice = fallback;
	if (!a->option[option])
		return 0;
	for (i = 0; i < count; i++) {
		if (strcmp(words[i], a->option[option]) == 0) {
			*choice = (int)i;
			return 0;
		}
	}
	for (i = 0; i < count; i++)
		buf_printf(&known, "%s%s", i ? ", " : "", words[i]);
	nearest = text_nearest(a->option[option], words, count);
	attach_unfit(f, a, "option '%s': '%s' is none of %s", options[option].word,
		     a->option[option], buf_text(&known));
	if (nearest)
		error_hint(&f->error, "did you mean '%s'?", nearest);
	buf_free(&known);
	return -EINVAL;
}

void attach_option_text(struct attach *a, enum attach_option option, const char *value)
{
	buf_printf(&a->text, "%s--%s", a->text.len ? " " : "", options[option].word);
	if (value)
		attach_word(a, value);
}

void attach_option_number(struct attach *a, enum attach_option option, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	attach_option_text(a, option, digits);
}
